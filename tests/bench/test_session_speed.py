"""Speed of sessions, as ratios of CPU time against a named baseline in the same run.

Baseline: the standard library's `json.loads` over the lines of the session's own journal, which is what any program has
to do that only reads it. Measured on two shared cores: the whole session at core depth takes about 1.1 times that, with
every byte through codec, drivers and twins about 210 times, replay from lines about 1.2 times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.doses import Treatment
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import assemble, resolve
from behavior.session.core import SessionCore
from behavior.session.journal import Item, line_of, read_lines
from behavior.session.replay import replay
from behavior.session.runner import run
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from behavior.simulate.world import VirtualApparatus

PARADIGM = find_paradigm("geller_seifter")
HOUR = resolve(PARADIGM, {}, file="usual values: one hour")
SEED = 4


def core() -> SessionCore:
    return assemble(PARADIGM, HOUR, seed=SEED)


def lines_of_an_hour() -> bytes:
    lines: list[bytes] = []
    after = 0

    def record(item: Item, host_us: int) -> None:
        nonlocal after
        line, after = line_of(item, len(lines), after, host_us)
        lines.append(line)

    run(core(), IdealBox(Rat(SEED, Treatment())), record)
    return b"".join(lines)


def cpu_s(work: Callable[[], object], rounds: int = 5) -> float:
    """The least CPU time of several rounds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.fixture(scope="module")
def journal() -> bytes:
    return lines_of_an_hour()


@pytest.fixture(scope="module")
def baseline_s(journal: bytes) -> float:
    return cpu_s(lambda: [json.loads(line) for line in journal.splitlines()], rounds=9)


@pytest.fixture(scope="module")
def chamber() -> Chamber:
    return read(shipped("configs", "rigs", "simulated.toml"), Rig).chambers[0]


def test_an_hour_at_core_depth(baseline_s: float) -> None:
    took_s = cpu_s(lambda: run(core(), IdealBox(Rat(SEED, Treatment())), lambda item, host_us: None))
    print(f"one hour at core depth: {took_s * 1e3:.1f} ms, {took_s / baseline_s:.2f} times json.loads of its journal")
    assert took_s < 3 * baseline_s


def test_an_hour_with_every_byte(baseline_s: float, chamber: Chamber) -> None:
    def session() -> None:
        apparatus = VirtualApparatus(chamber, chamber.limits, Rat(SEED, Treatment()))
        run(core(), apparatus, lambda item, host_us: None)

    took_s = cpu_s(session, rounds=2)
    print(f"one hour with every byte: {took_s:.2f} s, {took_s / baseline_s:.0f} times json.loads of its journal")
    assert took_s < 500 * baseline_s


def test_replay_of_an_hour_from_lines(baseline_s: float, journal: bytes) -> None:
    def verify() -> None:
        reading = read_lines(journal, b"")
        replay(core(), zip(reading.lines, reading.items, strict=True))

    took_s, n = cpu_s(verify), journal.count(b"\n")
    print(f"replay from lines: {n / took_s:,.0f} lines a second, {took_s / baseline_s:.2f} times json.loads")
    assert took_s < 3 * baseline_s
