"""What a summary says in words: numbers with their digits, results as sentences, and the methods that really ran."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from behavior.summary.ed50 import REACH, Ed50, NoEd50
from behavior.summary.effect_size import EffectSize
from behavior.summary.methods import METHODS
from behavior.summary.names import listed, plain
from behavior.summary.per_dose import ArmSummary, DoseRow, EndpointSummary
from behavior.summary.potency import Potency
from behavior.summary.refusals import in_words
from behavior.summary.vehicle_test import ALPHA, CLIFF, CONF_LEVEL, Against, p_text

DASH = "–"
MINUS = "−"


def decimals_of(endpoint: EndpointSummary) -> int:
    """As many decimals as show the usual standard error with two digits, at most four."""
    errors = [row.described.sem for row in endpoint.rows if row.described.sem]
    if not errors:
        return 2
    return int(min(max(1 - math.floor(math.log10(float(np.median(errors)))), 0), 4))


def decimals_of_scale(endpoint: EndpointSummary) -> int:
    """The same for the test's estimates, by the width of their intervals; ratios have two."""
    if endpoint.test is not None and endpoint.test.null == 1:
        return 2
    widths = [
        a.hi - a.lo for a in (row.against for row in endpoint.rows) if a and a.lo is not None and a.hi is not None
    ]
    widest = max(widths, default=0.0)
    if not (0 < widest < math.inf):
        return decimals_of(endpoint)
    return int(min(max(1 - math.floor(math.log10(widest / 4)), 0), 4))


def number(value: float | None, decimals: int) -> str:
    """A number with a true minus sign.

    >>> number(-1.2345, 2), number(None, 2), number(float("inf"), 1)
    ('−1.23', '–', '∞')
    """
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, never in powers of ten where it can be helped.

    >>> significant(2.0233), significant(0.00123), significant(1234.5)
    ('2.02', '0.00123', '1234')
    """
    if value == 0 or not math.isfinite(value):
        return number(value, 0)
    return number(value, max(digits - 1 - math.floor(math.log10(abs(value))), 0))


def interval(estimate: float | None, lo: float | None, hi: float | None, decimals: int, *, signed: bool = False) -> str:
    """An estimate and its limits: `2.69 [0.78, 4.60]`."""
    if estimate is None:
        return DASH
    sign = "+" if signed and estimate > 0 else ""
    if lo is None or hi is None:
        return f"{sign}{number(estimate, decimals)}"
    return f"{sign}{number(estimate, decimals)} [{number(lo, decimals)}, {number(hi, decimals)}]"


def p_cell(p: float | None) -> str:
    """A p-value under its heading; a dash where there is none.

    >>> p_cell(0.0312), p_cell(1e-5), p_cell(0.9969)
    ('0.031', '< 0.001', '> 0.99')
    """
    return DASH if p is None else p_text(p).removeprefix("= ")


def effect(size: EffectSize | None) -> str:
    """An effect size with its interval."""
    return DASH if size is None else interval(size.estimate, size.lo, size.hi, 2)


def unit_of(endpoint: EndpointSummary) -> str:
    """The unit with a space before it; empty for a pure number."""
    return f" {endpoint.measure.unit}" if endpoint.measure.unit else ""


def quartiles(row: DoseRow, decimals: int, cut_off: float | None) -> str:
    """Median and quartiles; those among censored responses as longer than the cut-off."""
    d = row.described
    if d.median is None and not row.n_censored:
        return DASH
    median, q1, q3 = (_reached(x, decimals, cut_off) for x in (d.median, d.q1, d.q3))
    return f"{median} [{q1}, {q3}]"


def _reached(value: float | None, decimals: int, cut_off: float | None) -> str:
    """A quartile, or that it lies beyond the cut-off."""
    if value is not None and math.isfinite(value):
        return number(value, decimals)
    return f"> {cut_off:g}" if cut_off is not None else DASH


def _subject(endpoint: EndpointSummary) -> str:
    """A measure as the object of a sentence."""
    article = "the " if endpoint.measure.kind in ("ratio", "latency") else ""
    return article + plain(endpoint.measure.label)


# -- results ----------------------------------------------------------------------------------------------------------


def result_sentence(arm: ArmSummary, endpoint: EndpointSummary) -> str:
    """Which doses differ from vehicle on an endpoint, in which direction, or why that was not tested."""
    what, compound = _subject(endpoint), arm.plan.compound
    if endpoint.test is None:
        return f"{what[:1].upper()}{what[1:]}: not tested, because {endpoint.no_test}."
    raised = [row for row in _differing(endpoint) if _direction(endpoint, row) > 0]
    lowered = [row for row in _differing(endpoint) if _direction(endpoint, row) < 0]
    if not raised and not lowered:
        n = sum(row.against is not None for row in endpoint.rows)
        doses = "the dose" if n == 1 else f"none of {n} doses"
        verb = "did not differ" if n == 1 else "differed"
        verdict = f"{what[:1].upper()}{what[1:]}: {doses} {verb} from vehicle ({endpoint.test.name})."
        return f"{verdict} {not_shown_sentence(endpoint)}".rstrip()
    parts = [
        f"{verb} {what} at {listed([f'{row.dose_mg_kg:g}' for row in rows])} mg/kg ({_largest(endpoint, rows)})"
        for verb, rows in (("raised", raised), ("lowered", lowered))
        if rows
    ]
    return f"{compound[:1].upper()}{compound[1:]} {listed(parts)}."


def not_shown_sentence(endpoint: EndpointSummary) -> str:
    """How large an effect is still possible where none was found, at the dose that lies farthest from vehicle."""
    rows = [row for row in endpoint.rows if row.against is not None and math.isfinite(row.against.estimate)]
    if endpoint.test is None or not rows:
        return ""
    row = max(rows, key=lambda row: _strength(endpoint, row))
    a, share = row.against, row.described.percent_of_vehicle
    assert a is not None
    percent = f"{share:.0f} % of vehicle, " if share is not None and not endpoint.units.censored.any() else ""
    what = "ratio" if endpoint.test.null == 1 else "δ" if endpoint.test.scale == CLIFF else "difference"
    places = decimals_of_scale(endpoint)
    size = interval(a.estimate, a.lo, a.hi, places, signed=endpoint.test.null == 0)
    return (
        f"That is no proof of no effect: farthest from vehicle is {row.dose_mg_kg:g} mg/kg ({percent}{what} {size}, "
        f"n = {row.n} and {endpoint.vehicle.n})."
    )


def control_sentence(endpoint: EndpointSummary) -> str:
    """Whether the groups of an arm differ under vehicle: whether what was done to one of them is seen."""
    test = endpoint.control_test
    reference, *others = endpoint.controls or (None,)
    if reference is None:
        return ""
    if test is None:
        return f"The groups under vehicle were not compared, because {endpoint.no_control_test}." if others else ""
    said = []
    for row in others:
        if row.against is None or row.against.p_adjusted is None:
            continue
        a, verdict = row.against, "differs from" if differs(row.against) else "was not shown to differ from"
        size = interval(a.estimate, a.lo, a.hi, 2 if test.null == 1 else decimals_of(endpoint), signed=test.null == 0)
        scale = test.scale[:1].lower() + test.scale[1:]
        scale = scale.replace("difference from vehicle", "difference")
        said.append(
            f"{row.group} (n = {row.n}) {verdict} {reference.group} (n = {reference.n}), {scale} {size}, "
            f"{test.name} p {p_text(row.against.p_adjusted)}"
        )
    return f"Groups under vehicle: {'; '.join(said)}." if said else ""


def _differing(endpoint: EndpointSummary) -> list[DoseRow]:
    return [row for row in endpoint.rows if differs(row.against)]


def differs(against: Against | None) -> bool:
    """Whether a dose differs from vehicle."""
    return against is not None and against.p_adjusted is not None and against.p_adjusted < ALPHA


def _direction(endpoint: EndpointSummary, row: DoseRow) -> float:
    """Above 0 where the dose raised the endpoint."""
    assert row.against is not None and endpoint.test is not None
    step = row.against.estimate - endpoint.test.null
    return -step if endpoint.test.quickens else step


def _strength(endpoint: EndpointSummary, row: DoseRow) -> float:
    """How far a dose is from no effect; ratios on a logarithmic scale."""
    assert row.against is not None and endpoint.test is not None
    estimate = row.against.estimate
    if endpoint.test.null == 0:
        return abs(estimate)
    return abs(math.log(estimate)) if 0 < estimate < math.inf else math.inf


def _largest(endpoint: EndpointSummary, rows: Sequence[DoseRow]) -> str:
    """The largest of several effects, with its figures."""
    row = max(rows, key=lambda row: _strength(endpoint, row))
    assert row.against is not None and endpoint.test is not None and row.against.p_adjusted is not None
    places = decimals_of(endpoint)
    percent = row.described.percent_of_vehicle
    share = f"{percent:.0f} % of vehicle, " if percent is not None else ""
    here, vehicle = row.described, endpoint.vehicle.described
    means = f"mean {number(here.mean, places)} against {number(vehicle.mean, places)}{unit_of(endpoint)}"
    if endpoint.test.scale == CLIFF or endpoint.units.censored.any():
        cut_off = endpoint.units.cut_off
        medians = [_reached(level.median, places, cut_off) for level in (here, vehicle)]
        means, share = f"median {medians[0]} against {medians[1]}{unit_of(endpoint)}", ""
    which = f"at {row.dose_mg_kg:g}: " if len(rows) > 1 else ""
    return f"{which}{means}, {share}{endpoint.test.name} p {p_text(row.against.p_adjusted)}"


def ed50_sentence(endpoint: EndpointSummary) -> str:
    """The ED50 with its kind, interval and meaning, or every reason against one."""
    found, spread = endpoint.ed50, endpoint.test.spread if endpoint.test else None
    if isinstance(found, NoEd50):
        return f"No ED50 is given: {in_words(found.reasons)}. (To be exact: {'; '.join(found.reasons)}.)"
    lo, hi = significant(found.lo), significant(found.hi)
    unequal = ["variances differ between doses, and the interval takes them to be equal"]
    warned = isinstance(found, Ed50) and spread is not None and spread.p < ALPHA
    remarks = "".join(f" Note: {remark}." for remark in (*found.remarks, *(unequal if warned else [])))
    held = "".join(
        f", {'vehicle' if name == 'd' else 'largest'} effect held at {value:g}" for name, value in found.fixed.items()
    )
    return (
        f"{found.kind.capitalize()} ED50 {significant(found.estimate)} mg/kg, {100 * found.conf_level:.0f} % profile "
        f"interval [{lo}, {hi}] ({found.meaning.partition(': ')[2]}; {found.model}, {found.likelihood}{held}, "
        f"n = {found.n} at {found.n_doses} doses).{remarks}"
    )


def turn_sentence(endpoint: EndpointSummary) -> str:
    """Directions per dose and the curve that turns, where the data call for it."""
    turn = endpoint.turn
    if turn is None:
        return ""
    told = {1: "raised at", -1: "lowered at"}
    parts = [
        f"{told[sign]} {listed([f'{row.dose_mg_kg:g}' for row in rows])} mg/kg"
        for sign in (1, -1)
        if (rows := [row for row in _differing(endpoint) if _direction(endpoint, row) * sign > 0])
    ]
    still = [f"{row.dose_mg_kg:g}" for row in endpoint.rows if row.against is not None and not differs(row.against)]
    parts += [f"no significant change at {listed(still)} mg/kg"] if still else []
    directions = f"Directions per dose: {'; '.join(parts)}."
    if isinstance(turn, str):
        return f"{directions} No curve that turns is given: {turn}."
    f, k, unit = turn.test, decimals_of(endpoint), unit_of(endpoint)
    verdict = "describes the data better than one that does not" if turn.p < ALPHA else "is not needed by the data"
    what = "lowest" if turn.falls_first else "highest"
    back = f"; the later effect is half complete at {significant(turn.back)} mg/kg" if turn.back is not None else ""
    shape = f", {what} at {significant(turn.peak.dose)} mg/kg ({number(turn.peak.response, k)}{unit}){back}"
    return (
        f"{directions} A curve that turns (Brain–Cousens, BC.5, least squares) {verdict}: F({f.df1:g}, {f.df2:g}) = "
        f"{f.f:.2f}, p {p_text(turn.p)}, doubled for two directions tried{shape if turn.p < ALPHA else ''}."
    )


def lines_sentence(endpoint: EndpointSummary) -> str:
    """Probit and Litchfield–Wilcoxon figures of the share of animals that responded, for comparison with old papers."""
    lines = endpoint.lines
    if lines is None:
        return ""
    what = "responded before the cut-off" if lines.responded else "did not respond before the cut-off"
    counts = ", ".join(f"{k}/{n} at {dose:g}" if dose else f"{k}/{n} under vehicle" for dose, k, n in lines.counts)
    head = f"As older papers have it, by the share of {endpoint.units.unit}s that {what} ({counts} mg/kg): "
    probit, legacy = lines.probit, lines.litchfield_wilcoxon
    if probit is None or legacy is None or probit.fieller is None:
        return f"{head}no line is drawn, because {lines.why_not}."
    fieller = f"Fieller [{significant(probit.fieller.lo)}, {significant(probit.fieller.hi)}]"
    mixed = "; its χ² is significant" if legacy.heterogeneous else ""
    return (
        f"{head}probit ED50 {significant(probit.ed50)} mg/kg, {fieller}; Litchfield–Wilcoxon ED50 "
        f"{significant(legacy.ed50)} [{significant(legacy.lo)}, {significant(legacy.hi)}] mg/kg, slope function S = "
        f"{legacy.slope:.2f}{mixed}. Legacy figures: they ignore when an animal responded."
    )


def potency_sentence(potency: Potency) -> str:
    """How potent one compound is against another, or why that is not said."""
    one, other = potency.arm.plan.compound, potency.other.plan.compound
    if potency.ratio is None or potency.lo is None or potency.hi is None:
        return f"The potency of {one} relative to {other} is not given: {potency.why_not}."
    limits = f"[{significant(potency.lo)}, {significant(potency.hi)}]"
    said = f"{one[:1].upper()}{one[1:]} is {significant(potency.ratio)} times as potent as {other} {limits}, by ED50s."
    f = potency.parallel
    if f is not None:
        test = f"(F({f.df1:g}, {f.df2:g}) = {f.f:.2f}, p {p_text(f.p)})"
        said += (
            f" The curves are not parallel {test}: the ratio holds at half of the effect and changes with the effect."
            if f.p < ALPHA
            else f" Nothing speaks against parallel curves {test}."
        )
    return said + "".join(f" Note: {remark}." for remark in potency.remarks)


def welch_sentence(endpoint: EndpointSummary) -> str:
    """Whether the conclusions hang on equal variances; empty where they do not."""
    differ = [
        f"{row.dose_mg_kg:g} mg/kg (Dunnett p {p_text(row.against.p_adjusted)}, Welch p {p_text(row.against.p_welch)})"
        for row in endpoint.rows
        if row.against is not None
        and row.against.p_welch is not None
        and row.against.p_adjusted is not None
        and (row.against.p_welch < ALPHA) != (row.against.p_adjusted < ALPHA)
    ]
    if not differ:
        return ""
    return f"Without the assumption of equal variances the conclusion changes at {listed(differ)}."


def spread_sentence(endpoint: EndpointSummary) -> str:
    """Whether doses differ in spread."""
    spread = endpoint.test.spread if endpoint.test else None
    if spread is None:
        return ""
    verdict = "differ" if spread.p < ALPHA else "do not differ detectably"
    return (
        f"Variances {verdict} between doses (Brown–Forsythe F({spread.df1:g}, {spread.df2:g}) = {spread.f:.2f}, "
        f"p {p_text(spread.p)})."
    )


def effective_sentence(endpoint: EndpointSummary) -> str:
    """The minimum effective dose by both rules."""
    test = endpoint.test
    found = test.effective if test else None
    if test is None or found is None or found.lowest_significant is None:
        return ""
    williams = f" By Williams' step-down, which takes the effect to be monotone: {test.williams} mg/kg."
    also = williams if test.williams and test.williams != found.contiguous else ""
    if found.lowest_significant == found.contiguous:
        same = " (by Williams' step-down too)" if test.williams and not also else ""
        return f"Minimum effective dose: {found.contiguous} mg/kg{same}.{also}"
    above = f"{found.contiguous} mg/kg" if found.contiguous else "none"
    return (
        f"Minimum effective dose: {found.lowest_significant} mg/kg differs and a higher dose does not; "
        f"with every higher dose effective too: {above}. Look for a biphasic effect.{also}"
    )


# -- methods ----------------------------------------------------------------------------------------------------------


def methods_paragraph(arms: Sequence[ArmSummary], compared: Sequence[Potency] = ()) -> str:
    """The statistics that ran, as a methods section tells them; nothing that did not run."""
    endpoints = [endpoint for arm in arms for endpoint in arm.endpoints]
    if not endpoints:
        return "No statistics were made."
    words = list(dict.fromkeys(arm.plan.unit for arm in arms if arm.endpoints))
    units = listed([f"{word}s" for word in words])
    said = [
        f"The experimental unit is the {listed(words)}. Values are mean ± SEM with SD, and median with quartiles (type "
        "7). Percent of vehicle is the mean over the mean of the vehicle group."
    ]
    used = dict.fromkeys(endpoint.test.method for endpoint in endpoints if endpoint.test)
    for method in (name for name in METHODS if name in used):
        which = list(dict.fromkeys(
            plain(e.measure.label) for e in endpoints if e.test is not None and e.test.method == method
        ))  # fmt: skip
        said.append(f"{METHODS[method].said.format(units=units)} ({listed(which)[:1].upper()}{listed(which)[1:]}.)")
    if any(endpoint.units.censored.any() for endpoint in endpoints):
        said.append("Latencies of those that did not respond are right-censored at the end of the test.")
    said += _course_sentences(endpoints, units)
    if any(row.effects.hedges_g for endpoint in endpoints for row in endpoint.rows):
        said.append(
            "Effect sizes are Hedges' g with exact factor and noncentral-t interval (Hedges 1981; Cumming and Finch "
            "2001), and Cliff's δ (Cliff 1993), which is in the tables."
        )
    said += _curve_sentences(endpoints)
    if any(endpoint.controls and endpoint.control_test for endpoint in endpoints):
        said.append(
            "Groups under vehicle were compared with each other by the endpoint's own method, as a family apart."
        )
    if any(not isinstance(endpoint.turn, str | None) for endpoint in endpoints):
        said.append(
            "Where doses acted in both directions the curve of Brain and Cousens (1989) was tested against the "
            "log-logistic one."
        )
    if any(endpoint.lines and endpoint.lines.probit for endpoint in endpoints):
        said.append(
            "Shares of animals with a response are described by probit lines with Fieller's interval (Finney 1971) and "
            "by the method of Litchfield and Wilcoxon (1949)."
        )
    if any(potency.ratio is not None for potency in compared):
        said.append(
            "Relative potencies are ratios of ED50s, with intervals recovered from those of both (Zou and Donner 2008)."
        )
    named = " The primary endpoint of each arm is named in the study file." if any(a.plan.primary for a in arms) else ""
    said.append(f"Tests are two-sided at α = {ALPHA:g}.{named}")
    return " ".join(said)


def _course_sentences(endpoints: Sequence[EndpointSummary], units: str) -> list[str]:
    courses = [endpoint.course for endpoint in endpoints if endpoint.course is not None]
    said = []
    if any(course.averaged is not None for course in courses):
        said.append(
            f"Where {units} were followed over days at one dose, group, day and their interaction were tested by a "
            "linear mixed model with a random intercept for each (REML, Satterthwaite; sessions that are missing cost "
            "only themselves); doses are compared with vehicle over the mean of the days, simultaneous (multivariate "
            "t), and on each day with Holm's adjustment over days and doses. Shares enter as fractions, counts as "
            "√(y + 0.5)."
        )
    if any(course.averaged is None and course.overall for course in courses):
        said.append(
            "Latencies over days have log-rank scores within each day; groups, and group × day by each unit's scores "
            "less their mean, were tested by rearranging whole units, and doses on each day with Holm's adjustment."
        )
    return said


def _curve_sentences(endpoints: Sequence[EndpointSummary]) -> list[str]:
    found = [endpoint.ed50 for endpoint in endpoints if not isinstance(endpoint.ed50, NoEd50)]
    percent = f"{100 * CONF_LEVEL:.0f} %"
    said = []
    if found:
        ways = listed(list(dict.fromkeys(one.likelihood for one in found)))
        kinds = {one.kind for one in found}
        meanings = [
            *(["a relative ED50 is the dose of half the fitted range"] if "relative" in kinds else []),
            *(["an absolute one that at which the fitted response is the stated percentage of the vehicle's"]
              if "absolute" in kinds else []),
        ]  # fmt: skip
        held = any(isinstance(one, Ed50) and any("held at 0" in note for note in one.remarks) for one in found)
        said.append(
            f"Dose–response curves are four-parameter log-logistic (LL.4) with vehicle as dose 0, fitted by {ways}; "
            f"{'; '.join(meanings)}, with {percent} profile intervals."
            f"{' An end of a curve that would be below 0 is held at 0.' if held else ''}"
        )
    said.append(
        "An ED50 is given only where three or more doses beside vehicle differ, the effect is monotone, data reach "
        "the response it means, and its interval runs no more than "
        f"{REACH:g} times beyond the doses tested."
    )
    return said


def software_versions() -> dict[str, str]:
    """Of the program and of what computes and draws in it."""
    import platform
    from importlib.metadata import version

    packages = ("behavior", "numpy", "scipy", "pandas", "matplotlib")
    return {**{name: version(name) for name in packages}, "python": platform.python_version()}


def parameter_lines(parameters: dict[str, Any]) -> list[str]:
    """A paradigm's parameters, one a line; parts of a schedule as one line each.

    >>> parameter_lines({"n_cycles": 3, "components": [{"name": "punished", "shock_ma": 0.4, "cue": None}]})
    ['n_cycles = 3', 'components 1: name = punished, shock_ma = 0.4']
    """
    lines = []
    for key, value in parameters.items():
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            lines += [f"{key} {i}: {_joined(part)}" for i, part in enumerate(value, start=1)]
        elif isinstance(value, dict):
            lines += [f"{key}: {_joined(value)}"] if value else []
        elif value is not None:
            lines.append(f"{key} = {_value(value)}")
    return lines


def _joined(part: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {_value(value)}" for key, value in part.items() if value is not None)


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
