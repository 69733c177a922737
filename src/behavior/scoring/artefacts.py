"""When the apparatus itself made a sound, as the journal knows: shocks, levers, the feeder.

Brief sounds at these times are not taken for calls (`usv.gate`). That time is lost for short calls, and is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from behavior.scoring.timeline import Timeline

LEVER_US, FEEDER_US = 50_000, 600_000
"""How long a lever clicks after a press, and how long the feeder runs before its sensor sees what it gave."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A sound of the apparatus, µs of the session."""

    kind: str
    begin_us: int
    end_us: int


def artefacts(timeline: Timeline) -> list[Artefact]:
    """All sounds of the apparatus, in order of their beginning."""
    return sorted(_artefacts(timeline), key=lambda artefact: (artefact.begin_us, artefact.end_us))


def _artefacts(timeline: Timeline) -> Iterator[Artefact]:
    for shock in timeline.shocks:
        if shock.ended_us is not None:
            yield Artefact("shock", shock.ended_us - shock.duration_us, shock.ended_us)
    for press in timeline.presses:
        yield Artefact("lever", press.at_us, press.at_us + LEVER_US)
    for delivery in timeline.deliveries:
        if delivery.arrived_us is not None:
            yield Artefact("feeder", delivery.arrived_us - FEEDER_US, delivery.arrived_us)


def covered(timeline: Timeline, begin_us: int, end_us: int) -> list[tuple[int, int]]:
    """The parts of a span that lie in sounds of the apparatus, in order and apart from each other."""
    spans: list[tuple[int, int]] = []
    until_us = begin_us
    for artefact in artefacts(timeline):
        from_us, to_us = max(artefact.begin_us, until_us), min(artefact.end_us, end_us)
        if to_us > from_us:
            spans.append((from_us, to_us))
            until_us = to_us
    return spans


def covered_us(timeline: Timeline, begin_us: int, end_us: int) -> int:
    """How much of a span lies in sounds of the apparatus; what lies in several counts once."""
    return sum(to_us - from_us for from_us, to_us in covered(timeline, begin_us, end_us))
