"""Every format's reader, what tells formats apart, and the import of other systems' sessions by profile."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

from behavior.formats import hdf5, nwb
from behavior.formats.catalogue import all_formats, find_format, first_bytes, sniff
from behavior.formats.format import AnyFormat
from behavior.formats.imported import read_source, record_of
from behavior.formats.profile import System, read_profile
from behavior.model.errors import BadInput
from behavior.scoring.score import score_items
from fuzz.target import ROOT, Target, of_file, of_folder

HEAVY = {"nwb": 3.0, "bids": 1.5, "behavior": 0.4, "harp": 0.4, "events-csv": 1.0, "which": 0.5}
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
            yield of_folder(f"format/{one.name}", made, one.read, place / one.name, cost=HEAVY.get(one.name, 0.5))
        elif len(list(made.iterdir())) > 1:  # a header beside it
            yield of_folder(
                f"format/{one.name}", made, lambda folder, one=one, name=example.name: one.read(folder / name),
                place / one.name, cost=HEAVY.get(one.name, 0.5),
            )  # fmt: skip
        else:
            if one.name == "nwb":
                example.write_bytes(_small_nwb(example))
            seeds = [example.read_bytes(), *_others(one, place)]
            read = _read_nwb if one.name == "nwb" else one.read
            yield of_file(
                f"format/{one.name}", seeds, read, place / one.name, example.name, cost=HEAVY.get(one.name, 0.5)
            )
    made_files = [path for path in sorted((place / "made").rglob("*")) if path.is_file()]
    yield of_file("format/which", [path.read_bytes() for path in made_files], _told, place / "which", "any.txt")
    systems: tuple[System, ...] = ("medpc", "pycontrol")
    for system in systems:
        seeds = [path.read_bytes() for path in sorted((place / "made" / system).iterdir())]
        seeds += _others(find_format(system), place)
        read = _imported(system)
        yield of_file(f"import/{system}", seeds, read, place / f"import-{system}", "session.txt", cost=1)


def _others(one: AnyFormat, place: Path) -> Iterator[bytes]:
    """What the format also reads."""
    if one.name == "deepsqueak":
        csv = place / "made" / "deepsqueak.csv"
        one.write(csv, one.example())
        yield csv.read_bytes()
    if one.name == "medpc" and REAL.is_dir():
        yield from (path.read_bytes()[:20_000] for path in sorted(REAL.glob("*.txt")))


def _small_nwb(path: Path) -> bytes:
    """What is read of the file, without the schemas that come with it, and in a layout that has no checksums."""
    import h5py

    def add(name: str, one: object) -> None:
        kept = ("events/LeverPressed", "events/ShockEnded", "events/calls", "general/notes")
        if isinstance(one, h5py.Dataset) and name.startswith(kept):
            small[name] = one[()]

    stream = BytesIO()
    with h5py.File(path, "r") as whole, h5py.File(stream, "w", libver="earliest") as small:
        whole.visititems(add)
    return stream.getvalue()


def _read_nwb(path: Path) -> object:
    with patch.object(hdf5, "_asked", forked):
        return nwb.read(path)


def forked(command: list[str], within_s: float) -> tuple[int | None, bytes]:
    """The process that reads, without the time that an interpreter takes to start; it has 1 s of processor."""
    import h5py  # noqa: F401 — once, not in each

    told, tells = os.pipe()
    if not (child := os.fork()):
        os.close(told)
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        code, said = hdf5.answer(Path(command[-3]), *command[-2:])
        with os.fdopen(tells, "wb") as stream:
            stream.write(said)
        os._exit(code)
    os.close(tells)
    with os.fdopen(told, "rb") as stream:
        said = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return (None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code), said


def _told(path: Path) -> None:
    with patch.object(hdf5, "_asked", forked):
        _told_apart(path)


def _told_apart(path: Path) -> None:
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
