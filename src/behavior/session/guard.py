"""The guard: limits on shock that hold whatever a paradigm asks. Pure; sees every command before it is issued.

A shock counts with its planned duration from the moment it is asked for, and with its true one once the device has
reported its end. Until that report it is taken to be on, for at most `GRACE_US` beyond its planned end: device and
host never agree to the microsecond, and a second pulse asked for in between would be refused by the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.model.commands import Command, Shock, StopShock

S = 1_000_000
GRACE_US = 250_000
MARGIN_US = 10_000
"""By so much the guard is stricter on the duty of several pulses: the device counts them by a clock of its own."""


@dataclass(slots=True)
class Guard:
    """The limits of one session and the shocks that it has had.

    Parameters
    ----------
    limits : what is refused beyond
    shocks : start and end of each shock so far, session time in µs
    """

    limits: ShockLimits = CEILINGS
    shocks: list[tuple[int, int]] = field(default_factory=list)
    _unreported: bool = False
    _past_us: int = 0
    _n_past: int = 0

    def refusal(self, command: Command, now_us: int) -> str | None:
        """Why this command must not be issued now, or None."""
        if not isinstance(command, Shock):
            return None
        return next(self._broken(command, now_us), None)

    def issued(self, command: Command, now_us: int) -> None:
        """Remember a command that went out."""
        if isinstance(command, Shock):
            self.shocks.append((now_us, now_us + round(command.duration_s * S)))
            self._unreported = True
        elif isinstance(command, StopShock):
            self._cut(now_us)

    def shock_ended(self, now_us: int) -> None:
        """The device reports the end of a shock."""
        self._cut(now_us)
        self._unreported = False

    def shock_is_on(self, now_us: int) -> bool:
        """Whether the last shock is on, or may be for all we know."""
        if not self.shocks:
            return False
        return now_us < self.shocks[-1][1] + (GRACE_US if self._unreported else 0)

    def _broken(self, shock: Shock, now_us: int) -> Iterator[str]:
        limits = self.limits
        if not 0 < shock.ma <= limits.max_ma:
            yield f"a shock of {shock.ma:g} mA, where {limits.max_ma:g} mA is the limit"
        if not 0 < shock.duration_s <= limits.max_single_s:
            yield f"a shock of {shock.duration_s:g} s, where {limits.max_single_s:g} s is the limit"
            return
        asked_us, window_us = round(shock.duration_s * S), round(limits.duty_window_s * S)
        if len(self.shocks) >= limits.max_count:
            yield f"more than {limits.max_count} shocks"
        if self.shock_is_on(now_us):
            yield "a shock while one is on"
        if self.shocks and now_us - self.shocks[-1][1] < limits.min_interval_s * S:
            yield f"a shock sooner than {limits.min_interval_s:g} s after the last"
        if self._total_us() + asked_us > limits.max_total_s * S:
            yield f"more than {limits.max_total_s:g} s of shock in all"
        past_us = self._on_since(now_us + asked_us - window_us)
        if past_us + asked_us > limits.max_duty * window_us - (MARGIN_US if past_us else 0):
            yield f"shock for more than {limits.max_duty:.0%} of {limits.duty_window_s:g} s"

    def _cut(self, now_us: int) -> None:
        if self.shocks and self.shocks[-1][1] > now_us:
            start_us, _ = self.shocks[-1]
            self.shocks[-1] = (start_us, max(start_us, now_us))

    def _total_us(self) -> int:
        """Shock time so far. What is over for good is kept as a running sum: this is asked at every shock."""
        while self._n_past < len(self.shocks) - 1:
            start_us, end_us = self.shocks[self._n_past]
            self._past_us += end_us - start_us
            self._n_past += 1
        return self._past_us + sum(end_us - start_us for start_us, end_us in self.shocks[self._n_past :])

    def _on_since(self, from_us: int) -> int:
        total_us = 0
        for start_us, end_us in reversed(self.shocks):
            if end_us <= from_us:
                break
            total_us += end_us - max(start_us, from_us)
        return total_us
