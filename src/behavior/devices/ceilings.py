"""What a shocker of another make is never asked for, whatever the session asks: its driver stands in for the limits
that our own controller has compiled in. Knows nothing of the session's guard, and counts by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from behavior.config.limits import CEILINGS, ShockLimits

if TYPE_CHECKING:
    from behavior.model.commands import Shock

S = 1_000_000


class Ceilings:
    """Counts what was asked for, and says what goes too far.

    Parameters
    ----------
    limits : of the session; never above the ceilings of our own controller
    max_ma, max_single_s : what the shocker itself can do
    n_before : shocks that this session commanded already, when it is resumed
    """

    def __init__(
        self,
        limits: ShockLimits | None = None,
        *,
        max_ma: float = CEILINGS.max_ma,
        max_single_s: float = CEILINGS.max_single_s,
        n_before: int = 0,
    ) -> None:
        self._limits = CEILINGS.lowered_to(limits or CEILINGS)
        self._max_ma = min(max_ma, self._limits.max_ma)
        self._max_single_s = min(max_single_s, self._limits.max_single_s)
        self._n = self._last = n_before
        self._given: list[tuple[int, int]] = []
        self._total_us = 0

    def refusal(self, shock: Shock, now_us: int) -> str:
        """Why this shock must not be given now; empty if it may. One that may is counted in full."""
        us = round(shock.duration_s * S)
        window_us = round(self._limits.duty_window_s * S)
        from_us = now_us + us - window_us
        self._given = [one for one in self._given if one[1] > from_us]
        recent_us = sum(end_us - max(start_us, from_us) for start_us, end_us in self._given)
        reasons = {
            f"cannot give {shock.ma:g} mA": not 0 < shock.ma <= self._max_ma + 1e-9,
            f"cannot give {shock.duration_s:g} s": not 0 < shock.duration_s <= self._max_single_s + 1e-9,
            f"shock {shock.number} was asked for a second time": shock.number <= self._last,
            f"would give more than {self._limits.max_count} shocks": self._n >= self._limits.max_count,
            f"would give more than {self._limits.max_total_s:g} s of shock": self._total_us + us
            > self._limits.max_total_s * S,
            f"would give shock for more than {self._limits.max_duty:.0%} of a minute": recent_us + us
            > self._limits.max_duty * window_us,
        }
        why = next((reason for reason, broken in reasons.items() if broken), "")
        if not why:
            self._n, self._last = self._n + 1, shock.number
            self._total_us += us
            self._given.append((now_us, now_us + us))
        return why
