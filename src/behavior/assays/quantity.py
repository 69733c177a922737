"""Published values as they are printed: ``> 10,000 nM``, ``~100 min``, ``140-200 min``, ``Kd = 0.36 nM``.

A bound is not a number. A `Quantity` keeps the qualifier, the range and the original text, and every
calculation on it (`fold`, `pki`) carries the qualifier on. Text without a number ("modest activity at high
concentrations") stays text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from behavior.assays.units import factor, shown, spelled
from behavior.model.errors import BadInput

_NUMBER = r"(?>(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
_QUANTITY = re.compile(
    rf"""^\s*
    (?:(?P<kind>p?K[id]|IC50|ED50|EC50|Cmax|Bmax)\s*(?:[=:]|of|is)?\s*)?
    (?P<qualifier>>=|<=|[<>≥≤~≈]|ca\.?\s|about\s|approx(?:\.|imately)?\s)?\s*
    (?P<low>{_NUMBER})
    (?:\s*(?:-|–|—|to\s)\s*(?P<high>{_NUMBER}))?
    (?:\s*(?:±|\+/-)\s*(?P<error>{_NUMBER}))?
    (?![-–—,.\s]*\d)\s*(?P<unit>.*?)\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
_SIGNS = {"≥": ">=", "≤": "<=", "≈": "~", "ca": "~", "ca.": "~", "about": "~", "approx": "~", "approx.": "~"}
_KINDS = re.compile(r"\bp?K[id]\b|\b[IE][CD]50\b", re.IGNORECASE)
_OPPOSITE = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "~": "~", "": ""}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with all that was said about it.

    Parameters
    ----------
    text : as printed
    value : the number; the lower end of a range; None where there are only words
    high : the upper end of a range
    qualifier : ``>``, ``<``, ``>=``, ``<=``, ``~`` or nothing
    unit : in the spelling of column names, None if not given
    kind : ``Ki``, ``Kd`` …, where the text says it
    error : what follows ``±``
    """

    text: str
    value: float | None = None
    high: float | None = None
    qualifier: str = ""
    unit: str | None = None
    kind: str | None = None
    error: float | None = None

    @property
    def is_range(self) -> bool:
        """Whether two numbers were given."""
        return self.high is not None

    def into(self, unit: str) -> Quantity:
        """The same quantity in another unit; one without a unit is taken to be in it already.

        Raises
        ------
        BadInput
            The units are not of one family.
        """
        if self.value is None or self.unit is None:
            return replace(self, unit=unit)
        try:
            by = factor(self.unit, spelled(unit))
        except BadInput as error:
            raise BadInput(f"{self.text!r}: {error}") from None
        scaled = (None if number is None else number * by for number in (self.value, self.high, self.error))
        value, high, spread = scaled
        return replace(self, value=value, high=high, error=spread, unit=spelled(unit))

    def __str__(self) -> str:
        """As in a table: ``> 10,000 nM``."""
        if self.value is None:
            return self.text
        numbers = shortest(self.value) + (f"–{shortest(self.high)}" if self.high is not None else "")
        spread = f" ± {shortest(self.error)}" if self.error is not None else ""
        unit = f" {shown(self.unit)}" if self.unit else ""
        return f"{self.qualifier}{' ' if self.qualifier else ''}{numbers}{spread}{unit}"


def parse(text: str) -> Quantity:
    """Read a printed value.

    Parameters
    ----------
    text : such as ``> 10,000 nM``, ``~100 min``, ``140-200``, ``Kd 0.36 nM``, ``10 ± 2 nM`` or plain words

    Returns
    -------
    Quantity
        With `value` None if the text does not start with a number, or with one that has a decimal comma.
    """
    stripped = text.strip()
    kinds = _KINDS.search(stripped)
    match = _QUANTITY.match(stripped)
    if match is None:
        return Quantity(stripped, kind=_kind(kinds.group()) if kinds else None)
    sign = (match["qualifier"] or "").strip().lower()
    kind = match["kind"] or (kinds.group() if kinds else None)
    unit = _KINDS.sub("", match["unit"]).strip(" ()[],;") or None
    return Quantity(
        stripped,
        value=_number(match["low"]),
        high=_number(match["high"]) if match["high"] else None,
        qualifier=_SIGNS.get(sign, "~" if sign.startswith("approx") else sign),
        unit=spelled(unit) if unit else None,
        kind=_kind(kind) if kind else None,
        error=_number(match["error"]) if match["error"] else None,
    )


def pki(quantity: Quantity) -> float | None:
    """9 - log10 of an affinity in nM; None for words. A bound on Ki is the opposite bound on pKi."""
    in_nm = quantity.into("nM")
    return None if in_nm.value is None or in_nm.value <= 0 else 9.0 - math.log10(in_nm.value)


def fold(numerator: Quantity, denominator: Quantity) -> Quantity | None:
    """How many times larger one affinity is than the other, with the qualifier that the ratio then has.

    ``> 10,000 nM`` over ``10 nM`` is ``> 1000``: a bound, never the number 1000. Two bounds that pull in
    different directions leave nothing to say and give None, as do ranges and words.
    """
    if numerator.unit and denominator.unit:
        numerator = numerator.into(denominator.unit)
    if numerator.value is None or not denominator.value or numerator.is_range or denominator.is_range:
        return None
    reverse = _OPPOSITE[denominator.qualifier]
    signs = {sign[0] for sign in (numerator.qualifier, reverse) if sign}
    if {">", "<"} <= signs:
        return None
    ratio = numerator.value / denominator.value
    sign = numerator.qualifier if numerator.qualifier not in ("", "~") or not reverse else reverse
    return Quantity(f"{sign}{shortest(ratio)}", value=ratio, qualifier=sign)


def number_list(text: str) -> tuple[float, ...]:
    """All numbers of a text such as ``0.1, 0.3 and 1 mg/kg``."""
    return tuple(_number(found) for found in re.findall(_NUMBER, text))


_TIMES_A_DAY = {
    "once": 1,
    "twice": 2,
    "b.i.d": 2,
    "bid": 2,
    "t.i.d": 3,
    "tid": 3,
    "three times": 3,
    "q.i.d": 4,
    "qid": 4,
}


def times_a_day(text: str) -> int:
    """How often a day a printed schedule doses: ``10 mg/kg twice daily`` is 2; 1 where nothing is said."""
    lower = text.lower()
    return next((times for words, times in _TIMES_A_DAY.items() if re.search(rf"\b{re.escape(words)}\b", lower)), 1)


def daily_dose(text: str) -> tuple[float, float] | None:
    """The lowest and highest dose a day of a printed schedule: ``5 or 10 mg/kg twice daily`` is (10, 20); None for
    words.
    """
    head, times = re.split(r"\b(?:mg|ug|µg|g|ng)\b", text, maxsplit=1)[0], times_a_day(text)
    numbers = number_list(head)
    return (min(numbers) * times, max(numbers) * times) if numbers else None


def shortest(number: float) -> str:
    """A number with four significant digits (whole from 10,000 on, with thousands commas): ``0.36``, ``10,000``."""
    if number == 0:
        return "0"
    if not 1e-4 <= abs(number) < 1e7:
        return f"{number:.3g}"
    digits = max(0, 3 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{digits}f}" if abs(round(number, digits)) >= 1e4 else f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _kind(text: str) -> str:
    upper = text.upper()
    return {"KI": "Ki", "KD": "Kd", "PKI": "pKi", "PKD": "pKd"}.get(upper, upper)
