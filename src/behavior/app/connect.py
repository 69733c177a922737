"""A chamber's devices for a live session: found by identity, known, ready; off and let go of at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from behavior.app.prepare import Protocol
    from behavior.config.rig import Chamber, Device
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.handshake import Identity
    from behavior.model.doses import Treatment
    from behavior.session.resume import Interrupted
    from behavior.simulate.rig import SimulatedChamber
    from behavior.simulate.sound import SimulatedMicrophone


@dataclass(frozen=True, slots=True)
class Link:
    """The chamber that it runs on."""

    chamber: ConnectedChamber
    identities: dict[str, Identity]
    clock_us: Callable[[], int]
    activate: Callable[[], None]
    """Puts all devices into Active mode; to be called when the session is about to drive them."""
    world: SimulatedChamber | None
    microphone: SimulatedMicrophone | None


@contextmanager
def connected(
    box: Chamber,
    protocol: Protocol,
    treatment: Treatment,
    seed: int,
    *,
    simulated: bool,
    interrupted: Interrupted | None = None,
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
    from behavior.devices.handshake import activate, connect
    from behavior.devices.transport import transport_to
    from behavior.session.live import monotonic_clock
    from behavior.simulate.rig import SimulatedChamber
    from behavior.simulate.sound import SimulatedMicrophone

    start_ns = time.monotonic_ns()
    clock_us = monotonic_clock(start_ns)
    part = interrupted.folder.next_sound_part if interrupted else 1
    microphone = SimulatedMicrophone(box.microphone.sample_rate_hz, part) if simulated and box.microphone else None
    with ExitStack() as stack:
        world = None
        if simulated:
            what: dict[str, Any] = {
                "paradigm": protocol.paradigm.name,
                "parameters": protocol.parameters.model_dump(mode="json"),
            }
            world = stack.enter_context(SimulatedChamber(box, treatment, seed=seed, start_ns=start_ns, **what))
            ports = {device.uid: world.ports[device.name] for device in box.devices}
        else:
            ports = ports_of([device.uid for device in box.devices], serial_ports())
        drivers, identities = [], {}
        for device in box.devices:
            transport = transport_to(ports[device.uid])
            transport.open()
            stack.callback(transport.close)
            driver, identities[device.name] = connect(
                device.name,
                device.kind,
                transport,
                clock_us,
                uid=device.uid,
                limits=protocol.limits,
                n_issued=issued_to(device, interrupted),
                resumed=interrupted is not None,
                sides=device.sides,
                active=False,  # a watchdog must not run while its neighbour is still being asked who it is
            )
            drivers.append((driver, transport))
        chamber = ConnectedChamber(drivers)
        stack.callback(chamber.close)

        def activate_all() -> None:
            for driver, transport in drivers:
                activate(driver.kind, transport, clock_us)

        yield Link(chamber, identities, clock_us, activate_all, world, microphone)


def issued_to(device: Device, interrupted: Interrupted | None) -> int:
    """How many numbered commands a session that is resumed has given this device already."""
    if interrupted is None:
        return 0
    return interrupted.n_shocks if device.kind == "shock_controller" else interrupted.n_deliveries
