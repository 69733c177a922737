"""A host that dies, stands still, raves or loses its line in mid-shock, on each shocker: when is the gate off?

    python tests/bench/shocker_kills.py [--n 40] [--seed 1] [--only ttl] [--shock-s 0.6]

Real processes, real time, simulated devices behind TCP ports. The host is `kill -9`ed, stopped (SIGSTOP), made to flood
the line with noise, or its cable is pulled, at a random moment of a shock. The devices' own clock says when the gate
closed: by the end of the pulse that it was asked for (and 2 ms), or within the watchdog's second where there is a
watchdog. Exit code 1 if it ever was later.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.events import ShockEnded, ShockStarted
from behavior.simulate.devices import Faults, SimulatedShockController, twins_of
from behavior.simulate.serve import DeviceServer, TcpWire

RIGS = ("simulated-third-party", "simulated")
WAYS = ("killed", "stopped", "flooding", "unplugged")
WATCHDOG_S, MARGIN_S, SILENCE_S = 1.0, 0.002, 0.03


@dataclass(frozen=True)
class Case:
    """What was done, and how long the gate was open after it."""

    chamber: str
    way: str
    open_s: float
    after_s: float
    allowed_s: float


def host(chamber: Chamber, ports: dict[str, str], ma: float, shock_s: float, tell: Connection) -> None:
    """The host's process: connect, give one shock, say when it is on, and go on as a session does."""
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.connecting import Making
    from behavior.devices.dialects import baud_of
    from behavior.devices.driver import HarpDriver
    from behavior.devices.handshake import activate
    from behavior.devices.transport import TransportLost, transport_to
    from behavior.model.commands import Shock
    from behavior.session.live import LiveApparatus, monotonic_clock

    clock_us = monotonic_clock(time.monotonic_ns())
    transports = {d.name: transport_to(ports[d.name], baud=baud_of(d)) for d in chamber.devices if d.has_port}
    for transport in transports.values():
        transport.open()
    drivers = Making(chamber, clock_us, limits=chamber.limits, active=False).all(transports)  # type: ignore[arg-type]
    for driver, transport in drivers:
        if isinstance(driver, HarpDriver):
            activate(driver, transport, clock_us)
    apparatus = LiveApparatus(ConnectedChamber(drivers), clock_us)
    for _ in range(4):
        apparatus.wait(apparatus.now_us() + 50_000)
    apparatus.send(Shock(1, ma, shock_s))
    while True:
        for event in apparatus.wait(apparatus.now_us() + 100_000):
            if isinstance(event, ShockStarted):
                tell.send("on")
        if tell.poll():  # rave
            noise = random.Random(1)
            while True:
                for transport in transports.values():
                    with suppress(TransportLost):  # its buffer is full
                        transport.write(noise.randbytes(256))


def one(
    chamber: Chamber, way: str, moment: float, shock_s: float, context: multiprocessing.context.BaseContext
) -> Case:
    """One shock and one mishap."""
    shocker = next(device for device in chamber.devices if chamber.gives_shocks(device))
    ma, shock_s = (0.4, 0.0002 if shocker.shocker.dialect == "sgc" else shock_s)
    twins, stopped = twins_of(chamber), threading.Event()
    happened: list[tuple[int, object]] = []
    start_ns, pull = time.monotonic_ns(), threading.Event()

    def watch(now_us: int) -> int:
        for twin in twins.values():
            if pull.is_set() and not twin.faults.unplugged:
                twin.suffer(Faults(unplugged=True), now_us)
            happened.extend(twin.take_happenings())
        return now_us + 2_000

    def now_us() -> int:
        return (time.monotonic_ns() - start_ns) // 1_000

    with DeviceServer(twins, animal=watch, clock_us=now_us, wire=TcpWire) as server:
        thread = threading.Thread(target=server.run, args=(stopped.is_set,), daemon=True)
        thread.start()
        ours, theirs = context.Pipe()
        process = context.Process(target=host, args=(chamber, dict(server.ports), ma, shock_s, theirs), daemon=True)
        process.start()
        try:
            assert ours.poll(60), "no shock began"
            ours.recv()
            time.sleep(moment * shock_s)
            at_us = now_us()
            if way == "killed":
                os.kill(process.pid, signal.SIGKILL)
            elif way == "stopped":
                os.kill(process.pid, signal.SIGSTOP)
            elif way == "flooding":
                ours.send("rave")
            else:
                pull.set()
            time.sleep(max(shock_s, WATCHDOG_S) + 0.3)
        finally:
            process.kill()
            process.join()
            stopped.set()
            thread.join()
    watch(now_us())
    began_us = next(at for at, what in happened if isinstance(what, ShockStarted))
    at_us = max(at_us, began_us)  # what was on the wire already may open the gate a little later
    closed_us = next((at for at, what in happened if isinstance(what, ShockEnded)), now_us())
    still_open = any(getattr(twin, "gate_open", False) for twin in twins.values())
    watched = any(isinstance(twin, SimulatedShockController) for twin in twins.values())
    allowed_s = min(
        shock_s + MARGIN_S - (at_us - began_us) / 1e6, WATCHDOG_S + SILENCE_S if watched else shock_s + MARGIN_S
    )
    after_s = float("inf") if still_open else (closed_us - at_us) / 1e6
    return Case(chamber.name, way, (closed_us - began_us) / 1e6, after_s, max(0.0, allowed_s))


def main() -> int:
    """Run them all and say what came of them."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--n", type=int, default=40)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--only", default="")
    asked.add_argument("--ways", default=",".join(WAYS))
    asked.add_argument("--shock-s", type=float, default=0.6)
    given = asked.parse_args()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["behavior.devices.connecting", "behavior.session.live", "harp.device.client"])
    draw = random.Random(given.seed)
    rigs = [read(shipped("configs", "rigs", f"{name}.toml"), Rig) for name in RIGS]
    boxes = [box for rig in rigs for box in rig.chambers if box.name != "B" and given.only in ("", box.name)]
    n_late = 0
    for box in boxes:
        for way in given.ways.split(","):
            cases = [one(box, way, draw.random(), given.shock_s, context) for _ in range(given.n)]
            late = [case for case in cases if case.after_s > case.allowed_s]
            n_late += len(late)
            kinds = next(device.kind for device in box.devices if box.gives_shocks(device))
            after_s = sorted(case.after_s for case in cases)
            longest_s = max(case.open_s for case in cases)
            print(
                f"{box.name:9s} {kinds:16s} {way:9s} n = {len(cases)}  late: {len(late)}  gate off after it: "
                f"median {after_s[len(cases) // 2]:.3f} s, most {after_s[-1]:.3f} s; longest pulse {longest_s:.4f} s",
                flush=True,
            )
    return int(n_late > 0)


if __name__ == "__main__":
    sys.exit(main())
