"""Who goes before others, and who does not."""

from __future__ import annotations

import os
import threading

import pytest

from behavior.audio.hurry import hurried

linux = pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="scheduling policies are told on Linux alone")


def may_hurry() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


@linux
def test_only_the_thread_that_asks_goes_before_others_and_only_in_the_block() -> None:
    policies: dict[str, int] = {}
    before = os.sched_getscheduler(0)
    with hurried():
        policies["here"] = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        other = threading.Thread(target=lambda: policies.update(there=os.sched_getscheduler(0)))
        other.start()
        other.join()
    assert policies["here"] == (os.SCHED_RR if may_hurry() else before)
    assert policies["there"] == before
    assert os.sched_getscheduler(0) == before


def test_where_nobody_may_hurry_the_block_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refused, raising=False)
    ran = []
    with hurried():
        ran.append(True)
    assert ran == [True]
