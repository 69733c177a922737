"""What a shock may be at most: the ceilings that are compiled into the device, and lower ones that people set."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from behavior.config.read import Record


class ShockLimits(Record):
    """Upper bounds on shock in one session.

    The defaults of the fields are the ceilings compiled into the shock controller; a rig and a paradigm may only
    lower them. A value above a ceiling is an error of the file that holds it.
    """

    max_ma: float = Field(3.0, gt=0, le=3.0)
    """Current of a pulse, mA."""
    max_single_s: float = Field(30.0, gt=0, le=30.0)
    """Duration of one pulse, s."""
    max_total_s: float = Field(1200.0, gt=0, le=1200.0)
    """Duration of all pulses of a session together, s."""
    max_count: int = Field(500, ge=0, le=500)
    """Number of pulses in a session."""
    max_duty: float = Field(0.5, gt=0, le=0.5)
    """Share of any `duty_window_s` in which the current may be on."""
    duty_window_s: float = Field(60.0, ge=60.0, le=60.0)
    """The window of `max_duty`, s. Fixed, because the device's is."""
    min_interval_s: float = Field(0.0, ge=0)
    """Time from the end of one pulse to the start of the next, s."""

    def lowered_to(self, other: ShockLimits) -> Self:
        """The stricter of the two, limit by limit."""
        strictest = {
            name: (max if name == "min_interval_s" else min)(getattr(self, name), getattr(other, name))
            for name in type(self).model_fields
        }
        return type(self)(**strictest)


CEILINGS = ShockLimits()
"""What the device itself holds."""
