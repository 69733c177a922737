"""Names that are paths: whatever a header, a table, a study file or an archive calls a thing, it stays where it is."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from behavior.config import read_text
from behavior.config.rig import Rig
from behavior.config.study import Study
from behavior.formats.bids import add
from behavior.formats.catalogue import find_format
from behavior.formats.record import session_of, write_session
from behavior.model.errors import BadInput, BehaviorError
from behavior.model.events import RecordingStarted
from behavior.scoring.review import rater_named
from behavior.scoring.score import SCORE_FILE, read_score
from behavior.session.folder import create
from behavior.session.recording import end_of_cut, part_of
from conftest import ROOT
from session.recorded import header_of, record

HOSTILE = (
    "../../x", "..", "/etc/x", "\\\\server\\share", "C:\\x", "CON", "nul.txt", "x.", "x ", "a/b", "a\\b", "", ".",
    "~", "\x00", "\n", "é" * 300, "a" * 300, "%2e%2e", "-rf", "--out=x", "$(id)", "|", "x\u202ey", "sub-../x",
)  # fmt: skip
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
names = st.text(max_size=40) | st.sampled_from(HOSTILE)


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def is_a_name_anywhere(part: str) -> bool:
    """Whether Windows, too, takes a part of a path for what it is."""
    return (
        part.isascii() and part.isprintable() and not set(part) & set('<>:"/\\|?*')
        and not part.endswith((".", " ")) and part.split(".")[0].upper() not in RESERVED
    )  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=names, paradigm=names, started_at=names)
@example(subject="../../x", paradigm="../../../x", started_at="../../../../x")
@example(subject="CON", paradigm="nul", started_at="x.")
def test_a_session_stays_in_its_dataset_whatever_it_is_called(
    tmp_path_factory: pytest.TempPathFactory, subject: str, paradigm: str, started_at: str
) -> None:
    place = tmp_path_factory.mktemp("place")
    header = header_of(subject=subject, started_at=started_at)
    from msgspec.structs import replace

    try:
        folder = create(place / "data", replace(header, paradigm=paradigm))
    except BadInput:
        return
    assert folder.path.parent.parent == place / "data"
    assert everything(place) <= {place / "data", *everything(place / "data")}
    assert all(is_a_name_anywhere(part) for part in folder.path.relative_to(place).parts)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_session_of_another_program_stays_where_it_is_put(tmp_path: Path, name: str) -> None:
    from dataclasses import replace

    from msgspec.structs import replace as changed

    whole = session_of(record(tmp_path / "made"))
    hostile = replace(whole, header=changed(whole.header, subject=name, chamber=name, rig=name, study=name, arm=name))
    (tmp_path / "in").mkdir()
    for write in (
        lambda: write_session(tmp_path / "in" / "data", hostile),
        lambda: add(tmp_path / "in" / "bids", hostile),
    ):
        try:
            write()
        except BehaviorError:
            continue
    outside = {path for path in everything(tmp_path) if path.relative_to(tmp_path).parts[0] not in ("made", "in")}
    assert not outside
    assert {path.name for path in (tmp_path / "in").iterdir()} <= {"data", "bids"}


def test_a_score_names_no_table_of_elsewhere(tmp_path: Path) -> None:
    from behavior.scoring.finish import finish_session

    folder = record(tmp_path / "data")
    finish_session(folder)
    (tmp_path / "secret.csv").write_text("a\nsecret\n")
    for name in ("../../../secret", str(tmp_path / "secret"), "", None, 3, ["components"]):
        document = json.loads((folder.path / SCORE_FILE).read_text()) | {"rows_name": name}
        (folder.path / SCORE_FILE).write_text(json.dumps(document))
        with pytest.raises(BadInput, match="is not a score of this version"):
            read_score(folder.path)


@given(names)
@example("../audio.wav")
@example("audio_part-02.wav/../../x.wav")
@example("audio_part-" + "9" * 5000 + ".wav")
@example("audio_part-٠٢.wav")
def test_the_name_of_a_sound_in_a_journal_is_no_path(name: str) -> None:
    if part_of(name):
        assert Path(name).name == name and name.isascii()
    assert end_of_cut(RecordingStarted(0, name, 250_000), Path("/")).n_samples == 0


@given(names)
def test_a_rater_is_a_name_that_files_can_carry(name: str) -> None:
    try:
        assert is_a_name_anywhere(f"audio.wav.{rater_named(name)}.jsonl")
    except BadInput:
        pass


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("-rf", "CON", "%2e%2e")], ids=ascii)
def test_a_study_and_a_rig_are_called_by_names(name: str) -> None:
    study = (ROOT / "configs" / "studies" / "first-light.toml").read_text(encoding="utf-8")
    quoted = json.dumps(name)
    first = next(line for line in study.splitlines() if line.startswith("name = "))
    with pytest.raises(BadInput):
        read_text(study.replace(first, f"name = {quoted}", 1), Study, file="x.toml")
    rig = (ROOT / "configs" / "rigs" / "simulated.toml").read_text(encoding="utf-8")
    lines = [line for line in rig.splitlines() if line.startswith("name = ")]
    for line in lines[:2]:
        with pytest.raises(BadInput):
            read_text(rig.replace(line, f"name = {quoted}", 1), Rig, file="x.toml")


def test_an_archive_is_read_in_memory_and_its_members_go_nowhere(tmp_path: Path) -> None:
    one = find_format("deepsqueak")
    one.write(tmp_path / "x.xlsx", one.example())
    with zipfile.ZipFile(tmp_path / "x.xlsx") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        for name, content in {**members, "../../evil": b"x", "/tmp/evil-4711": b"x"}.items():
            archive.writestr(name, content)
    (tmp_path / "place").mkdir()
    assert one.read(tmp_path / "x.xlsx") == one.example()
    assert {path.name for path in tmp_path.iterdir()} == {"x.xlsx", "place"}
    assert not Path("/tmp/evil-4711").exists()


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_an_archive_that_unpacks_to_a_thousandfold_is_refused(tmp_path: Path, member: str) -> None:
    import tracemalloc

    one = find_format("deepsqueak")
    one.write(tmp_path / "x.xlsx", one.example())
    with zipfile.ZipFile(tmp_path / "x.xlsx") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, member: b" " * 150_000_000}.items():
            archive.writestr(name, content)
    (tmp_path / "bomb.xlsx").write_bytes(stream.getvalue())
    assert len(stream.getvalue()) < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(BadInput):
            one.read(tmp_path / "bomb.xlsx")
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_entities_of_an_archive_are_not_expanded(tmp_path: Path) -> None:
    """A hundred bytes of XML that would be gigabytes of text."""
    one = find_format("deepsqueak")
    one.write(tmp_path / "x.xlsx", one.example())
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    with zipfile.ZipFile(tmp_path / "x.xlsx") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].decode()
    sheet = sheet.replace("<sheetData>", "<sheetData>&j;")
    members["xl/worksheets/sheet1.xml"] = f"<?xml version='1.0'?>{laughs}]>{sheet}".encode()
    with zipfile.ZipFile(tmp_path / "y.xlsx", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(BadInput):
        one.read(tmp_path / "y.xlsx")
