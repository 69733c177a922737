"""What every assay gives: endpoints, tables, figures, sentences on method and flags. One form, one report,
one set of files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from behavior.assays.quantity import shortest
from behavior.assays.units import shown
from behavior.model.errors import BadInput


class Unusable(BadInput):
    """One animal, neuron or profile that cannot be used while the others can: it is left out, and named."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its confidence limits. A limit that the data do not hold is None, and is shown as
    open.
    """

    value: float
    low: float | None
    high: float | None
    level: float = 0.95

    def scaled(self, by: float) -> Estimate:
        """The same interval with all its numbers times a positive constant."""
        return Estimate(
            self.value * by,
            None if self.low is None else self.low * by,
            None if self.high is None else self.high * by,
            self.level,
        )

    def __str__(self) -> str:
        low, high = ("open" if end is None else shortest(end) for end in (self.low, self.high))
        return f"{shortest(self.value)} [{low}, {high}]"


Row = dict[str, Any]
"""One line of a table by column."""


def in_columns(estimate: Estimate | None, value: str, low: str = "low", high: str = "high") -> Row:
    """An estimate and its limits as three columns, blank where there is none."""
    if estimate is None:
        return dict.fromkeys((value, low, high))
    return {value: estimate.value, low: estimate.low, high: estimate.high}


def percent(fraction: float) -> str:
    """A confidence level as in a sentence: ``95%``, ``99.9%``."""
    return f"{100 * fraction:g}%"


_LABELS = {
    "cmax": "Cmax",
    "c0": "C0",
    "half_life": "half-life",
    "lambda_z": "λz",
    "auc_last_lin": "AUC to last (linear)",
    "auc_inf_lin": "AUC to infinity (linear)",
    "auc_last_linup_logdown": "AUC to last (linear up, log down)",
    "auc_inf_linup_logdown": "AUC to infinity (linear up, log down)",
    "clearance_over_f": "clearance / F",
    "v_z": "Vz",
    "v_z_over_f": "Vz / F",
    "v_ss": "Vss",
    "auc_ratio": "AUC ratio",
    "auc_ratio_infinity": "AUC ratio, to infinity",
    "auc_ratio_last": "AUC ratio, to last",
    "area_against_vehicle": "area against vehicle",
}


def label_of(name: str) -> str:
    """The name of an endpoint or measure as in a report."""
    return _LABELS.get(name, name.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of `endpoints.csv`, the form in which `summarize` places an assay beside the behavioral
    endpoints.

    Parameters
    ----------
    assay : ``binding``, ``microdialysis`` …
    endpoint : what was estimated: ``Ki``, ``half_life``, ``ED50``, ``direction`` …
    of : what it belongs to: compound, region, dose …, as ``region=striatum, dose=0.3 mg/kg``
    value, low, high : estimate and confidence limits; None where there is none
    unit, qualifier : the qualifier makes the value a bound
    n, n_of : how many, and of what
    method : in a few words
    text : for endpoints that are words (a direction, a shape, a reason for refusal)
    """

    assay: str
    endpoint: str
    of: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    qualifier: str = ""
    n: int | None = None
    n_of: str = ""
    method: str = ""
    text: str = ""

    @classmethod
    def of_estimate(cls, estimate: Estimate, **more: Any) -> Endpoint:
        """An endpoint with the value and limits of an estimate; `more` as for the class."""
        return cls(value=estimate.value, low=estimate.low, high=estimate.high, **more)

    def shown(self) -> str:
        """As in a report: ``10.5 [9.4, 11.7] nM``, ``> 10,000 nM``, ``no significant change``."""
        if self.value is None:
            return self.text
        number = str(Estimate(self.value, self.low, self.high)) if self._has_limits else shortest(self.value)
        text = f"{self.qualifier} {number}" if self.qualifier else number
        unit = f" {shown(self.unit)}" if self.unit else ""
        return text.replace("-", "−") + unit

    @property
    def _has_limits(self) -> bool:
        return not self.qualifier and (self.low is not None or self.high is not None)

    @property
    def label(self) -> str:
        """Its name as in a report: ``AUC to infinity (linear)``."""
        return label_of(self.endpoint)

    def of_shown(self) -> str:
        """What it belongs to without the keys: ``striatum, 0.3 mg/kg``."""
        return re.sub(r"\b\w+=", "", self.of)


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A table of results: `name` is its file, `frame` a pandas DataFrame with tidy columns."""

    name: str
    caption: str
    frame: Any

    @classmethod
    def of(cls, name: str, caption: str, rows: Sequence[Row]) -> ResultTable:
        """A table from its rows."""
        import pandas as pd

        return cls(name, caption, pd.DataFrame(rows))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that has yet to be drawn: `draw` gets nothing and gives a matplotlib Figure."""

    name: str
    caption: str
    draw: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Beside:
    """One's own result beside a published figure, as shown: `relation` is a ratio or whether they agree."""

    what: str
    own: str
    published: str
    relation: str
    species: str
    source: str


@dataclass(frozen=True, slots=True)
class AssayResult:
    """All of one assay; `units` are those that end the names of its tables' columns."""

    kind: str
    title: str
    endpoints: tuple[Endpoint, ...]
    tables: tuple[ResultTable, ...]
    drawings: tuple[Drawing, ...]
    methods: tuple[str, ...]
    flags: tuple[str, ...] = ()
    published: tuple[Beside, ...] = ()
    disagreements: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    units: tuple[str, ...] = ()

    def endpoint_rows(self) -> list[dict[str, Any]]:
        """The endpoints as plain dictionaries, numbers finite or None."""
        return [{key: _plain(value) for key, value in asdict(endpoint).items()} for endpoint in self.endpoints]


def _plain(value: Any) -> Any:
    if isinstance(value, float) or hasattr(value, "dtype"):
        return float(value) if math.isfinite(value) else None
    return value
