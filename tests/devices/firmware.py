"""The reference firmware as devices under test: in this process, behind a port, and in a simulated processor.

All but `Program` run in virtual time: nothing here waits for a clock. The port's bytes are counted in both directions,
so that none is overlooked because the system had not passed it on yet.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import weakref
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "hardware" / "firmware"
UID = "00112233445566778899aabbccddeeff"
MCU = {"shock_controller": "atmega328p", "operant_chamber": "atmega2560", "shuttle_box": "atmega2560"}
PACKAGES = {
    "native": (("make", "gcc"), "make gcc libc6-dev"),
    "avr": (("make", "avr-gcc", "avr-size"), "make gcc-avr avr-libc"),
    "simavr": (("make", "gcc"), "make gcc libc6-dev libsimavr-dev libelf-dev"),
}


@cache
def built(target: str) -> Path:
    """The folder of what `make target` makes."""
    tools, packages = PACKAGES[target]
    lacking = [tool for tool in tools if shutil.which(tool) is None]
    if target == "simavr" and not Path("/usr/include/simavr/sim_avr.h").is_file():
        lacking.append("libsimavr")
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}; on Debian: apt-get install {packages}")
    done = subprocess.run(["make", "-s", "-C", FIRMWARE, target], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return FIRMWARE / "build"


class Hands(ABC):
    """What the hands do at the terminals of a simulated box, in the words of `hal/box.h`."""

    kind: str

    @abstractmethod
    def hand(self, line: str) -> None: ...

    def interlock(self, *, closed: bool) -> None:
        self.hand(f"interlock {closed:d}")

    def grid(self, state: Literal["sound", "open", "short"]) -> None:
        self.hand(f"grid {state}")

    def deviate(self, percent: float) -> None:
        self.hand(f"deviate {percent}")

    def stick_gate(self) -> None:
        self.hand("gate_sticks 1" if self.kind == "shuttle_box" else "sticks 1")

    def lever(self, side: str, *, pressed: bool) -> None:
        self.hand(f"lever {side} {pressed:d}")

    def head(self, *, inside: bool) -> None:
        self.hand(f"head {inside:d}")

    def jam(self) -> None:
        self.hand("jam 1")

    def beam(self, line: str, *, broken: bool) -> None:
        self.hand(f"beam {line} {broken:d}")


class Pins(ctypes.Structure):
    """What the terminals carry (`hal/native.h`)."""

    _fields_ = [
        *[(name, ctypes.c_uint32) for name in ("gate", "second_switch", "lamp", "feeder", "current_ua", "outputs")],
        *[(name, ctypes.c_uint32) for name in ("tone_hz", "n_pulses")],
        ("gate_open_us", ctypes.c_uint64),
    ]


@cache
def library(kind: str) -> Any:
    """The firmware of a kind of device as a library; there is one such device in this process."""
    found = ctypes.CDLL(str(built("native") / f"lib{kind}.so"))
    found.native_run_until.argtypes = [ctypes.c_uint64]
    found.native_now_us.restype = found.native_next_us.restype = ctypes.c_uint64
    found.native_hand.restype = ctypes.c_bool
    return found


class LibraryBench(Hands):
    """The portable core and the virtual clock, in this process."""

    def __init__(self, kind: str, *, uid: str = UID) -> None:
        self.kind = kind
        self.library = library(kind)
        self._buffer = ctypes.create_string_buffer(1 << 20)
        self.library.native_power_on(bytes.fromhex(uid))

    def say(self, data: bytes) -> None:
        self.library.native_receive(data, len(data))

    def pass_time(self, us: int) -> None:
        self.library.native_run_until(self.library.native_now_us() + us)

    def hear(self) -> bytes:
        n = self.library.native_take(self._buffer, len(self._buffer))
        return self._buffer.raw[:n] if n > 4_096 else ctypes.string_at(self._buffer, n)

    def hand(self, line: str) -> None:
        assert self.library.native_hand(line.encode()), line

    def pins(self) -> dict[str, int]:
        pins = Pins()
        self.library.native_pins(ctypes.byref(pins))
        return {name: getattr(pins, name) for name, _ in Pins._fields_}


class Program(Hands):
    """A program that runs the firmware behind a pseudo-terminal, in real time."""

    options: tuple[str, ...] = ()

    def __init__(self, kind: str, *, uid: str = UID) -> None:
        self.kind = kind
        command = [*map(str, self.command(kind)), *self.options, *(["--uid", uid] if uid else [])]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )
        self._end = weakref.finalize(self, _end, self.process)
        self.edges: list[tuple[bool, float]] = []
        self.port = self._line().removeprefix("PTY ").strip()

    def command(self, kind: str) -> list[object]:
        return [built("native") / kind]

    def end(self) -> None:
        """Switch it off."""
        self._end()

    def hand(self, line: str) -> None:
        assert self._ask(line) == "OK", line

    def pins(self) -> dict[str, int]:
        words = self._ask("pins").split()[1:]
        return {name: int(number) for name, number in (word.split("=") for word in words)}

    def watch_gate(self) -> None:
        """From now on, note the edges of the gate pin in `edges`: level, and when in µs."""
        assert self._ask("edges 1") == "OK"

    def _ask(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        while (answer := self._line()).startswith("EDGE"):
            _, state, us = answer.split()
            self.edges.append((state == "1", float(us)))
        return answer

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}"
        return line.strip()


class PortBench(Program):
    """The same in virtual time."""

    options = ("--virtual",)

    def __init__(self, kind: str, *, uid: str = UID) -> None:
        import tty

        super().__init__(kind, uid=uid)
        self._host = os.open(self.port, os.O_RDWR | os.O_NOCTTY)
        weakref.finalize(self, os.close, self._host)
        tty.setraw(self._host)
        self._n_said = self._n_heard = self._n_sent = 0

    def say(self, data: bytes) -> None:
        """Write, and see to it that the device has taken it now."""
        for start in range(0, len(data), 2_048):
            part = data[start : start + 2_048]
            self._n_said += os.write(self._host, part)
            self.pass_time(0)

    def pass_time(self, us: int) -> None:
        word, _, n_sent = self._ask(f"run {us} {self._n_said}").split()
        assert word == "AT"
        self._n_sent = int(n_sent)
        self._drain()

    _waiting = b""

    def _drain(self) -> None:
        while self._n_heard < self._n_sent:
            data = os.read(self._host, 65_536)
            self._n_heard += len(data)
            self._waiting += data

    def hear(self) -> bytes:
        data, self._waiting = self._waiting, b""
        return data


class SimavrBench(PortBench):
    """The AVR image, executed instruction by instruction; switched on 20 ms ago, for a processor has to wake."""

    def __init__(self, kind: str, *, uid: str = UID) -> None:
        super().__init__(kind, uid=uid)
        self.pass_time(20_000)

    def command(self, kind: str) -> list[object]:
        return [built("simavr") / f"simavr-{kind}", MCU[kind], built("avr") / f"{kind}-{MCU[kind]}.elf"]


class MegaBench(SimavrBench):
    """The shock controller on the larger processor."""

    def command(self, kind: str) -> list[object]:
        return [built("simavr") / f"simavr-{kind}", "atmega2560", built("avr") / f"{kind}-atmega2560.elf"]


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                pass
