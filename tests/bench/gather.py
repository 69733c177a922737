"""Runs benches, or reads what they printed, and keeps their figures for the table of the manual.

    python tests/bench/gather.py                          the quick ones (some minutes)
    python tests/bench/gather.py sessions detection       some, by name
    python tests/bench/gather.py --read kills=kills.txt   a long one, from what it printed elsewhere
    python tests/bench/gather.py --list                   which there are

Figures go to `docs/measured.json` with date, processors, load and command; `python docs/generate` makes
`docs/reference/measured.md` of them. A figure that was not measured again stays, with its own date. Ratios are to a
baseline in the same run, because machines differ and are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "measured.json"


@dataclass(frozen=True)
class Figure:
    """What to look for in what a bench prints.

    Attributes
    ----------
    what : in the table
    found : regular expression with one group, the figure
    unit : of it; `times` for a ratio
    against : what a ratio is to
    """

    what: str
    found: str
    unit: str = "times"
    against: str = ""


@dataclass(frozen=True)
class Bench:
    """A bench: its command, and what is read from what it prints. A long one is run only when it is named."""

    command: str
    figures: tuple[Figure, ...]
    is_long: bool = False


JSON = "json.loads of the session's own journal"
BENCHES = {
    "start": Bench("python tests/bench/start_up.py", (
        Figure("`behavior --help`", r"ratio ([\d.]+)", against='`python -c ""`'),
        Figure("`behavior --help`", r"--help ([\d.]+) ms", "ms of CPU"),
    )),
    "sessions": Bench("pytest -n0 -s tests/bench/test_session_speed.py", (
        Figure("one-hour session, core alone", r"core depth: [\d.]+ ms, ([\d.]+) times", against=JSON),
        Figure("one-hour session, every byte through drivers and twins", r"every byte: [\d.]+ s, ([\d.]+) times",
               against=JSON),
        Figure("verifying that session", r"lines a second, ([\d.]+) times", against=JSON),
        Figure("one-hour session, core alone", r"core depth: ([\d.]+) ms", "ms of CPU"),
        Figure("lines verified", r"replay from lines: ([\d,]+) lines", "a second"),
    )),
    "detection": Bench("python tests/bench/usv_cost.py --minutes 0.5", (
        Figure("finding calls at 250 kHz", r"ratio ([\d.]+)", against="a bare framed transform of the same samples"),
        Figure("peak memory of `behavior detect`", r"peak memory ([\d.]+) MB", "MB"),
        Figure("start-up of `behavior detect`", r"start-up ([\d.]+) CPU s", "s of CPU"),
        Figure("first use, compiling", r"first use ([\d.]+) CPU s", "s of CPU"),
    )),
    "summaries": Bench("python tests/bench/summarize_time.py 50", (
        Figure("50 sessions: reading", r"read ([\d.]+) s", "s of CPU"),
        Figure("50 sessions: report with figures", r"tables and figures ([\d.]+) s", "s of CPU"),
    )),
    "channels": Bench("python tests/bench/sampled_channels.py --n 20", (
        Figure("sampled sessions scored as with their journals", r"(\d+ of \d+)", "sessions"),
    )),
    "latency": Bench("python tests/bench/latency.py --presses 1000 --chambers 8", (
        Figure("press to command, median", r"one chamber: session .*?([\d.]+)x",
               against="an echo loop over the same pseudo-terminals"),
        Figure("press to command, median", r"one chamber: session +p50 +([\d.]+) ms", "ms"),
        Figure("press to command, 99 of 100", r"one chamber: session .*?p99 +([\d.]+) ms", "ms"),
        Figure("the same, eight chambers and a microphone searched, median", r"8 chamb[^\n]*session +p50 +([\d.]+) ms",
               "ms"),
        Figure("the same, 99 of 100", r"8 chamb[^\n]*session [^\n]*?p99 +([\d.]+) ms", "ms"),
    ), is_long=True),
    "fresh": Bench("sudo python tests/fresh/check.py --json fresh.json", (
        Figure("installed size, with all that it needs", r'"install_mb": (\d+)', "MB"),
        Figure("installing from a folder of wheels", r'"install_s": ([\d.]+)', "s"),
        Figure("wheels to carry to a computer without internet", r'"house_mb": (\d+)', "MB"),
        Figure("the wheel itself", r'"wheel_kb": (\d+)', "kB"),
        Figure("importing the command line", r'"import_ms": ([\d.]+)', "ms"),
        Figure("an interpreter that does nothing", r'"python_ms": ([\d.]+)', "ms"),
        Figure("first search for calls in a new installation", r'"detect_cold_s": ([\d.]+)', "s"),
        Figure("every later one", r'"detect_warm_s": ([\d.]+)', "s"),
    ), is_long=True),
    "sharing": Bench("python tests/bench/detect_jobs.py", (
        Figure("one recording shared by two processes", r"shared by two [\d.]+ s: ([\d.]+) x", against="one process"),
    ), is_long=True),
    "archive": Bench("python tests/bench/rescoring.py --n 200 --different 6 --test-s 30", (
        Figure("an archive with two processes", r"two [\d.]+ s, ([\d.]+) x", against="one process, by their times"),
        Figure("an archive again, from the cache", r"cache [\d.]+ s, ([\d.]+) x", against="the first time"),
    ), is_long=True),
    "manual": Bench("pytest -n0 -s tests/docs/test_stories.py -k told", (
        Figure("blocks of commands in the manual that tests run", r"run (\d+), not run", "blocks"),
        Figure("those that need the network, Windows, a microphone or a cluster", r"not run (\d+)\n", "blocks"),
    )),
}  # fmt: skip


def main() -> int:
    """Run or read, and keep."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("names", nargs="*", metavar="NAME")
    asked.add_argument("--read", action="append", default=[], metavar="NAME=FILE")
    asked.add_argument("--list", action="store_true")
    given = asked.parse_args()
    if given.list:
        for name, bench in BENCHES.items():
            print(f"{name:10} {'long ' if bench.is_long else 'quick'} {bench.command}")
        return 0
    printed = {
        name: Path(file).read_text(encoding="utf-8") for name, _, file in (one.partition("=") for one in given.read)
    }
    names = given.names or ([] if printed else [name for name, bench in BENCHES.items() if not bench.is_long])
    if unknown := sorted({*names, *printed} - BENCHES.keys()):
        print(f"no such bench: {', '.join(unknown)}; see --list", file=sys.stderr)
        return 2
    for name in names:
        print(f"{name}: {BENCHES[name].command}", flush=True)
        printed[name] = run(BENCHES[name].command)
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    for name, text in printed.items():
        kept[name] = measured(BENCHES[name], text)
        for one in kept[name]["figures"]:
            print(f"  {one['what']}: {one['value']} {one['unit']} {one['against']}".rstrip())
    ordered = {name: kept[name] for name in BENCHES if name in kept}
    KEPT.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return 0


def run(command: str) -> str:
    """What a bench prints."""
    program, *rest = shlex.split(command)
    words = [sys.executable, *(["-m", "pytest"] if program == "pytest" else []), *rest]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


def measured(bench: Bench, text: str) -> dict[str, Any]:
    """The figures of a bench in what it printed.

    Raises
    ------
    SystemExit
        One is not there.
    """
    figures = []
    for figure in bench.figures:
        found = re.search(figure.found, text, re.DOTALL)
        if found is None:
            raise SystemExit(f"{bench.command}: prints no {figure.what} ({figure.found})")
        figures.append({"what": figure.what, "value": found[1], "unit": figure.unit, "against": figure.against})
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {
        "command": bench.command, "on": f"{datetime.now(UTC):%Y-%m-%d}", "n_processors": os.cpu_count(), "load": load,
        "python": platform.python_version(), "figures": figures,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
