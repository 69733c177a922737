from __future__ import annotations

import numpy as np
import pytest

from behavior.audio.check import highest_hz, judge, listen
from behavior.model.errors import Failure

RATE, BLOCK = 250_000, 4_000


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 30, round(seconds * RATE)).astype(np.int16)


def blocks(sound: np.ndarray, true_rate: float = RATE, seed: int = 1, lost: tuple[int, ...] = ()):
    rng = np.random.default_rng(seed)
    for k in range(len(sound) // BLOCK):
        late_us = rng.uniform(0, 100) if rng.random() < 0.2 else rng.uniform(0, 25_000)
        block = sound[k * BLOCK : (k + 1) * BLOCK].reshape(-1, 1)
        yield round(9e6 + 1e6 * (k + 1) * BLOCK / true_rate + late_us), k in lost, block


def resampled_from(rate_hz: int, seconds: float = 2.0) -> np.ndarray:
    """As a sound server does it: nothing left above half the lower rate, then rounded."""
    spectrum = np.fft.rfft(np.random.default_rng(2).normal(0, 30, round(seconds * RATE)))
    spectrum[np.fft.rfftfreq(round(seconds * RATE), 1 / RATE) > rate_hz / 2] = 0
    return np.rint(np.fft.irfft(spectrum)).astype(np.int16)


@pytest.mark.parametrize("drift_ppm", [0, 104, -900])
def test_a_sound_microphone_is_without_problems_and_its_rate_is_known(drift_ppm: float) -> None:
    check = judge(RATE, list(blocks(noise(5.5), RATE * (1 + drift_ppm / 1e6))))
    assert check.problems == ()
    assert check.rate_hz == pytest.approx(RATE * (1 + drift_ppm / 1e6), abs=20)
    assert check.uncertainty_hz < 100
    assert check.level_db == pytest.approx(20 * np.log10(30 / 32768), abs=0.2)
    assert (check.highest_hz, check.line) == (RATE / 2, "noise")


@pytest.mark.parametrize("true_rate", [245_000, 192_000, 256_000])
def test_another_rate_than_stated_is_said(true_rate: float) -> None:
    check = judge(RATE, list(blocks(noise(5.5), true_rate)))
    assert check.rate_hz == pytest.approx(true_rate, rel=0.001)
    assert "times and frequencies would be wrong" in check.problems[0]


def test_losses_are_counted_but_for_the_first_block() -> None:
    check = judge(RATE, list(blocks(noise(5.5), lost=(0, 60, 90))))
    assert check.n_overflows == 2
    assert check.problems[0].startswith("samples were lost 2 times")


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000, 192_000])
def test_sound_that_was_resampled_is_recognised_by_what_is_not_in_it(rate_hz: int) -> None:
    sound = resampled_from(rate_hz)
    assert highest_hz(sound, RATE) == pytest.approx(rate_hz / 2, abs=2_000)
    check = judge(RATE, list(blocks(sound)))
    assert f"above {check.highest_hz / 1000:.0f} kHz there is nothing but rounding" in " ".join(check.problems)


def test_silence_is_said_and_its_rate_of_origin_is_not_guessed() -> None:
    check = judge(RATE, list(blocks(np.zeros(5 * RATE, np.int16))))
    assert check.highest_hz == 0
    assert [problem.partition(":")[0] for problem in check.problems] == ["silent"]
    assert check.line == "constant"


def test_a_digital_line_is_told_from_noise() -> None:
    sound = noise(5.5) & ~np.int16(1)
    sound[RATE : 2 * RATE] |= 1
    assert judge(RATE, list(blocks(sound))).line == "changes"


class Played:
    """A source that delivers a block whenever somebody waits."""

    name, sample_rate_hz, channels = "played", RATE, 1

    def __init__(self, n: int, why: str = "") -> None:
        self.left, self.why, self.closed, self.now_us = n, why, False, 0

    def open(self, deliver) -> None:
        self.deliver = deliver

    def wait(self, seconds: float) -> None:
        self.now_us += 16_000
        if self.left:
            self.left -= 1
            self.deliver(noise(BLOCK / RATE), False)

    def trouble(self) -> str:
        return self.why if not self.left else ""

    def close(self) -> None:
        self.closed = True


def listened(source: Played, **more):
    return listen(source, 2.0, clock_us=lambda: source.now_us, wait=source.wait, **more)


def test_it_listens_as_long_as_asked_and_closes_what_it_opened() -> None:
    source, kept = Played(1_000), []
    check = listened(source, keep=lambda block: kept.append(len(block)))
    assert check.n_samples == sum(kept) == pytest.approx(2.5 * RATE, abs=2 * BLOCK)
    assert source.closed


@pytest.mark.parametrize(
    ("source", "sentence"),
    [(Played(0), "nothing has come from it for 5 s"), (Played(5, "its stream has ended by itself"), "ended by itself")],
    ids=["mute", "dead"],
)
def test_a_microphone_that_gives_nothing_or_dies_is_a_sentence(source: Played, sentence: str) -> None:
    with pytest.raises(Failure, match=sentence):
        listened(source)
    assert source.closed
