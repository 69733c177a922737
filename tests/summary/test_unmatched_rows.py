"""What holds for every statistic of rows: columns of different lengths, and settings out of range, are refused in a
sentence before anything is computed."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from behavior.model.errors import BadInput
from behavior.summary import compare, ranks
from behavior.summary.binary import binomial_groups, cochran_armitage, compare_proportions
from behavior.summary.counts import negative_binomial
from behavior.summary.cox import fit_cox, score_test
from behavior.summary.describe import describe
from behavior.summary.dose_response import (
    effective_dose,
    effective_dose_profile,
    fit_dose_response,
    fit_dose_responses,
)
from behavior.summary.ed50 import NoEd50, ed50
from behavior.summary.expression import curve_from
from behavior.summary.fit import t_quantile
from behavior.summary.gee import gee
from behavior.summary.glm import fit_glm
from behavior.summary.groups import check_rows, check_unit
from behavior.summary.hormesis import fit_hormesis
from behavior.summary.latin import latin_square
from behavior.summary.outcome_ed50 import Counts, CutLatencies, Fractions, outcome_ed50
from behavior.summary.overdispersed import beta_binomial
from behavior.summary.quantal import fit_quantal, litchfield_wilcoxon
from behavior.summary.repeated import group_by_time, within_subject
from behavior.summary.sphericity import complete_table
from behavior.summary.survival import latencies
from behavior.summary.tobit import tobit

DOSE = np.repeat([0.0, 1, 3, 10], 4)
K = np.array([28.0, 25, 27, 29, 20, 22, 18, 21, 10, 12, 9, 8, 2, 3, 1, 4])
N = np.full(16, 30.0)
ONES = np.ones((16, 1))
ANIMAL = np.tile(range(4), 4)
DAY = np.repeat([1, 2], 8)

# Every column of a call, in order; each is shortened in turn.
CALLS = {
    "describe": (lambda y, d: describe(y, d, reference=0), (K, DOSE)),
    "dunnett": (lambda y, d: compare.dunnett(y, d, reference=0), (K, DOSE)),
    "kruskal_dunn": (lambda y, d: ranks.kruskal_dunn(y, d, reference=0), (K, DOSE)),
    "negative_binomial": (lambda y, d, e: negative_binomial(y, d, reference=0, exposure=e), (K, DOSE, N)),
    "binomial_groups": (lambda k, n, d: binomial_groups(k, n, d, reference=0), (K, N, DOSE)),
    "compare_proportions": (lambda k, n, d: compare_proportions(k, n, d, reference=0), (K, N, DOSE)),
    "cochran_armitage": (cochran_armitage, (K, N, DOSE)),
    "fit_cox": (fit_cox, (K, N > 0, DOSE[:, None])),
    "score_test": (score_test, (K, N > 0, DOSE)),
    "latencies": (lambda t, e, d: latencies(t, e, d, reference=0), (K, N > 0, DOSE)),
    "tobit": (lambda t, e, d: tobit(t, e, d, reference=0), (K, N > 0, DOSE)),
    "fit_dose_response": (fit_dose_response, (DOSE, K)),
    "within animals": (lambda d, y, a: fit_dose_response(d, y, animal=a), (DOSE, K, ANIMAL)),
    "fit_dose_responses": (fit_dose_responses, (DOSE, K, np.tile(["a", "b"], 8))),
    "ed50": (ed50, (DOSE, K)),
    "fit_hormesis": (fit_hormesis, (DOSE, K)),
    "gee": (lambda y, x, a: gee(y, x, a, names=["a"]), (K > 10, ONES, np.arange(16) // 2)),
    "fit_glm": (lambda y, x, n: fit_glm(y, x, "logit", trials=n), (K, ONES, N)),
    "beta_binomial": (lambda k, n, x: beta_binomial(k, n, x, ["a"]), (K, N, ONES)),
    "latin_square": (lambda y, r, c, g: latin_square(y, r, c, g, reference=0), (K, ANIMAL, DAY, DOSE)),
    "fit_quantal": (fit_quantal, (DOSE, K, N)),
    "litchfield_wilcoxon": (litchfield_wilcoxon, (DOSE, K, N)),
    "within_subject": (lambda y, d, a, p: within_subject(y, d, a, reference=0, period=p), (K, DOSE, ANIMAL, DAY)),
    "group_by_time": (lambda y, g, t, a: group_by_time(y, g, t, a, reference=0), (K, DOSE % 2, DAY, ANIMAL)),
    "complete_table": (lambda y, d, a: complete_table(y, d, a, levels=["0", "1"]), (K, DOSE, ANIMAL)),
    "outcome_ed50": (lambda d, k: outcome_ed50(d, Counts(k, np.full(len(k), 30.0))), (DOSE, K)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_column_that_is_too_short_is_refused(name):
    call, columns = CALLS[name]
    for i in range(len(columns)):
        short = [column[:-1] if i == j else column for j, column in enumerate(columns)]
        with pytest.raises(BadInput, match=r"differ in number|stand beside") as error:
            call(*short)
        assert "\n" not in str(error.value)
        assert "15" in str(error.value)


def test_columns_are_counted_by_name():
    check_rows(doses=[1, 2], responses=(3, 4), animals="ab")
    with pytest.raises(BadInput, match="2 doses, 3 responses, 2 animals differ in number; give one of each per row"):
        check_rows(doses=[1, 2], responses=(3, 4, 5), animals="ab")


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [math.nan], [1e-40, 1.0], [1e40], [0.0, -1e-40]])
def test_units_that_can_be_computed_with_pass(values):
    check_unit(np.array(values))


@pytest.mark.parametrize("values", [[1.1e40, 0], [9e-41, 0, math.nan], [-1e41], [5e-324]])
def test_units_that_cannot_be_computed_with_are_refused(values):
    with pytest.raises(BadInput, match="use another unit"):
        check_unit(np.array(values))


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan])
def test_a_confidence_level_in_percent_is_refused_wherever_it_leads_to_t(level):
    for ask in (
        lambda: t_quantile(level, 10),
        lambda: describe(K, DOSE, reference=0, conf_level=level),
        lambda: effective_dose(fit_dose_response(DOSE, K), 50, level),
    ):
        with pytest.raises(BadInput, match=r"is not between 0 and 1; 95 % is 0.95"):
            ask()


@pytest.mark.parametrize("percent", [0, 100, -5, 150, math.nan])
def test_no_dose_has_none_or_all_of_the_effect(percent):
    fit = fit_dose_response(DOSE, K)
    for ask in (effective_dose, effective_dose_profile):
        with pytest.raises(BadInput, match="choose a percentage between 0 and 100"):
            ask(fit, percent)


def test_a_curve_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(BadInput, match=r"the curve LL.2 is not known; choose one of LL.3, LL.4, LL.5"):
        fit_dose_response(DOSE, K, model="LL.2")


def test_fractions_of_animals_are_refused_where_animals_are_counted():
    with pytest.raises(BadInput, match=r"0.4 of 1 animals in a are not whole animals; give counts, not fractions"):
        compare_proportions([0.4, 0.5], [1, 1], ["a", "b"], reference="a")


def changed(values, place, value):
    out = np.array(values)
    out[place] = value
    return out


@pytest.mark.parametrize(
    "outcome",
    [
        Fractions(changed(K, 0, math.nan), N),
        Fractions(changed(K, 0, 0.0), changed(N, 0, 0.0)),
        Counts(changed(K, 3, math.nan), N),
        Counts(K, changed(N, 3, 0.0)),
        CutLatencies(changed(K, 3, math.inf), np.ones(16)),
    ],
)
def test_an_animal_without_an_outcome_is_named_instead_of_an_effect_that_turns(outcome):
    with pytest.raises(BadInput, match="an animal has no value, no trials or no exposure"):
        outcome_ed50(DOSE, outcome)


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Fractions(changed(K, 0, 60.0), N), "not a proportion|above its number of trials"),
        (Fractions(changed(K, 0, -4.0), N), "negative"),
        (Counts(changed(K, 0, -1.0), N), "a count of -1 is negative"),
        (CutLatencies(changed(K, 0, -1.0), np.ones(16)), "a latency of -1 is negative"),
        (CutLatencies(K, changed(np.ones(16), 0, 2.0)), "an event is 1"),
    ],
)
def test_an_outcome_that_cannot_be_is_the_reason(outcome, says):
    found = outcome_ed50(DOSE, outcome)
    assert isinstance(found, NoEd50)
    assert re.search(says, found.reasons[0])


def test_a_number_too_large_for_the_machine_is_infinite_and_no_crash():
    curve = curve_from("x / 1" + "0" * 400, [])
    assert curve(np.array([1.0, 5.0]), np.array([])).tolist() == [0.0, 0.0]
