"""`analysis.R`: a script in another language that refits each model of the report and compares the figures.

It reads only the tables beside the report. `models.csv` holds the report's figures: for each endpoint the overall test,
every dose's estimate and p, and the curve with its ED50.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from behavior.summary.ed50 import Ed50, NoEd50
from behavior.summary.outcome_ed50 import Counts, CutLatencies, Fractions, OutcomeEd50
from behavior.summary.per_dose import ArmSummary, EndpointSummary

if TYPE_CHECKING:
    import pandas as pd

SCRIPT = "analysis.R"
_LIKELIHOODS = {Fractions: "share", Counts: "count", CutLatencies: "latency"}


def models_table(arms: Sequence[ArmSummary]) -> pd.DataFrame:
    """Every figure that another program finds if it fits the same models, one a row."""
    import pandas as pd

    rows = [
        (arm.plan.name, endpoint.measure.name, endpoint.test.method if endpoint.test else "", quantity, value)
        for arm in arms
        for endpoint in arm.endpoints
        for quantity, value in _figures(endpoint)
    ]
    return pd.DataFrame(rows, columns=["arm", "endpoint", "method", "quantity", "value"])


def _figures(endpoint: EndpointSummary) -> Iterator[tuple[str, float]]:
    test = endpoint.test
    if test is not None:
        yield from test.figures.items()
        for row in endpoint.rows:
            if row.against is None:
                continue
            yield f"estimate {row.described.level}", row.against.estimate
            if row.against.p is not None:
                yield f"p {row.described.level}", row.against.p
            if row.against.p_adjusted is not None:
                yield f"p_adjusted {row.described.level}", row.against.p_adjusted
        if test.method == "mixed":
            yield "identity", float(endpoint.measure.kind != "count")
        if test.method == "permutation_within":
            yield "ranked", float(endpoint.measure.kind == "latency")
    found = endpoint.ed50
    if isinstance(found, NoEd50):
        return
    yield "ED50", found.estimate
    yield "ED50 lo", found.lo
    yield "ED50 hi", found.hi
    for name in "bcde":
        yield f"curve {name}", float(found.parameters[name])
        yield f"held {name}", float(name in found.fixed)
    if found.kind == "absolute":
        yield "percent_of_vehicle", float(found.meaning.partition(": ")[2].split(" %")[0].split()[-1])


def script(arms: Sequence[ArmSummary]) -> str:
    """The script, with one call for each model."""
    from importlib.resources import files

    head = (files("behavior.summary") / "pages" / "refit.R").read_text(encoding="utf-8")
    calls = [call for arm in arms for endpoint in arm.endpoints for call in _calls(arm, endpoint)]
    return head + "\n".join([*calls, "", "if (!compare()) quit(status = 1)", ""])


def _calls(arm: ArmSummary, endpoint: EndpointSummary) -> Iterator[str]:
    at = f"{_quoted(arm.plan.name)}, {_quoted(endpoint.measure.name)}"
    if endpoint.test is not None:
        yield f"refit({at}, {endpoint.test.method})"
    found = endpoint.ed50
    if isinstance(found, OutcomeEd50):
        yield f'refit({at}, ed50, "{_LIKELIHOODS[type(found.search.outcome)]}")'
    elif isinstance(found, Ed50) and not found.within:
        yield f'refit({at}, ed50, "least_squares")'


def _quoted(text: str) -> str:
    """A string of R, which are those of JSON but for what lies beyond its planes."""
    return json.dumps(text, ensure_ascii=False)


def unit_trials_table(arms: Sequence[ArmSummary]) -> pd.DataFrame | None:
    """Latencies of single trials as they were analysed; None where there are none."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "arm": arm.plan.name,
                "endpoint": endpoint.measure.name,
                "subject": np.array(endpoint.units.subjects)[trials.entry],
                "dose_mg_kg": endpoint.units.doses[trials.entry],
                "time_s": trials.time,
                "event": trials.event,
            }
        )
        for arm in arms
        for endpoint in arm.endpoints
        if (trials := endpoint.units.by_trial) is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else None


def unit_days_table(arms: Sequence[ArmSummary]) -> pd.DataFrame | None:
    """Responses of units day by day as the mixed model had them; None where there are none."""
    import pandas as pd

    parts = [
        had.assign(arm=arm.plan.name, endpoint=endpoint.measure.name)
        for arm in arms
        for endpoint in arm.endpoints
        if endpoint.course is not None and (had := endpoint.course.analysed) is not None
    ]
    if not parts:
        return None
    columns = ["arm", "endpoint", "subject", "day", "dose_mg_kg", "response"]
    return pd.concat(parts, ignore_index=True)[columns]


def write_r(arms: Sequence[ArmSummary], out: Path) -> None:
    """Write `analysis.R` and the tables that it reads, where anything was compared."""
    table = models_table(arms)
    if not len(table):
        return
    tables = {"models": table, "unit_trials": unit_trials_table(arms), "unit_days": unit_days_table(arms)}
    for name, rows in tables.items():
        if rows is not None:
            rows.to_csv(out / "tables" / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    (out / SCRIPT).write_text(script(arms), encoding="utf-8", newline="\n")
