"""The simulated rat does what its table says, dose by dose."""

from __future__ import annotations

from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.commands import SetCue, SetLever
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.model.events import LeverPressed, LeverReleased
from behavior.session.core import NEVER
from behavior.simulate.drugs import DRUGS, effect, find_drug
from behavior.simulate.rat import Rat
from behavior.simulate.subject import Vocalized

S = 1_000_000
MINUTES = 12


def presses(seed: int, treatment: Treatment, *, tone: bool) -> float:
    """Presses a minute with the lever out."""
    rat = Rat(seed, treatment)
    rat.perceive(SetCue("tone", on=tone), 0)
    rat.perceive(SetLever("left", out=True), 0)
    n = 0
    while rat.next_us < MINUTES * 60 * S:
        n += isinstance(rat.act(), LeverPressed)
    return n / MINUTES


def calling_s(seed: int, treatment: Treatment, window_s: float = 300) -> float:
    rat = Rat(seed, treatment)
    rat.perceive(SetCue("tone", on=True), 0)
    total = 0.0
    while rat.next_us < window_s * S:
        call = rat.act()
        assert isinstance(call, Vocalized)
        total += min(call.duration_s, window_s - call.at_us / S)
    return total


def given_(compound: str, dose_mg_kg: float) -> Treatment:
    return Treatment(compound=compound, dose_mg_kg=dose_mg_kg)


def test_vehicle_rates_are_those_of_the_table() -> None:
    assert fmean(presses(seed, Treatment(), tone=False) for seed in range(150)) == pytest.approx(20, rel=0.08)
    assert fmean(presses(seed, Treatment(), tone=True) for seed in range(150)) == pytest.approx(1.6, rel=0.12)


@pytest.mark.parametrize(
    ("compound", "dose", "times"), [("ipsapirone", 10, 3.07), ("diazepam", 2.5, 4.7), ("buspirone", 1, 1.7)]
)
def test_drugs_release_punished_responding_by_their_factor(compound: str, dose: float, times: float) -> None:
    vehicle = fmean(presses(seed, Treatment(), tone=True) for seed in range(120))
    drug = fmean(presses(seed, given_(compound, dose), tone=True) for seed in range(120))
    assert drug / vehicle == pytest.approx(times, rel=0.12)


def test_calling_falls_with_the_dose_of_ipsapirone_and_not_with_diazepam() -> None:
    means = [fmean(calling_s(seed, given_("ipsapirone", dose)) for seed in range(80)) for dose in (0, 0.3, 1, 3, 10)]
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx(146, rel=0.1)
    assert means[-1] < 15
    assert fmean(calling_s(seed, given_("diazepam", 5)) for seed in range(80)) == pytest.approx(means[0], rel=0.1)


def test_a_rat_does_nothing_without_lever_or_tone() -> None:
    assert Rat(1, Treatment()).next_us == NEVER


def test_it_lets_go_of_what_it_pressed_even_when_the_lever_is_drawn_in() -> None:
    rat = Rat(1, Treatment())
    rat.perceive(SetLever("right", out=True), 0)
    press = rat.act()
    rat.perceive(SetLever("right", out=False), press.at_us + 1)
    release = rat.act()
    assert (press, release) == (LeverPressed(press.at_us, "right"), LeverReleased(press.at_us + 80_000, "right"))
    assert rat.next_us == NEVER


@given(st.floats(0, 1000), st.floats(0.01, 100), st.floats(0.5, 4))
def test_effects_lie_between_none_and_full_and_rise(dose: float, ed50: float, hill: float) -> None:
    assert 0 <= effect(dose, ed50, hill) <= effect(dose * 1.5 + 0.001, ed50, hill) <= 1


def test_an_unknown_compound_is_named_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"caffeine: .* choose one of ipsapirone"):
        find_drug("caffeine")
    assert set(DRUGS) == {"ipsapirone", "buspirone", "alnespirone", "diazepam"}


def test_a_lever_that_is_out_is_pressed_whatever_becomes_of_the_other() -> None:
    rat = Rat(1, Treatment())
    rat.perceive(SetLever("left", out=True), 0)
    rat.perceive(SetLever("right", out=False), 10)
    assert rat.act() == LeverPressed(rat.next_us - 80_000, "left")


# By hand from the sigmoid d^h / (d^h + ED50^h) and the table of the study's design.
@pytest.mark.parametrize(
    ("compound", "dose", "punished", "unpunished", "calming"),
    [
        ("ipsapirone", 4.0, 2.2, 0.905008, 0.827093),
        ("buspirone", 0.5, 1.45, 0.841842, 0.288826),
        ("alnespirone", 0.45, 2.0, 0.888065, 0.360226),
        ("Diazepam", 1.2, 3.3, 0.943394, 0.0),
    ],
)
def test_effects_are_those_of_the_table(
    compound: str, dose: float, punished: float, unpunished: float, calming: float
) -> None:
    drug = find_drug(compound)
    found = (drug.punished(dose), drug.unpunished(dose), drug.calming(dose))
    assert found == pytest.approx((punished, unpunished, calming), abs=2e-6)
    assert (drug.punished(0), drug.unpunished(0), drug.calming(0)) == (1, 1, 0)


def test_rats_differ_as_a_gamma_with_shape_6() -> None:
    """Counts in a minute are then a negative binomial: variance m + m^2 / 6, here 20 + 66.7."""
    counts = [presses(seed, Treatment(), tone=False) * MINUTES for seed in range(250)]
    mean = fmean(counts)
    overdispersion = (variance(counts, mean) - mean) / mean**2
    assert overdispersion == pytest.approx(1 / 6, rel=0.3)
