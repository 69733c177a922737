"""score: what a session comes to (SPEC 3.17). Event logs become the items of a journal, and are scored as such."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from behavior.model import commands as c
from behavior.model import events as e
from behavior.scoring.agreement import cohens_kappa, fraction_agreement
from behavior.scoring.drinking_water import Bottle, dosing, intake
from behavior.scoring.geller_seifter import conflict
from behavior.scoring.passive_avoidance import Subject, retention_by_group
from behavior.scoring.score import facts
from behavior.scoring.shock_aggression import Fight, judge, measures
from behavior.scoring.shuttle_escape import Rules, shuttle
from behavior.scoring.timeline import timeline_of
from behavior.summary.groups import level_labels
from behavior.usv.bouts import Criteria, Heard, bins, calling
from reference.case import Case, Results

Items = Iterator[e.Event | c.Command]


def us(seconds: float) -> int:
    return round(float(seconds) * 1e6)


def log_of(case: Case) -> list[tuple[int, str, int]]:
    """Time, code and row of each event, in the order of the table."""
    return [
        (us(at), str(code), row)
        for row, (at, code) in enumerate(zip(case.numbers("time"), case.column("code"), strict=True))
    ]


def conflict_items(case: Case) -> Items:
    names, now_us, component = case.column("component"), -1, ""
    for at_us, code, row in log_of(case):
        if at_us > now_us and code != "press":
            yield e.TimerFired(at_us)
        now_us = max(now_us, at_us)
        match code:
            case "component_on":
                component = str(names[row])
                yield c.BeginComponent(component)
            case "component_off":
                yield c.EndComponent(component)
            case "press":
                yield e.LeverPressed(at_us, "left")
            case "pellet":
                yield c.Deliver(row)
                yield e.Delivered(at_us, row)
            case "shock":
                yield c.Shock(row, 1.0, 0.5)
                yield e.ShockEnded(at_us, row, 500_000, 1.0, "duration")
            case "session_end":
                yield c.EndSession("completed")


def geller_seifter(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    timeline = timeline_of(conflict_items(case))
    score = conflict(timeline, {spec["unpunished"]: False, spec["punished"]: True})
    session = score.session
    for which in ("unpunished", "punished"):
        rate = session[f"{which}_rate_per_min"]
        results[f"{which}_presses"] = session[f"n_{which}_presses"]
        results[f"{which}_rate_per_min"] = None if rate is None else float(rate) / 60 * spec["rate_per_s"]
        results[f"pellets_{which}"] = session[f"n_pellets_{which}"]
    suppressed = session["fraction_suppressed"]
    results.add(
        timeout_presses=session["n_timeout_presses"],
        shocks_delivered=facts(timeline)["n_shocks_delivered"],
        suppression_ratio=session["suppression_ratio"],
        conflict_ratio=session["conflict_ratio"],
        percent_suppression=None if suppressed is None else 100 * float(suppressed),
    )
    for cycle, row in enumerate([row for row in score.rows if row["punished"]], start=1):
        results[f"cycle{cycle}/punished_presses"] = row["n_presses"]
    return results.values


def shuttle_items(case: Case) -> Items:
    log = log_of(case)
    onsets = [i for i, (_, code, _) in enumerate(log) if code == "cs_on"]
    over = {  # a trial is over with the last of its signals
        max((i for i in range(start, stop) if log[i][1] in ("us_off", "cs_off")), default=stop - 1): number
        for number, (start, stop) in enumerate(zip(onsets, [*onsets[1:], len(log)], strict=True), start=1)
    }
    number, us_on_us, now_us = 0, 0, -1
    for i, (at_us, code, _) in enumerate(log):
        if code == "crossing":
            yield e.Crossed(at_us, "other")
        elif at_us > now_us:  # what has the time of a crossing follows from it
            yield e.TimerFired(at_us)
        now_us = max(now_us, at_us)
        if code == "cs_on":
            number += 1
            yield c.BeginTrial(number)
        if i in over:
            yield c.EndTrial(number)
        match code:
            case "us_on":
                us_on_us = at_us
                yield c.Shock(number, 1.0, case.spec["us_s"])
                yield e.ShockStarted(at_us, number)
            case "us_off":
                yield e.ShockEnded(at_us, number, at_us - us_on_us, 1.0, "")
    yield c.EndSession("completed")


def shuttle_escape(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    timeline = timeline_of(shuttle_items(case))
    rules = Rules(
        spec["cs_s"],
        spec["us_s"],
        block_size=spec.get("block_size", 5),
        helpless_min_failures=spec.get("helpless_min_failures", 15),
    )
    score = shuttle(timeline, rules)
    session = score.session
    n_responses = int(session["n_avoidances"] or 0) + int(session["n_escapes"] or 0)
    results.add(
        trials=session["n_trials"],
        avoidances=session["n_avoidances"],
        escapes=session["n_escapes"],
        failures=session["n_failures"],
        intertrial_crossings=len(timeline.crossings) - n_responses,
        mean_escape_latency_s_failures_at_cutoff=session["mean_escape_latency_s"],
        median_escape_latency_s_failures_at_cutoff=session["median_escape_latency_s"],
        mean_escape_latency_s_successes_only=session["mean_escape_latency_successes_s"],
        mean_latency_from_cs_all_trials_s=session["mean_latency_s"],
        total_shock_s=facts(timeline)["shock_s"],
        helpless=session["helpless"],
    )
    for name, value in session.items():
        if name.startswith("n_failures_block_"):
            results[f"block{name.removeprefix('n_failures_block_')}/failures"] = value
    return results.values


def usv(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    low_khz, high_khz = spec["band_khz"]
    criteria = Criteria(
        (low_khz * 1000, high_khz * 1000), spec["min_duration_s"], spec["bout_gap_s"], spec.get("bin_s", 60.0)
    )
    columns = (case.numbers(name).tolist() for name in ("onset", "stop", "peak"))
    calls = [
        Heard(onset, stop, peak * 1000)
        for onset, stop, peak in zip(*columns, strict=True)
        if not any(math.isnan(value) for value in (onset, stop, peak))
    ]
    window_s = (float(spec["window_s"][0]), float(spec["window_s"][1]))
    found = calling(calls, window_s, criteria)
    peak_hz, calling_share = found["mean_peak_hz"], found["fraction_time_calling"]
    results.add(
        n_calls_22khz=found["n_calls"],
        total_duration_s=found["calling_time_s"],
        mean_call_duration_s=found["mean_call_duration_s"],
        median_call_duration_s=found["median_call_duration_s"],
        latency_first_call_s=found["latency_first_call_s"],
        mean_intercall_interval_s=found["mean_intercall_interval_s"],
        n_bouts=found["n_bouts"],
        percent_time_vocalising=None if calling_share is None else 100 * float(calling_share),
        mean_peak_khz=None if peak_hz is None else float(peak_hz) / 1000,
        n_50khz=found["n_50khz_calls"],
        n_short_22khz=found["n_short_calls"],
    )
    for row in bins(calls, window_s, criteria):
        results[f"minute{row['bin']}/duration_s"] = row["calling_time_s"]
    return results.values


def passive_avoidance(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    rule = spec.get("exclude")
    marks = case.table[rule["column"]].tolist() if rule else [None] * len(case.column("time"))
    columns = zip(case.labels("group"), case.numbers("train"), case.numbers("time"), marks, strict=True)
    subjects = [
        Subject(
            str(group), float(train), None if math.isnan(late) else float(late), bool(rule and mark == rule["equals"])
        )
        for group, train, late, mark in columns
        if not math.isnan(train)
    ]
    groups, counts = retention_by_group(subjects, cutoff_s=spec["cutoff_s"], max_train_s=spec["max_train_s"])
    results[f"n_excluded_training_over_{spec['max_train_s']:g}s"] = counts["slow_to_train"]
    results.add(n_excluded_equipment=counts["excluded"], n_analysed=counts["analysed"])
    for level, group in groups.items():
        results.add(
            f"dose={level}/",
            n=group.n,
            n_censored=group.n_censored,
            median_latency_capped_s=group.median_latency_capped_s,
            mean_latency_capped_s=group.mean_latency_capped_s,
            pct_avoiders=100 * group.fraction_avoiders,
            mean_difference_s=group.mean_difference_s,
        )
    return results.values


def shock_aggression(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    shocks_us = sorted(us(at) for at in case.tables[spec["shock_table"]][spec["shock_time"]])
    columns = zip(case.labels("rater"), case.numbers("onset"), case.numbers("stop"), strict=True)
    fights = [Fight(str(rater), us(onset), us(stop)) for rater, onset, stop in columns]
    begin_s, end_s = spec["window_s"]
    seen = [judge(shocks_us, fights, rater, (begin_s, end_s)) for rater in spec["raters"]]
    results["shocks"] = len(shocks_us)
    for letter, judged in zip("AB", seen, strict=False):
        found = measures(shocks_us, judged)
        share = found["fraction_shocks_with_fight"]
        results[f"shocks_with_fight_{letter}"] = found["n_shocks_with_fight"]
        results[f"pct_shocks_with_fight_{letter}"] = None if share is None else 100 * float(share)
        results[f"fights_in_window_{letter}"] = found["n_fights_in_window"]
        results[f"fights_outside_window_{letter}"] = found["n_fights_outside_window"]
        results[f"first_fight_latency_from_first_shock_s_{letter}"] = found["latency_first_fight_s"]
        results[f"total_fight_duration_in_window_s_{letter}"] = found["fight_time_s"]
    if len(seen) == 2:
        both = (seen[0].with_fight, seen[1].with_fight)
        results["percent_agreement"] = 100 * fraction_agreement(*both)
        results["cohens_kappa"] = cohens_kappa(*both)
    return results.values


def drinking_water(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    names = ("day", "bottle_start_g", "bottle_end_g", "spill_g", "animals", "body_weight_g")
    columns = zip(level_labels(case.column("experimental_unit").tolist()), *map(case.numbers, names), strict=True)
    intakes = [
        intake(Bottle(str(unit), *map(float, values)), mg_per_ml=spec["conc_mg_ml"], g_per_ml=spec["g_per_ml"])
        for unit, *values in columns
        if not any(math.isnan(value) for value in values)
    ]
    everything = dosing(intakes)
    results.add(
        mean_intake_ml_per_rat_day=everything.mean_intake_ml,
        mean_dose_mg_per_kg_day=everything.mean_dose_mg_kg,
        sd_of_cage_means_mg_kg_day=everything.sd_of_unit_means_mg_kg,
        n_experimental_units=everything.n_units,
    )
    for day in spec.get("report_days") or ():
        if that_day := [one for one in intakes if one.day == day]:
            results[f"day={day:g}/mean_dose_mg_per_kg_day"] = dosing(that_day).mean_dose_mg_kg
    return results.values


PARADIGMS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "geller_seifter": geller_seifter,
    "shuttle_escape": shuttle_escape,
    "usv": usv,
    "passive_avoidance": passive_avoidance,
    "shock_aggression": shock_aggression,
    "drinking_water": drinking_water,
}


def score_case(case: Case) -> dict[str, Any]:
    return PARADIGMS[case.spec["paradigm"]](case)


METHODS = {"score": score_case}
