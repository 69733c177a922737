"""What holds for every statistic: whatever the data, it gives a finite result or one sentence that says why not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.summary import compare, ranks
from behavior.summary.binary import binomial_groups, clopper_pearson, cochran_armitage, compare_proportions, wilson
from behavior.summary.counts import negative_binomial
from behavior.summary.cox import cox_comparisons, whole_animal_test, whole_animal_tests
from behavior.summary.describe import describe
from behavior.summary.dose_response import fit_dose_response
from behavior.summary.ed50 import ed50
from behavior.summary.effect_size import cliffs_delta, hedges_g
from behavior.summary.gee import gee
from behavior.summary.glm import indicator_design
from behavior.summary.hormesis import directions, fit_hormesis, hormesis_test
from behavior.summary.latin import latin_square
from behavior.summary.outcome_ed50 import Counts, CutLatencies, Fractions, outcome_ed50
from behavior.summary.overdispersed import beta_binomial, logistic_mixed
from behavior.summary.quantal import fit_quantal, litchfield_wilcoxon
from behavior.summary.repeated import group_by_time, within_subject
from behavior.summary.sphericity import complete_table, repeated_anova
from behavior.summary.survival import (
    kaplan_meier,
    latencies,
    log_rank,
    log_rank_comparisons,
    restricted_mean_comparisons,
)
from behavior.summary.tobit import tobit

DOSES = [0.0, 1.0, 3.0, 10.0]

sizes = st.lists(st.integers(1, 4), min_size=4, max_size=4)
numbers = st.sampled_from([0.0, 1.0, 2.0, 5.0, 1e-8, 1e8, 30.0, 29.0, 3.5])


@st.composite
def studies(draw):
    """A few animals a dose, their responses odd: ties, zeros, extremes, cut-offs, gaps."""
    counts = draw(sizes)
    dose = np.repeat(DOSES, counts)
    n = len(dose)
    y = np.array(draw(st.lists(numbers, min_size=n, max_size=n)))
    if draw(st.booleans()):
        y = np.where(np.arange(n) % 5 == 4, math.nan, y)
    seen = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    animal = np.array([i % draw(st.integers(1, 3)) for i in range(n)])
    return dose, y, seen, animal


def lat(dose, y, seen):
    return latencies(y, seen, dose, reference=0)


def design(dose):
    return indicator_design(dose.astype(str), tuple(str(d) for d in DOSES))


NAMES = ["vehicle", "low", "middle", "high"]


def trials(y):
    """Events of 30 trials from any response."""
    return np.round(np.minimum(np.nan_to_num(y), 30)), np.full(len(y), 30.0)


STATISTICS = {
    "describe": lambda d, y, s, a: describe(y, d, reference=0),
    "dunnett": lambda d, y, s, a: compare.dunnett(y, d, reference=0),
    "welch_dunnett": lambda d, y, s, a: compare.welch_dunnett(y, d, reference=0),
    "welch_anova": lambda d, y, s, a: compare.welch_anova(y, d, reference=0),
    "spread_test": lambda d, y, s, a: compare.spread_test(y, d, reference=0),
    "residual_normality": lambda d, y, s, a: compare.residual_normality(y, d, reference=0),
    "trend": lambda d, y, s, a: compare.trend(y, d, reference=0),
    "williams_contrasts": lambda d, y, s, a: compare.williams_contrasts(y, d, reference=0),
    "kruskal_dunn": lambda d, y, s, a: ranks.kruskal_dunn(y, d, reference=0),
    "mann_whitney": lambda d, y, s, a: ranks.mann_whitney(y, d, reference=0),
    "permutation_test": lambda d, y, s, a: ranks.permutation_test(y, d, reference=0),
    "within_subject": lambda d, y, s, a: within_subject(y, d, a, reference=0),
    "within_subject with periods": lambda d, y, s, a: within_subject(y, d, a, reference=0, period=s.astype(float)),
    "repeated_anova": lambda d, y, s, a: repeated_anova(complete_table(y, d, a, levels=["0", "1", "3", "10"])),
    "friedman": lambda d, y, s, a: ranks.friedman(complete_table(y, d, a, levels=["0", "1", "3", "10"])),
    "group_by_time": lambda d, y, s, a: group_by_time(y, s.astype(float), d, a, reference=0),
    "latin_square": lambda d, y, s, a: latin_square(y, a, s.astype(float), d, reference=0),
    "log_rank": lambda d, y, s, a: (log_rank(lat(d, y, s)), log_rank_comparisons(lat(d, y, s))),
    "kaplan_meier": lambda d, y, s, a: kaplan_meier(lat(d, y, s)),
    "restricted_mean": lambda d, y, s, a: restricted_mean_comparisons(lat(d, y, s), 30),
    "cox": lambda d, y, s, a: cox_comparisons(lat(d, y, s)),
    "whole_animal_tests": lambda d, y, s, a: whole_animal_tests(lat(d, y, s), np.arange(len(lat(d, y, s).time))),
    "tobit": lambda d, y, s, a: tobit(y, s, d, reference=0),
    "binomial_groups": lambda d, y, s, a: binomial_groups(np.minimum(y, 30), np.full(len(y), 30.0), d, reference=0),
    "compare_proportions": lambda d, y, s, a: compare_proportions(s.astype(float), np.ones(len(s)), d, reference=0),
    "negative_binomial": lambda d, y, s, a: negative_binomial(np.round(np.minimum(y, 1000)), d, reference=0),
    "fit_dose_response": lambda d, y, s, a: fit_dose_response(d, y),
    "fit_hormesis": lambda d, y, s, a: fit_hormesis(d, y),
    "ed50": lambda d, y, s, a: ed50(d, y),
    "ed50 within animals": lambda d, y, s, a: ed50(d, y, animal=a),
    "hormesis_test": lambda d, y, s, a: hormesis_test(d, y),
    "directions": lambda d, y, s, a: directions(compare.dunnett(y, d, reference=0)),
    "hedges_g": lambda d, y, s, a: hedges_g(y[d == 3], y[d == 0]),
    "cliffs_delta": lambda d, y, s, a: cliffs_delta(y[d == 3], y[d == 0]),
    "proportions": lambda d, y, s, a: [f(s.sum(), len(s)) for f in (wilson, clopper_pearson)],
    "cochran_armitage": lambda d, y, s, a: cochran_armitage(*trials(y), d),
    "gee": lambda d, y, s, a: gee(s.astype(float), design(d), np.arange(len(s)) // 2, names=NAMES),
    "gee plain": lambda d, y, s, a: gee(
        s.astype(float), design(d), np.arange(len(s)) // 2, names=NAMES, sandwich="plain", correlation="independence"
    ),
    "fit_quantal": lambda d, y, s, a: fit_quantal(d, s.astype(float), np.ones(len(s))),
    "litchfield_wilcoxon": lambda d, y, s, a: litchfield_wilcoxon(d, s.astype(float), np.ones(len(s))),
}
SLOW = {
    "beta_binomial": lambda d, y, s, a: beta_binomial(*trials(y), design(d), NAMES),
    "logistic_mixed": lambda d, y, s, a: logistic_mixed(*trials(y), design(d), np.arange(len(y)) // 2, NAMES),
    "whole_animal_test": lambda d, y, s, a: whole_animal_test(lat(d, y, s), np.arange(len(lat(d, y, s).time))),
    "permutation_anova": lambda d, y, s, a: ranks.permutation_anova(y, d, reference=0),
    "ed50 of fractions": lambda d, y, s, a: outcome_ed50(d, Fractions(np.minimum(y, 30), np.full(len(y), 30.0))),
    "ed50 of counts": lambda d, y, s, a: outcome_ed50(d, Counts(np.round(np.minimum(y, 999)), np.ones(len(y)))),
    "ed50 of latencies": lambda d, y, s, a: outcome_ed50(d, CutLatencies(y, s.astype(float))),
}


def ps(result):
    """Every p-value in a result."""
    if isinstance(result, list | tuple):
        for part in result:
            yield from ps(part)
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            value = getattr(result, field.name)
            if field.name.startswith("p_") or field.name == "p":
                yield from [] if value is None or not isinstance(value, float) else [(field.name, value)]
            else:
                yield from ps(value)


def numbers_in(result, path=""):
    """Every number in a result that a reader may see, with the path to it."""
    if isinstance(result, bool | str | None):
        return
    if isinstance(result, int | float):
        yield path, float(result)
    elif isinstance(result, np.ndarray) and result.dtype.kind == "f":
        yield from ((path, float(v)) for v in result.ravel())
    elif isinstance(result, dict):
        yield from (found for key, part in result.items() for found in numbers_in(part, f"{path}[{key}]"))
    elif isinstance(result, list | tuple):
        yield from (found for i, part in enumerate(result) for found in numbers_in(part, f"{path}[{i}]"))
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            yield from numbers_in(getattr(result, field.name), f"{path}.{field.name}")


def is_responses(path):
    """Responses are kept in a result as they were given, missing ones too."""
    return path.endswith((".time", ".x", ".y"))


def check(statistic, study):
    try:
        result = statistic(*study)
    except BadInput as error:
        assert len(str(error)) > 20
        assert "\n" not in str(error)
        return
    for name, p in ps(result):
        assert 0 <= p <= 1, f"{name} is {p}"
    for path, number in numbers_in(result):
        assert not math.isnan(number) or is_responses(path), f"{path} is not a number"
        ends = path.rsplit(".", 1)
        if ends[-1] == "lo":
            assert number <= dict(numbers_in(result))[f"{ends[0]}.hi"], f"{path} lies above its other end"


@pytest.mark.parametrize("name", STATISTICS)
@settings(max_examples=25, deadline=None)
@given(study=studies())
def test_odd_data_give_a_result_or_a_sentence(name, study):
    check(STATISTICS[name], study)


@pytest.mark.parametrize("name", SLOW)
@settings(max_examples=6, deadline=None)
@given(study=studies())
def test_odd_data_give_a_result_or_a_sentence_also_where_it_takes_longer(name, study):
    check(SLOW[name], study)
