"""How many rats: by simulation with the report's own test, and by formula, which agree where both hold."""

from __future__ import annotations

import pytest

from behavior.app.power import numbers
from behavior.config.study import Arm
from behavior.model.errors import BadInput
from behavior.simulate.power import _wilson, arms_with_power, power, simulated_pool
from study.designs import ARM, CHRONIC, GROUPS, WITHIN, study_of

SHORT = 'paradigm = "geller_seifter"\nparameters = { n_cycles = 1 }'


def arm_of(text: str, doses: str = "[0, 10]") -> Arm:
    text = text.replace('paradigm = "geller_seifter"', SHORT).replace("[0, 1, 3]", doses)
    return study_of(text).arms[0]


def test_more_animals_have_more_power_and_a_larger_dose_too() -> None:
    found = power(arm_of(ARM, "[0, 1, 10]"), (3, 10), seed=1, pool=20, draws=20)
    small, large = found.found
    assert (small.n, large.n) == (3, 10)
    assert small.power < large.power
    assert dict(large.by_dose)[10.0] > dict(large.by_dose)[1.0]
    assert large.lo <= large.power <= large.hi
    assert found.test == "Dunnett"
    assert found.formula_n is not None and 2 < found.formula_n < 16, "an effect of about two standard deviations"
    assert found.least(0.01) == 3
    assert found.least(0.999999) in (None, 10)


def test_equal_seeds_give_equal_answers() -> None:
    one, two, other = (power(arm_of(ARM), (3,), seed=seed, pool=8, draws=20) for seed in (1, 1, 2))
    assert one == two != other


def test_within_subjects_a_unit_is_the_same_animal_at_every_dose() -> None:
    arm = arm_of(WITHIN)
    sessions, trials = simulated_pool(arm, 8, seed=1)
    assert trials is None
    assert sessions.groupby("unit")["dose_mg_kg"].nunique().eq(2).all()
    wide = sessions.pivot(index="unit", columns="dose_mg_kg", values="unpunished_rate_per_min")
    assert wide[0.0].corr(wide[10.0]) > 0.7, "an animal that presses much does so under every dose"
    found = power(arm, (4,), seed=1, pool=8, draws=20)
    assert "within" in found.test
    assert found.formula_n is not None and 1 < found.formula_n < 20
    assert "analysis of variance within units" in found.formula and "and correlation (" in found.formula


def test_cages_and_days_are_simulated_whole() -> None:
    text = CHRONIC.replace("[0, 0.1, 0.3]", "[0, 0.3]").replace("[1, 8, 15, 20]", "[1, 8]")
    arm = arm_of(text)
    sessions, _ = simulated_pool(arm, 2, seed=1)
    assert len(sessions) == 2 * 2 * 2 * 2, "doses, cages, animals of a cage, days"
    assert sessions["cage"].nunique() == 4


def test_calls_are_heard_as_the_animal_made_them() -> None:
    text = ARM.replace('paradigm = "geller_seifter"', 'paradigm = "conditioned_usv"\nparameters = { test_s = 60 }')
    text = text.replace('"punished_rate_per_min", "unpunished_rate_per_min"', '"calling_time_s"')
    text = text.replace('primary = "punished_rate_per_min"', 'primary = "calling_time_s"')
    arm = study_of(text.replace('motor_control = "unpunished_rate_per_min"', "")).arms[0]
    sessions, _ = simulated_pool(arm, 12, seed=1)
    means = sessions.groupby("dose_mg_kg")["calling_time_s"].mean()
    assert means[0.0] > means[3.0] > 0


def test_only_arms_that_compare_doses_are_asked() -> None:
    assert [arm.name for arm in arms_with_power(study_of(GROUPS))] == ["conflict.helpless"]
    with pytest.raises(BadInput, match="has one dose, and power is of a comparison with vehicle"):
        power(study_of(GROUPS).by_group().arms[1], (4,), seed=1)


def test_a_study_may_not_take_more_than_half_of_the_pool() -> None:
    with pytest.raises(BadInput, match="9 units a dose: choose from 2 to 8, half of the 16 simulated"):
        power(arm_of(ARM), (9,), seed=1, pool=16)


@pytest.mark.parametrize(("k", "n", "lo", "hi"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)])
def test_the_interval_of_a_share_is_wilsons(k: int, n: int, lo: float, hi: float) -> None:
    """Against `statsmodels.stats.proportion.proportion_confint(k, n, method="wilson")`."""
    assert _wilson(k, n) == pytest.approx((lo, hi), abs=1e-4)


def test_numbers_of_units_are_read_and_refused() -> None:
    assert numbers("4, 6,8") == [4, 6, 8]
    with pytest.raises(BadInput, match="must be whole numbers with commas"):
        numbers("4;6")
    with pytest.raises(BadInput, match="1 unit a dose has no spread"):
        numbers("1,4")
