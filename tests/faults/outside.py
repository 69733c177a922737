"""A chamber outside of every session, in a process of its own: devices behind pseudo-terminals, an animal, its meter.

    python tests/faults/outside.py RIG CHAMBER PARADIGM PARAMETERS SEED LOG

Prints the ports as one JSON line. The log holds a JSON line for each thing that the animal perceived, when it did:
`at_us` of `time.monotonic_ns`, which all processes of a computer share. It lives on when an engine dies, and tells what
was on then.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from behavior.audio.hurry import SESSION, hurry
from behavior.config import read
from behavior.config.rig import Rig
from behavior.model.commands import Command, SetCue, SetLever
from behavior.model.events import Event, ShockEnded, ShockStarted
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import read_parameters
from behavior.simulate.animals import animal_for
from behavior.simulate.serve import DeviceServer
from behavior.simulate.subject import Subject
from behavior.simulate.world import Cage
from faults.meter import Meter
from paradigms.short import VEHICLE


class Diary(Meter):
    """A meter that writes down at once what begins and ends."""

    def __init__(self, subject: Subject, log: int, start_us: int) -> None:
        super().__init__(subject)
        self._log, self._start_us = log, start_us

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """As the meter, and on record."""
        super().perceive(happening, at_us)
        told: dict[str, object] | None = None
        match happening:
            case ShockStarted():
                told = {"shock": True, "ma": self.felt[-1].gate_ma}
            case ShockEnded():
                told = {"shock": False, "ma": self.felt[-1].mean_ma}
            case SetCue(cue=cue, on=on):
                told = {"output": cue, "on": on}
            case SetLever(lever=lever, out=out):
                told = {"output": f"{lever} lever", "on": out}
        if told is not None:
            os.write(self._log, json.dumps({"at_us": self._start_us + at_us, **told}).encode() + b"\n")


def main() -> None:
    """Serve until somebody ends it."""
    rig, name, paradigm, parameters, seed, log = sys.argv[1:]
    box = read(Path(rig), Rig).chamber(name)
    asked = read_parameters(find_paradigm(paradigm), Path(parameters)).model_dump(mode="json")
    start_ns = time.monotonic_ns()
    diary = Diary(
        animal_for(paradigm, asked, int(seed), VEHICLE),
        os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        start_ns // 1000,
    )
    cage = Cage(box, diary)
    diary.wire(cage.twins)

    def animal(now_us: int) -> int:
        cage.advance(now_us)
        cage.notes.clear()
        cage.begun.clear()
        return cage.next_us

    hurry(SESSION)  # a real device is never held up by what else the computer does
    clock_us = lambda: (time.monotonic_ns() - start_ns) // 1000  # noqa: E731
    with DeviceServer(cage.twins, animal=animal, clock_us=clock_us) as server:
        print(json.dumps(server.ports), flush=True)
        server.run(lambda: os.getppid() == 1)


if __name__ == "__main__":
    main()
