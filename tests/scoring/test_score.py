"""Any score: found by its paradigm's name, written and read to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadInput
from behavior.paradigms.catalogue import find_paradigm
from behavior.paradigms.geller_seifter import GellerSeifterParameters, geller_seifter
from behavior.scoring import any_paradigm, conditioned_usv
from behavior.scoring import geller_seifter as conflict
from behavior.scoring.score import RESPONSE_COLUMNS, Score, read_score, score_items, scorer_of, write_score
from scoring.sessions import S, journal, simulated

P = GellerSeifterParameters()


@pytest.fixture(scope="module")
def hour() -> Score:
    return score_items("geller_seifter", simulated(geller_seifter, P), P.model_dump(mode="json"))


def test_a_scorer_is_found_by_its_paradigms_name() -> None:
    assert scorer_of("geller_seifter") is conflict.score
    assert scorer_of("conditioned_usv") is conditioned_usv.score


@pytest.mark.parametrize("name", ["own", "score", "timeline", "rescore", "../odd name", "any.thing", ""])
def test_every_other_paradigm_is_scored_as_any(name: str) -> None:
    assert scorer_of(name) is any_paradigm.score


def test_a_labs_own_paradigm_is_counted_by_trial() -> None:
    score = score_items(
        "own",
        journal(
            c.BeginTrial(1),
            e.LeverPressed(S, "left"),
            e.Crossed(2 * S, "right"),
            c.Shock(1, 0.5, 1.0),
            e.ShockEnded(4 * S, 1, S, 0.5, "duration"),
            e.TimerFired(30 * S),
            c.EndTrial(1),
            e.LeverPressed(31 * S, "left"),
            e.TimerFired(60 * S),
            c.EndSession("completed"),
        ),
        {},
    )
    assert score.rows_name == "trials"
    (trial,) = score.rows
    assert (trial["trial"], trial["n_presses"], trial["n_crossings"], trial["n_shocks_delivered"]) == (1, 1, 1, 1)
    assert trial["rate_per_min"] == 2.0
    assert (score.session["n_presses"], score.session["rate_per_min"], score.session["n_calls"]) == (2, 2.0, None)


def test_written_and_read_it_is_the_same_to_the_last_bit_and_byte(hour: Score, tmp_path: Path) -> None:
    write_score(tmp_path, hour)
    assert read_score(tmp_path) == hour
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_score(tmp_path, hour)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(before) == {"score.json", "components.csv", "responses.csv"}


values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False)
)
names = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(names, values), max_size=4))
def test_any_values_survive_the_files(tmp_path_factory: pytest.TempPathFactory, cells: list) -> None:
    folder = tmp_path_factory.mktemp("score")
    rows = tuple({"component": name, "value": value} for name, value in cells)
    score = Score({"duration_s": 0.1}, rows, "components", problems=("line 3 is damaged",))
    write_score(folder, score)
    back = read_score(folder)
    assert back == score
    assert [type(row["value"]) for row in back.rows] == [type(row["value"]) for row in score.rows]


def test_a_component_called_1_stays_text(tmp_path: Path) -> None:
    score = Score({}, ({"component": "1", "n": 1}, {"component": "true", "n": 2}), "components")
    write_score(tmp_path, score)
    assert read_score(tmp_path) == score


def test_a_table_without_rows_has_a_header(tmp_path: Path) -> None:
    write_score(tmp_path, Score({}, (), "bins"))
    assert (tmp_path / "bins.csv").read_text() == "bin\n"
    assert (tmp_path / "responses.csv").read_text() == ",".join(RESPONSE_COLUMNS) + "\n"


def test_the_columns_of_responses_are_those_announced(hour: Score) -> None:
    assert tuple(hour.responses[0]) == RESPONSE_COLUMNS


def test_a_score_says_what_it_was_made_from(hour: Score, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b"abc")
    write_score(tmp_path, hour)
    document = json.loads((tmp_path / "score.json").read_text())
    assert document["software"].startswith("behavior ")
    assert document["journal_sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert "calls_sha256" not in document


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"rows_name": 3}', "{", '{"rows_name": "components", "session": 1}'])
def test_what_is_no_score_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="behavior rescore"):
        read_score(tmp_path)
    (tmp_path / "score.json").write_text(text)
    with pytest.raises(BadInput, match="behavior rescore"):
        read_score(tmp_path)


PARADIGMS = ("conditioned_usv", "geller_seifter", "helplessness_induction", "passive_avoidance", "shock_aggression",
             "shuttle_escape")  # fmt: skip
ODD = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=True) | st.text(max_size=5) | st.just([])


@pytest.mark.parametrize("name", PARADIGMS)
@given(data=st.data())
def test_foreign_parameters_give_a_score_or_one_sentence(name: str, data: st.DataObject) -> None:
    whole = find_paradigm(name).parameters().model_dump(mode="json")
    kept = {key: value for key, value in whole.items() if data.draw(st.booleans(), label=key)}
    odd = data.draw(st.dictionaries(st.sampled_from(sorted(whole)), ODD, max_size=2))
    try:
        assert score_items(name, journal(c.EndSession("completed")), kept | odd).session["completed"]
    except BadInput as error:
        assert "header.json" in str(error)


def test_what_lacks_in_a_header_is_named() -> None:
    with pytest.raises(BadInput, match=r"^header.json: the parameters lack 'components', without which geller_seifter"):
        score_items("geller_seifter", [], {})
