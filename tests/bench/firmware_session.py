"""A live session on the reference firmware: `behavior run` on real bytes, a simulated rat's hands at the terminals.

    python tests/bench/firmware_session.py geller_seifter [--parameters FILE] [--out FOLDER] [--seed 1]
    python tests/bench/firmware_session.py shuttle_escape

Starts the native firmware of a chamber's devices, each a program behind a pseudo-terminal, with a rat at their
terminals, and runs `behavior run` there as on any real chamber: devices are found by their identity, the calibration
record is read, the session is scored, and then verified. Nothing of it is simulated to `behavior`. The dataset, with
the rig file, stays in the folder that `--out` names. Exit code: of `behavior run`, or of `behavior verify`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import find, shipped
from behavior.devices.calibration import FOLDER, shocker_of, simulated_calibration, write_calibration
from behavior.model.doses import Treatment
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import read_parameters
from behavior.session.live import monotonic_clock
from behavior.simulate.animals import animal_for
from behavior.simulate.subject import Subject
from behavior.simulate.world import Cage
from devices.inhabited import behind, programs

COMMAND = [sys.executable, "-c", "from behavior.app.cli import main; main()"]
RIGS = {"geller_seifter": ("simulated", "A"), "shuttle_escape": ("simulated-shuttle", "B")}
SHORT = {
    "geller_seifter": """n_cycles = 1
components = [
    { name = "unpunished", duration_s = 20, schedule = "CRF" },
    { name = "punished", duration_s = 20, schedule = "CRF", cue = "house_light", shock_ma = 0.4, shock_s = 0.1 },
]
""",
    "shuttle_escape": """habituation_s = 0.5
n_trials = 3
iti_s = 0.5
cs_s = 0.5
us_s = 1.5
gate = "session"
helpless_min_failures = 2
""",
}
"""Parameters of a session of some seconds."""


def rig_of(paradigm: str, folder: Path) -> tuple[Path, Chamber]:
    """The rig file, a copy of a shipped one, with a calibration record of its shocker beside it."""
    name, chamber = RIGS[paradigm]
    text = shipped("configs", "rigs", f"{name}.toml").read_text(encoding="utf-8")
    rig = folder / "rig.toml"
    rig.write_text(text.replace("microphone = { sample_rate_hz = 250_000 }\n", ""), encoding="utf-8")
    box = read(rig, Rig).chamber(chamber)
    shocker = shocker_of(box)
    assert shocker is not None
    record = simulated_calibration(box, shocker, datetime.now().astimezone().date())
    measured = record.model_copy(update={"simulated": False, "done_by": "a program", "meter": "hal/box.c"})
    write_calibration(measured, folder / FOLDER)
    return rig, box


@contextmanager
def inhabited(box: Chamber, animal: Subject) -> Iterator[str]:
    """The ports of a chamber's firmware, separated by commas, in which an animal lives while the block lasts."""
    running = programs(box)
    cage = Cage(box, animal, behind(running))
    clock_us, over = monotonic_clock(time.monotonic_ns()), threading.Event()

    def live() -> None:
        while not over.is_set():
            cage.advance(clock_us())
            time.sleep(max(0.0, min(0.02, (cage.next_us - clock_us()) / 1e6)))

    thread = threading.Thread(target=live, name="rat")
    thread.start()
    try:
        yield ",".join(program.port for program in running.values())
    finally:
        over.set()
        thread.join()
        for program in running.values():
            program.end()


def rat_of(paradigm: str, parameters: Path, seed: int) -> Subject:
    """The rat that suits a paradigm."""
    asked = read_parameters(find_paradigm(paradigm), parameters).model_dump(mode="json")
    return animal_for(paradigm, asked, seed, Treatment(dose_mg_kg=0.0, vehicle="saline"))


def session_on_firmware(
    folder: Path, paradigm: str, parameters: Path, seed: int, animal: Subject
) -> tuple[int, str, str]:
    """Run one; exit code of `behavior run`, and what it said."""
    rig, box = rig_of(paradigm, folder)
    with inhabited(box, animal) as ports:
        done = subprocess.run(
            [
                *COMMAND, "run", str(rig), "--chamber", box.name, "--paradigm", paradigm,
                "--parameters", str(parameters), "--subject", "R1", "--experimenter", "a program", "--weight-g", "280",
                "--dose-mg-kg", "0", "--vehicle", "saline", "--seed", str(seed), "--out", str(folder / "data"),
            ],
            env=os.environ | {"BEHAVIOR_PORTS": ports}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def main() -> int:
    """Run one and verify it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paradigm", choices=RIGS)
    parser.add_argument("--parameters", help="a file, or the name of a shipped preset; by default some short ones")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = asked.out or Path(tempfile.mkdtemp(prefix="behavior-firmware-"))
    folder.mkdir(parents=True, exist_ok=True)
    parameters = find(asked.parameters, "configs", "paradigms") if asked.parameters else folder / "parameters.toml"
    if not asked.parameters:
        parameters.write_text(SHORT[asked.paradigm], encoding="utf-8")
    rat = rat_of(asked.paradigm, parameters, asked.seed)
    code, out, err = session_on_firmware(folder, asked.paradigm, parameters, asked.seed, rat)
    print(out + err, end="")
    return code or subprocess.run([*COMMAND, "verify", str(folder / "data")], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
