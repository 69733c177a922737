"""Rescoring a folder equals the live score, and names what it could not read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from behavior.model.doses import Treatment
from behavior.model.session import SessionHeader
from behavior.paradigms.conditioned_usv import ConditionedUsvParameters, conditioned_usv
from behavior.paradigms.geller_seifter import Component, GellerSeifterParameters, geller_seifter
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import Score, read_score, score_items, write_score
from behavior.session.folder import SessionFolder, Totals, create
from behavior.session.journal import Item, JournalWriter
from behavior.usv.table import write_calls
from scoring.sessions import call, simulated

P = GellerSeifterParameters(
    components=(
        Component(name="unpunished", duration_s=60, schedule="VI 5 s"),
        Component(name="punished", duration_s=30, schedule="CRF", cue="tone", shock_ma=0.3),
    ),
    n_cycles=2,
)


def stored(dataset: Path, paradigm: str, p: object, items: list[Item], *, seed: int = 1) -> SessionFolder:
    """A session's folder, closed."""
    header = SessionHeader(
        software="behavior 0.1.0",
        subject="R01",
        experimenter="A. Tester",
        treatment=Treatment(dose_mg_kg=0.0),
        paradigm=paradigm,
        paradigm_sha256="",
        parameters=p.model_dump(mode="json"),  # type: ignore[attr-defined]
        limits={},
        seed=seed,
        rig="simulated",
        chamber="A",
        started_at="2026-11-20T10:15:00+01:00",
        simulated=True,
    )
    folder = create(dataset, header)
    totals = Totals()
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for item in items:
            journal.record(item, 0)
            totals.take(item)
    folder.close(totals.footer(journal, reason="completed", ended_at="2026-11-20T11:15:00+01:00"))
    return folder


@pytest.fixture
def conflict(tmp_path: Path) -> tuple[SessionFolder, Score]:
    items = simulated(geller_seifter, P, seed=3)
    return stored(tmp_path, "geller_seifter", P, items, seed=3), score_items(
        "geller_seifter", items, P.model_dump(mode="json")
    )


def test_rescoring_equals_the_live_score_to_the_last_bit(conflict: tuple[SessionFolder, Score]) -> None:
    folder, live = conflict
    write_score(folder.path, live)
    again = rescore(folder)
    assert again == live
    assert differences(read_score(folder.path), again) == []
    before = (folder.path / "score.json").read_bytes()
    write_score(folder.path, again)
    assert (folder.path / "score.json").read_bytes() == before


def test_a_journal_cut_anywhere_is_scored_as_far_as_it_goes(conflict: tuple[SessionFolder, Score]) -> None:
    folder, live = conflict
    data = folder.journal_path.read_bytes()
    for cut in range(0, len(data), 4999):
        folder.journal_path.write_bytes(data[:cut])
        score = rescore(folder)
        assert score.session["completed"] is False
        assert len(score.responses) <= len(live.responses)
        torn = bool(cut) and data[cut - 1 : cut] != b"\n"
        assert any("torn" in problem for problem in score.problems) is torn


def test_a_damaged_line_is_named_and_the_rest_is_scored(conflict: tuple[SessionFolder, Score]) -> None:
    folder, live = conflict
    lines = folder.journal_path.read_bytes().split(b"\n")
    press = next(i for i, line in enumerate(lines) if b"LeverPressed" in line)
    lines[press] = lines[press].replace(b"left", b"lefT")
    folder.journal_path.write_bytes(b"\n".join(lines))
    score = rescore(folder)
    assert any(f"line {press + 1} is damaged" in problem for problem in score.problems)
    assert len(score.responses) == len(live.responses) - 1
    assert differences(live, score)


def damaged(line: bytes) -> bytes:
    return line.replace(b'"', b"'", 1)


def test_damaged_commands_are_restored_by_replay_and_still_named(conflict: tuple[SessionFolder, Score]) -> None:
    folder, live = conflict
    lines = folder.journal_path.read_bytes().split(b"\n")
    commands = [i for i, line in enumerate(lines) if b'"at_us"' not in line and line]
    assert len(commands) > 30
    for some in (commands[::7], commands[1::9], commands):
        broken = [damaged(line) if i in some else line for i, line in enumerate(lines)]
        folder.journal_path.write_bytes(b"\n".join(broken))
        score = rescore(folder)
        assert replace(score, problems=()) == live
        assert sum("is damaged:" in problem for problem in score.problems) == len(some)
        assert any("replay of the inputs restored it" in problem for problem in score.problems)


def test_a_damaged_input_is_lost_and_nothing_is_said_to_be_restored(conflict: tuple[SessionFolder, Score]) -> None:
    folder, _ = conflict
    lines = folder.journal_path.read_bytes().split(b"\n")
    inputs = [i for i, line in enumerate(lines) if b'"at_us"' in line]
    for i in inputs[:: max(1, len(inputs) // 25)]:
        folder.journal_path.write_bytes(b"\n".join([*lines[:i], damaged(lines[i]), *lines[i + 1 :]]))
        problems = rescore(folder).problems
        assert any(f"line {i + 1} is damaged" in problem for problem in problems)
        assert not any("restored" in problem for problem in problems)


def test_a_journal_that_nobody_closed_or_that_is_another_paradigms_is_not_restored(
    conflict: tuple[SessionFolder, Score], tmp_path: Path
) -> None:
    folder, _ = conflict
    other = stored(tmp_path / "other", "geller_seifter", P, folder.read().items, seed=4)  # other draws, other commands
    (folder.path / "footer.json").unlink()
    for one in (folder, other):
        lines = one.journal_path.read_bytes().split(b"\n")
        one.journal_path.write_bytes(b"\n".join([*lines[:2], damaged(lines[2]), *lines[3:]]))
        assert not any("restored" in problem for problem in rescore(one).problems)


def test_calls_of_the_folder_are_used_unless_others_are_given(tmp_path: Path) -> None:
    p = ConditionedUsvParameters(habituation_s=1, test_s=30)
    folder = stored(tmp_path, "conditioned_usv", p, simulated(conditioned_usv, p))
    assert rescore(folder).session["n_calls"] is None
    write_calls(folder.path / "calls.csv", [call(2.0), call(5.0)])
    assert rescore(folder).session["n_calls"] == 2
    assert rescore(folder, calls=[]).session["n_calls"] == 0


def test_differences_name_the_measure_the_row_and_both_values() -> None:
    old = Score({"a": 1, "b": 2.0, "gone": None}, ({"x": 1}, {"x": 2}), "trials")
    assert differences(old, replace(old, session={"a": 1, "b": 2.5, "c": 0})) == [
        "b: 2.0 stands there, now 2.5",
        "gone: is there no more",
        "c: is new",
    ]
    assert differences(old, replace(old, session={**old.session, "a": 1.0})) == ["a: 1 stands there, now 1.0"]
    assert differences(old, replace(old, rows=({"x": 1},))) == ["trials: 2 rows stand there, now there are 1"]
    assert differences(old, replace(old, rows=({"x": 1}, {"x": 3}))) == ["trials row 2, x: 2 stands there, now 3"]
    assert differences(old, replace(old, rows_name="bins")) == ["the rows were trials and are bins"]
    assert differences(old, replace(old, problems=("torn",))) == ["the journal's problems were 0 and are 1"]
