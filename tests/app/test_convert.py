"""`behavior convert`: from a shelf to a dataset, between call tables, and every sentence on the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands import behavior
from behavior.app.cli import app
from behavior.formats import nwb
from behavior.formats.record import session_of
from behavior.model.errors import BadInput
from behavior.session.folder import SessionFolder
from formats.examples import RAVEN_WHOLE_HERTZ
from formats.test_imported import shelf

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "study"


@pytest.fixture(scope="module")
def shelved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of the sample study as a lab's shelf of MED-PC files, with the plan beside it."""
    place = tmp_path_factory.mktemp("lab")
    for subject in ("R01", "R02", "R03"):
        shutil.copytree(SAMPLE / f"sub-{subject}", place / "ours" / f"sub-{subject}")
    for name in ("plan.csv", "study.toml"):
        shutil.copy(SAMPLE / name, place / name)
    done = behavior("convert", "ours", "shelf", "--to", "medpc", "--profile", "example-conflict", cwd=place)
    assert done.code == 0, done.err
    return place


def test_from_a_shelf_to_scores_that_are_those_of_the_sessions_it_came_from(shelved: Path) -> None:
    done = behavior("convert", "shelf", "data", "--plan", "plan.csv", cwd=shelved)
    assert done.code == 0, done.err
    assert done.out.count("lines by example-conflict.toml") == 3
    assert "in 3 of 3: the time zone is not known" in done.err
    for ours in sorted((shelved / "ours").rglob("score.json")):
        theirs = json.loads((shelved / "data" / ours.relative_to(shelved / "ours")).read_text())["session"]
        wanted = json.loads(ours.read_text())["session"]
        assert theirs | {"shock_verified": True} == wanted
    assert behavior("verify", "data", cwd=shelved).out.count("decoding its source again gives the same journal") == 3
    assert (shelved / "data" / "study.toml").read_bytes() == (shelved / "study.toml").read_bytes()
    summary = behavior("summarize", "data", "--out", "report", cwd=shelved)
    assert summary.code == 0, summary.err
    assert "3 of 3 sessions were run by another control system and imported" in summary.err
    again = behavior("convert", "shelf", "data", "--plan", "plan.csv", cwd=shelved)
    assert again.code == 2
    assert again.err.count("was imported already") == 3


def test_a_file_straight_to_nwb_needs_its_time_zone(tmp_path: Path) -> None:
    path = shelf(tmp_path)
    done = behavior("convert", path, "x.nwb", cwd=tmp_path)
    assert done.code == 2
    assert "its start has no time zone, which NWB needs; import it with --time-zone" in done.err
    done = behavior("convert", path, "x.nwb", "--time-zone", "Europe/Berlin", cwd=tmp_path)
    assert done.code == 0, done.err
    record = nwb.read(tmp_path / "x.nwb")
    assert record.header.imported
    assert record.header.started_at == "2026-03-02T09:00:00+01:00"


def test_real_files_become_sessions_and_the_others_are_named(shared: Path, tmp_path: Path) -> None:
    done = behavior("convert", shared / "data" / "medpc", "data", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert len(result["written"]) == 9
    assert "NautiyalLab__n1_d1__DNAMIC_not_medpc.txt" in result["left_out"]


def test_a_program_without_a_profile_says_what_to_do_and_the_template_is_what_it_says(tmp_path: Path) -> None:
    path = shelf(tmp_path, MSN="NEW PROGRAM")
    done = behavior("convert", path, "data", cwd=tmp_path)
    assert done.code == 2
    assert "no profile is known for the program 'NEW PROGRAM'" in done.err
    assert "never guessed" in done.err
    assert f"`behavior convert {path} --profile-template`" in done.err
    assert not (tmp_path / "data").exists()
    template = behavior("convert", path, "--profile-template")
    assert template.code == 0
    (tmp_path / "new.toml").write_text(template.out)
    refused = behavior("convert", path, "data", "--profile", "new.toml", cwd=tmp_path)
    assert refused.code == 2
    assert "new.toml" in refused.err
    assert "streams.1.unit: must be one of" in refused.err


def test_a_file_cut_in_half_is_one_sentence_and_the_other_files_are_used(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    whole = shelf(tmp_path / "shelf")
    half = tmp_path / "shelf" / "half.txt"
    half.write_bytes(whole.read_bytes()[: len(whole.read_bytes()) * 3 // 5])
    done = behavior("convert", "shelf", "data", cwd=tmp_path)
    assert done.code == 2
    assert "half.txt, subject R01, 03/02/26 09:00:00" in done.err
    assert "1 of 2 could not be converted, see above; the others were" in done.err
    assert len(list((tmp_path / "data").rglob("footer.json"))) == 1


def test_call_tables_and_what_is_lost_between_them(tmp_path: Path) -> None:
    (tmp_path / "raven.txt").write_text(RAVEN_WHOLE_HERTZ)
    done = behavior("convert", "raven.txt", "calls.labels.txt", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.out == "calls.labels.txt: 2 calls, raven to audacity\n"
    assert "audacity does not hold Selection, View, Channel, Delta Time (s)" in done.err
    back = behavior("convert", "calls.labels.txt", "back.selections.txt", cwd=tmp_path)
    assert back.code == 0, back.err
    again = behavior("convert", "calls.labels.txt", "back.selections.txt", cwd=tmp_path)
    assert again.code == 2
    assert "is there already and is not overwritten" in again.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["letter.txt", "x"], "letter.txt: this file is none of"),
        (["nowhere.txt", "x"], "nowhere.txt: there is no such file"),
        (["raven.txt"], "where to?"),
        (["raven.txt", "x.txt"], "could be audacity, raven"),
        (["raven.txt", "x", "--to", "word"], "word: there is no format of this name"),
        (["raven.txt", "x", "--to", "medpc"], "is a table of calls, and medpc holds a control file"),
        (["raven.txt", "--profile-template"], "needs no profile"),
        (["raven.txt", "x.labels.txt", "--label-column", "Mood"], "has no Mood"),
        (["raven.txt", "x", "--from", "medpc"], "raven.txt: is not a MED-PC data file"),
        (["empty", "x"], "there was nothing to convert"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague,\n")
    (tmp_path / "raven.txt").write_text(RAVEN_WHOLE_HERTZ)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["convert", *arguments])
    assert isinstance(done.exception, BadInput)
    assert sentence in str(done.exception)


def test_sessions_for_others_one_file_each_or_one_dataset(tmp_path: Path) -> None:
    for subject in ("R01", "R09"):
        shutil.copytree(SAMPLE / f"sub-{subject}", tmp_path / "two" / f"sub-{subject}")
    done = behavior("convert", "two", "nwb", "--to", "nwb", cwd=tmp_path)
    assert done.code == 0, done.err
    assert len(list((tmp_path / "nwb").glob("*.nwb"))) == 2
    assert "in 2 of 2: species, sex and age of the subject are not known" in done.err
    done = behavior("convert", SAMPLE, "bids", "--to", "bids", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert all(one["remarks"] == [] for one in json.loads(done.out)["written"])
    assert len(list((tmp_path / "bids").rglob("*_events.tsv"))) == 10
    participants = (tmp_path / "bids" / "participants.tsv").read_text().splitlines()
    assert participants[:2] == ["participant_id\tspecies\tstrain\tsex", "sub-R01\trat\tWistar\tmale"]
    assert len(participants) == 11
    again = behavior("convert", SAMPLE, "bids", "--to", "bids", cwd=tmp_path)
    assert again.code == 2
    assert again.err.count("is there already and is not overwritten") == 10


def test_one_session_there_and_back_is_the_same_session(tmp_path: Path) -> None:
    assert behavior("convert", SAMPLE / "sub-R01", "one.nwb", cwd=tmp_path).code == 0
    done = behavior("convert", "one.nwb", "back", "--to", "behavior", cwd=tmp_path)
    assert done.code == 0, done.err
    (there,), (back,) = SAMPLE.glob("sub-R01/*"), (tmp_path / "back").glob("sub-R01/*")
    assert session_of(SessionFolder(back)) == session_of(SessionFolder(there))
    assert behavior("verify", "back", cwd=tmp_path).code == 0
    harp = behavior("convert", "back", "harp", "--to", "harp", cwd=tmp_path)
    assert "harp does not hold 2 BeginComponent, 2 Drawn, 2 EndComponent, host times" in harp.err


def test_a_shelf_with_the_dataset_in_it_asks_which_is_meant(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    shelf(tmp_path / "shelf")
    assert behavior("convert", "shelf", "shelf/data", cwd=tmp_path).code == 0
    both = behavior("convert", "shelf", "other", cwd=tmp_path)
    assert both.code == 2
    assert "holds 1 sessions and 1 files of other systems" in both.err
    files = behavior("convert", "shelf", "other", "--from", "medpc", "--json", cwd=tmp_path)
    assert len(json.loads(files.out)["written"]) == 1
    ours = behavior("convert", "shelf", "x_events.csv", "--from", "behavior", cwd=tmp_path)
    assert ours.code == 0, ours.err


def test_a_folder_of_files_for_others_comes_back_as_a_dataset(tmp_path: Path) -> None:
    for subject in ("R01", "R02"):
        shutil.copytree(SAMPLE / f"sub-{subject}", tmp_path / "two" / f"sub-{subject}")
    assert behavior("convert", "two", "tables", "--to", "events-parquet", cwd=tmp_path).code == 0
    done = behavior("convert", "tables", "back", "--to", "behavior", cwd=tmp_path)
    assert done.code == 0, done.err
    assert behavior("verify", "back", cwd=tmp_path).out.count("holds  ") == 2
