"""What is asked at every start: nothing is preselected, because a stale choice puts the wrong animal on record."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import typer

from behavior.model.errors import BadInput

LEAST_FRACTION_OF_FREE_FEEDING = 0.8
PRETREATMENT_TOLERANCE_MIN = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is in the box, and what was out of the ordinary."""

    subject: str
    experimenter: str
    weight_g: float
    free_feeding_g: float | None
    injected_at: str | None
    remarks: tuple[str, ...]


def ask(given: dict[str, str | float | None]) -> dict[str, str]:
    """The answers to what was not given as an option; a person at a terminal is asked, anybody else is told.

    Parameters
    ----------
    given : option and its value; None was not given

    Raises
    ------
    BadInput
        Something is missing and nobody is there to be asked; names all of it.
    """
    missing = [option for option, value in given.items() if value is None]
    if missing and not sys.stdin.isatty():
        raise BadInput(f"say {', '.join(f'--{option}' for option in missing)}; nobody is at a terminal to be asked")
    answers = {option: str(value) for option, value in given.items() if value is not None}
    answers |= {option: str(typer.prompt(option.replace("-", " ").capitalize())) for option in missing}
    readable(answers)
    return answers


def readable(texts: Mapping[str, str | None]) -> None:
    """Refuse text that no file of ours can hold, as a terminal gives that writes in another encoding than UTF-8.

    Raises
    ------
    BadInput
        Some of it is no Unicode; names the option.
    """
    for option, text in texts.items():
        if any("\ud800" <= letter <= "\udfff" for letter in text or ""):
            raise BadInput(f"--{option}: is not UTF-8 (is {text!r}); set the terminal to UTF-8, or use plain letters")


def ask_for_treatment(
    blind_code: str | None, dose_mg_kg: float | None, injected_at: str | None
) -> tuple[str | None, str | None]:
    """Blind code and time of treatment, asked of a person at a terminal where neither code nor dose was given."""
    if blind_code or dose_mg_kg is not None or not sys.stdin.isatty():
        return blind_code, injected_at
    code = str(typer.prompt("Blind code"))
    return code, injected_at or str(typer.prompt("Treated at, as in 14:05"))


LIGHTEST_G, HEAVIEST_G = 2.0, 5_000.0
"""A weight beyond these was typed in another unit."""


def weight(option: str, text: str) -> float:
    """A weight that somebody typed, g.

    Raises
    ------
    BadInput
        It is no number, or no weight that a rat or mouse has in grams.
    """
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"--{option}: must be a number of grams (is {text!r})") from None
    if not 0 < value < float("inf"):
        raise BadInput(f"--{option}: must be more than 0 (is {value:g})")
    if not LIGHTEST_G <= value <= HEAVIEST_G:
        raise BadInput(f"--{option}: {value:g} g is no weight of a rat or mouse; give it in grams, as 280")
    return value


def remark_on_weight(weight_g: float, free_feeding_g: float | None, allowed_by: str | None) -> tuple[str, ...]:
    """What there is to say of a subject's weight.

    Raises
    ------
    BadInput
        It is below 80 % of its free-feeding weight and nobody took that on them.
    """
    if free_feeding_g is None:
        return ()
    fraction = weight_g / free_feeding_g
    if fraction >= LEAST_FRACTION_OF_FREE_FEEDING:
        return ()
    if not allowed_by:
        raise BadInput(
            f"the subject weighs {fraction:.0%} of its free-feeding weight; {LEAST_FRACTION_OF_FREE_FEEDING:.0%} is "
            "the least; feed it, or let whoever is responsible put their name to --underweight-allowed-by"
        )
    return (f"at {fraction:.1%} of its free-feeding weight; allowed by {allowed_by}",)


def injection_time(text: str | None, now: datetime) -> datetime | None:
    """When the subject was treated: `14:05` of the last 24 hours, or a full ISO 8601 time.

    Raises
    ------
    BadInput
        It is neither, or lies in the future.
    """
    if text is None:
        return None
    try:
        if len(text) <= 5:
            clock = datetime.strptime(text, "%H:%M")
            at = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
            at -= timedelta(days=at > now)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    except ValueError:
        raise BadInput(f"--injected-at: must be a time as in 14:05 or 2026-03-02T14:05 (is {text!r})") from None
    if at > now:
        raise BadInput(f"--injected-at: {text} lies in the future; check it")
    return at


def remark_on_pretreatment(planned_min: float | None, injected_at: datetime | None, now: datetime) -> tuple[str, ...]:
    """What there is to say of the time from the treatment to the start."""
    if planned_min is None or injected_at is None:
        return ()
    passed_min = (now - injected_at).total_seconds() / 60
    if abs(passed_min - planned_min) <= PRETREATMENT_TOLERANCE_MIN:
        return ()
    return (f"started {passed_min:.0f} min after treatment, where {planned_min:g} min were planned",)
