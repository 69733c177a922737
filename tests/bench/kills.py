"""kill -9 at random moments of short live sessions on simulated devices: what is lost, and does the session go on?

    python tests/bench/kills.py [--n 200] [--seed 1] [--at-once 2]

A witness outside the process hears of each journal line after it was recorded. *Lost* is a line that the witness knows
and the journal does not hold. Then the session is resumed and run to its end, and verified, and its shocks are counted:
none may be commanded twice. Exit code 1 if anything was lost or did not hold.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behavior.model.commands import Shock
from behavior.model.errors import BehaviorError
from behavior.model.events import Resumed
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from faults.witnessed import WITNESSED

SESSION_S = 4.0
PARAMETERS = f"""
n_cycles = 1
[[components]]
name = "punished"
duration_s = {SESSION_S}
schedule = "CRF"
cue = "house_light"
shock_ma = 0.4
shock_s = 0.1
"""
PLAIN = "from behavior.app.cli import main; main()"


@dataclass(frozen=True)
class Outcome:
    """What became of one session."""

    what: str
    n_lost: int = 0
    n_lines: int = 0


def one(number: int, moment_s: float, place: Path) -> Outcome:
    """Start a session, kill it `moment_s` after its journal was begun, and go on with it."""
    data = place / f"{number:03d}"
    data.mkdir()
    (data / "quick.toml").write_text(PARAMETERS)
    who = [
        "--subject",
        "R1",
        "--experimenter",
        "bench",
        "--weight-g",
        "280",
        "--dose-mg-kg",
        "0",
        "--vehicle",
        "saline",
    ]
    what = ["--chamber", "A", "--paradigm", "geller_seifter", "--parameters", str(data / "quick.toml")]
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", WITNESSED.format(fd=theirs), "run", "simulated", *what, *who, "--simulate",
         "--out", str(data / "out"), "--seed", str(number)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[theirs],
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours, "rb") as witness:
        known = witness.read(1)
        time.sleep(moment_s)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        known += witness.read()
    if not known:
        return Outcome("never began")
    return gone_on_with(next(iter(find_sessions(data / "out"))), len(known))


def gone_on_with(folder: SessionFolder, n_known: int) -> Outcome:
    """Count what is missing; resume, verify."""
    reading = folder.read()
    n_lost = max(0, n_known - len(reading.items))
    if folder.footer is not None:
        return Outcome("ended before", n_lost, len(reading.items))
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, "resume", str(folder.path), "--confirm", "R1"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    after = folder.read()
    try:
        verify(folder)
    except BehaviorError as error:
        return Outcome(f"does not hold: {error}", n_lost, len(reading.items))
    shocks = Counter(item.number for item in after.items if isinstance(item, Shock))
    if any(n > 1 for n in shocks.values()):
        return Outcome("a shock was commanded twice", n_lost, len(reading.items))
    if after.items[: len(reading.items)] != reading.items:
        return Outcome("what had happened was changed", n_lost, len(reading.items))
    if done.returncode:
        return Outcome(f"resume: {done.stderr.decode().strip()}", n_lost, len(reading.items))
    resumed = sum(isinstance(item, Resumed) for item in after.items)
    return Outcome("resumed and verified" if resumed == 1 else "ended in the resume", n_lost, len(reading.items))


def main() -> int:
    """Run them all and say what came of them."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--n", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--at-once", type=int, default=2)
    given = asked.parse_args()
    draw = random.Random(given.seed)
    moments_s = [draw.uniform(0, SESSION_S) for _ in range(given.n)]
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(given.at_once) as pool:
        outcomes = list(pool.map(lambda i: one(i, moments_s[i], Path(place)), range(given.n)))
    for what, n in Counter(outcome.what for outcome in outcomes).most_common():
        print(f"{n:4d}  {what}")
    n_lost = sum(outcome.n_lost for outcome in outcomes)
    print(f"lines recorded before the kills: {sum(outcome.n_lines for outcome in outcomes)}, of which lost: {n_lost}")
    fine = {"resumed and verified", "ended before"}
    return int(n_lost > 0 or any(outcome.what not in fine for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
