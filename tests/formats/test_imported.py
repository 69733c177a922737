"""Imported sessions: marked, scored as others, verified by decoding again, and never taken for more than they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.shipped import shipped
from behavior.formats.imported import (
    NOT_RECORDED,
    Planned,
    decoded_again,
    import_session,
    imported_sessions,
    read_source,
    record_of,
)
from behavior.formats.medpc import compose, write
from behavior.formats.profile import Profile, read_profile
from behavior.formats.record import SessionRecord, session_of
from behavior.model.errors import BadFile, BadInput, Failure
from behavior.scoring.finish import finish_session
from behavior.scoring.rescore import differences, rescore
from behavior.session.folder import SessionFolder
from behavior.session.resume import interrupted
from behavior.session.verify import verify
from behavior.study.plan import PlanRow
from formats.test_medpc import HEADER

PROFILE, PROFILE_FILE = read_profile("example-conflict", "medpc")
TIMES = [0, 500, 800, 900, 48_000, 48_000, 48_500, 48_500, 48_500, 60_000, 60_000, 60_000]
CODES = [21, 1, 10, 2, 22, 23, 1, 10, 11, 24, 32, 100]


def shelf(folder: Path, *, group: str = "ipsapirone 5", **header: str) -> Path:
    head = {**HEADER, "MSN": "EXAMPLE_CONFLICT", "Group": group, "End Time": "09:10:01", **header}
    path = folder / "!2026-03-02_09h00m.Subject R01.txt"
    write(path, compose("x", [(head, {"D": TIMES, "E": CODES, "G": len(TIMES)})]))
    return path


def imported(folder: Path, dataset: Path, **header: str) -> SessionFolder:
    source = read_source(shelf(folder, **header), "medpc")
    record = record_of(source, 1, PROFILE, PROFILE_FILE)
    return import_session(dataset, source, record, PROFILE_FILE, imported_sessions(dataset))


def test_an_imported_session_says_where_it_came_from_and_what_is_not_known(tmp_path: Path) -> None:
    header = imported(tmp_path, tmp_path / "data").header
    assert header.imported
    assert (header.imported.file, header.imported.session) == ("!2026-03-02_09h00m.Subject R01.txt", 1)
    assert (header.treatment.compound, header.treatment.dose_mg_kg) == ("ipsapirone", 5.0)
    assert (header.experimenter, header.weight_g, header.devices) == (NOT_RECORDED, None, ())
    assert header.software.startswith("MED-PC (imported by behavior")
    assert any("no current was measured" in remark for remark in header.remarks)
    assert any("time zone is not known" in remark for remark in header.remarks)


def test_it_is_scored_by_the_scorer_of_its_paradigm(tmp_path: Path) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    score = finish_session(folder)
    assert (score.session["n_unpunished_presses"], score.session["n_punished_presses"]) == (1, 1)
    assert score.session["unpunished_rate_per_min"] == 1 / 8
    assert score.session["punished_rate_per_min"] == 1 / 2
    assert (score.session["n_shocks_delivered"], score.session["shock_verified"]) == (1, False)
    assert score.session["completed"] is True
    assert differences(score, rescore(folder)) == []


def test_verify_decodes_the_source_again_and_promises_no_replay(tmp_path: Path) -> None:
    found = verify(imported(tmp_path, tmp_path / "data"), decoded_again)
    assert found.n_commands == 0
    assert "no replay can check" in found.remarks[0]
    assert "decoding its source again gives the same journal" in found.remarks


@pytest.mark.parametrize("name", ["source.txt", "profile.toml"])
def test_a_changed_source_or_profile_is_found(tmp_path: Path, name: str) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    (folder.path / name).write_bytes((folder.path / name).read_bytes() + b" ")
    with pytest.raises(Failure, match=f"{name} is not the one that it was imported from"):
        verify(folder, decoded_again)


def test_a_journal_that_says_something_else_than_its_source_is_found(tmp_path: Path) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    with pytest.raises(Failure, match="line 1: the source, decoded again, gives something else"):
        verify(folder, lambda _: list(reversed(folder.read().items)))
    with pytest.raises(Failure, match="gives 0 lines, and the journal has"):
        verify(folder, lambda _: [])
    assert "its source was not decoded again" in verify(folder).remarks


def test_a_damaged_journal_is_found_and_rescored_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    data = bytearray(folder.journal_path.read_bytes())
    data[data.index(b"LeverPressed") + 3] ^= 1
    folder.journal_path.write_bytes(bytes(data))
    with pytest.raises(Failure, match="is damaged"):
        verify(folder, decoded_again)
    assert any("is damaged" in problem for problem in rescore(folder).problems)


def test_it_cannot_be_gone_on_with(tmp_path: Path) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    (folder.path / "footer.json").unlink()
    with pytest.raises(BadInput, match="was imported and not run here"):
        interrupted(folder)


def test_a_session_is_imported_once(tmp_path: Path) -> None:
    imported(tmp_path, tmp_path / "data")
    (tmp_path / "!2026-03-02_09h00m.Subject R01.txt").unlink()
    with pytest.raises(BadInput, match="this session was imported already"):
        imported(tmp_path, tmp_path / "data")


def test_the_source_stands_in_the_folder_byte_for_byte(tmp_path: Path) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    (path,) = tmp_path.glob("*.txt")
    assert (folder.path / "source.txt").read_bytes() == path.read_bytes()
    assert (folder.path / "profile.toml").read_bytes() == PROFILE_FILE.read_bytes()


def record(folder: Path, profile: Profile = PROFILE, planned: Planned | None = None, **header: str) -> SessionRecord:
    return record_of(read_source(shelf(folder, **header), "medpc"), 1, profile, PROFILE_FILE, planned)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"MSN": "OTHER"}, r"MSN: 'OTHER' is not what example-conflict.toml is for \(EXAMPLE_CONFLICT\)"),
        ({"Subject": ""}, "Subject: is empty"),
        ({"Group": "five"}, "Group: 'five' does not match"),
        ({"Group": "x 1.2.3"}, "Group: dose_mg_kg must be a number"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, header: dict[str, str], sentence: str) -> None:
    group = header.pop("Group", "ipsapirone 5")
    with pytest.raises(BadFile, match=sentence):
        record(tmp_path, group=group, **header)


def test_a_time_zone_of_the_profile_stands_in_every_time(tmp_path: Path) -> None:
    here = record(tmp_path, PROFILE.model_copy(update={"time_zone": "Europe/Berlin"}))
    assert here.header.started_at == "2026-03-02T09:00:00+01:00"
    assert not any("time zone" in remark for remark in here.header.remarks)
    (tmp_path / "!2026-03-02_09h00m.Subject R01.txt").unlink()
    with pytest.raises(BadInput, match="time zone 'Mars' is not known"):
        record(tmp_path, PROFILE.model_copy(update={"time_zone": "Mars"}))


def plan(**changes: object) -> Planned:
    values = {"subject": "R01", "arm": "conflict", "dose_mg_kg": None, "blind_code": "K7", "chamber": "A"}
    row = PlanRow(**(values | {"starts_at": "2026-03-02T09:00:00", "allocation_seed": 1} | changes))  # type: ignore[arg-type]
    return Planned((row,), (), "study")


def test_a_blind_code_of_the_plan_hides_what_the_file_says(tmp_path: Path) -> None:
    given = record(tmp_path, planned=plan()).header
    assert (given.treatment.blind_code, given.treatment.compound, given.treatment.dose_mg_kg) == ("K7", None, None)
    assert (given.arm, given.study) == ("conflict", "study")


@pytest.mark.parametrize("changes", [{"subject": "R02"}, {"starts_at": "2026-03-03T09:00:00"}])
def test_a_session_that_the_plan_does_not_know_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(BadFile, match="the plan has no row for R01 on 2026-03-02"):
        record(tmp_path, planned=plan(**changes))


def test_a_record_goes_into_a_folder_and_comes_back(tmp_path: Path) -> None:
    folder = imported(tmp_path, tmp_path / "data")
    found = session_of(folder)
    assert found.items == record_of(read_source(folder.path / "source.txt", "medpc"), 1, PROFILE, PROFILE_FILE).items


@given(junk=st.binary(max_size=40), at=st.integers(0, 2_000))
def test_any_damage_to_a_file_gives_a_session_or_one_sentence(
    junk: bytes, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = shelf(tmp_path_factory.mktemp("shelf"))
    whole = path.read_bytes()
    path.write_bytes(whole[: at % len(whole)] + junk + whole[at % len(whole) + len(junk) :])
    try:
        source = read_source(path, "medpc")
        for number in range(1, len(source.sessions) + 1):
            record_of(source, number, PROFILE, shipped("configs", "medpc", "example-conflict.toml"))
    except BadInput as error:
        assert str(error)


def test_a_session_without_an_end_in_its_header_is_closed_when_its_events_say(tmp_path: Path) -> None:
    path = shelf(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"End Time: 09:10:01\r\n", b""))
    found = record_of(read_source(path, "medpc"), 1, PROFILE, PROFILE_FILE)
    assert found.ended_at == "2026-03-02T09:10:00"


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        read_source(tmp_path / "nowhere.txt", "medpc")
    with pytest.raises(BadInput, match="this is a folder"):
        read_source(tmp_path, "pycontrol")
