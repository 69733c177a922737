"""All devices of a chamber made ready, in the order in which they need one another: first what has a clock.

The same for real ports, pseudo-terminals and devices in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from behavior.devices.ceilings import Ceilings
from behavior.devices.dialects import dialect_of
from behavior.devices.handshake import Identity, connect
from behavior.devices.line_shocker import connect_line
from behavior.devices.shockers import GatedShocker, ParallelShocker, TtlShocker
from behavior.devices.transport import NoTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from behavior.config.limits import ShockLimits
    from behavior.config.rig import Chamber, Device
    from behavior.devices.driver import Driver
    from behavior.devices.transport import Transport

GATED: dict[str, type[GatedShocker]] = {"ttl_shocker": TtlShocker, "parallel_shocker": ParallelShocker}


class Making:
    """Makes the devices of one chamber ready.

    Parameters
    ----------
    chamber : as the rig describes it
    clock_us : session time
    limits : on shock in this session
    n_shocks, n_deliveries : what this session commanded already
    resumed : keep the devices' counts and limits instead of resetting them
    active : put them into Active mode, in which their watchdogs run, at once
    """

    def __init__(
        self,
        chamber: Chamber,
        clock_us: Callable[[], int],
        *,
        limits: ShockLimits | None = None,
        n_shocks: int = 0,
        n_deliveries: int = 0,
        resumed: bool = False,
        active: bool = True,
    ) -> None:
        self._chamber, self._clock_us, self._limits = chamber, clock_us, limits
        self._n_shocks, self._n_deliveries, self._resumed, self._active = n_shocks, n_deliveries, resumed, active
        self.drivers: dict[str, Driver] = {}
        self.identities: dict[str, Identity] = {}
        self._ceilings: dict[str, Ceilings] = {}

    def all(self, transports: Mapping[str, Transport]) -> list[tuple[Driver, Transport]]:
        """Drivers and transports of all devices.

        Parameters
        ----------
        transports : open, by device; of those that have a port

        Raises
        ------
        BadInput, Failure
            As of `connect`.
        """
        by_need = sorted(self._chamber.devices, key=lambda device: device.kind in (*GATED, "line_shocker"))
        return [self.one(device, transports.get(device.name, NoTransport())) for device in by_need]

    def one(self, device: Device, transport: Transport) -> tuple[Driver, Transport]:
        """Driver and transport of one device, those that it needs being ready."""
        if device.kind in GATED:
            driver, identity = self._gated(device), Identity(device.kind, "", 0, "", "", "", "")
        elif device.kind == "line_shocker":
            driver, identity = self._line(device, transport)
        else:
            driver, identity = self._harp(device, transport)
        self.drivers[device.name], self.identities[device.name] = driver, identity
        return driver, transport

    def again(self, device: Device, transport: Transport, before: Driver) -> tuple[Driver, Transport]:
        """A device that was lost in mid-session: it keeps its counts and limits, and is active."""
        self._resumed = self._active = True
        self._n_shocks = self._n_deliveries = getattr(before, "n_issued", 0)
        return self.one(device, transport)

    def _harp(self, device: Device, transport: Transport) -> tuple[Driver, Identity]:
        shocker = self._chamber.timed_by(device)
        return connect(
            device.name,
            device.kind,
            transport,
            self._clock_us,
            uid=device.uid,
            device_name=device.device_name,
            limits=self._limits,
            n_issued=self._n_shocks if device.kind == "shock_controller" else self._n_deliveries,
            resumed=self._resumed,
            sides=device.sides,
            board=device.board,
            times=shocker.shocker if shocker else None,
            active=self._active,
        )

    def _gated(self, device: Device) -> Driver:
        ceilings = Ceilings(self._limits, n_before=self._n_shocks)
        timer = self.drivers[device.shocker.pulse_timed_by]
        return GATED[device.kind](device.name, timer, device.shocker, ceilings)  # type: ignore[arg-type]

    def _line(self, device: Device, transport: Transport) -> tuple[Driver, Identity]:
        dialect = dialect_of(device)
        times_itself = not device.shocker.pulse_timed_by
        ceilings = self._ceilings.get(device.name) or Ceilings(
            self._limits,
            max_ma=dialect.limits.max_ma,
            **({"max_single_s": dialect.limits.max_single_s} if times_itself else {}),
            n_before=self._n_shocks,
        )
        self._ceilings[device.name] = ceilings
        timer = None if times_itself else self.drivers[device.shocker.pulse_timed_by]
        return connect_line(device, dialect, transport, self._clock_us, ceilings=ceilings, timer=timer)  # type: ignore[arg-type]
