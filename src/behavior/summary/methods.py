"""The methods by which doses are compared with vehicle: what each is called, what it asks for, how it is told.

A study file or `behavior summarize --method` may name one for a measure; otherwise the kind of the measure decides, as
`against_vehicle.usual_method` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from behavior.model.measures import Measure
from behavior.summary import by_latency, by_likelihood, by_means
from behavior.summary.units import Units
from behavior.summary.vehicle_test import Compared


@dataclass(frozen=True, slots=True)
class Method:
    """A method. `said` is its sentence in a methods section; `design` whether groups or units had several doses."""

    run: Callable[[Units, Measure], Compared]
    design: str
    said: str


BETWEEN, WITHIN, EITHER = "between", "within", "either"

METHODS: dict[str, Method] = {
    "dunnett": Method(
        by_means.by_dunnett, BETWEEN,
        "Doses were compared with vehicle by one-way analysis of variance and Dunnett's two-sided, single-step "
        "comparisons (Dunnett 1955; quadrature), with simultaneous 95 % confidence intervals; p without the assumption "
        "of equal variances (Hasler and Hothorn 2008) are in the tables.",
    ),
    "dunnett_sqrt": Method(
        by_means.by_roots, BETWEEN,
        "Counts were compared by Dunnett's comparisons after the transformation √(y + 0.5).",
    ),
    "welch": Method(
        by_means.by_welch, BETWEEN,
        "Doses were compared with vehicle without the assumption of equal variances: Welch's analysis of variance and "
        "single-step comparisons with Welch's degrees of freedom (Hasler and Hothorn 2008).",
    ),
    "permutation": Method(
        by_means.by_permutation, BETWEEN,
        "Differences of means from vehicle were tested by rearranging whole {units} between a dose and vehicle, all "
        "arrangements up to 20,000 and a fixed sample of as many above that, two-sided, with Holm's adjustment.",
    ),
    "dunn": Method(
        by_means.by_ranks, BETWEEN,
        "Where named or where more than a tenth of durations were 0, doses were compared by ranks: Kruskal–Wallis, and "
        "Dunn's comparisons with vehicle, two-sided, with Holm's adjustment (Dunn 1964); means there only describe.",
    ),
    "mixed": Method(
        by_means.within_by_mixed_model, WITHIN,
        "Where {units} had several doses, these were compared within them: a linear mixed model with a random "
        "intercept for each and period as a factor where it can be told from dose, by REML, with Satterthwaite's "
        "degrees of freedom; comparisons with vehicle and 95 % intervals are simultaneous (multivariate t).",
    ),
    "permutation_within": Method(
        by_means.within_by_permutation, WITHIN,
        "Where {units} had several doses and the outcome does not suit a model of means (censored latencies, many "
        "zeros), each dose was compared with vehicle by exchanging the two within {units}, over all exchanges up to "
        "2¹⁴, with Holm's adjustment.",
    ),
    "quasi_binomial": Method(
        by_likelihood.by_quasi_binomial, BETWEEN,
        "Events of trials were compared as odds by quasi-binomial regression with Pearson's dispersion between {units} "
        "(at least 1): an F test of doses, and signed roots of likelihood ratios against vehicle, single-step "
        "(multivariate t), with simultaneous 95 % profile intervals (McCullagh and Nelder 1989).",
    ),
    "gee": Method(
        by_likelihood.by_gee, EITHER,
        "Single trials were compared by estimating equations with exchangeable correlation within {units}, "
        "bias-reduced errors (CR2) and Satterthwaite's degrees of freedom (Bell and McCaffrey 2002), single-step.",
    ),
    "gee_plain": Method(
        by_likelihood.by_gee_plain, EITHER,
        "Single trials were compared by estimating equations with exchangeable correlation within {units}, the plain "
        "sandwich and normal p-values (Liang and Zeger 1986), which reject too often with few {units}.",
    ),
    "beta_binomial": Method(
        by_likelihood.by_beta_binomial, BETWEEN,
        "Events of trials were compared by beta-binomial regression (Crowder 1978) with t and Holm's adjustment.",
    ),
    "negative_binomial": Method(
        by_likelihood.by_negative_binomial, BETWEEN,
        "Counts were compared as rates by negative binomial regression with the time observed as offset, dispersion by "
        "moments (Breslow 1984): an F test of doses, and signed roots of likelihood ratios against vehicle, "
        "single-step (multivariate t), with simultaneous 95 % profile intervals.",
    ),
    "negative_binomial_plain": Method(
        by_likelihood.by_negative_binomial_plain, BETWEEN,
        "Counts were compared by negative binomial regression by maximum likelihood with Wald's normal p-values and "
        "Holm's adjustment, which reject too often with few {units}.",
    ),
    "log_rank": Method(
        by_latency.by_log_rank, BETWEEN,
        "Latencies were compared with vehicle by log-rank scores (Peto and Peto 1972), summed over the trials of "
        "{units} where they had many, and rearrangement of whole {units}, with Holm's adjustment; differences are of "
        "mean latencies up to the cut-off, with 95 % intervals that hold one by one (Royston and Parmar 2013).",
    ),
    "cox": Method(
        by_latency.by_cox, BETWEEN,
        "Latencies were compared by Cox regression (Efron's ties) with errors by the jackknife over {units} (Lipsitz "
        "et al. 1994), t with as many degrees of freedom as {units} less doses, and Holm's adjustment.",
    ),
    "cox_plain": Method(
        by_latency.by_cox_plain, BETWEEN,
        "Latencies were compared by Cox regression (Efron's ties), where {units} had many trials with the sandwich "
        "over {units}, normal p-values and Holm's adjustment, which reject too often with few {units}.",
    ),
    "tobit": Method(
        by_latency.by_tobit, BETWEEN,
        "Logarithms of latencies were compared by normal regression, right-censored at the cut-off, with t and Holm's "
        "adjustment.",
    ),
}  # fmt: skip
"""By the name that a study file uses."""
