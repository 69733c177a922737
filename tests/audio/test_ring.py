from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from behavior.audio.ring import Ring

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 9)),
        st.tuples(st.just("skip"), st.integers(1, 5)),
        st.tuples(st.just("take"), st.just(0)),
        st.tuples(st.just("hold"), st.just(0)),
        st.tuples(st.just("settle"), st.integers(0, 4)),
    ),
    max_size=30,
)


@given(STEPS, st.integers(1, 12), st.integers(1, 2))
def test_what_comes_out_is_what_went_in_with_silence_where_something_was_lost(steps, size, channels) -> None:
    ring, n, sent, got, held = Ring(size, channels), 0, [], [], None

    def take() -> None:
        for n_lost, samples in ring.take():
            assert bool(n_lost) != bool(len(samples))
            got.extend([None] * n_lost + [tuple(row) for row in samples.tolist()])
        if held is None:
            assert got == sent
        else:  # silence just before the place may still be to come
            assert [*got, *[None] * (held - len(got))] == sent[:held]

    for what, count in steps:
        if what == "put":
            block = np.stack([np.arange(n, n + count) * (k + 1) for k in range(channels)], axis=1).astype(np.int16)
            n_over = ring.put(block)
            waiting = sum(one is not None for one in sent[len(got) :])
            assert n_over == max(0, count - (size - waiting))
            sent.extend([tuple(row) for row in block[: count - n_over].tolist()] + [None] * n_over)
            n += count
        elif what == "skip":
            ring.skip(count)
            sent.extend([None] * count)
        elif what == "hold":
            ring.hold()
            held = len(sent) if held is None else held
        elif what == "settle":
            ring.settle(count)
            sent[held or 0 : held or 0] = [None] * (count if held is not None else 0)
            held = None
        else:
            take()
    ring.settle(0)
    held = None
    take()
    assert ring.n_lost == sent.count(None)


def test_two_threads_lose_nothing_and_mix_nothing_up() -> None:
    ring, got, total = Ring(4096), [], 50_000
    done = threading.Event()

    def fill() -> None:
        at = 0
        while at < total:
            n = min(37, total - at)
            block = np.arange(at, at + n, dtype=np.int64).astype(np.int16).reshape(-1, 1)
            at += n - ring.put(block)
            if ring.n_lost:
                return
            while len(got) < at - 3000:  # as a microphone, it is no faster than what it is taken at
                pass
        done.set()

    thread = threading.Thread(target=fill)
    thread.start()
    while not (done.is_set() and len(got) >= total) and (thread.is_alive() or done.is_set()):
        for _, samples in ring.take():
            got.extend(samples[:, 0].tolist())
    thread.join()
    np.testing.assert_array_equal(np.array(got, np.int16), np.arange(total, dtype=np.int64).astype(np.int16))
