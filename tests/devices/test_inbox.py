"""One place to wait: nothing is lost, order is kept, and whoever waits is woken."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.devices.inbox import Inbox


@pytest.fixture
def inbox() -> Iterator[Inbox[object]]:
    one = Inbox[object]()
    yield one
    one.close()


@given(st.lists(st.one_of(st.integers(), st.just("wait"), st.just("take")), max_size=60))
def test_what_is_put_comes_out_once_and_in_order(deeds: list[object]) -> None:
    inbox, put, taken = Inbox[object](), [], []
    for deed in deeds:
        if deed == "wait":
            assert inbox.wait([], 0.0) == []
        elif deed == "take":
            taken += inbox.take()
        else:
            put.append(deed)
            inbox.put(deed)
    taken += inbox.take()
    inbox.close()
    assert taken == put


def test_a_thread_that_puts_wakes_whoever_waits(inbox: Inbox[object]) -> None:
    thread = threading.Thread(target=lambda: inbox.put("a note"))
    thread.start()
    while not (found := inbox.take()):
        assert inbox.wait([], 600.0) == [], "woken by the bell, not by a port"
    thread.join()
    assert found == ["a note"]


def test_what_was_put_before_the_wait_is_not_waited_for(inbox: Inbox[object]) -> None:
    inbox.put("early")
    inbox.wait([], 600.0)
    assert inbox.take() == ["early"]


def test_more_than_the_bell_can_hold_is_kept(inbox: Inbox[object]) -> None:
    for number in range(100_000):
        inbox.put(number)
    inbox.wait([], 600.0)
    assert inbox.take() == list(range(100_000))
    assert inbox.wait([], 0.0) == [], "and it does not ring for what was taken"


@pytest.mark.skipif(os.name != "posix", reason="pipes cannot be waited for on Windows")
def test_bytes_at_a_port_end_the_wait_and_name_it(inbox: Inbox[object]) -> None:
    (near, far), (other, quiet) = os.pipe(), os.pipe()
    os.write(far, b"x")
    assert inbox.wait([near, other], 600.0) == [near]
    inbox.put("and a word")
    assert inbox.wait([near, other], 600.0) == [near]
    assert inbox.take() == ["and a word"]
    for end in (near, far, other, quiet):
        os.close(end)


def test_a_signal_handler_may_put(inbox: Inbox[object]) -> None:
    before = signal.signal(signal.SIGTERM, lambda number, frame: inbox.put("stop"))
    try:
        signal.raise_signal(signal.SIGTERM)
        inbox.wait([], 600.0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert inbox.take() == ["stop"]


def test_putting_after_the_end_harms_nobody(inbox: Inbox[object]) -> None:
    inbox.close()
    inbox.put("too late")
