"""Every format's reader, what tells formats apart, and the import of other systems' sessions by profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from behavior.formats.catalogue import all_formats, find_format, first_bytes, sniff
from behavior.formats.format import AnyFormat
from behavior.formats.imported import read_source, record_of
from behavior.formats.profile import System, read_profile
from behavior.model.errors import BadInput
from behavior.scoring.score import score_items
from fuzz.target import ROOT, Target, of_file, of_folder

HEAVY = {"nwb": 400.0, "bids": 3.0, "deepsqueak": 6.0, "events-parquet": 20.0}
REAL = ROOT.parent / "shared" / "data" / "medpc"


def targets(place: Path) -> Iterator[Target]:
    for one in all_formats():
        made = place / "made" / one.name
        made.parent.mkdir(parents=True, exist_ok=True)
        example = made if one.is_folder else made / f"example{one.extensions[0]}"
        if not one.is_folder:
            made.mkdir()
        one.write(example, one.example())
        if one.is_folder:
            yield of_folder(f"format/{one.name}", made, one.read, place / one.name, cost=HEAVY.get(one.name, 3))
        elif len(list(made.iterdir())) > 1:  # a header beside it
            yield of_folder(
                f"format/{one.name}", made, lambda folder, one=one, name=example.name: one.read(folder / name),
                place / one.name, cost=HEAVY.get(one.name, 3),
            )  # fmt: skip
        else:
            seeds = [example.read_bytes(), *_others(one, place)]
            yield of_file(
                f"format/{one.name}", seeds, one.read, place / one.name, example.name, cost=HEAVY.get(one.name, 1)
            )
    made_files = [path for path in sorted((place / "made").rglob("*")) if path.is_file()]
    yield of_file("format/which", [path.read_bytes() for path in made_files], _told, place / "which", "any.txt")
    systems: tuple[System, ...] = ("medpc", "pycontrol")
    for system in systems:
        seeds = [path.read_bytes() for path in sorted((place / "made" / system).iterdir())]
        seeds += _others(find_format(system), place)
        read = _imported(system)
        yield of_file(f"import/{system}", seeds, read, place / f"import-{system}", "session.txt", cost=4)


def _others(one: AnyFormat, place: Path) -> Iterator[bytes]:
    """What the format also reads."""
    if one.name == "deepsqueak":
        csv = place / "made" / "deepsqueak.csv"
        one.write(csv, one.example())
        yield csv.read_bytes()
    if one.name == "medpc" and REAL.is_dir():
        yield from (path.read_bytes()[:20_000] for path in sorted(REAL.glob("*.txt")))


def _told(path: Path) -> None:
    head = first_bytes(path)
    assert all(one.sniff(path, head) in (True, False) for one in all_formats())
    try:
        found = sniff(path)
    except BadInput as error:
        assert "is none of" in str(error) or "could be" in str(error)
    else:
        found.read(path)


def _imported(system: System) -> Callable[[Path], None]:
    """Reads a control system's file with every profile, whatever program it names, to scores."""
    profiles = [read_profile(str(path), system) for path in sorted((ROOT / "configs" / system).glob("*.toml"))]

    def read(path: Path) -> None:
        source, refused, n_read = read_source(path, system), None, 0
        for number, session in enumerate(source.sessions[:3], start=1):
            for profile, file in profiles:
                suited = profile.model_copy(update={"programs": (session.program,)})
                try:
                    record = record_of(source, number, suited, file)
                    score_items(record.header.paradigm, record.items, record.header.parameters)
                    n_read += 1
                except BadInput as error:
                    refused = error
        if refused is not None and not n_read:
            raise refused

    return read
