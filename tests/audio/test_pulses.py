from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.pulses import Clicks, Edge, LowestBit, SecondChannel, lowest_bit

RATE = 250_000


def cut(sound: np.ndarray, sizes: list[int]):
    at = 0
    for size in sizes:
        yield sound[at : at + size]
        at += size
    yield sound[at:]


def edges_of(finder, blocks) -> list[Edge]:
    return [edge for block in blocks for edge in finder.push(block)]


def with_line(n: int, spans: list[tuple[int, int]], seed: int = 1) -> np.ndarray:
    """Noise with a digital line in its lowest bit, and the line on a second channel."""
    line = np.zeros(n, np.int16)
    for low, high in spans:
        line[low:high] = 1
    noise = np.random.default_rng(seed).normal(0, 200, n).astype(np.int16)
    return np.stack([(noise & ~np.int16(1)) | line, 20_000 * line], axis=1)


SPANS = [(10_000, 35_000), (60_000, 60_500), (90_000, 90_200)]
EDGES = [Edge(at, on) for span in SPANS for at, on in zip(span, (True, False), strict=True)]


@pytest.mark.parametrize("kind", [LowestBit, SecondChannel])
@settings(max_examples=30)
@given(sizes=st.lists(st.integers(0, 30_000), max_size=12))
def test_edges_are_exact_to_the_sample_however_the_sound_is_cut(kind, sizes) -> None:
    assert edges_of(kind(RATE), cut(with_line(120_000, SPANS), sizes)) == EDGES


def test_the_lowest_bit_is_read_as_it_stands() -> None:
    samples = np.array([-32768, -32767, -2, -1, 0, 1, 32766, 32767], np.int16)
    assert lowest_bit(samples).tolist() == [0, 1, 0, 1, 0, 1, 0, 1]


def test_the_lowest_bit_of_a_microphone_without_a_line_gives_no_edges() -> None:
    noise = np.random.default_rng(3).normal(0, 20, (10 * RATE, 1)).astype(np.int16)
    assert edges_of(LowestBit(RATE), [noise]) == []


def test_shorter_than_half_a_millisecond_is_no_pulse() -> None:
    assert edges_of(LowestBit(RATE), [with_line(50_000, [(10_000, 10_100), (20_000, 20_126)])]) == [
        Edge(20_000, True), Edge(20_126, False),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [LowestBit, SecondChannel])
def test_lost_samples_count_and_are_no_edges(kind) -> None:
    sound, finder = with_line(120_000, [(10_000, 80_000)]), kind(RATE)
    found = finder.push(sound[:30_000])
    finder.skip(20_000)
    found += finder.push(sound[50_000:])
    assert found == [Edge(10_000, True), Edge(80_000, False)]


def clicking(at: list[int], seed: int = 1, n: int = 250_000, noise: float = 30.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, noise, n)
    for one in at:
        sound[one : one + 500] += 4_000 * rng.normal(0, 1, 500) * np.exp(-np.arange(500) / 125)
    return sound.astype(np.int16).reshape(-1, 1)


@settings(max_examples=15)
@given(sizes=st.lists(st.integers(0, 60_000), max_size=8))
def test_clicks_are_found_where_they_begin_however_the_sound_is_cut(sizes) -> None:
    at = [60_017, 120_533, 200_001]
    found = edges_of(Clicks(RATE), cut(clicking(at), sizes))
    assert [edge.on for edge in found] == [True] * 3
    assert [edge.sample for edge in found] == pytest.approx(at, abs=25)  # 0.1 ms


def test_a_call_is_no_click() -> None:
    seconds = np.arange(250_000) / RATE
    call = 2_000 * np.sin(2 * np.pi * 23_000 * seconds) * np.clip((seconds - 0.4) / 0.012, 0, 1)
    sound = (clicking([])[:, 0] + call).astype(np.int16).reshape(-1, 1)
    assert len(edges_of(Clicks(RATE), [sound])) == 0


def test_sound_that_comes_back_after_a_loss_is_no_click() -> None:
    finder = Clicks(RATE)
    assert finder.push(clicking([])[:100_000]) == []
    finder.skip(50_000)
    assert finder.push(clicking([], seed=2)[:100_000]) == []
    assert [edge.sample for edge in finder.push(clicking([10_000], seed=3)[:20_000])] == pytest.approx(
        [260_000], abs=25
    )
