"""What was analysed, as tables for other programs.

`units.csv` is long: one row an animal, dose and endpoint, as the tests saw it. The tables for Prism are wide and paste
as they are: a column table, one column a dose and one value a row; of latencies a survival table, with the time in the
first column and in each dose's column 1 where the animal responded and 0 where it was censored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from behavior.summary.names import dose_text, slugs_of
from behavior.summary.per_dose import ArmSummary, EndpointSummary

if TYPE_CHECKING:
    import pandas as pd


def units_table(arms: Sequence[ArmSummary]) -> pd.DataFrame:
    """One row an animal, dose and endpoint; `response` is empty where it is missing, or censored at `cut_off`."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "arm": arm.plan.name,
                "endpoint": endpoint.measure.name,
                "subject": endpoint.units.subjects,
                "dose_mg_kg": endpoint.units.doses,
                "period": endpoint.units.periods,
                "response": endpoint.units.responses,
                "censored": endpoint.units.censored,
                "cut_off": endpoint.units.cut_off,
                "events": endpoint.units.events,
                "trials": endpoint.units.trials,
                "exposure_s": endpoint.units.exposure,
            }
        )
        for arm in arms
        for endpoint in arm.endpoints
    ]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def prism_table(endpoint: EndpointSummary) -> pd.DataFrame:
    """A table that pastes into Prism: a column table, or of latencies a survival table."""
    import pandas as pd

    units = endpoint.units
    doses = [row.dose_mg_kg for row in endpoint.rows if row.n]
    if endpoint.measure.kind != "latency":
        columns = [units.responses[(units.doses == dose) & np.isfinite(units.responses)] for dose in doses]
        names = [dose_text(dose) for dose in doses]
        return pd.DataFrame({name: pd.Series(values) for name, values in zip(names, columns, strict=True)})
    times = units.times
    present = np.flatnonzero(np.isfinite(times))
    table = pd.DataFrame({endpoint.measure.name: times[present]})
    for dose in doses:
        here = units.doses[present] == dose
        responded = pd.array(np.where(units.censored[present], 0, 1), dtype="Int64")
        table[dose_text(dose)] = pd.Series(responded).where(here)
    return table


def write_exchange(arms: Sequence[ArmSummary], tables: Path) -> None:
    """Write `units.csv`, and one table for Prism of each endpoint, where anything was analysed."""
    if not any(row.n for arm in arms for endpoint in arm.endpoints for row in endpoint.rows):
        return
    units_table(arms).to_csv(tables / "units.csv", index=False, lineterminator="\n", encoding="utf-8")
    (tables / "prism").mkdir()
    for arm, slug in zip(arms, slugs_of([arm.plan.name for arm in arms]), strict=True):
        for endpoint in arm.endpoints:
            name = f"{slug}-{endpoint.measure.name}.csv"
            prism_table(endpoint).to_csv(tables / "prism" / name, index=False, lineterminator="\n", encoding="utf-8")
