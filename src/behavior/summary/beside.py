"""Behavioral endpoints and those of companion assays in one table.

The ED50 of every endpoint comes first, or the reasons against one, and under them the assays' endpoints as they are:
nothing is converted, and no number is made of two. Assays come as tables, for this room knows none of their kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from behavior.model.errors import BadInput
from behavior.summary.ed50 import NoEd50
from behavior.summary.names import plain
from behavior.summary.per_dose import ArmSummary, EndpointSummary
from behavior.summary.refusals import in_words
from behavior.summary.wording import number, significant

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "source", "assay", "endpoint", "of", "value", "low", "high", "unit", "qualifier", "n", "n_of", "method", "text",
)  # fmt: skip
"""Of the table, in order; an assay gives all but the first."""
BEHAVIOR = "behavior"
"""The source and the assay of what was seen in sessions."""


def endpoint_table(arms: Sequence[ArmSummary], assays: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row an endpoint: those of behavior, then those of each assay in the order given.

    Parameters
    ----------
    arms : from `per_dose.summarize_arms`
    assays : a name for each finished assay, and its endpoints with the columns `COLUMNS` without `source`

    Raises
    ------
    BadInput
        An assay lacks a column.
    """
    import pandas as pd

    own = [_behavioral(arm, endpoint) for arm in arms for endpoint in arm.endpoints]
    parts = [pd.DataFrame(own, columns=list(COLUMNS))] if own else []
    for name, endpoints in assays.items():
        lacking = [column for column in COLUMNS[1:] if column not in endpoints]
        if lacking:
            raise BadInput(f"{name}: its endpoints lack the column {lacking[0]}; make them again with `behavior assay`")
        parts.append(endpoints.assign(source=name)[list(COLUMNS)])
    rows = [row for part in parts for row in part.astype(object).to_dict("records")]
    numbers = {**dict.fromkeys(("value", "low", "high"), "float64"), "n": "Int64"}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(numbers)


def _behavioral(arm: ArmSummary, endpoint: EndpointSummary) -> dict[str, Any]:
    found = endpoint.ed50
    row: dict[str, Any] = {
        "source": BEHAVIOR,
        "assay": BEHAVIOR,
        "endpoint": "ED50",
        "of": f"compound={arm.plan.compound}, arm={arm.plan.name}, measure={plain(endpoint.measure.label)}",
        "qualifier": "",
        "n": found.n,
        "n_of": f"{endpoint.units.unit}s",
    }
    if isinstance(found, NoEd50):
        return row | {"unit": "", "method": "", "text": f"none: {in_words(found.reasons)} ({'; '.join(found.reasons)})"}
    method = f"{found.meaning}; {found.model}, {found.likelihood}"
    limits = {"value": found.estimate, "low": found.lo, "high": found.hi}
    return row | limits | {"unit": "mg_kg", "method": method, "text": ""}


def shown(row: Mapping[str, Any], unit_text: Callable[[str], str] = str) -> str:
    """A row's estimate as on the page: `> 4000 nM`, `2.02 [1.10, 3.70] mg/kg`, or its words.

    >>> shown({"value": 4000.0, "low": None, "high": None, "unit": "nM", "qualifier": ">", "text": ""})
    '> 4000 nM'
    """
    value, low, high = (_finite(row[name]) for name in ("value", "low", "high"))
    if value is None:
        return str(row["text"])
    limits = "" if low is None and high is None else f" [{_limit(low)}, {_limit(high)}]"
    parts = (row["qualifier"], f"{significant(value)}{limits}", unit_text(str(row["unit"])))
    return " ".join(part for part in parts if part)


def _limit(value: float | None) -> str:
    return "open" if value is None else significant(value)


def _finite(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def rows_of(table: pd.DataFrame, unit_text: Callable[[str], str] = str) -> list[dict[str, str]]:
    """The table's rows as they stand on the page; `unit_text` says how a unit's name, such as `ug_kg`, is shown."""
    return [
        {
            "source": str(row["source"]),
            "assay": str(row["assay"]),
            "endpoint": str(row["endpoint"]).replace("_", " "),
            "of": re.sub(r"\b\w+=", "", str(row["of"])),
            "shown": shown(row, unit_text),
            "n": " ".join(part for part in (number(_finite(row["n"]), 0), str(row["n_of"])) if part),
            "method": str(row["method"]),
        }
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]
