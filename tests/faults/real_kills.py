"""`kill -9` of real processes in real time: the engine, the chamber, the microphone, the detector, the board.

    python tests/faults/real_kills.py [--n 200] [--seed 1] [--at-once 3] [--victim NAME] [--report report.md]

Each case is a session of some seconds by `behavior run`, over pseudo-terminals, and one process that dies at a random
moment. For the engine and the board the chamber stands outside of the session (`outside.py`), goes on whoever dies, and
keeps a log of its own; sound is that of `--simulate`. Exit code 1 if anything did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil

from behavior.config import read
from behavior.config.rig import Rig
from behavior.config.shipped import shipped
from behavior.devices.calibration import FOLDER, shocker_of, simulated_calibration, write_calibration
from behavior.model.commands import Shock
from behavior.model.errors import BehaviorError
from behavior.model.events import Faulted, LinkLost, MicrophoneLost, Noted, RecordingEnded, RecordingStarted, Resumed
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score, write_score
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from browser.lab import Screens
from faults.real_soak import ROLES, children
from faults.witnessed import WITNESSED

COMMAND = [sys.executable, "-c", "from behavior.app.cli import main; main()"]
VICTIMS = ("engine", "board", "chamber", "simulated chamber", "microphone", "detector")
WATCHDOG_S, HELD_UP_S = 1.0, 0.25
"""The device's own, and how late a busy computer may hand it the last bytes of an engine."""
LONGEST_S = 600.0
"""A session whose detector died searches its sound when it is over; on a busy computer that takes its time."""
SESSIONS: dict[str, tuple[str, str, float, str]] = {
    "geller_seifter": ("simulated", "A", 5.0, """
n_cycles = 1
[[components]]
name = "punished"
duration_s = 5
schedule = "CRF"
cue = "house_light"
shock_ma = 0.4
shock_s = 0.3
"""),
    "shuttle_escape": ("simulated-shuttle", "B", 6.0, """
habituation_s = 0.5
n_trials = 3
iti_s = 0.3
cs_s = 0.5
us_s = 1.5
gate = "session"
helpless_min_failures = 2
"""),
    "helplessness_induction": ("simulated-shuttle", "A", 6.0, """
n_shocks = 4
shock_s = 1.0
interval_s = 1.5
"""),
    "shock_induced_usv": ("simulated", "A", 9.0, """
habituation_s = 0.3
n_shocks = 3
interval_s = 1.5
shock_s = 0.2
delay_s = 0.5
test_s = 4
"""),
}  # fmt: skip
"""Rig, chamber, how long it lasts, and parameters of short sessions; the last one with sound."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who dies in which session, and when.

    Attributes
    ----------
    moment_s : after the journal's first line
    in_shock : wait then until a shock is on
    then : what people do with a session whose engine died: "resume", "close", or "kill again" and close
    """

    number: int
    victim: str
    paradigm: str
    moment_s: float
    in_shock: bool
    then: str


@dataclass(slots=True)
class Outcome:
    """What became of it."""

    plan: Plan
    what: str = ""
    violations: list[str] = field(default_factory=list)
    shock_off_s: float | None = None
    n_known: int = 0
    n_felt: int = 0


def plan_of(seed: int, number: int, victims: tuple[str, ...] = ()) -> Plan:
    """The plan of a case; half of all are engines."""
    draw = random.Random(f"{seed} {number}")
    victim = draw.choice(victims or ("engine",) * 5 + VICTIMS)
    sound = victim in ROLES
    paradigm = "shock_induced_usv" if sound else draw.choice([one for one in SESSIONS if "usv" not in one])
    moment_s = draw.uniform(0, SESSIONS[paradigm][2])
    return Plan(
        number,
        victim,
        paradigm,
        moment_s,
        draw.random() < 0.5,
        draw.choice(("resume", "resume", "close", "kill again")),
    )


def run(plan: Plan, place: Path) -> Outcome:
    """Run one case."""
    place.mkdir()
    outcome = Outcome(plan)
    try:
        HOWS[plan.victim](plan, place, outcome)
    except Exception as error:  # whatever a case fails with is a finding
        outcome.violations.append(f"{type(error).__name__}: {error}")
    return outcome


# -- the engine -------------------------------------------------------------------------------------------------------


def _engine_dies(plan: Plan, place: Path, outcome: Outcome) -> None:
    with outside(plan, place) as (rig, ports, log), running(plan, place, rig, ports=ports) as engine:
        engine.wait_for_first_line()
        _wait_for_moment(plan, log)
        killed_us = _kill(engine.process.pid)
        outcome.n_known = engine.known()
        time.sleep(WATCHDOG_S + 2 * HELD_UP_S)
        _judge_log(outcome, log, killed_us)
        folder = next(iter(find_sessions(place / "data")))
        before = folder.read().items
        if outcome.n_known > len(before):
            outcome.violations.append(f"{outcome.n_known - len(before)} lines were acknowledged and are lost")
        if folder.footer is not None:
            outcome.what = "had ended before"
        else:
            _take_up(plan, folder, outcome, ports)
        _judge_folder(outcome, folder)
        if folder.read().items[: len(before)] != before:
            outcome.violations.append("what had happened was changed")
        time.sleep(WATCHDOG_S + 2 * HELD_UP_S)
        _judge_shocks(outcome, folder, log)


def _take_up(plan: Plan, folder: SessionFolder, outcome: Outcome, ports: str) -> None:
    """As a person would: go on with it, or close it."""
    if plan.then == "kill again":
        again = subprocess.Popen(
            [*COMMAND, "resume", str(folder.path), "--confirm", "R1"], env=os.environ | {"BEHAVIOR_PORTS": ports},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        n_before, until_s = len(folder.read().items), time.monotonic() + LONGEST_S
        while again.poll() is None and len(folder.read().items) == n_before and time.monotonic() < until_s:
            time.sleep(0.05)
        time.sleep(random.Random(plan.number).uniform(0, 2))
        again.kill()
        again.wait()
        time.sleep(WATCHDOG_S + 2 * HELD_UP_S)
    close = () if plan.then == "resume" else ("--close",)
    done = _behavior("resume", folder.path, "--confirm", "R1", *close, ports=ports)
    footer = folder.footer
    outcome.what = f"{plan.then}: {footer.reason if footer else 'no footer'}"
    ended_in_resume = plan.then == "kill again" and "is finished" in done.stderr
    good = ("completed", "stopped by resume:", "it had ended already")
    if not ended_in_resume and (footer is None or not footer.reason.startswith(good)):
        outcome.violations.append(f"{plan.then}: {(done.stderr or done.stdout).strip()[-300:]}")
    if plan.then == "resume" and footer is not None and footer.reason == "completed":
        n_gaps = sum(isinstance(item, Resumed) for item in folder.read().items)
        if n_gaps != 1:
            outcome.violations.append(f"{n_gaps} gaps are on record")


def _judge_log(outcome: Outcome, log: Path, killed_us: int) -> None:
    """The device's own: shock and outputs off within the watchdog's time."""
    on_us: int | None = None
    outputs: dict[str, int] = {}
    for told in logged(log):
        if "shock" in told:
            if told["shock"] and told["at_us"] > killed_us + HELD_UP_S * 1e6:
                outcome.violations.append("a shock began when nobody drove it")
            on_us = told["at_us"] if told["shock"] else None
            if not told["shock"] and told["at_us"] > killed_us:
                outcome.shock_off_s = (told["at_us"] - killed_us) / 1e6
        elif told["on"]:
            outputs[told["output"]] = told["at_us"]
        else:
            outputs.pop(told["output"], None)
    if on_us is not None:
        outcome.violations.append("a shock is still on")
    if outcome.shock_off_s is not None and outcome.shock_off_s > WATCHDOG_S + HELD_UP_S:
        outcome.violations.append(f"a shock went on for {outcome.shock_off_s:.3f} s after the kill")
    if outputs:
        outcome.violations.append(f"still on after the watchdog's time: {', '.join(outputs)}")


def _judge_shocks(outcome: Outcome, folder: SessionFolder, log: Path) -> None:
    """Each pulse that was felt was commanded, none twice; those that a kill cut off may not have gone out."""
    numbers = Counter(item.number for item in folder.read().items if isinstance(item, Shock))
    told = list(logged(log))
    outcome.n_felt = sum(one.get("shock") is True for one in told)
    n_kills = {"engine": 1}.get(outcome.plan.victim, 0) + (outcome.plan.then == "kill again")
    if any(n > 1 for n in numbers.values()):
        outcome.violations.append("a shock was commanded twice")
    if not len(numbers) - n_kills <= outcome.n_felt <= len(numbers):
        outcome.violations.append(f"{len(numbers)} shocks were commanded and {outcome.n_felt} felt")
    if told and [one for one in told if "shock" in one][-1:] and [one for one in told if "shock" in one][-1]["shock"]:
        outcome.violations.append("a shock is on at the end")


# -- others -----------------------------------------------------------------------------------------------------------


def _board_dies(plan: Plan, place: Path, outcome: Outcome) -> None:
    """The session does not notice."""
    (place / "data").mkdir()
    screens = Screens(place / "data")
    try:
        with outside(plan, place) as (rig, ports, log), running(plan, place, rig, ports=ports) as engine:
            engine.wait_for_first_line()
            time.sleep(plan.moment_s)
            screens.kill()
            engine.end(outcome)
            folder = next(iter(find_sessions(place / "data")))
            _expect(outcome, engine.code == 0, f"the session ended with {engine.code}: {engine.said[-300:]}")
            _expect(outcome, folder.footer is not None and folder.footer.reason == "completed", "it did not complete")
            _expect(outcome, not any(isinstance(one, LinkLost) for one in folder.read().items), "a link was lost")
            _judge_folder(outcome, folder)
            _judge_shocks(outcome, folder, log)
    finally:
        screens.process.kill()


def _chamber_dies(plan: Plan, place: Path, outcome: Outcome) -> None:
    """All devices are gone at once: the session says so, looks for them, and ends."""
    with outside(plan, place) as (rig, ports, log), running(plan, place, rig, ports=ports) as engine:
        engine.wait_for_first_line()
        _wait_for_moment(plan, log)
        _kill(psutil.Process(int((place / "outside.pid").read_text())).pid)
        engine.end(outcome)
        _judge_lost(outcome, engine, next(iter(find_sessions(place / "data"))))


def _child_dies(plan: Plan, place: Path, outcome: Outcome) -> None:
    """One of the processes that a session with sound consists of."""
    with running(plan, place, rig_of(plan, place), simulate=True) as engine:
        engine.wait_for_first_line()
        victim = _child(engine.process.pid, plan.victim)
        time.sleep(plan.moment_s)
        recorded = _records(place)
        with suppress(psutil.NoSuchProcess):
            victim.kill()
        engine.end(outcome)
        folder = next(iter(find_sessions(place / "data")))
        items, footer = folder.read().items, folder.footer
        if footer is not None and engine.process.poll() == 0 and not recorded and plan.victim != "simulated chamber":
            outcome.what = "died when nothing was recorded"
        elif plan.victim == "simulated chamber":
            _judge_lost(outcome, engine, folder)
        else:
            _expect(outcome, engine.code == 0, f"the session ended with {engine.code}: {engine.said[-300:]}")
            _expect(outcome, footer is not None and footer.reason == "completed", "the session did not complete")
            _expect(outcome, _said_of(plan.victim, items), f"nothing says that the {plan.victim} was lost")
            _expect(outcome, (folder.path / "calls.csv").exists(), "the sound was not searched")
        _judge_folder(outcome, folder)


def _said_of(victim: str, items: list[object]) -> bool:
    if victim == "microphone":
        return any(isinstance(item, MicrophoneLost) for item in items)
    return any(isinstance(item, Noted) and "live detection has ended" in item.text for item in items)


def _records(place: Path) -> bool:
    items = next(iter(find_sessions(place / "data"))).read().items
    n = Counter(type(item) for item in items)
    return n[RecordingStarted] > n[RecordingEnded]


def _judge_lost(outcome: Outcome, engine: Running, folder: SessionFolder) -> None:
    footer = folder.footer
    if footer is not None and footer.reason == "completed":
        outcome.what = "had ended before"
        return
    outcome.what = f"the chamber was lost: {footer.reason if footer else 'no footer'}"
    lost = any(isinstance(item, LinkLost | Faulted) for item in folder.read().items)  # it may owe an echo first
    _expect(outcome, lost and engine.code == 1, f"it ended with {engine.code} and says {engine.said[-300:]!r}")
    _expect(
        outcome, footer is not None and footer.reason.startswith(("link to", "fault of")), "the footer does not say so"
    )
    _judge_folder(outcome, folder)


HOWS: dict[str, Callable[[Plan, Path, Outcome], None]] = {
    "engine": _engine_dies,
    "board": _board_dies,
    "chamber": _chamber_dies,
    "simulated chamber": _child_dies,
    "microphone": _child_dies,
    "detector": _child_dies,
}


# -- what must hold of every folder -----------------------------------------------------------------------------------


def _judge_folder(outcome: Outcome, folder: SessionFolder) -> None:
    reading = folder.read()
    if reading.problems:
        outcome.violations.append(f"the journal is damaged: {reading.problems[0]}")
    try:
        verify(folder)
        if folder.footer is not None and not (folder.path / "score.json").exists() and outcome.plan.victim == "engine":
            write_score(folder.path, rescore(folder))  # it died between its end and its score, as `rescore` is told of
            outcome.what += ", and is scored by hand"
        if different := differences(read_score(folder.path), rescore(folder)):
            outcome.violations.append(f"rescoring differs: {different[0]}")
    except BehaviorError as error:
        outcome.violations.append(str(error))


def _expect(outcome: Outcome, holds: bool, sentence: str) -> None:
    if not holds:
        outcome.violations.append(sentence)


def logged(log: Path) -> Iterator[dict[str, object]]:
    """The chamber's own log, but for a line that is being written."""
    for line in log.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)


# -- processes --------------------------------------------------------------------------------------------------------


class Running:
    """A session's engine, and somebody outside who hears of each line after it was recorded."""

    def __init__(self, command: list[str], ports: str) -> None:
        ours, theirs = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", WITNESSED.format(fd=theirs), *command], env=os.environ | {"BEHAVIOR_PORTS": ports},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[theirs], text=True,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._witness = os.fdopen(ours, "rb")
        self._n_known, self.code, self.said = 0, None, ""

    def wait_for_first_line(self) -> None:
        """Until the session has begun."""
        self._n_known = len(self._witness.read(1))
        if not self._n_known:
            raise RuntimeError(f"the session never began: {self.process.communicate()[0][-300:]}")

    def known(self) -> int:
        """How many lines were recorded; when the engine is dead."""
        self.process.wait()
        return self._n_known + len(self._witness.read())

    def end(self, outcome: Outcome) -> None:
        """Wait until it ends by itself."""
        try:
            self.said, _ = self.process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            outcome.violations.append(f"the session did not end within {LONGEST_S:.0f} s")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.said, _ = self.process.communicate()
        self.code = self.process.returncode

    def close(self) -> None:
        """Whatever still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self._witness.close()


@contextmanager
def running(plan: Plan, place: Path, rig: Path, *, ports: str = "", simulate: bool = False) -> Iterator[Running]:
    """A live session."""
    one = Running(
        ["run", str(rig), "--chamber", SESSIONS[plan.paradigm][1], "--paradigm", plan.paradigm, "--parameters",
         str(place / "parameters.toml"), "--subject", "R1", "--experimenter", "campaign", "--weight-g", "280",
         "--dose-mg-kg", "0", "--vehicle", "saline", "--out", str(place / "data"), "--seed", str(plan.number),
         *(["--simulate"] if simulate else [])], ports,
    )  # fmt: skip
    try:
        yield one
    finally:
        one.close()


@contextmanager
def outside(plan: Plan, place: Path) -> Iterator[tuple[Path, str, Path]]:
    """A chamber that outlives the session: rig file, ports, log."""
    rig, log = rig_of(plan, place), place / "log.jsonl"
    log.touch()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("outside.py")), str(rig), SESSIONS[plan.paradigm][1],
         plan.paradigm, str(place / "parameters.toml"), str(plan.number), str(log)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    (place / "outside.pid").write_text(str(process.pid))
    assert process.stdout is not None
    try:
        yield rig, ",".join(json.loads(process.stdout.readline()).values()), log
    finally:
        process.kill()
        process.communicate()


def rig_of(plan: Plan, place: Path) -> Path:
    """The rig file, with a calibration record of its shocker and the parameters beside it."""
    name, chamber, _, parameters = SESSIONS[plan.paradigm]
    rig = place / "rig.toml"
    text = shipped("configs", "rigs", f"{name}.toml").read_text(encoding="utf-8")
    if plan.victim not in ROLES:
        text = text.replace("microphone = { sample_rate_hz = 250_000 }\n", "")
    rig.write_text(text, encoding="utf-8")
    (place / "parameters.toml").write_text(parameters, encoding="utf-8")
    box = read(rig, Rig).chamber(chamber)
    shocker = shocker_of(box)
    assert shocker is not None
    record = simulated_calibration(box, shocker, datetime.now().astimezone().date())
    write_calibration(record.model_copy(update={"simulated": False, "done_by": "campaign"}), place / FOLDER)
    return rig


def _wait_for_moment(plan: Plan, log: Path) -> None:
    time.sleep(plan.moment_s)
    until_s = time.monotonic() + 3 * plan.in_shock
    while time.monotonic() < until_s:
        if any(told.get("shock") for told in list(logged(log))[-1:]):
            return
        time.sleep(0.01)


def _kill(pid: int) -> int:
    killed_us = time.monotonic_ns() // 1000
    os.kill(pid, signal.SIGKILL)
    return killed_us


def _child(pid: int, role: str) -> psutil.Process:
    until_s = time.monotonic() + LONGEST_S
    while time.monotonic() < until_s:
        found = [one for one in children(pid) if "resource_tracker" not in " ".join(one.cmdline())]
        if len(found) > ROLES.index(role):
            return found[ROLES.index(role)]
        time.sleep(0.05)
    raise RuntimeError(f"the {role} never began")


def _behavior(*arguments: object, ports: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], env=os.environ | {"BEHAVIOR_PORTS": ports}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=LONGEST_S,
    )  # fmt: skip


# -- all of them ------------------------------------------------------------------------------------------------------


def report(outcomes: list[Outcome], took_s: float) -> str:
    """Counts, as a page."""
    bad = [outcome for outcome in outcomes if outcome.violations]
    off_ms = sorted(1e3 * outcome.shock_off_s for outcome in outcomes if outcome.shock_off_s is not None)
    lines = [
        f"{len(outcomes)} kills in {took_s:.0f} s, {sum(one.n_felt for one in outcomes)} shocks felt, "
        f"{sum(one.n_known for one in outcomes)} lines acknowledged; {len(bad)} cases with violations",
    ]
    if off_ms:
        lines.append(
            f"{len(off_ms)} engines died in a shock: it was off {off_ms[len(off_ms) // 2]:.0f} ms (median), "
            f"{off_ms[-1]:.0f} ms (worst) after the kill"
        )
    whats: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        whats[outcome.plan.victim][outcome.what or "completed"] += 1
    lines += ["", "| who died | cases | what came of it | with violations |", "|---|---|---|---|"]
    for victim, counts in sorted(whats.items()):
        n_bad = sum(outcome.plan.victim == victim for outcome in bad)
        told = "; ".join(f"{what} {n}" for what, n in counts.most_common())
        lines.append(f"| {victim} | {sum(counts.values())} | {told} | {n_bad} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run them all, and say what did not hold."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--n", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--at-once", type=int, default=3)
    asked.add_argument("--victim", action="append", default=[], choices=VICTIMS)
    asked.add_argument("--within-s", type=float, default=float("inf"), help="Begin no more cases after this time.")
    asked.add_argument("--report", type=Path)
    given = asked.parse_args()
    plans = [plan_of(given.seed, number, tuple(given.victim)) for number in range(1, given.n + 1)]
    began_s, outcomes = time.monotonic(), list[Outcome]()
    with tempfile.TemporaryDirectory(prefix="kills") as place, ThreadPoolExecutor(given.at_once) as pool:

        def case(plan: Plan) -> Outcome | None:
            in_time = time.monotonic() - began_s < given.within_s
            return run(plan, Path(place) / f"{plan.number:04d}") if in_time else None

        for outcome in pool.map(case, plans):
            if outcome is None:
                continue
            outcomes.append(outcome)
            for sentence in outcome.violations:
                print(f"{outcome.plan}: {sentence}", flush=True)
    text = report(outcomes, time.monotonic() - began_s)
    print(text)
    if given.report is not None:
        given.report.write_text(text)
    return int(any(outcome.violations for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
