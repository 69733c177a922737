"""Contracts of every simulated animal: it acts in order of time, when it said it would, and the same way again."""

from __future__ import annotations

import inspect
from itertools import pairwise
from math import exp, gamma, log, sqrt
from statistics import fmean, median
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model import commands, events
from behavior.model.commands import AnyCommand, Command, SetCue, SetGate, SetLever
from behavior.model.doses import Treatment
from behavior.model.events import AnyEvent, Crossed, Event, LeverPressed, LeverReleased, Noted, ShockEnded, ShockStarted
from behavior.paradigms.catalogue import find_paradigm, our_paradigms
from behavior.session.assemble import resolve
from behavior.session.core import NEVER
from behavior.simulate.animals import animal_for
from behavior.simulate.pair import Pair
from behavior.simulate.shuttler import RESCUE_MG_KG, Shuttler, Stepper, rescue
from behavior.simulate.subject import Absent, Subject, Vocalized
from model.test_words import any_of

S = 1_000_000
VEHICLE = Treatment()
PARADIGMS = our_paradigms()
EACH = pytest.mark.parametrize("paradigm", PARADIGMS)
HAPPENINGS = st.one_of(
    st.sampled_from(
        [
            SetCue("tone", on=True), SetCue("tone", on=False), SetLever("left", out=True), SetLever("left", out=False),
            SetGate(open=True), SetGate(open=False), ShockStarted(0, 1), ShockEnded(0, 1, S, 0.5, "completed"),
        ]
    ),
    st.sampled_from([*get_args(AnyEvent), *get_args(AnyCommand)]).flatmap(any_of),
)  # fmt: skip
SCRIPTS = st.lists(st.tuples(st.integers(0, 20 * S), HAPPENINGS), max_size=12)


def made(paradigm: str, seed: int = 1, treatment: Treatment = VEHICLE) -> Subject:
    parameters = resolve(find_paradigm(paradigm), {}, file="test").model_dump(mode="json")
    return animal_for(paradigm, parameters, seed, treatment)


def deeds(animal: Subject, script: list[tuple[int, Any]], *, at_most: int = 200) -> list[Event]:
    """What it does while the script runs and for a minute after it."""
    done: list[Event] = []
    now_us = 0
    for gap_us, happening in [*script, (60 * S, None)]:
        until_us = now_us + gap_us
        while animal.next_us <= until_us and len(done) < at_most:
            due_us = animal.next_us
            assert due_us >= now_us, "nothing is done in the past"
            deed = animal.act()
            assert deed.at_us == due_us, "it does what is due when it said"
            done.append(deed)
            now_us = due_us
        now_us = until_us
        if happening is not None:
            animal.perceive(happening, now_us)
    return done


def test_a_lab_s_own_paradigm_gets_the_rat_that_presses_and_calls() -> None:
    script = [(S, SetLever("left", out=True)), (30 * S, SetCue("tone", on=True))]
    own = animal_for("mine", {}, 1, VEHICLE)
    assert {type(deed) for deed in deeds(own, script, at_most=2000)} >= {LeverPressed, LeverReleased, Vocalized}


@EACH
@settings(max_examples=25)
@given(script=SCRIPTS, seed=st.integers(0, 2**32))
def test_it_acts_in_order_of_time_and_the_same_way_again(
    paradigm: str, script: list[tuple[int, Any]], seed: int
) -> None:
    first, second = (deeds(made(paradigm, seed), script) for _ in range(2))
    assert first == second
    assert all(one.at_us <= other.at_us for one, other in pairwise(first))


@EACH
def test_seeds_and_nothing_else_tell_animals_apart(paradigm: str) -> None:
    script = [
        (S, SetGate(open=True)), (S, SetLever("left", out=True)), (S, SetCue("tone", on=True)),
        (S, ShockStarted(0, 1)), (S, ShockEnded(0, 1, S, 0.5, "completed")), (30 * S, SetCue("tone", on=True)),
        (S, ShockStarted(0, 2)), (S, ShockEnded(0, 2, S, 0.5, "completed")),
    ]  # fmt: skip
    told = {
        str([(type(deed).__name__, deed.at_us) for deed in deeds(made(paradigm, seed), script)]) for seed in range(8)
    }
    assert len(told) >= 5


@pytest.mark.parametrize("compound", ["vehicle only", "ipsapirone", "buspirone", "alnespirone", "diazepam"])
@EACH
def test_vehicle_is_the_same_whatever_it_is_called(paradigm: str, compound: str) -> None:
    script = [(S, SetLever("left", out=True)), (S, SetCue("tone", on=True)), (20 * S, ShockStarted(0, 1))]
    vehicle = deeds(made(paradigm, 3, Treatment(compound=compound, dose_mg_kg=0.0)), script)
    assert vehicle == deeds(made(paradigm, 3), script)


def test_nobody_does_nothing() -> None:
    assert Absent().next_us == NEVER
    with pytest.raises(LookupError, match="nobody is in the box"):
        Absent().act()


def test_a_subject_hears_in_the_words_of_the_session() -> None:
    """`Vocalized` is no event of a session: no device reports it, and a journal never holds it."""
    assert Vocalized not in get_args(AnyEvent)
    kinds = [kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, Event)]
    assert Vocalized not in kinds and Command in [kind for _, kind in inspect.getmembers(commands, inspect.isclass)]


# -- the rat in a two-sided box ---------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(SCRIPTS, st.integers(0, 2**32), st.booleans())
def test_it_shuttles_from_side_to_side_and_never_through_a_closed_gate(
    script: list[tuple[int, Any]], seed: int, gated: bool
) -> None:
    crossings = [deed for deed in deeds(Shuttler(seed, Treatment(), gated=gated), script) if isinstance(deed, Crossed)]
    assert [deed.side for deed in crossings] == ["right" if k % 2 == 0 else "left" for k in range(len(crossings))]
    closed, now_us = gated, 0
    spans: list[tuple[int, int]] = []
    for gap_us, happening in [*script, (60 * S, None)]:
        if closed:
            spans.append((now_us, now_us + gap_us))
        now_us += gap_us
        if isinstance(happening, SetGate):
            closed = not happening.open
    for deed in crossings:
        assert not any(begin < deed.at_us < end for begin, end in spans)


def share(seeds: int, treatment: Treatment, **how: bool) -> float:
    return fmean(Shuttler(seed, treatment, **how).helpless for seed in range(seeds))


# By hand: R = 0.85 d / (d + half) / (1 + (d / falls)^2), and 85 % of the rats are helpless without a drug.
@pytest.mark.parametrize(
    ("treatment", "helpless"),
    [
        (Treatment(), 0.85),
        (Treatment(compound="ipsapirone", dose_mg_kg=0.02), 0.85 * (1 - 0.420792)),
        (Treatment(compound="Ipsapirone", dose_mg_kg=2.0), 0.85 * (1 - 0.00833250)),
        (Treatment(compound="imipramine", dose_mg_kg=8.0), 0.85 * (1 - 0.673267)),
        (Treatment(compound="diazepam", dose_mg_kg=2.0), 0.85),
    ],
)
def test_as_many_are_helpless_as_the_table_says(treatment: Treatment, helpless: float) -> None:
    n = 1500
    assert 0.85 * (1 - rescue(treatment)) == pytest.approx(helpless, abs=1e-6)
    assert share(n, treatment) == pytest.approx(helpless, abs=4 * sqrt(0.25 / n))
    assert share(n, treatment, shocked_before=False) == pytest.approx(0.05, abs=4 * sqrt(0.05 * 0.95 / n))


@given(st.sampled_from(sorted(RESCUE_MG_KG)), st.floats(0, 1e4))
def test_a_rescue_is_a_share_that_rises_and_falls_again(compound: str, dose: float) -> None:
    def at(dose_mg_kg: float) -> float:
        return rescue(Treatment(compound=compound, dose_mg_kg=dose_mg_kg))

    half, falls = RESCUE_MG_KG[compound]
    assert 0 <= at(dose) <= 0.85
    peak = max(at(half * 1.15**k) for k in range(-20, 60))
    assert at(dose) <= peak * 1.01
    assert at(half / 50) < peak > at(falls * 50)


def first_escape_s(seed: int) -> float:
    rat = Shuttler(seed, Treatment(), shocked_before=False, gated=True)
    rat.perceive(SetGate(open=True), 0)
    rat.perceive(SetCue("tone", on=True), 0)
    rat.perceive(ShockStarted(0, 1), 0)
    return rat.next_us / S if not rat.helpless else -1


def test_a_naive_rat_escapes_as_a_weibull_with_shape_1_3() -> None:
    """Times a lognormal slowness (0, 0.35), of mean exp(0.35^2 / 2); a Weibull's is scale gamma(1 + 1 / shape)."""
    latencies = [latency for latency in map(first_escape_s, range(2500)) if latency >= 0]
    expected = exp(0.35**2 / 2) * 2.9 * exp(-0.02) * gamma(1 + 1 / 1.3)
    assert expected == pytest.approx(2.79, abs=0.01)
    assert fmean(latencies) == pytest.approx(expected, rel=0.08)


def latency_s(seed: int, treatment: Treatment, *, trained: bool) -> float:
    rat = Stepper(seed, treatment, trained=trained)
    rat.perceive(SetGate(open=True), 0)
    return rat.next_us / S


@pytest.mark.parametrize(
    ("treatment", "trained", "expected"),
    [
        (Treatment(), False, exp(2.5)),
        (Treatment(), True, 520 * log(2) ** (1 / 1.1)),
        (Treatment(compound="diazepam", dose_mg_kg=1.0), True, 270 * log(2) ** (1 / 1.1)),
        (Treatment(compound="diazepam", dose_mg_kg=1.0), False, exp(2.5)),
        (Treatment(compound="saline", dose_mg_kg=0.0), True, 520 * log(2) ** (1 / 1.1)),
    ],
)
def test_a_shock_is_remembered_unless_a_drug_made_it_forgotten(
    treatment: Treatment, trained: bool, expected: float
) -> None:
    latencies = [latency_s(seed, treatment, trained=trained) for seed in range(1200)]
    assert median(latencies) == pytest.approx(expected, rel=0.12)


def test_it_steps_in_and_out_by_turns_and_not_at_all_while_the_way_is_closed() -> None:
    rat = Stepper(1, Treatment(), trained=False, start="platform", entered="grid")
    assert rat.next_us == NEVER
    rat.perceive(SetGate(open=True), 0)
    steps = [rat.act() for _ in range(4)]
    assert [step.side for step in steps] == ["grid", "platform", "grid", "platform"]  # type: ignore[attr-defined]
    rat.perceive(SetGate(open=False), steps[-1].at_us)
    assert rat.next_us == NEVER


def test_two_thirds_of_the_shocks_are_followed_by_a_fight_that_raters_key_in_pairs() -> None:
    n, fights = 400, 0
    for seed in range(n):
        pair = Pair(seed, Treatment(), ("A", "B"))
        pair.perceive(ShockStarted(0, 1), 0)
        notes = [pair.act() for _ in range(len(pair._coming))]
        assert all(isinstance(note, Noted) and note.at_us >= 0.2 * S for note in notes)
        keyed = [note.text for note in notes if isinstance(note, Noted)]
        for rater in "AB":
            mine = [text for text in keyed if text.startswith(rater)]
            assert mine in ([], [f"{rater}: fight begins", f"{rater}: fight ends"])
        fights += bool(notes)
    assert fights / n == pytest.approx(0.64, abs=4 * sqrt(0.64 * 0.36 / n))
