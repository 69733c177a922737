"""Chambers in real time, each with its devices, its sound and its detector, and the board looking on: what grows?

Every sample holds, for each process that the sessions and the board consist of, its own memory (USS), its open files
and its CPU time. Latencies come from the journals: from the device's time of an event to the host's time of its line.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from behavior.model.errors import BehaviorError
from behavior.model.events import CallHeard, Delivered, LeverPressed, RecordingEnded, ShockEnded, SoundLost
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify

COMMAND = [sys.executable, "-c", "from behavior.app.cli import main; main()"]
PARADIGM = Path(__file__).parent / "everything_at_once.py"
TRIAL_S = 60.0
SAMPLE_S = 15.0
SETTLED_S = 300.0
"""Until then a process may still load what it needs once; growth is told from there on."""
AFTER_S = 1_200.0
ROLES = ("simulated chamber", "microphone", "detector")
"""What an engine starts, in this order."""


@dataclass(frozen=True)
class Sample:
    """One process at one time."""

    at_s: float
    chamber: str
    role: str
    uss_mb: float
    n_files: int
    cpu_s: float


class Running:
    """The engines of all chambers, the board, and somebody who looks at it."""

    def __init__(self, place: Path, n: int, minutes: float) -> None:
        self.data = place / "data"
        self.data.mkdir()
        self.names = [f"C{number}" for number in range(1, n + 1)]
        rig, parameters = place / "rig.toml", place / "parameters.toml"
        rig.write_text("name = 'soak'\n" + "".join(map(_chamber, self.names)))
        parameters.write_text(f"n_trials = {max(1, round(minutes * 60 / TRIAL_S))}\n")
        self.logs = [(place / f"{name}.log").open("wb") for name in self.names]
        self.engines = {
            name: subprocess.Popen(
                [*COMMAND, "run", str(rig), "--chamber", name, "--paradigm", str(PARADIGM), "--parameters",
                 str(parameters), "--subject", name, "--experimenter", "soak", "--weight-g", "280", "--dose-mg-kg",
                 "0", "--vehicle", "saline", "--out", str(self.data), "--seed", str(number), "--simulate"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
            for number, (name, log) in enumerate(zip(self.names, self.logs, strict=True))
        }  # fmt: skip
        self.board = subprocess.Popen(
            [*COMMAND, "dashboard", str(self.data), "--port", "0", "--no-token"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self.n_looks = 0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        """As an open page does: takes every card that changed."""
        import httpx

        assert self.board.stdout is not None
        address = next(line.split()[-1] for line in self.board.stdout if "Screens of" in line)
        with suppress(httpx.TransportError), httpx.Client(timeout=None, follow_redirects=True) as page:
            page.get(address).raise_for_status()  # the address holds the token, which comes back as a cookie
            with page.stream("GET", "/".join([*address.split("/")[:3], "board/events"])) as stream:
                stream.raise_for_status()
                for line in stream.iter_lines():
                    self.n_looks += line.startswith("data:")

    def sample(self, at_s: float) -> Iterator[Sample]:
        """Every process that is there."""
        for name, engine in self.engines.items():
            yield from _sampled(at_s, name, "engine", engine.pid)
            roles = iter(ROLES)
            for child in children(engine.pid):
                helper = "resource_tracker" in " ".join(child.cmdline())
                yield from _sampled(at_s, name, "resource tracker" if helper else next(roles, "other"), child.pid)
        yield from _sampled(at_s, "", "board", self.board.pid)

    @property
    def going(self) -> bool:
        """Whether a session is still running."""
        return any(engine.poll() is None for engine in self.engines.values())

    @property
    def under_way(self) -> int:
        """How many sessions have not closed their journal yet."""
        return sum(not (folder.path / "footer.json").exists() for folder in self.folders())

    def folders(self) -> list[SessionFolder]:
        """The sessions, as far as they have begun."""
        return list(find_sessions(self.data)) if any(self.data.rglob("header.json")) else []

    def end(self) -> None:
        """Whatever still runs of them."""
        for process in (*self.engines.values(), self.board):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for log in self.logs:
            log.close()


def real_soak(minutes: float, n_chambers: int, table: Path | None) -> int:
    """Run it, say what grew; 0 if every session completed and holds."""
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before", flush=True)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="soak") as place:
        running = Running(Path(place), n_chambers, minutes)
        try:
            began_s = time.monotonic()
            while running.going and (at_s := time.monotonic() - began_s) < minutes * 60 * 1.3 + AFTER_S:
                if len(running.folders()) < n_chambers or running.under_way:
                    samples += running.sample(at_s)
                time.sleep(SAMPLE_S)
            codes = {name: engine.poll() for name, engine in running.engines.items()}
            bad = _report(running, samples, codes)
        finally:
            running.end()
        for name in [name for name, code in codes.items() if code]:
            print(f"{name}: {(Path(place) / f'{name}.log').read_text()[-600:]}")
    if table is not None:
        _write(table, samples)
    return int(bad)


def _report(running: Running, samples: list[Sample], codes: dict[str, int | None]) -> bool:
    last_s = max(sample.at_s for sample in samples)
    print(f"{len(codes)} chambers, {last_s / 60:.0f} min, load {os.getloadavg()[0]:.1f} after; exit codes {codes}")
    print(f"the board sent {running.n_looks} updates to the page that looked on")
    cpu_s = sum(max(values) for values in _by_process(samples, "cpu_s").values())
    print(f"processors used: {100 * cpu_s / last_s:.0f} % of one\n")
    print(
        "| process | n | memory after 5 min, MB | at the end, MB | growth, MB/h (worst) | files, then and at the end |"
    )
    print("|---|---|---|---|---|---|")
    driven = {sample.chamber: sample.at_s for sample in samples if sample.role == ROLES[0]}
    under_way = [sample for sample in samples if sample.at_s <= driven.get(sample.chamber, max(driven.values()))]
    for role in dict.fromkeys(sample.role for sample in under_way):
        _print_role(role, [sample for sample in under_way if sample.role == role])
    bad = any(codes.values()) or None in codes.values() or not running.n_looks
    for folder in running.folders():
        try:
            verify(folder, own_code=True)
        except BehaviorError as error:
            bad = True
            print(f"does not hold: {error}")
    _print_sessions(running.folders())
    return bad


def _print_role(role: str, samples: list[Sample]) -> None:
    settled = [sample for sample in samples if sample.at_s >= min(SETTLED_S, 0.2 * samples[-1].at_s)]
    slopes, files = [], [[], []]  # type: ignore[var-annotated]
    for one in {sample.chamber for sample in settled}:
        mine = [sample for sample in settled if sample.chamber == one]
        at_h = np.array([sample.at_s / 3600 for sample in mine])
        if len(mine) > 3:
            slopes.append(float(np.polyfit(at_h, [sample.uss_mb for sample in mine], 1)[0]))
        files[0].append(mine[0].n_files)
        files[1].append(mine[-1].n_files)
    first = [sample.uss_mb for sample in settled if sample.at_s == settled[0].at_s]
    final = [sample.uss_mb for sample in settled if sample.at_s >= settled[-1].at_s - 2 * SAMPLE_S]
    growth = f"{np.mean(slopes):+.1f} ({max(slopes):+.1f})" if slopes else "–"
    print(
        f"| {role} | {len(files[0])} | {np.mean(first):.1f} | {np.mean(final):.1f} | {growth} | "
        f"{np.mean(files[0]):.0f}, {np.mean(files[1]):.0f} |"
    )


def _print_sessions(folders: list[SessionFolder]) -> None:
    waited: dict[str, list[tuple[float, float]]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    for folder in folders:
        reading = folder.read()
        counts["lines"] += len(reading.items)
        for item, host_us in zip(reading.items, reading.host_us, strict=True):
            counts[type(item).__name__] += 1
            if isinstance(item, LeverPressed | Delivered | ShockEnded):
                waited["event"].append((item.at_us / 60e6, (host_us - item.at_us) / 1e3))
            elif isinstance(item, CallHeard):
                waited["call"].append((item.at_us / 60e6, (host_us - item.at_us - item.duration_us) / 1e3))
            elif isinstance(item, RecordingEnded):
                counts["samples"] += item.n_samples
                counts["samples lost"] += item.n_dropped
            elif isinstance(item, SoundLost):
                counts["gaps of sound"] += 1
    print(f"\n{dict(counts)}\n")
    for what, all_ms in waited.items():
        print(f"| from {what} to journal, minutes | n | p50, ms | p99, ms | worst, ms |\n|---|---|---|---|---|")
        for begin in range(0, 240, 10):
            if ms := [one for at_min, one in all_ms if begin <= at_min < begin + 10]:
                p50, p99 = np.percentile(ms, (50, 99))
                print(f"| {begin}–{begin + 10} | {len(ms)} | {p50:.2f} | {p99:.2f} | {max(ms):.1f} |")
        print()


def _chamber(name: str) -> str:
    number = int(name.removeprefix("C"))
    return f"""
[[chambers]]
name = "{name}"
limits = {{ max_ma = 1.0 }}
microphone = {{ sample_rate_hz = 250_000 }}
devices = [
    {{ name = "shocker-{name}", kind = "shock_controller", uid = "{0x5EED0A00 + number:032x}" }},
    {{ name = "operant-{name}", kind = "operant_chamber", uid = "{0x5EED0B00 + number:032x}" }},
]
"""


def children(pid: int) -> list[psutil.Process]:
    """Processes that a process has started, in order."""
    try:
        return sorted(psutil.Process(pid).children(), key=lambda one: one.create_time())
    except psutil.NoSuchProcess:
        return []


def _sampled(at_s: float, chamber: str, role: str, pid: int) -> Iterator[Sample]:
    try:
        one = psutil.Process(pid)
        times = one.cpu_times()
        yield Sample(
            at_s, chamber, role, one.memory_full_info().uss / 1e6, one.num_fds(), times.user + times.system
        )  # fmt: skip
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return


def _by_process(samples: list[Sample], what: str) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for sample in samples:
        found[sample.chamber, sample.role].append(getattr(sample, what))
    return found


def _write(table: Path, samples: list[Sample]) -> None:
    with table.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(Sample.__dataclass_fields__)
        out.writerows([getattr(sample, name) for name in Sample.__dataclass_fields__] for sample in samples)
