"""What the simulated microphone hears, sample by sample, without waiting for a clock."""

from __future__ import annotations

from multiprocessing import Pipe

import numpy as np
import pytest

from behavior.audio.pulses import LowestBit, SecondChannel
from behavior.simulate.acoustics import Artefact, PlannedCall
from behavior.simulate.microphone import ENDLESS_S, Ceased, Misdeeds, SimulatedOpener, Sounding

RATE = 192_000


def heard(sounds: list, seconds: float = 1.0, n: int = 3_072, **what) -> np.ndarray:
    hears, speaks = Pipe(duplex=False)
    source = SimulatedOpener(RATE, seed=3, start_ns=0, sounds=hears, **what)()
    scape = source._scape
    scape.make_ready()
    speaks.send(sounds)
    blocks = [scape.samples(n) for _ in range(round(seconds * RATE / n))]
    speaks.close()
    hears.close()
    return np.concatenate(blocks)


def loudness(sound: np.ndarray, from_s: float, to_s: float) -> float:
    return float(np.abs(sound[round(from_s * RATE) : round(to_s * RATE), 0]).mean())


def test_a_call_is_where_it_was_given() -> None:
    sound = heard([Sounding(PlannedCall(0.3, 0.2), 0)])
    quiet = loudness(sound, 0.0, 0.29)
    assert loudness(sound, 0.35, 0.45) > 5 * quiet
    assert loudness(sound, 0.6, 0.9) < 1.5 * quiet


@pytest.mark.parametrize("kind", ["tone", "shock"])
def test_what_ends_later_than_anyone_knew_sounds_until_it_ends(kind: str) -> None:
    sounds = [Sounding(Artefact(kind, 0.2, ENDLESS_S), 0), Ceased(kind, 0.6)]
    sound = heard(sounds)
    quiet = loudness(sound, 0.0, 0.19)
    assert loudness(sound, 0.25, 0.55) > 3 * quiet
    assert loudness(sound, 0.62, 0.9) < 1.3 * quiet
    np.testing.assert_array_equal(heard(sounds, n=1_024)[: 192 * 900], sound[: 192 * 900])


@pytest.mark.parametrize("drift_ppm", [0.0, 500.0])
def test_a_line_changes_at_the_sample_of_its_event(drift_ppm: float) -> None:
    sounds = [Sounding(Artefact("shock", 0.2, ENDLESS_S), 0), Ceased("shock", 0.7)]
    sound = heard(sounds, channels=2, line="shock", misdeeds=Misdeeds(drift_ppm=drift_ppm))
    true_rate = RATE * (1 + drift_ppm / 1e6)
    for finder in (LowestBit(RATE), SecondChannel(RATE)):
        edges = finder.push(sound)
        assert [(edge.sample, edge.on) for edge in edges] == [
            (round(0.2 * true_rate), True),
            (round(0.7 * true_rate), False),
        ]


def test_what_comes_too_late_to_be_heard_in_time_is_heard_whole() -> None:
    hears, speaks = Pipe(duplex=False)
    scape = SimulatedOpener(RATE, seed=3, start_ns=0, sounds=hears)()._scape
    scape.make_ready()
    scape.samples(RATE // 2)
    speaks.send([Sounding(Artefact("feeder", 0.3, 0.25), 0)])
    assert np.abs(scape.samples(RATE // 2)).max() > 500
    speaks.close()
    assert np.abs(scape.samples(3_000)).mean() > 0, "a chamber that is gone is an empty room"
    hears.close()
