"""What doses, measures and arms are called in sentences, tables and names of files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count


def dose_text(dose_mg_kg: float) -> str:
    """A dose as a row is named."""
    return "vehicle" if dose_mg_kg == 0 else f"{dose_mg_kg:g} mg/kg"


def plain(label: str) -> str:
    """A measure's label without its unit, as in a sentence.

    >>> plain("Punished responses (1/min)"), plain("22-kHz calls")
    ('punished responses', '22-kHz calls')
    """
    text = label.split(" (")[0].split(" P/")[0]
    return text[:1].lower() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def slugs_of(names: Sequence[str]) -> tuple[str, ...]:
    """What arms are called in names of files and in a page's anchors: no two alike, whatever they are called.

    >>> slugs_of(["Conflict", "8-OH/DPAT i.p.", "8-OH-DPAT i-p-"])
    ('conflict', '8-oh-dpat-i-p-', '8-oh-dpat-i-p--2')
    """
    slugs: list[str] = []
    for name in names:
        plain = "".join(letter if letter.isalnum() else "-" for letter in name.lower())
        numbered = (f"{plain}-{number}" if number > 1 else plain for number in count(1))
        slugs.append(next(slug for slug in numbered if slug not in slugs))
    return tuple(slugs)
