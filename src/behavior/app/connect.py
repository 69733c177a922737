"""A chamber's devices for a live session: found by identity, known, ready; off and let go of at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from behavior.app.microphone import LiveMicrophone
    from behavior.app.prepare import Protocol
    from behavior.config.rig import Chamber
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.driver import Driver
    from behavior.devices.handshake import Identity
    from behavior.devices.transport import Transport
    from behavior.model.doses import Treatment
    from behavior.session.resume import Interrupted
    from behavior.simulate.faults import Mishap
    from behavior.simulate.rig import SimulatedChamber


@dataclass(frozen=True, slots=True)
class Link:
    """The chamber that it runs on."""

    chamber: ConnectedChamber
    identities: dict[str, Identity]
    clock_us: Callable[[], int]
    activate: Callable[[], None]
    """Puts all devices into Active mode; to be called when the session is about to drive them."""
    world: SimulatedChamber | None
    microphone: LiveMicrophone | None
    protocol: Protocol
    """With the calibration record of the chamber's shocker."""
    usb_serials: dict[str, str]
    """Of the devices that the rig names by them."""


@contextmanager
def connected(
    box: Chamber,
    protocol: Protocol,
    treatment: Treatment,
    seed: int,
    *,
    simulated: bool,
    interrupted: Interrupted | None = None,
    calibrate: Callable[[Protocol], Protocol] = lambda protocol: protocol,
    mishaps: Sequence[Mishap] = (),
) -> Iterator[Link]:
    """The chamber's devices, found by identity, known and ready; off and let go of at the end.

    `calibrate` judges the calibration record when the devices are found and before any of them is spoken to. `mishaps`
    happen to simulated devices.

    Raises
    ------
    BadInput
        The chamber lacks what the paradigm needs, or its shocker a calibration record.
    Failure
        A device is not there, or not ready.
    """
    from behavior.app.microphone import LiveMicrophone
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.connecting import Making
    from behavior.devices.dialects import baud_of
    from behavior.devices.discovery import ports_of, serial_ports
    from behavior.devices.transport import transport_to
    from behavior.session.live import monotonic_clock
    from behavior.simulate.rig import SimulatedChamber

    start_ns = time.monotonic_ns()
    clock_us = monotonic_clock(start_ns)
    with ExitStack() as stack:
        world = None
        if simulated:
            what: dict[str, Any] = {
                "paradigm": protocol.paradigm.name,
                "parameters": protocol.parameters.model_dump(mode="json"),
                "listened": protocol.records and box.microphone is not None,
                "mishaps": mishaps,
            }
            world = stack.enter_context(SimulatedChamber(box, treatment, seed=seed, start_ns=start_ns, **what))
            ports = world.ports
        else:
            ports = ports_of([device for device in box.devices if device.has_port], serial_ports())
        protocol = calibrate(protocol)
        microphone = None
        if protocol.records and box.microphone is not None:
            part = interrupted.folder.next_sound_part if interrupted else 1
            heard = None if world is None else (seed + part, start_ns, world.hearing)
            microphone = stack.enter_context(LiveMicrophone(box.microphone, start_ns, part=part, simulated=heard))
        making = Making(
            box,
            clock_us,
            limits=protocol.limits,
            n_shocks=interrupted.n_shocks if interrupted else 0,
            n_deliveries=interrupted.n_deliveries if interrupted else 0,
            resumed=interrupted is not None,
            active=False,  # a watchdog must not run while its neighbour is still being asked who it is
        )
        transports: dict[str, Transport] = {}
        for device in box.devices:
            if device.has_port:
                transport = transports[device.name] = transport_to(ports[device.name], baud=baud_of(device))
                transport.open()
                stack.callback(transport.close)
        drivers = making.all(transports)
        serials = {device.name: device.usb_serial for device in box.devices if device.usb_serial}

        def relink(name: str, before: Driver) -> tuple[Driver, Transport]:
            (device,) = (one for one in box.devices if one.name == name)
            port = world.port_of(name) if world else ports_of([device], serial_ports(), patience_s=0)[name]
            transport = transport_to(port, baud=baud_of(device))
            transport.open()
            try:
                found = making.again(device, transport, before)
            except BaseException:
                transport.close()
                raise
            stack.callback(transport.close)
            return found

        chamber = ConnectedChamber(drivers, relink)
        stack.callback(chamber.close)

        def awake() -> None:
            activate_all(drivers, clock_us)

        if microphone is not None:
            microphone.wait_ready()
        yield Link(chamber, making.identities, clock_us, awake, world, microphone, protocol, serials)


@contextmanager
def devices_of(
    box: Chamber,
) -> Iterator[tuple[list[tuple[Driver, Transport]], Callable[[], int], Callable[[], None]]]:
    """A real chamber's devices for a bench: found, known and ready; their clock, and what activates them.

    Raises
    ------
    BadInput, Failure
        As of `connected`.
    """
    from behavior.devices.connecting import Making
    from behavior.devices.dialects import baud_of, check_shockers
    from behavior.devices.discovery import ports_of, serial_ports
    from behavior.devices.transport import transport_to
    from behavior.session.live import monotonic_clock

    check_shockers(box)
    clock_us = monotonic_clock(time.monotonic_ns())
    ported = [device for device in box.devices if device.has_port]
    ports = ports_of(ported, serial_ports())
    with ExitStack() as stack:
        transports: dict[str, Transport] = {}
        for device in ported:
            transports[device.name] = transport_to(ports[device.name], baud=baud_of(device))
            transports[device.name].open()
            stack.callback(transports[device.name].close)
        drivers = Making(box, clock_us, limits=box.limits, active=False).all(transports)
        yield drivers, clock_us, lambda: activate_all(drivers, clock_us)


def activate_all(drivers: list[tuple[Driver, Transport]], clock_us: Callable[[], int]) -> None:
    """Put all Harp devices into Active mode: from now on they report, and their watchdogs run."""
    from behavior.devices.driver import HarpDriver
    from behavior.devices.handshake import activate

    for driver, transport in drivers:
        if isinstance(driver, HarpDriver):
            activate(driver, transport, clock_us)
