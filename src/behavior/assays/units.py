"""Units as they stand in column names (`_nM`, `_mg_l`, `_min`) and how the compatible ones convert.

Units convert only within a family. A mass is never taken for an amount: that needs a molar mass, and
`kinetics` asks for it.
"""

from __future__ import annotations

from behavior.model.errors import BadInput

FAMILIES: dict[str, dict[str, float]] = {
    "molar concentration": {
        "pM": 1e-3,
        "nM": 1.0,
        "uM": 1e3,
        "mM": 1e6,
        "M": 1e9,
        "pmol_ml": 1.0,
        "nmol_l": 1.0,
        "nmol_ml": 1e3,
        "umol_l": 1e3,
    },
    "mass concentration": {
        "ng_l": 1e-3,
        "ng_ml": 1.0,
        "ug_l": 1.0,
        "ug_ml": 1e3,
        "mg_l": 1e3,
        "mg_ml": 1e6,
        "g_l": 1e6,
    },
    "time": {"s": 1.0 / 60, "min": 1.0, "h": 60.0, "d": 1440.0},
    "dose by body weight": {"ng_kg": 1e-6, "ug_kg": 1e-3, "mg_kg": 1.0, "g_kg": 1e3},
    "molar dose by body weight": {"nmol_kg": 1e-3, "umol_kg": 1.0, "mmol_kg": 1e3},
    "dose": {"ug": 1e-3, "mg": 1.0, "g": 1e3},
    "molar dose": {"nmol": 1e-3, "umol": 1.0, "mmol": 1e3},
}
"""Each family's units, with the factor to the family's own base unit."""

_SPELLINGS = {
    "micromolar": "uM",
    "nanomolar": "nM",
    "hours": "h",
    "hour": "h",
    "hr": "h",
    "hrs": "h",
    "minutes": "min",
    "minute": "min",
    "mins": "min",
    "sec": "s",
    "seconds": "s",
}


_BELOW_THE_LINE = {"kg", "g", "mg", "ug", "ng", "l", "ml", "ul", "s", "min", "h", "d", "mol", "mm2", "animal"}


def spelled(unit: str) -> str:
    """The house spelling of a unit: ``µM`` is ``uM``, ``mg/kg`` is ``mg_kg``, ``fmol/mg protein`` is
    ``fmol_mg_protein``.
    """
    plain = unit.strip().replace("µ", "u").replace("μ", "u").replace("/", "_").replace(" ", "_").rstrip(".")
    known = {name.lower(): name for family in FAMILIES.values() for name in family if name not in ("M", "mM")}
    if plain in ("M", "mM") or plain in known.values():
        return plain
    return known.get(plain.lower(), _SPELLINGS.get(plain.lower(), plain))


def shown(unit: str) -> str:
    """A unit as on an axis: ``mg_kg`` is ``mg/kg``, ``uM`` is ``µM``, ``nmol_ml_x_min`` is ``nmol/ml · min``."""
    return " · ".join(_shown_factor(part) for part in unit.split("_x_"))


def _shown_factor(unit: str) -> str:
    head, *tail = unit.split("_")
    if head.startswith("u") and head[1:] in ("M", "g", "l", "mol"):
        head = "µ" + head[1:]
    return head + "".join(f"/{word}" if word in _BELOW_THE_LINE else f" {word}" for word in tail)


def family_of(unit: str) -> str | None:
    """Which family a unit belongs to, or None."""
    return next((name for name, members in FAMILIES.items() if unit in members), None)


def factor(unit: str, into: str) -> float:
    """What a number in `unit` is multiplied by to stand in `into`.

    Raises
    ------
    BadInput
        The two are not of one family.
    """
    if unit == into:
        return 1.0
    family = family_of(unit)
    if family is None or family != family_of(into):
        raise BadInput(f"{shown(unit)} cannot be turned into {shown(into)}; give both in units of one kind")
    return FAMILIES[family][unit] / FAMILIES[family][into]
