"""A day of every paradigm in virtual time: whole sessions one after the other, over whole bytes, folders and scores.

After each hour of it: blocks of memory that Python holds (`sys.getallocatedblocks`; a block is an object of up to 512
bytes), memory of the process, open files, threads, and the most that waited anywhere at a session's end (`waiting`). At
last one session of 24 h.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from behavior.config.rig import Chamber
from behavior.devices.driver import HarpDriver
from behavior.model.session import SessionHeader
from behavior.paradigms.catalogue import find_paradigm, our_paradigms
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score, write_score
from behavior.session.assemble import core_of, resolve
from behavior.session.folder import create
from behavior.session.record import record_session
from behavior.session.verify import verify
from behavior.simulate.animals import animal_for
from behavior.simulate.world import VirtualApparatus
from faults.plans import chamber_of, usual_chamber
from paradigms.short import VEHICLE, Way, usual

S = 1_000_000
GIVEN = {
    "helplessness_induction": {"n_shocks": 60},
    "shuttle_escape": {"n_trials": 30},
    "geller_seifter": {},
    "conditioned_usv": {"stage": "conditioning"},
    "passive_avoidance": {},
    "shock_aggression": {},
    "shock_induced_usv": {"day": 8},
}
"""Usual sessions, with shocks."""
LONG = Path(__file__).parent / "everything_at_once.py"
GROWN_PER_H = 100.0
"""More blocks than this for each virtual hour are growth."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What was held after an hour of virtual time."""

    at_h: float
    n_blocks: int
    rss_mb: float
    n_files: int
    n_threads: int
    n_waiting: int


def virtual_soak(hours: float, paradigms: list[str]) -> tuple[str, bool]:
    """Run it; the page, and whether something grew or stayed open."""
    lines = [
        "| paradigm | sessions | virtual h | CPU s | blocks after 1 h, at the end | growth a virtual h | RSS, MB | "
        "files | most waiting |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    bad = False
    for name in paradigms or sorted(our_paradigms()):
        line, grew = _day(name, hours)
        lines.append(line)
        bad |= grew
        print(lines[-1], flush=True)
    if not paradigms:
        lines.append(_one_long_session(hours))
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n", bad


def _day(name: str, hours: float) -> tuple[str, bool]:
    one = usual(name, **GIVEN.get(name, {}))
    began_s, us, n, samples = time.process_time(), 0, 0, list[Hour]()
    _session(one, 0)  # what is loaded once is loaded
    while us < hours * 3600 * S:
        n += 1
        lasted_us, n_waiting = _session(one, n)
        us += lasted_us
        if not samples or us / 3600 / S >= samples[-1].at_h + 1:
            samples.append(_held(us / 3600 / S, n_waiting))
    samples.append(_held(us / 3600 / S, n_waiting))
    settled = [sample for sample in samples if sample.at_h >= 1] or samples
    at_h, held = [sample.at_h for sample in settled], [sample.n_blocks for sample in settled]
    growth = float(np.polyfit(at_h, held, 1)[0]) if len(settled) > 2 else 0.0
    files, threads = {sample.n_files for sample in samples}, {sample.n_threads for sample in samples}
    line = (
        f"| {name} | {n} | {us / 3600 / S:.1f} | {time.process_time() - began_s:.0f} | {held[0]}, {held[-1]} | "
        f"{growth:+.1f} | {samples[0].rss_mb:.0f} → {samples[-1].rss_mb:.0f} | {min(files)}–{max(files)} | "
        f"{max(sample.n_waiting for sample in samples)} |"
    )
    return line, growth > GROWN_PER_H or len(files) > 1 or len(threads) > 1


def _one_long_session(hours: float) -> str:
    paradigm = find_paradigm(str(LONG), own_code=True)
    n_trials = max(1, min(500, round(hours * 60)))
    gap_s = hours * 3600 / n_trials - 20
    asked = {"n_trials": n_trials, "iti_s": {"low": gap_s - 5, "high": gap_s + 5}}
    one = Way(paradigm, resolve(paradigm, asked, file=LONG))
    began_s = time.process_time()
    rss_mb = psutil.Process().memory_info().rss / 1e6
    lasted_us, n_waiting = _session(one, 1)
    after_mb = psutil.Process().memory_info().rss / 1e6
    return (
        f"| one session of {LONG.stem} | 1 | {lasted_us / 3600 / S:.1f} | {time.process_time() - began_s:.0f} | | | "
        f"{rss_mb:.0f} → {after_mb:.0f} | {psutil.Process().num_fds()} | {n_waiting} |"
    )


def _session(one: Way, seed: int) -> tuple[int, int]:
    """A whole session, verified and scored twice; how long it lasted, and what waited in queues at its end."""
    chamber = chamber_of("conflict", "A") if one.paradigm.name == LONG.stem else _chamber(one)
    limits = chamber.limits.lowered_to(one.p.limits)
    animal = animal_for(one.paradigm.name, one.parameters, seed, VEHICLE)
    apparatus = VirtualApparatus(chamber, limits, animal)
    header = SessionHeader(
        software="behavior", subject="R01", experimenter="soak", treatment=VEHICLE, paradigm=one.paradigm.name,
        paradigm_file=str(LONG) if one.paradigm.name == LONG.stem else None, paradigm_sha256=one.paradigm.sha256,
        parameters=one.parameters, limits=limits.model_dump(), seed=seed, rig="soak", chamber=chamber.name,
        started_at="2026-11-20T10:15:00+00:00", simulated=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place), header)
        footer = record_session(
            folder, core_of(header, own_code=True), apparatus, time_of_day=lambda: "later", durable=False
        )
        verify(folder, own_code=True)
        write_score(folder.path, rescore(folder))
        assert differences(read_score(folder.path), rescore(folder)) == []
        assert not footer.reason.startswith(("fault", "link", "failure", "refused")), footer.reason
    return apparatus.now_us(), sum(waiting(apparatus).values())


def waiting(apparatus: VirtualApparatus) -> dict[str, int]:
    """What waits to be taken, by where: at devices and in the cage, in drivers and framings, for the session.

    The journal has no queue (a line is written before the next input is taken), nor has the board (a page asks for what
    is new when it has room).
    """
    twins, cage = apparatus.cage.twins.values(), apparatus.cage
    drivers = [device.driver for device in apparatus.chamber._devices.values()]
    harp = [driver for driver in drivers if isinstance(driver, HarpDriver)]
    return {
        "bytes that twins have to say": sum(len(twin._outgoing) for twin in twins),
        "happenings nobody perceived": sum(len(twin._happenings) for twin in twins),
        "notes and sounds of the cage": len(cage.notes) + len(cage.begun),
        "bytes to devices": sum(len(driver._outgoing) for driver in harp),
        "bytes without an end": sum(driver._framing.n_bytes_waiting for driver in harp),
        "requests without an answer": sum(len(asked) for driver in harp for asked in driver._asked.values()),
        "values without an echo": sum(len(driver._wanted) for driver in harp),
        "events for the session": sum(len(driver._events) for driver in harp) + len(apparatus._recorded),
    }


def _chamber(one: Way) -> Chamber:
    name = usual_chamber(one)
    return chamber_of("conflict" if name == "A" and _has_levers(one) else "shuttle", name)


def _has_levers(one: Way) -> bool:
    return one.paradigm.name in ("geller_seifter", "conditioned_usv")


def _held(at_h: float, n_waiting: int) -> Hour:
    gc.collect()
    process, n_blocks = psutil.Process(os.getpid()), sys.getallocatedblocks()
    return Hour(at_h, n_blocks, process.memory_info().rss / 1e6, process.num_fds(), threading.active_count(), n_waiting)
