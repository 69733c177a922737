"""`behavior run`: one live session, on real devices or on simulated ones."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.config.limits import ShockLimits
    from behavior.config.rig import Chamber
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.handshake import Identity
    from behavior.model.doses import Treatment
    from behavior.model.session import SessionFooter
    from behavior.paradigms.catalogue import Paradigm
    from behavior.paradigms.parameters import Parameters
    from behavior.session.folder import SessionFolder
    from behavior.session.live import LiveApparatus
    from behavior.simulate.rig import SimulatedChamber
    from behavior.simulate.sound import SimulatedMicrophone


def run(
    rig: Annotated[str, typer.Argument(help="Rig file, or the name of a shipped one.")],
    chamber: Annotated[str, typer.Option(help="Chamber of the rig.")],
    paradigm: Annotated[str, typer.Option(help="Name of a paradigm, or a Python file with one of yours.")],
    subject: Annotated[str, typer.Option(help="Who is in the box.", prompt=True)],
    experimenter: Annotated[str, typer.Option(help="Who is responsible.", prompt=True)],
    weight_g: Annotated[float, typer.Option(help="The subject's weight today, g.", prompt="Weight (g)")],
    blind_code: Annotated[str | None, typer.Option(help="Code of the administration, if the dose is blind.")] = None,
    compound: Annotated[str | None, typer.Option(help="What was given.")] = None,
    dose_mg_kg: Annotated[float | None, typer.Option(help="How much, mg/kg; 0 for the vehicle alone.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="In what.")] = None,
    route: Annotated[str | None, typer.Option(help="How, as in i.p.")] = None,
    pretreatment_min: Annotated[float | None, typer.Option(help="Minutes from administration to start.")] = None,
    parameters: Annotated[
        str | None, typer.Option(help="TOML file of the paradigm's parameters, or the name of a shipped preset.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Dataset folder; the session gets a new folder in it.")] = Path("data"),
    seed: Annotated[int | None, typer.Option(help="Of all that is drawn; by default a new one.")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Run on a simulated chamber with a rat in it.")] = False,
) -> None:
    """Run one session, live. Ctrl-C ends it safely."""
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find

    box = read(find(rig, "configs", "rigs"), Rig).chamber(chamber)
    seed = time.time_ns() % 2**32 if seed is None else seed
    protocol = prepare(paradigm, parameters, box, seed)
    treatment = treatment_of(blind_code, compound, dose_mg_kg, vehicle, route, pretreatment_min)
    who = {"subject": subject, "experimenter": experimenter, "weight_g": positive("weight-g", weight_g)}
    with ExitStack() as stack:
        start_ns = time.monotonic_ns()
        link = stack.enter_context(connected(box, protocol, treatment, seed, start_ns, simulated=simulate))
        header = {**who, "treatment": treatment, "rig": rig, "chamber": chamber, "simulated": simulate}
        folder = begin(out, header, protocol, link, seed)
        typer.echo(f"Session: {folder.path}")
        footer = live(folder, link)
        if link.world is not None and link.microphone is not None:
            link.microphone.write(folder.path, link.world.sounds(), seed)
    conclude(folder, footer)


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is going to be run: dry-run already."""

    name: str
    paradigm: Paradigm
    parameters: Parameters
    limits: ShockLimits


@dataclass(frozen=True, slots=True)
class Link:
    """The chamber that it runs on."""

    chamber: ConnectedChamber
    identities: dict[str, Identity]
    clock_us: Callable[[], int]
    world: SimulatedChamber | None
    microphone: SimulatedMicrophone | None


def prepare(paradigm: str, parameters: str | None, box: Chamber, seed: int) -> Protocol:
    """Find the paradigm, read its parameters, and dry-run it within this chamber's limits.

    Raises
    ------
    BadInput
        Something cannot be used, or the guard would refuse a shock; nothing has moved yet.
    """
    from behavior.config.shipped import find
    from behavior.model.doses import Treatment
    from behavior.paradigms.catalogue import find_paradigm
    from behavior.session.assemble import assemble, dry_run, read_parameters
    from behavior.simulate.ideal import IdealBox
    from behavior.simulate.rat import Rat

    found = find_paradigm(paradigm)
    file = find(parameters, "configs", "paradigms") if parameters else None
    resolved = read_parameters(found, file)
    for rehearsal in range(3):
        core = assemble(found, resolved, seed=seed + rehearsal, limits=box.limits)
        dry_run(core, IdealBox(Rat(seed + rehearsal, Treatment())), what=str(file or paradigm))
    return Protocol(paradigm, found, resolved, box.limits.lowered_to(resolved.limits))


def treatment_of(
    blind_code: str | None,
    compound: str | None,
    dose_mg_kg: float | None,
    vehicle: str | None,
    route: str | None,
    pretreatment_min: float | None,
) -> Treatment:
    """What the animal was given: a blind code, or a dose of something in something.

    Raises
    ------
    BadInput
        It is neither, or both, or impossible.
    """
    from behavior.model.doses import Treatment

    if blind_code and (compound or dose_mg_kg is not None):
        raise BadInput("--blind-code stands for compound and dose; give one or the other")
    if not blind_code:
        if dose_mg_kg is None or not vehicle or (dose_mg_kg > 0 and not compound):
            raise BadInput("say what was given: --blind-code, or --dose-mg-kg with --vehicle (and --compound above 0)")
        if not 0 <= dose_mg_kg < float("inf"):
            raise BadInput(f"--dose-mg-kg: a dose must be 0 (vehicle) or more (is {dose_mg_kg:g})")
    if pretreatment_min is not None and not pretreatment_min >= 0:
        raise BadInput(f"--pretreatment-min: must be 0 or more (is {pretreatment_min:g})")
    return Treatment(
        compound=compound,
        dose_mg_kg=dose_mg_kg,
        vehicle=vehicle,
        route=route,
        pretreatment_min=pretreatment_min,
        blind_code=blind_code,
    )


def positive(option: str, value: float) -> float:
    """The value, if it is more than 0.

    Raises
    ------
    BadInput
        It is not.
    """
    if not 0 < value < float("inf"):
        raise BadInput(f"--{option}: must be more than 0 (is {value:g})")
    return value


@contextmanager
def connected(
    box: Chamber, protocol: Protocol, treatment: Treatment, seed: int, start_ns: int, *, simulated: bool
) -> Iterator[Link]:
    """The chamber's devices, found by identity, known and ready; off and let go of at the end.

    Raises
    ------
    BadInput
        The chamber lacks what the paradigm needs.
    Failure
        A device is not there, or not ready.
    """
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.discovery import ports_of, serial_ports
    from behavior.devices.handshake import connect
    from behavior.devices.transport import SerialTransport
    from behavior.session.live import session_clock
    from behavior.simulate.rig import SimulatedChamber
    from behavior.simulate.sound import SimulatedMicrophone

    clock_us = session_clock(start_ns)
    microphone = SimulatedMicrophone(box.microphone.sample_rate_hz) if simulated and box.microphone else None
    with ExitStack() as stack:
        world = None
        if simulated:
            world = stack.enter_context(SimulatedChamber(box, treatment, seed=seed, start_ns=start_ns))
            ports = {device.uid: world.ports[device.name] for device in box.devices}
        else:
            ports = ports_of([device.uid for device in box.devices], serial_ports())
        drivers, identities = [], {}
        for device in box.devices:
            transport = SerialTransport(ports[device.uid])
            transport.open()
            stack.callback(transport.close)
            driver, identities[device.name] = connect(
                device.name, device.kind, transport, clock_us, uid=device.uid, limits=protocol.limits
            )
            drivers.append((driver, transport))
        chamber = ConnectedChamber(drivers)
        stack.callback(chamber.close)
        yield Link(chamber, identities, clock_us, world, microphone)


def begin(out: Path, header: dict[str, Any], protocol: Protocol, link: Link, seed: int) -> SessionFolder:
    """Make the session's folder, with all that is known before it starts."""
    from behavior import __version__
    from behavior.model.session import DeviceIdentity, SessionHeader
    from behavior.session.folder import create

    devices = tuple(
        DeviceIdentity(name=name, kind=found.kind, uid=found.uid, firmware=found.firmware)
        for name, found in link.identities.items()
    )
    return create(
        out,
        SessionHeader(
            software=f"behavior {__version__}",
            paradigm=protocol.paradigm.name,
            paradigm_file=protocol.name if protocol.name.endswith(".py") else None,
            paradigm_sha256=protocol.paradigm.sha256,
            parameters=protocol.parameters.model_dump(mode="json"),
            limits=protocol.limits.model_dump(),
            seed=seed,
            devices=devices,
            started_at=datetime.now().astimezone().isoformat(),
            **header,
        ),
    )


def live(folder: SessionFolder, link: Link) -> SessionFooter:
    """Run the session to its end, with a line that says how it stands; Ctrl-C and SIGTERM ask for the end."""
    from behavior.session.assemble import core_of
    from behavior.session.live import LiveApparatus
    from behavior.session.record import record_session

    board = Board(folder)
    apparatus = LiveApparatus(link.chamber, link.clock_us, link.microphone, watch=board.show)
    with stoppable(apparatus):
        footer = record_session(
            folder,
            core_of(folder.header),
            apparatus,
            time_of_day=lambda: datetime.now().astimezone().isoformat(),
            watch=board.take,
        )
    board.clear()
    return footer


@contextmanager
def stoppable(apparatus: LiveApparatus) -> Iterator[None]:
    """In the block, a request to end the program ends the session first."""

    def stop(number: int, frame: object) -> None:
        apparatus.stop(f"the experimenter ({signal.Signals(number).name})")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Board:
    """One line on the terminal: time, where in the session, responses, deliveries, shocks of those allowed."""

    def __init__(self, folder: SessionFolder) -> None:
        self._limit = int(folder.header.limits["max_count"])
        self._where, self._responses, self._deliveries, self._shocks, self._shown_us = "", 0, 0, 0, -1_000_000
        self._rewrites = sys.stderr.isatty()

    def take(self, item: object) -> None:
        """Count an item of the journal."""
        match type(item).__name__:
            case "BeginComponent":
                self._where = str(item.name)  # type: ignore[attr-defined]
            case "BeginTrial":
                self._where = f"trial {item.trial}"  # type: ignore[attr-defined]
            case "LeverPressed":
                self._responses += 1
            case "Delivered":
                self._deliveries += 1
            case "ShockEnded":
                self._shocks += 1

    def show(self, now_us: int) -> None:
        """Rewrite the line, twice a second."""
        if self._rewrites and now_us - self._shown_us >= 500_000:
            self._shown_us = now_us
            minutes, seconds = divmod(now_us // 1_000_000, 60)
            sys.stderr.write(
                f"\r\033[K{minutes:3d}:{seconds:02d}  {self._where}  responses {self._responses}  "
                f"deliveries {self._deliveries}  shocks {self._shocks}/{self._limit}  (Ctrl-C ends the session)"
            )
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the terminal's line empty."""
        if self._rewrites:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def conclude(folder: SessionFolder, footer: SessionFooter) -> None:
    """Score the session and say what came of it.

    Raises
    ------
    Failure
        The session did not end as it should have; the score is written all the same.
    """
    from behavior.scoring.finish import finish_session

    score = finish_session(folder)
    typer.echo(f"Ended after {footer.duration_s:.1f} s: {footer.reason}")
    for name, value in score.session.items():
        typer.echo(f"  {name} = {value}")
    if not footer.reason.startswith(("completed", "stopped by the experimenter")):
        raise Failure(f"{folder.path}: the session ended early ({footer.reason}); it is recorded up to there")
