"""What must hold of every paradigm that comes with the package, in every way to run it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from msgspec import structs

from behavior.config.read import read
from behavior.config.shipped import shipped
from behavior.model.commands import Command, EndSession, Shock
from behavior.model.events import Event, Faulted, LinkLost, Resumed, ShockEnded, Stopped
from behavior.model.session import SessionHeader
from behavior.paradigms.catalogue import find_paradigm, our_paradigms
from behavior.paradigms.parameters import Parameters
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score, score_items, scorer_of, write_score
from behavior.session.assemble import dry_run
from behavior.session.folder import create
from behavior.session.journal import JournalWriter
from behavior.session.replay import replay
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.simulate.subject import Absent
from paradigms.short import VEHICLE, WAYS, way
from session.worlds import numbered, still_on

every_way = pytest.mark.parametrize("name", WAYS)
PRESETS = sorted(shipped("configs", "paradigms").glob("*.toml"))


def test_no_paradigm_is_left_out() -> None:
    assert {paradigm for paradigm, _ in WAYS.values()} == set(our_paradigms())


@pytest.mark.parametrize("name", our_paradigms())
def test_it_says_what_it_is_and_has_a_scorer_of_its_own(name: str) -> None:
    paradigm = find_paradigm(name)
    assert inspect.getdoc(paradigm.run)
    assert inspect.getdoc(paradigm.parameters)
    assert scorer_of(name).__module__ == f"behavior.scoring.{name}"
    assert paradigm.parameters() == paradigm.parameters.model_validate(paradigm.parameters().model_dump(mode="json"))


@every_way
def test_it_completes_within_its_limits_and_leaves_everything_off(name: str) -> None:
    one = way(name)
    dry_run(one.core(), IdealBox(animal_for(one.paradigm.name, one.parameters, 1, VEHICLE)), what=name)
    items = one.journal()
    commands = [item for item in items if isinstance(item, Command)]
    assert commands[-1] == EndSession("completed") or name.endswith("drop-out")
    assert still_on(commands) == set()
    shocks = [command for command in commands if isinstance(command, Shock)]
    assert [shock.number for shock in shocks] == list(range(1, len(shocks) + 1))
    assert all(shock.ma <= one.p.limits.max_ma for shock in shocks)
    assert all(shock.duration_s <= one.p.limits.max_single_s for shock in shocks)


@every_way
def test_one_seed_gives_one_journal(name: str) -> None:
    assert way(name).journal(seed=5) == way(name).journal(seed=5)


@every_way
def test_cut_at_any_line_it_continues_to_the_same_end(name: str) -> None:
    one = way(name)
    items = one.journal(seed=2)
    last = next(i for i, item in enumerate(items) if isinstance(item, EndSession))
    items = items[: last + 1]  # what devices report after the end, no core hears
    for cut in range(0, len(items), 1 if len(items) < 150 else 3):
        core = one.core(seed=2)
        rebuilt = items[:cut] + replay(core, numbered(items[:cut]))
        taken = sum(isinstance(item, Event) for item in items[:cut])
        for event in [item for item in items if isinstance(item, Event)][taken:]:
            rebuilt += [event, *core.handle(event)]
        assert rebuilt == items
        core.close()


@every_way
def test_ended_at_any_moment_it_is_safe_and_can_be_scored(name: str) -> None:
    one = way(name)
    events = [item for item in one.journal(seed=3) if isinstance(item, Event)]
    ends = (Stopped(0, "key"), LinkLost(0, "chamber"), Faulted(0, "shock_controller", "grid open"))
    for cut in range(1, len(events), max(1, len(events) // 25)):
        core, items = one.core(seed=3), []
        for event in events[:cut]:
            items += [event, *core.handle(event)]
        if core.ended is not None:
            break
        end = type(ends[cut % 3])(core.now_us + 1_000, *[getattr(ends[cut % 3], f) for f in end_fields(ends[cut % 3])])
        items += [end, *core.handle(end)]
        commands = [item for item in items if isinstance(item, Command)]
        assert still_on(commands) == set()
        assert isinstance(commands[-1], EndSession)
        score = score_items(one.paradigm.name, items, one.parameters)
        assert score.session["completed"] is False
        assert score.session["n_shocks_commanded"] == sum(isinstance(item, Shock) for item in items)


def end_fields(event: Event) -> list[str]:
    return [field for field in event.__struct_fields__ if field != "at_us"]


@every_way
def test_resumed_after_a_gap_it_says_so_in_every_row(name: str) -> None:
    one = way(name)
    events = [item for item in one.journal(seed=3) if isinstance(item, Event)]
    core, items = one.core(seed=3), []
    for event in events[: len(events) // 2]:
        items += [event, *core.handle(event)]
    resumed = Resumed(core.now_us + 7_000_000, 7_000_000)
    items += [resumed, *core.handle(resumed)]
    core.close()
    score = score_items(one.paradigm.name, items, one.parameters)
    assert score.session["n_resumed"] == 1
    assert score.session["gap_s"] == 7.0
    assert all(row["resumed"] is True for row in (*score.rows, *score.responses))


@every_way
def test_rescored_from_its_folder_it_is_the_same_to_the_byte(name: str, tmp_path: Path) -> None:
    one = way(name)
    items = one.journal(seed=4)
    live = score_items(one.paradigm.name, items, one.parameters)
    header = SessionHeader(
        software="behavior", subject="R01", experimenter="A. Tester", treatment=VEHICLE, paradigm=one.paradigm.name,
        paradigm_sha256="", parameters=one.parameters, limits={}, seed=4, rig="simulated", chamber="A",
        started_at="2026-11-20T10:15:00+01:00",
    )  # fmt: skip
    folder = create(tmp_path, header)
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for item in items:
            journal.record(item, 0)
    write_score(folder.path, live)
    files = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    again = rescore(folder)
    assert differences(read_score(folder.path), again) == []
    assert again == live
    write_score(folder.path, again)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == files


@every_way
def test_scored_at_any_line_of_its_journal_it_has_the_same_columns(name: str) -> None:
    one = way(name)
    items = one.journal(seed=6)
    whole = score_items(one.paradigm.name, items, one.parameters)
    for cut in range(0, len(items), max(1, len(items) // 40)):
        part = score_items(one.paradigm.name, items[:cut], one.parameters)
        assert set(part.session) - {"interrupted"} <= set(whole.session)
        assert all(tuple(row) == tuple(whole.rows[0]) for row in part.rows)
        assert len(part.rows) <= len(whole.rows)
        assert len(part.responses) <= len(whole.responses)


def test_there_are_presets_for_every_paradigm() -> None:
    assert {preset_paradigm(path) for path in PRESETS} == set(our_paradigms())


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_is_valid_and_completes_in_a_dry_run(path: Path) -> None:
    paradigm = find_paradigm(preset_paradigm(path))
    p: Parameters = read(path, paradigm.parameters)
    from behavior.session.assemble import assemble

    for seed in (1, 2, 3):
        animal = animal_for(paradigm.name, p.model_dump(mode="json"), seed, VEHICLE)
        core = assemble(paradigm, p, seed=seed)
        dry_run(core, IdealBox(animal), what=path.name)
        assert core.ended == "completed"
    assert path.read_text(encoding="utf-8").startswith("# ")


def preset_paradigm(path: Path) -> str:
    return path.stem.partition("-")[0]


@every_way
def test_a_shocker_that_cannot_measure_makes_no_shock_invalid_and_marks_every_row(name: str) -> None:
    one = way(name)
    items = one.journal(seed=4)
    blind = [structs.replace(item, delivered_ma=None) if isinstance(item, ShockEnded) else item for item in items]
    measured, believed = (score_items(one.paradigm.name, journal, one.parameters) for journal in (items, blind))
    shocked = any(isinstance(item, ShockEnded) for item in items)
    assert believed.session["n_shocks_invalid"] == measured.session["n_shocks_invalid"] == 0
    assert believed.session["n_shocks_delivered"] == measured.session["n_shocks_delivered"]
    for row in (believed.session, *believed.rows, *believed.responses):
        assert row["shock_verified"] is not shocked
    for row in (measured.session, *measured.rows, *measured.responses):
        assert row["shock_verified"] is True


@pytest.mark.parametrize("name", [name for name in WAYS if not name.startswith("conflict")])
def test_where_failing_is_the_outcome_an_animal_that_never_responds_is_no_drop_out(name: str) -> None:
    one = way(name)
    core = one.core()
    run(core, IdealBox(Absent()), lambda item, host_us: None)
    assert core.ended == "completed"
    assert not [field for field in type(one.p).model_fields if field.startswith("drop_out")]
