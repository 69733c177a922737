"""Figures of the shock controller on every implementation: twin, native firmware, AVR images in simavr.

    python tests/bench/firmware.py edges                       pulse length by the gate pin's edges
    python tests/bench/firmware.py gone [--n 200] [--how kill,stop,close,corrupt,garbage,flood] [--at-once 8]
    python tests/bench/firmware.py drowned [--n 50]            the same floods at the line's full rate, in virtual time
    python tests/bench/firmware.py frames [--n 1000000]        random and mutated frames: when does the gate open?
    python tests/bench/firmware.py roundtrip [--n 2000]        a register read over a pseudo-terminal, in real time
    python tests/bench/firmware.py day [--hours 24]            events at 20 Hz in virtual time: any lost, any drift?

`gone`: a host process arms and triggers a pulse of 20 s over a pseudo-terminal in real time, keeps the watchdog fed for
a random time, and then is killed, stopped, closes the port, or sends nothing but frames with wrong checksums, or noise.
The gate must be off within HostWatchdog (the default, 1 s) of the last valid request. Everything that the device said
is kept, so that both are known by its own clock: from the stamp of its last reply to a request of that host to that of
PulseEnded. `flood`: it asks for registers without end during a pulse of 0.5 s, which must end by itself. `drowned`: the
processor has nothing but rubbish to read, and all the line can carry of it; the gate pin's edge counts. Exit code 1 if
a gate was open longer than it may, if it opened unasked, or if anything was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harp.device.client import HarpFramer

from behavior.devices.registers import DeviceMap, device_map
from devices.benches import Examiner, frame_of
from devices.firmware import UID, LibraryBench, MegaBench, PortBench, SimavrBench, built

KIND = "shock_controller"
WATCHDOG_US = 1_000_000
PULSE_MS = 20_000
BY_WATCHDOG, COMPLETED = 3, 0


# ---- edges


def edges(_: argparse.Namespace) -> bool:
    """Pulse length by the gate pin, in virtual time: the processor's cycles."""
    good = True
    for name, made in {"native": PortBench, "ATmega328P": SimavrBench, "ATmega2560": MegaBench}.items():
        bench = made(KIND)
        device = Examiner(bench, KIND)
        bench.watch_gate()
        device.activate()
        device.write("Intensity", 500)
        number = 0
        for ms, n in ((20, 50), (500, 20), (15_000, 2)):
            errors, reported = [], []
            device.write("Duration", ms)
            device.wait(60_000_000)  # else the limit on duty
            for _ in range(n):
                number += 1
                bench.edges.clear()
                device.wait(random.randrange(1_000, 20_000))
                assert device.write("Arm", number).value == device.write("Trigger", number).value == number
                device.wait(ms * 1_000 + 20_000)
                (_, rose_us), (_, fell_us) = bench.edges
                errors.append(fell_us - rose_us - ms * 1_000)
                ended = device.read("PulseEnded").to_bytes(16, "little")
                reported.append(struct.unpack("<4I", ended)[1] - ms * 1_000)
                device.wait(ms * 1_000 + 20_000)
            worst, goal = max(map(abs, errors)), 50 + ms * 0.1
            good &= worst <= goal
            print(
                f"{name}, {ms} ms, n = {n}: error {min(errors):+.2f} to {max(errors):+.2f} us by the pin, "
                f"{min(reported):+d} to {max(reported):+d} us as reported (goal {goal:.0f})"
            )
    return good


# ---- gone


@dataclass
class Real:
    """A device behind a pseudo-terminal in real time, in a process of its own."""

    process: subprocess.Popen[str]
    port: str

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


SERVE_TWIN = """
import sys, threading
from behavior.simulate.devices import SimulatedShockController
from behavior.simulate.serve import DeviceServer
with DeviceServer({"it": SimulatedShockController("0a")}) as server:
    print("PTY", server.ports["it"], flush=True)
    server.run(lambda: False)
"""


def real(name: str) -> Real:
    commands: dict[str, list[object]] = {
        "twin": [sys.executable, "-c", SERVE_TWIN],
        "native": [built("native") / KIND, "--uid", UID],
        "ATmega328P": [*SimavrBench.command(SimavrBench.__new__(SimavrBench), KIND), "--uid", UID],
    }
    process = subprocess.Popen(
        [str(word) for word in commands[name]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return Real(process, process.stdout.readline().split()[1])


class Port:
    """The host's end of a pseudo-terminal, with nothing in between."""

    def __init__(self, port: str, registers: DeviceMap) -> None:
        import termios
        import tty

        self.map = registers
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd, termios.TCSANOW)  # what waits there is kept
        self._framer = HarpFramer()

    def ask(self, name: str, value: int | None = None, patience_s: float = 10.0) -> bytes:
        """The payload of the answer; a request that was lost on the way is made again each second."""
        register = self.map[name]
        give_up = time.monotonic() + patience_s
        asked = 0.0
        while time.monotonic() < give_up:
            if time.monotonic() - asked > 1.0:
                with suppress(BlockingIOError):  # full of what it has not read yet
                    os.write(self.fd, frame_of(register, value))
                asked = time.monotonic()
            if select.select([self.fd], [], [], 0.1)[0]:
                self._framer.feed(os.read(self.fd, 65_536))
            for frame in self._framer:
                if frame.address == register.address and frame.bytes[0] == (1 if value is None else 2):
                    return bytes(frame.payload_bytes)
        raise TimeoutError(name)

    def rest(self, patience_s: float) -> bytes:
        """What comes until nothing more has come for so long; at most a hundred readings."""
        data = b""
        for _ in range(100):
            if not select.select([self.fd], [], [], patience_s)[0]:
                break
            data += os.read(self.fd, 65_536)
        return data

    def close(self) -> None:
        os.close(self.fd)


def host_bytes(registers: DeviceMap, how: str) -> dict[str, str]:
    """What the host process says."""
    ready = [("OperationControl", 0), ("Fault", 0x3F), ("OperationControl", 1), ("Intensity", 500)]
    duration = 500 if how == "flood" else PULSE_MS
    said = {"setup": [*ready, ("Duration", duration)], "alive": [("PulseCount", None)]}
    return {word: b"".join(frame_of(registers[n], v) for n, v in steps).hex() for word, steps in said.items()}


HOST = """
import os, sys, time, random
port, setup, arm, trigger, alive, how = sys.argv[1:7]
fd = os.open(port, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
alive = bytes.fromhex(alive)
def say(data):
    try:
        os.write(fd, data)
    except BlockingIOError: pass
say(bytes.fromhex(setup)); time.sleep(0.05)
say(bytes.fromhex(arm)); time.sleep(0.02)
say(bytes.fromhex(trigger)); time.sleep(0.02)
print("on", flush=True)
until = time.monotonic() + random.uniform(0.05, 0.6)
while time.monotonic() < until or how in ("kill", "stop"):
    say(alive); time.sleep(0.02)
if how == "close":
    os.close(fd); time.sleep(30)
wrong = alive[:-1] + bytes([alive[-1] ^ 0x55])
while True:
    say({"corrupt": wrong * 50, "garbage": os.urandom(400), "flood": alive * 60}[how])
    time.sleep(0.005)
"""


def gone_once(name: str, how: str, seed: int) -> tuple[bool, float]:
    """Whether the gate closed as it must, and how long after the last valid request, in s by the device's clock."""
    registers = device_map(KIND)
    device = real(name)
    try:
        time.sleep(0.1)
        port = Port(device.port, registers)
        port.ask("WhoAmI")
        number = int.from_bytes(port.ask("PulseCount"), "little") + 1
        said = host_bytes(registers, how)
        arm, trigger = (frame_of(registers[word], number).hex() for word in ("Arm", "Trigger"))
        host = subprocess.Popen(
            [sys.executable, "-S", "-c", HOST, device.port, said["setup"], arm, trigger, said["alive"], how],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert host.stdout is not None
        transcript = b""
        until = time.monotonic() + random.Random(seed).uniform(0.3, 0.9)
        while time.monotonic() < until or not select.select([host.stdout], [], [], 0)[0]:
            transcript += port.rest(0.01)  # whatever becomes of the host, what the device said is kept here
        if how in ("kill", "stop"):
            host.send_signal(signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        give_up = time.monotonic() + 30  # a simulated processor may lag behind on a busy machine
        while ended_us(transcript, registers) is None and time.monotonic() < give_up:
            transcript += port.rest(0.2)
        host.kill()
        host.wait()
        transcript += port.rest(0.3)
        report = struct.unpack("<4I", port.ask("PulseEnded"))
        port.close()
    finally:
        device.end()
    if how == "flood":
        return report[3] == COMPLETED and abs(report[1] - 500_000) <= 100, report[1] / 1e6 - 0.5
    beyond_us = silence_before_end_us(transcript, registers)
    return report[0] == number and report[3] == BY_WATCHDOG and beyond_us <= WATCHDOG_US, beyond_us / 1e6


def stamped(transcript: bytes) -> list[tuple[bytes, int]]:
    """The device's messages, with their stamps in µs."""
    framer = HarpFramer()
    framer.feed(transcript)
    found = [(frame.bytes, struct.unpack_from("<IH", frame.bytes, 5)) for frame in framer]
    return [(raw, (seconds * 31_250 + ticks) * 32) for raw, (seconds, ticks) in found]


def ended_us(transcript: bytes, registers: DeviceMap) -> int | None:
    """The stamp of PulseEnded."""
    ended = registers["PulseEnded"].address
    return next((us for raw, us in stamped(transcript) if raw[0] == 3 and raw[2] == ended), None)


def silence_before_end_us(transcript: bytes, registers: DeviceMap) -> int:
    """From the last reply to the host to the end of the pulse, by the device's stamps; a minute if it never ended.

    Noise has replies of its own now and then; none is to these registers by chance.
    """
    at_us = ended_us(transcript, registers)
    asked = {registers[name].address for name in ("Trigger", "PulseCount")}
    if at_us is None:
        return 60_000_000
    return at_us - max(us for raw, us in stamped(transcript) if raw[0] in (1, 2) and raw[2] in asked and us <= at_us)


def gone(asked: argparse.Namespace) -> bool:
    all_good = True
    for how in asked.how.split(","):
        for name in asked.on.split(","):
            with ThreadPoolExecutor(asked.at_once) as pool:
                found = list(pool.map(partial(gone_once, name, how), range(asked.n)))
            n_good = sum(good for good, _ in found)
            longest = max(beyond for _, beyond in found)
            all_good &= n_good == asked.n
            what = "longer than 0.5 s by" if how == "flood" else "after the last valid request it was open for"
            print(f"{how}, {name}: {n_good} of {asked.n} off as they must; {what} {longest:.3f} s at most", flush=True)
    return all_good


# ---- drowned


def drowned_once(made: type[PortBench], rubbish: Callable[[random.Random], bytes], seed: int) -> float:
    """How long the gate pin is high after a pulse was triggered and nothing but rubbish follows, in us."""
    chance = random.Random(seed)
    bench = made(KIND)
    device = Examiner(bench, KIND)
    bench.watch_gate()
    device.activate()
    for name, value in (("Intensity", 500), ("Duration", PULSE_MS), ("Arm", 1)):
        device.write(name, value)
    bench.pass_time(chance.randrange(1_000))
    bench.say(frame_of(device.map["Trigger"], 1))
    for _ in range(1_050):
        bench.say(rubbish(chance))
        bench.pass_time(1_000)
        bench.hear()
        if len(bench.edges) == 2:
            break
    (_, rose_us), (_, fell_us) = bench.edges
    return fell_us - rose_us


def drowned(asked: argparse.Namespace) -> bool:
    corrupt = (frame_of(device_map(KIND)["PulseCount"])[:-1] + b"\x68") * 15
    kinds: dict[str, Callable[[random.Random], bytes]] = {
        "corrupt frames": lambda chance: corrupt[:100],
        "noise": lambda chance: chance.randbytes(100),
        "long frames of nothing": lambda chance: b"\x02\xfe" + bytes(98),
        "beginnings of frames": lambda chance: b"\x02\xff" * 50,
    }
    good = True
    for name, made in {"native": PortBench, "ATmega328P": SimavrBench, "ATmega2560": MegaBench}.items():
        for kind, rubbish in kinds.items():
            open_us = [drowned_once(made, rubbish, seed) for seed in range(asked.n)]
            good &= max(open_us) <= WATCHDOG_US
            print(
                f"{name}, {kind}, n = {asked.n}: the gate was open for {min(open_us) / 1e6:.6f} to "
                f"{max(open_us) / 1e6:.6f} s after the last valid request",
                flush=True,
            )
    return good


# ---- frames


def openings(frames: list[bytes], state: tuple[int, int]) -> tuple[int, int]:
    """How often the gate may open at most: Arm n, then Trigger n, n being the next. State: armed, count."""
    armed, count = state
    for raw in frames:
        payload = raw[11 if raw[4] & 0x10 else 5 : -1]
        value = int.from_bytes(payload, "little")
        if raw[0] != 2 or raw[4] & ~0x10 != 0x04 or len(payload) != 4:
            continue  # refused: changes nothing
        if raw[2] == 35:
            armed = value if value == count + 1 else 0
        elif raw[2] == 36 and armed and value == armed:
            armed, count = 0, count + 1
    return armed, count


def some_frame(chance: random.Random, registers: DeviceMap, count: int) -> bytes:
    """A request that may mean something; nearly always about the next pulse."""
    name = chance.choice(("Arm", "Arm", "Trigger", "Trigger", "Stop", "Intensity", "Duration", "Fault", "PulseCount"))
    value = {
        "Arm": count + chance.choice((1, 1, 1, 0, 2)),
        "Trigger": count + chance.choice((1, 1, 1, 0, 2)),
        "Stop": 1,
        "Intensity": chance.randrange(1, 4_000),
        "Duration": chance.randrange(1, 4),
        "Fault": 0x3F,
    }.get(name)
    frame = bytearray(frame_of(registers[name], value))
    how = chance.random()
    if how < 0.25:
        frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
    elif how < 0.35:
        del frame[chance.randrange(len(frame))]
    elif how < 0.45:
        frame.insert(chance.randrange(len(frame)), chance.randrange(256))
    elif how < 0.55:  # a right checksum over anything
        frame[chance.randrange(len(frame) - 1)] = chance.randrange(256)
        frame[-1] = sum(frame[:-1]) & 0xFF
    elif how < 0.60:
        frame = bytearray(chance.randbytes(chance.randrange(1, 30)))
    return bytes(frame)


def frames(asked: argparse.Namespace) -> bool:
    chance = random.Random(asked.seed)
    registers = device_map(KIND)
    bench = LibraryBench(KIND)
    n_sent = n_pulses = n_may = n_resynchronised = n_rounds = 0
    began = time.perf_counter()
    while n_sent < asked.n:
        bench = LibraryBench(KIND)  # off and on: 500 pulses is the most between resets
        device = Examiner(bench, KIND)
        device.activate()
        device.write("Intensity", 500)
        device.write("Duration", 1)
        framer, state = HarpFramer(), (0, 0)
        for _ in range(200):
            sent = b"".join(some_frame(chance, registers, bench.pins()["n_pulses"]) for _ in range(5))
            framer.feed(sent)
            bench.say(sent)
            bench.pass_time(chance.choice((100, 3_000, 8_000)))
            bench.hear()
            state = openings([one.bytes for one in framer], state)
            n_sent += 5
        bench.pass_time(60_000)
        bench.say(frame_of(registers["OperationControl"], 0) + frame_of(registers["WhoAmI"]))
        bench.pass_time(60_000)
        answers = HarpFramer()
        answers.feed(bench.hear())
        n_rounds += 1
        n_resynchronised += any(one.address == 0 and not one.has_error for one in answers)
        n_pulses += bench.pins()["n_pulses"]
        n_may += state[1]
        if bench.pins()["n_pulses"] > state[1] or bench.pins()["gate"]:
            print(f"the gate opened {bench.pins()['n_pulses']} times where {state[1]} were asked for")
            return False
    print(
        f"{n_sent} frames in {time.perf_counter() - began:.0f} s: {n_pulses} pulses, none without its own Arm and "
        f"Trigger (at most {n_may}); answered again after {n_resynchronised} of {n_rounds} rounds"
    )
    return n_resynchronised == n_rounds


# ---- round trip


def roundtrip(asked: argparse.Namespace) -> bool:
    registers = device_map(KIND)
    for name in asked.on.split(","):
        device = real(name)
        try:
            time.sleep(0.2)
            port = Port(device.port, registers)
            port.ask("WhoAmI")
            request = frame_of(registers["WhoAmI"])
            waited = []
            for _ in range(asked.n):
                began = time.perf_counter()
                os.write(port.fd, request)
                heard = b""
                while len(heard) < 14:
                    select.select([port.fd], [], [])
                    heard += os.read(port.fd, 100)
                waited.append((time.perf_counter() - began) * 1e3)
            waited.sort()
            p50, p99 = statistics.median(waited), waited[int(0.99 * len(waited))]
            print(f"{name}: a register read takes {p50:.2f} ms (p50), {p99:.2f} ms (p99), n = {asked.n}")
            port.close()
        finally:
            device.end()
    return True


# ---- a day


def day(asked: argparse.Namespace) -> bool:
    bench = LibraryBench("operant_chamber")
    device = Examiner(bench, "operant_chamber")
    device.write("HostWatchdog", 2_000)
    device.activate()
    inputs = device.map["Inputs"].address
    alive = frame_of(device.map["WhoAmI"])
    n = asked.hours * 3_600 * 20
    began = time.perf_counter()
    n_heard, first, last, worst = 0, 0, 0, 0
    from_us = bench.library.native_now_us()
    for step in range(n):
        bench.library.native_hand(b"head 1" if step % 2 == 0 else b"head 0")
        if step % 20 == 0:
            bench.say(alive)
        bench.pass_time(50_000)
        heard = bench.hear()
        for start in range(0, len(heard), heard[1] + 2 if heard else 1):
            message = heard[start : start + heard[start + 1] + 2]
            if message[:3] == bytes((3, 11, inputs)):
                seconds, ticks = struct.unpack_from("<IH", message, 5)
                last = seconds * 31_250 + ticks
                first = first if n_heard else last
                worst = max(worst, abs((last - first) * 32 - n_heard * 50_000))
                n_heard += 1
    ran_us = bench.library.native_now_us() - from_us
    print(
        f"{asked.hours} h at 20 Hz in {time.perf_counter() - began:.0f} s: {n_heard} of {n} events, stamps off by "
        f"{worst} us at most, clock after {ran_us / 3.6e9:.3f} h: {(last - first) * 32 - (n - 1) * 50_000:+d} us"
    )
    return n_heard == n and worst < 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("edges", "gone", "drowned", "frames", "roundtrip", "day"))
    parser.add_argument("--n", type=int)
    parser.add_argument("--how", default="kill,stop,close,corrupt,garbage,flood")
    parser.add_argument("--on", default="twin,native,ATmega328P")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.n = asked.n or {"gone": 200, "drowned": 50, "frames": 1_000_000, "roundtrip": 2_000}.get(asked.what, 0)
    does: dict[str, Callable[[argparse.Namespace], bool]] = {
        "edges": edges,
        "gone": gone,
        "drowned": drowned,
        "frames": frames,
        "roundtrip": roundtrip,
        "day": day,
    }
    sys.exit(0 if does[asked.what](asked) else 1)


if __name__ == "__main__":
    main()
