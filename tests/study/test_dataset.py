"""Sessions become tables; what is wrong with one is a warning that says what to do, and never silent."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from behavior.model.doses import Treatment
from behavior.model.errors import BadFile, BadInput
from behavior.scoring.finish import finish_session
from behavior.study.dataset import DESCRIPTION, natural_order, read_dataset, write_tables
from session.recorded import record
from study.datasets import given as treatment_of
from study.datasets import write_conflict, write_session, write_vocalization

RATES = {0.0: [1.0, 2.0, 3.0], 1.0: [2.0, 3.0, 4.0], 3.0: [5.0, 6.0, 7.0], 10.0: [6.0, 7.0, 9.0]}


@pytest.fixture
def conflict(tmp_path: Path) -> Path:
    return write_conflict(tmp_path / "data", RATES)


def session_of(dataset: Path, subject: str) -> Path:
    return next((dataset / f"sub-{subject}").glob("ses-*"))


def test_one_row_a_session_with_subject_dose_and_measures(conflict: Path) -> None:
    dataset = read_dataset(conflict)
    assert dataset.warnings == ()
    assert dataset.study is not None
    assert len(dataset.sessions) == len(dataset.analysed) == 12
    assert list(dataset.sessions.columns[: len(DESCRIPTION)]) == list(DESCRIPTION)
    found = {dose: list(group) for dose, group in dataset.sessions.groupby("dose_mg_kg")["punished_rate_per_min"]}
    assert found == RATES
    assert dataset.measures == ("punished_rate_per_min", "unpunished_rate_per_min", "n_shocks_delivered")
    assert dataset.sessions["journal_sha256"].str.len().eq(64).all()


def test_parts_of_sessions_carry_whose_they_are(conflict: Path) -> None:
    rows = read_dataset(conflict).rows
    assert set(rows) == {"components"}
    components = rows["components"]
    assert len(components) == 24
    assert list(components.columns[:5]) == ["session", "subject", "arm", "dose_mg_kg", "left_out"]
    assert components.groupby("dose_mg_kg")["subject"].nunique().to_dict() == dict.fromkeys(RATES, 3)


def test_sessions_as_they_are_really_recorded_and_scored_are_read(tmp_path: Path) -> None:
    for subject in ("R1", "R2"):
        finish_session(record(tmp_path, subject=subject))
    dataset = read_dataset(tmp_path)
    assert dataset.study is None
    assert list(dataset.sessions["subject"]) == ["R1", "R2"]
    assert dataset.sessions["left_out"].eq("").all()
    assert (dataset.sessions["punished_rate_per_min"] > 0).all()
    assert len(dataset.rows["components"]) == 8


def test_treatments_before_training_and_before_retention_stand_apart(tmp_path: Path) -> None:
    for number, precedes in enumerate(("training", "retention", "retention"), start=1):
        treatment = Treatment(dose_mg_kg=0.0, vehicle="saline", precedes=precedes)
        finish_session(record(tmp_path, subject=f"R{number}", treatment=treatment))
    sessions = read_dataset(tmp_path).sessions.set_index("subject")
    assert sessions["precedes"].tolist() == ["training", "retention", "retention"]
    assert sessions.loc["R1", "arm"] == "geller_seifter, treated before training"
    assert sessions.loc["R2", "arm"] == sessions.loc["R3", "arm"] == "geller_seifter, treated before retention"


def test_loose_sessions_that_only_prepare_for_the_test_are_not_compared(tmp_path: Path) -> None:
    conditioning = {"stage": "conditioning", "habituation_s": 1, "n_pairings": 1, "iti_s": 1}
    test = {"stage": "test", "habituation_s": 1, "test_s": 5}
    for subject, parameters in (("R1", conditioning), ("R2", test)):
        finish_session(record(tmp_path, subject=subject, paradigm="conditioned_usv", parameters=parameters))
    sessions = read_dataset(tmp_path).sessions.set_index("subject")
    assert sessions.loc["R1", "left_out"] == "it is a conditioning session"
    assert sessions.loc["R2", "left_out"] == ""


def test_tables_are_the_same_bytes_each_time_and_read_back(conflict: Path, tmp_path: Path) -> None:
    first, second = (write_tables(read_dataset(conflict), tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in first] == ["sessions.csv", "components.csv"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    back = pd.read_csv(first[0])
    np.testing.assert_array_equal(
        back["punished_rate_per_min"], read_dataset(conflict).sessions["punished_rate_per_min"]
    )


def drop_footer(session: Path) -> None:
    (session / "footer.json").unlink()


def end_early(session: Path) -> None:
    footer = json.loads((session / "footer.json").read_text())
    (session / "footer.json").write_text(json.dumps(footer | {"reason": "stopped by test", "duration_s": 7.0}))


def break_footer(session: Path) -> None:
    (session / "footer.json").write_text("{")


def drop_score(session: Path) -> None:
    (session / "score.json").unlink()


def break_score(session: Path) -> None:
    (session / "score.json").write_text('{"session": [1, 2')


def edit_journal(session: Path) -> None:
    journal = session / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"lever":"left"', b'"lever":"rght"', 1))


def drop_journal(session: Path) -> None:
    (session / "journal.jsonl").unlink()


def score_of_another_journal(session: Path) -> None:
    score = json.loads((session / "score.json").read_text())
    (session / "score.json").write_text(json.dumps(score | {"journal_sha256": "0" * 64}))


def score_of_another_header(session: Path) -> None:
    score = json.loads((session / "score.json").read_text())
    (session / "score.json").write_text(json.dumps(score | {"header_sha256": "0" * 64}))


def score_with(value: object) -> Callable[[Path], None]:
    def change(session: Path) -> None:
        score = json.loads((session / "score.json").read_text())
        score["session"]["punished_rate_per_min"] = value
        (session / "score.json").write_text(json.dumps(score))

    change.__name__ = f"rate of {value!r}"
    return change


def change_header(**changes: object) -> Callable[[Path], None]:
    def change(session: Path) -> None:
        header = json.loads((session / "header.json").read_text())
        treatment = header["treatment"] | {key: value for key, value in changes.items() if key in header["treatment"]}
        others = {key: value for key, value in changes.items() if key in header}
        (session / "header.json").write_text(json.dumps(header | others | {"treatment": treatment}))

    change.__name__ = "header with " + ", ".join(f"{key} {value}" for key, value in changes.items())
    return change


@pytest.mark.parametrize(
    ("spoil", "reason", "advice"),
    [
        (drop_footer, "nobody closed it (no footer)", "behavior resume"),
        (end_early, "it ended early (stopped by test) after 7 s", "run the animal again"),
        (break_footer, "its footer cannot be read", "restore footer.json"),
        (drop_score, "it has no score", "behavior rescore"),
        (break_score, "its score.json cannot be read", "behavior rescore"),
        (edit_journal, "its journal is not the one that was closed (SHA-256 differs)", "behavior verify"),
        (drop_journal, "it has no journal that can be read", "restore journal.jsonl"),
        (score_of_another_journal, "its score was made from another journal", "behavior rescore"),
        (score_of_another_header, "its score was made from another header", "behavior rescore"),
        (score_with("many"), "its score has punished_rate_per_min = 'many', which is no number", "behavior rescore"),
        (score_with([1]), "its score has punished_rate_per_min = [1], which is no number", "behavior rescore"),
        (score_with(True), "its score has punished_rate_per_min = True, which is no number", "behavior rescore"),
        (score_with(math.inf), "its score has punished_rate_per_min = inf, which is no number", "behavior rescore"),
        (change_header(dose_mg_kg=2.0), "2 mg/kg is no dose of arm conflict", "the plan has 0, 1, 3, 10"),
        (change_header(dose_mg_kg=-1.0), "a dose of -1 mg/kg cannot be", "correct the plan"),
        (change_header(dose_mg_kg=None), "it has neither dose nor blind code", "write what was given"),
        (change_header(compound="buspirone"), "its compound is buspirone", "arm conflict has ipsapirone"),
        (change_header(arm="other"), "arm other is not in study.toml", "add the arm"),
        (change_header(study="another"), "it belongs to the study another", "move it"),
        (change_header(paradigm="shuttle"), "its paradigm is shuttle", "arm conflict runs geller_seifter"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_session_that_cannot_be_analysed_is_left_out_with_its_reason_and_what_to_do(
    conflict: Path, spoil: Callable[[Path], None], reason: str, advice: str
) -> None:
    spoil(session_of(conflict, "R05"))
    dataset = read_dataset(conflict)
    assert len(dataset.sessions) == 12
    left_out = dataset.sessions[dataset.sessions["left_out"] != ""]
    assert list(left_out["subject"]) == ["R05"]
    assert list(left_out["left_out"]) == [reason]
    own = [warning for warning in dataset.warnings if warning.startswith("sub-R05/")]
    assert len(own) == 1
    assert reason in own[0]
    assert advice in own[0]


def test_a_header_that_cannot_be_read_is_named_and_the_others_are_read(conflict: Path) -> None:
    (session_of(conflict, "R05") / "header.json").write_text("{}")
    dataset = read_dataset(conflict)
    assert len(dataset.sessions) == 11
    assert "sub-R05" in dataset.warnings[0]
    assert "not a session's header" in dataset.warnings[0]


def test_a_journal_without_its_header_is_named(conflict: Path) -> None:
    (session_of(conflict, "R05") / "header.json").unlink()
    dataset = read_dataset(conflict)
    assert len(dataset.sessions) == 11
    assert "no header.json" in dataset.warnings[0]


def test_what_a_scorer_complained_of_is_passed_on(conflict: Path) -> None:
    path = session_of(conflict, "R02") / "score.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"problems": ["journal.jsonl: line 4 is damaged"]}))
    dataset = read_dataset(conflict)
    assert len(dataset.analysed) == 12
    assert [warning for warning in dataset.warnings if "line 4 is damaged" in warning]


def test_a_table_that_is_none_is_named_and_the_session_stays(conflict: Path) -> None:
    (session_of(conflict, "R02") / "components.csv").write_bytes(b"")
    dataset = read_dataset(conflict)
    assert len(dataset.analysed) == 12
    assert any("components.csv is no table" in warning for warning in dataset.warnings)


def test_a_place_without_sessions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="no session in it"):
        read_dataset(tmp_path)
    (tmp_path / "header.json").write_text("no")
    with pytest.raises(BadInput, match="none of its 1 sessions has a header that can be read"):
        read_dataset(tmp_path)


def test_a_study_file_that_cannot_be_used_is_refused_with_all_its_problems(conflict: Path) -> None:
    (conflict / "study.toml").write_text('name = "x"\nrig = 3\n')
    with pytest.raises(BadFile, match="problems"):
        read_dataset(conflict)


def test_without_an_arm_in_the_header_the_only_one_that_fits_is_meant(conflict: Path) -> None:
    change_header(arm=None)(session_of(conflict, "R05"))
    row = read_dataset(conflict).sessions.set_index("subject").loc["R05"]
    assert (row["arm"], row["left_out"]) == ("conflict", "")


def test_a_blinded_session_is_kept_without_a_dose(tmp_path: Path) -> None:
    for subject, code in (("R1", "K7"), ("R2", "M3")):
        treatment = treatment_of(None, compound=None, vehicle=None, blind_code=code)
        write_session(tmp_path, subject, None, {"punished_rate_per_min": 1.0}, treatment=treatment)
    dataset = read_dataset(tmp_path)
    assert dataset.blinded
    assert dataset.sessions["dose_mg_kg"].isna().all()
    assert list(dataset.sessions["blind_code"]) == ["K7", "M3"]
    assert dataset.sessions["left_out"].eq("").all()


def test_a_censored_latency_stays_missing_with_its_flag(tmp_path: Path) -> None:
    dataset = read_dataset(write_vocalization(tmp_path / "data", {0.0: [10.0, 0.0], 1.0: [5.0, 2.0]}))
    silent = dataset.sessions[dataset.sessions["calling_time_s"] == 0].iloc[0]
    assert np.isnan(silent["latency_first_call_s"])
    assert silent["latency_first_call_censored"]
    assert len(dataset.rows["calls"]) == 3


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_becomes_of_a_file_the_session_is_a_row_or_a_warning(conflict: Path, data: st.DataObject) -> None:
    session = session_of(conflict, "R05")
    files = sorted(path for path in session.iterdir())
    path = data.draw(st.sampled_from(files))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole)))
    spoilt = data.draw(
        st.sampled_from(
            [whole[:place], whole[place:], whole[:place] + b"\xff\x00" + whole[place + 2 :], b"", b"[]", b"null"]
        )
    )
    try:
        path.write_bytes(spoilt)
        dataset = read_dataset(conflict)
    finally:
        path.write_bytes(whole)
    others = dataset.sessions[dataset.sessions["subject"] != "R05"]
    assert len(others) >= 11
    if len(dataset.analysed) < 12:
        assert [warning for warning in dataset.warnings if "sub-R05" in warning]


def test_what_stands_beside_the_sessions_is_no_session(conflict: Path) -> None:
    shutil.copytree(
        conflict / "sub-R01", conflict / "summary" / "tables", ignore=lambda *_: ["header.json", "journal.jsonl"]
    )
    assert len(read_dataset(conflict).sessions) == 12


@given(st.lists(st.text(max_size=8), max_size=8))
def test_any_names_can_be_put_in_order_and_numbers_count(names: list[str]) -> None:
    ordered = sorted(names, key=natural_order)
    backwards = list(reversed(names))
    assert sorted(backwards, key=natural_order) == ordered
    assert sorted(ordered) == sorted(names)


@given(st.text("abcdef-_²½", max_size=4), st.integers(0, 10**9), st.integers(0, 10**9))
def test_subjects_of_one_kind_come_in_order_of_their_numbers(stem: str, one: int, other: int) -> None:
    assert (natural_order(f"{stem}{one}") < natural_order(f"{stem}{other}")) == (one < other)
