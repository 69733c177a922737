"""`behavior bench`: through every input and output of a chamber, and its current through a dummy load."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput, Failure
from behavior.model.events import Faulted, LinkLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behavior.config.rig import Chamber
    from behavior.devices.bench import Bench, Drives, Findings

LOOK_UP_US = 50_000


def bench(
    rig: Annotated[str, typer.Argument(help="Rig file, or the name of a shipped one.")],
    chamber: Annotated[str, typer.Option(help="Chamber of the rig.")],
    person: Annotated[str | None, typer.Option(help="Who measures; asked for.")] = None,
    meter: Annotated[str | None, typer.Option(help="Make, serial number and own calibration; asked for.")] = None,
    load_ohm: Annotated[float, typer.Option(help="The dummy load, ohm.")] = 10_000.0,
    valid_days: Annotated[int, typer.Option(min=1, max=366, help="How long the record is believed, days.")] = 90,
    only_current: Annotated[bool, typer.Option("--only-current", help="Leave out inputs and outputs.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the record; by default beside the rig file.")] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="A simulated chamber, hand and meter; writes only where --out says.")
    ] = False,
) -> None:
    """Walk through a chamber with its experimenter: outputs, inputs, and the shock on a dummy load."""
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.devices.calibration import FOLDER, shocker_of

    if not 100 <= load_ohm <= 1_000_000:
        raise BadInput(f"--load-ohm: must be between 100 and 1000000 (is {load_ohm:g})")
    file = find(rig, "configs", "rigs")
    box = read(file, Rig).chamber(chamber)
    shocked = shocker_of(box) is not None
    who = ("simulated", "simulated") if simulate else asked(person, meter, shocked)
    with simulated_walk(box, load_ohm) if simulate else live_walk(box) as walk:
        if not only_current:
            walk.outputs()
            walk.inputs()
        if shocked:
            walk.current(load_ohm)
        findings = walk.findings
        say(findings)
        if findings.points and not any(not point.is_good for point in findings.points):
            folder = out if out is not None else None if simulate else file.parent / FOLDER
            keep(box, findings, who, load_ohm, timedelta(days=valid_days), folder, simulated=simulate)
        if findings.bad:
            raise Failure(f"chamber {box.name}: {len(findings.bad)} things are not as they should be; mend them first")


def asked(person: str | None, meter: str | None, shocked: bool) -> tuple[str, str]:
    """Who measures with what; asked for if not said."""
    from behavior.app.asking import ask

    wanted: dict[str, str | float | None] = {"person": person, **({"meter": meter} if shocked else {})}
    said = ask(wanted)
    return str(said["person"]), str(said.get("meter", ""))


def say(findings: Findings) -> None:
    """What came of it."""
    for what in findings.good:
        typer.echo(f"  good  {what}")
    for what in findings.bad:
        typer.echo(f"  BAD   {what}")


def keep(
    box: Chamber,
    findings: Findings,
    who: tuple[str, str],
    load_ohm: float,
    valid: timedelta,
    folder: Path | None,
    *,
    simulated: bool,
) -> None:
    """Write the record, if there is a folder for it."""
    from behavior.config.calibration import Calibration
    from behavior.devices.calibration import identity_of, shocker_of, write_calibration

    device = shocker_of(box)
    if device is None or folder is None:
        return
    today = datetime.now().astimezone().date()
    record = Calibration(
        device=device.name,
        kind=device.kind,
        identity=identity_of(box, device),
        done_on=today,
        expires_on=today + valid,
        done_by=who[0],
        meter=who[1],
        load_ohm=load_ohm,
        points=tuple(findings.points),
        simulated=simulated,
    )
    typer.echo(f"Calibration: {write_calibration(record, folder)}")


@contextmanager
def live_walk(box: Chamber) -> Iterator[Bench]:
    """A walk through a real chamber, with the person at this terminal; devices are off and let go of afterwards."""
    from behavior.app.connect import devices_of
    from behavior.devices.bench import Bench
    from behavior.devices.chamber import ConnectedChamber
    from behavior.session.live import LiveApparatus

    with devices_of(box) as (drivers, clock_us, activate):
        activate()
        with closing(LiveApparatus(ConnectedChamber(drivers), clock_us)) as drives:
            yield Bench(box, drives, AtTerminal(drives))


@contextmanager
def simulated_walk(box: Chamber, load_ohm: float) -> Iterator[Bench]:
    """A walk through a simulated chamber in virtual time, with a simulated person."""
    from behavior.devices.bench import Bench
    from behavior.simulate.person import SimulatedPerson

    person = SimulatedPerson(box, load_ohm, typer.echo)
    yield Bench(box, person.apparatus, person)


class AtTerminal:
    """The person at this terminal. While they think, the devices go on hearing of the host: watchdogs do not wait.

    Parameters
    ----------
    drives : the devices
    """

    def __init__(self, drives: Drives) -> None:
        self._drives = drives

    def tell(self, text: str) -> None:
        """Print it."""
        typer.echo(text)

    def yes(self, question: str) -> bool:
        """Ask until the answer is y or n."""
        return bool(self._asked(lambda: typer.confirm(question)))

    def answer(self, question: str) -> str:
        """Ask for a line."""
        return str(self._asked(lambda: typer.prompt(question)))

    def _asked(self, ask: Callable[[], object]) -> object:
        """Ask in a thread of its own, and see to the devices until there is an answer."""
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(ask)
            while not answer.done():
                for event in self._drives.wait(self._drives.now_us() + LOOK_UP_US):
                    if isinstance(event, Faulted | LinkLost):
                        what = event.cause if isinstance(event, Faulted) else "its link is lost"
                        typer.echo(f"{event.device}: {what}", err=True)
            return answer.result()
