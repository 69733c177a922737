"""The simulated animal's own meter: what it felt, by its own clock. Nothing that a device or a driver reports is used.

It perceives when a gate opens and closes, and reads at each change what flows through the bars and the animal: nothing
through an open grid, nothing through the animal of a shorted one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from behavior.config.limits import ShockLimits
from behavior.model.commands import Command
from behavior.model.events import Event, ShockEnded, ShockStarted
from behavior.session.core import NEVER
from behavior.simulate.devices import SimulatedBehaviorBoard, SimulatedLineShocker, SimulatedShockController, Twin
from behavior.simulate.subject import Subject

S = 1_000_000
SLACK_US = 15_000
"""A device's clock, ticks of 32 µs, and the 10 ms in which a second switch notices that a gate does not close."""


@dataclass(slots=True)
class Felt:
    """One pulse as the animal felt it; times in µs of the world."""

    start_us: int
    gate_ma: float
    """What the generator was set to, whatever became of it on the way."""
    end_us: int = NEVER
    charge_ma_us: float = 0.0
    most_ma: float = 0.0

    @property
    def duration_us(self) -> int:
        """How long the gate was open."""
        return self.end_us - self.start_us

    @property
    def mean_ma(self) -> float:
        """Over the time that the gate was open."""
        return self.charge_ma_us / self.duration_us if self.duration_us else 0.0


class Meter:
    """Between the bars and the animal.

    Parameters
    ----------
    twins : of a chamber, by name
    subject : the animal, which perceives everything as before
    """

    def __init__(self, subject: Subject) -> None:
        self.felt: list[Felt] = []
        self._subject = subject
        self._source: Twin | None = None
        self._read_us = 0

    def wire(self, twins: Mapping[str, Twin]) -> None:
        """Find the generator of a chamber."""
        kinds = (SimulatedShockController, SimulatedBehaviorBoard, SimulatedLineShocker)
        self._source = next(twin for kind in kinds for twin in twins.values() if isinstance(twin, kind))

    # -- the animal -------------------------------------------------------------------------------------------------

    @property
    def next_us(self) -> int:
        """As of the animal."""
        return self._subject.next_us

    @property
    def intends(self) -> Event | None:
        """As of the animal."""
        return getattr(self._subject, "intends", None)

    def act(self) -> Event:
        """As of the animal."""
        return self._subject.act()

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """A gate opens or closes."""
        if isinstance(happening, ShockStarted):
            self.felt.append(Felt(at_us, self._set_ma()))
            self._read_us = at_us
        elif isinstance(happening, ShockEnded):
            self.read(at_us)
            self.felt[-1].end_us = at_us
        self._subject.perceive(happening, at_us)

    # -- the meter --------------------------------------------------------------------------------------------------

    @property
    def flows(self) -> bool:
        """Whether a gate is open."""
        return bool(self.felt) and self.felt[-1].end_us == NEVER

    def read(self, now_us: int) -> None:
        """Take what has flowed since the last reading; to be called before a grid changes."""
        if self.flows:
            ma = self._flowing_ma()
            self.felt[-1].charge_ma_us += ma * (now_us - self._read_us)
            self.felt[-1].most_ma = max(self.felt[-1].most_ma, ma)
        self._read_us = now_us

    def _set_ma(self) -> float:
        if isinstance(self._source, SimulatedShockController):
            return self._source._values["Intensity"] / 1_000
        if isinstance(self._source, SimulatedBehaviorBoard):
            return float(self._source.current_ma())
        return self._source.current_ma if self._source is not None else 0.0

    def _flowing_ma(self) -> float:
        assert self._source is not None
        faults = self._source.faults
        return 0.0 if faults.grid != "sound" else self.felt[-1].gate_ma * (1 + faults.delivered_percent / 100)


def beyond(felt: list[Felt], limits: ShockLimits, *, fast: float = 1.0) -> list[str]:
    """Which limits a session's pulses passed, by the meter; none if they held.

    Parameters
    ----------
    felt : pulses, all over
    limits : of the session
    fast : how much longer a device's second may be than the world's
    """
    found = []
    for number, one in enumerate(felt, start=1):
        if one.gate_ma > limits.max_ma + 1e-9:
            found.append(f"pulse {number} was set to {one.gate_ma:g} mA, {limits.max_ma:g} mA is the limit")
        if one.duration_us > limits.max_single_s * S * fast + SLACK_US:
            found.append(f"pulse {number} lasted {one.duration_us / S:.3f} s, {limits.max_single_s:g} s is the limit")
    total_s = sum(one.duration_us for one in felt) / S
    if total_s > limits.max_total_s * fast + len(felt) * SLACK_US / S:
        found.append(f"{total_s:.1f} s of shock, {limits.max_total_s:g} s is the limit")
    if len(felt) > limits.max_count:
        found.append(f"{len(felt)} pulses, {limits.max_count} is the limit")
    window_us = round(limits.duty_window_s * S)
    for one in felt:
        on_us = sum(
            max(0, min(other.end_us, one.end_us) - max(other.start_us, one.end_us - window_us)) for other in felt
        )
        if on_us > limits.max_duty * window_us * fast + SLACK_US:
            found.append(f"{on_us / S:.2f} s of shock within {limits.duty_window_s:g} s")
    for one, after in pairwise(felt):
        if after.start_us < one.end_us:
            found.append("two pulses at once")
        if after.start_us - one.end_us < limits.min_interval_s * S / fast - SLACK_US:
            found.append(f"pulses {(after.start_us - one.end_us) / S:.3f} s apart")
    return found
