"""What of the computer decides how a session runs: packages, ports, clock, disk, loopback, sound, compiled code.

Rules. Nothing is changed, nobody is asked at a port, no sound is kept. Figures come with what they mean for a session;
a busy computer is a note, and "WRONG" is what the package cannot work with.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior import __version__
from behavior.app.selftest.finding import Finding, percentiles
from behavior.model.errors import BehaviorError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

SLEEP_S, N_SLEEPS = 0.001, 300
LATE_MS = 20.0
"""A wake-up this late is seen in the latency of a response's consequence."""
N_LINES, SLOW_FLUSH_MS, LITTLE_SPACE_GB = 100, 250.0, 2.0
LISTEN_S, MOST_LISTENED = 2.0, 2
IMPORTED_AS = {"pillow": "PIL", "pyserial": "serial", "harp-device": "harp.device", "harp-protocol": "harp.protocol"}


def this_machine() -> Finding:
    """Version, system, processors."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    figures = {
        "behavior": __version__, "python": platform.python_version(), "implementation": sys.implementation.name,
        "system": platform.system(), "release": platform.release(), "machine": platform.machine(), "n_cores": cores,
        "file_names": sys.getfilesystemencoding(), "output": sys.stdout.encoding,
    }  # fmt: skip
    line = (
        f"behavior {__version__}, Python {figures['python']}, {figures['system']} {figures['release']} "
        f"{figures['machine']}, {cores} processors"
    )
    return Finding("machine", "good", (line,), figures)


def dependencies(stated: list[str] | None = None) -> Finding:
    """Whether each package that this one needs is there, in a version that it was made for, and can be loaded.

    Parameters
    ----------
    stated : requirements; those of the installed package where absent
    """
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        lines = requires("behavior") or [] if stated is None else stated
    except PackageNotFoundError:
        return Finding("packages", "note", ("the package runs without being installed: versions were not compared",))
    versions: dict[str, str] = {}
    wrong, missing = [], []
    for requirement in map(Requirement, lines):
        extra = _extra_of(requirement)
        if requirement.name == "behavior" or extra == "test":
            continue
        why = _against(requirement, versions, load=extra is None)
        if why and extra is None:
            wrong.append(why)
        elif why:
            missing.append(f"{why} (only for behavior[{extra}])")
    if wrong:
        return Finding("packages", "WRONG", (*wrong, *missing), versions)
    line = f"{len(versions)} packages are there, in versions this was made for"
    return Finding("packages", "good", (line, *missing), versions)


def _extra_of(requirement: Requirement) -> str | None:
    if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
        return None
    marker = str(requirement.marker)
    return marker.partition("extra == ")[2].strip("\"'") or "another system"


def _against(requirement: Requirement, versions: dict[str, str], *, load: bool) -> str:
    """What is wrong with a package; empty if nothing is. Its version goes into `versions`."""
    from importlib import import_module
    from importlib.metadata import PackageNotFoundError, version

    try:
        versions[requirement.name] = found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if not requirement.specifier.contains(found, prereleases=True):
        return f"{requirement.name} is {found}, and must be {requirement.specifier}; install behavior again"
    if load:
        try:
            import_module(IMPORTED_AS.get(requirement.name, requirement.name))
        except Exception as error:  # noqa: BLE001 — a broken library may raise anything
            return f"{requirement.name} {found} cannot be loaded ({type(error).__name__}: {error}); install it again"
    return ""


def ports() -> Finding:
    """Which serial ports there are, and whether we may open them. Nobody is asked there."""
    from behavior.devices.discovery import serial_ports

    found = serial_ports()
    says, state = [], "good"
    for port in found:
        shut = os.name == "posix" and Path(port.name).exists() and not os.access(port.name, os.R_OK | os.W_OK)
        says.append(
            f"{port.name}  {port.description}" + ("  may not be opened: see `behavior devices`" if shut else "")
        )
        state = "note" if shut else state
    line = f"serial ports: {len(found)}; `behavior devices` asks who is there" if found else "no serial port"
    return Finding("ports", "note" if state == "note" else "good", (line, *says), {"n_ports": len(found)})


def timing(
    clock_ns: Callable[[], int] = time.perf_counter_ns, sleep: Callable[[float], None] = time.sleep, n: int = N_SLEEPS
) -> Finding:
    """How late the computer wakes a program, by a timer and from another thread, and the grain of its clock."""
    late_ms, steps_ns, back = [], [], 0
    for _ in range(n):
        before = clock_ns()
        sleep(SLEEP_S)
        after = clock_ns()
        late_ms.append((after - before) / 1e6 - 1e3 * SLEEP_S)
        back += after < before
        steps_ns.append(clock_ns() - after)
    figures: dict[str, Any] = {"sleep_late": percentiles(late_ms, "ms"), "clock_step_ns": min(steps_ns),
                               "thread_wake": percentiles(_thread_wakes_us(clock_ns, n), "us", 0)}  # fmt: skip
    if back:
        return Finding("timing", "WRONG", (f"the clock went backwards {back} times in {n}",), figures)
    late, wake = figures["sleep_late"], figures["thread_wake"]
    says = [
        "a sleep of 1 ms ends {p50_ms:.2f} ms late (99 of 100: {p99_ms:.2f}, worst {worst_ms:.2f})".format(**late),
        f"a thread is woken within {wake['p50_us']:.0f} µs (99 of 100: {wake['p99_us']:.0f})",
    ]
    if late["p99_ms"] <= LATE_MS:
        return Finding("timing", "good", tuple(says), figures)
    says.append("the computer is busy or its timer is coarse: what the host reacts to comes late by as much; pulses "
                "are timed by the devices and are not concerned")  # fmt: skip
    return Finding("timing", "note", tuple(says), figures)


def _thread_wakes_us(clock_ns: Callable[[], int], n: int) -> list[float]:
    """From one thread's word to the other's hearing it."""
    ready, asked, heard = threading.Event(), threading.Event(), [0]

    def listen() -> None:
        for _ in range(n):
            asked.wait()
            heard[0] = clock_ns()
            asked.clear()
            ready.set()

    thread = threading.Thread(target=listen, name="selftest")
    thread.start()
    wakes = []
    for _ in range(n):
        ready.clear()
        told = clock_ns()
        asked.set()
        ready.wait()
        wakes.append((heard[0] - told) / 1e3)
    thread.join()
    return wakes


def disk(folder: Path, n: int = N_LINES) -> Finding:
    """How long the disk under a folder takes to keep a journal's line, flushed one by one, and how much is free."""
    from behavior.model.events import LeverPressed
    from behavior.session.journal import line_of

    flush_ms, written_us = [], []
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="behavior-selftest-", buffering=0) as file:
            for seq in range(n):
                line, _ = line_of(LeverPressed(seq, "left"), seq, 0, seq)
                began = time.perf_counter_ns()
                file.write(line)
                written = time.perf_counter_ns()
                os.fsync(file.fileno())
                written_us.append((written - began) / 1e3)
                flush_ms.append((time.perf_counter_ns() - written) / 1e6)
        free_gb = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        why = f"{folder}: files cannot be kept here ({error.strerror}); name another folder with --data"
        return Finding("disk", "WRONG", (why,))
    flush, write = percentiles(flush_ms, "ms"), percentiles(written_us, "us", 1)
    says = [
        f"a journal line is with the system in {write['p50_us']:.0f} µs and on the disk in {flush['p50_ms']:.2f} ms "
        f"(99 of 100: {flush['p99_ms']:.2f}); {free_gb:.0f} GB are free"
    ]
    if flush["p99_ms"] > SLOW_FLUSH_MS:
        says.append(
            "flushing is slow: a power cut may cost the last moments of a journal; keep sessions on a local disk"
        )
    if free_gb < LITTLE_SPACE_GB:
        says.append("little space is free: an hour of sound at 250 kHz takes 1.8 GB")
    figures = {"flush": flush, "write": write, "free_gb": round(free_gb, 1)}
    return Finding("disk", "good" if len(says) == 1 else "note", tuple(says), figures)


def loopback() -> Finding:
    """Whether the pages of the dashboard and the review could be served to a browser on this computer."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 2):
            pass
    except OSError as error:
        return Finding("loopback", "note", (f"no page can be served here ({error.strerror}): no dashboard, no review",))
    return Finding("loopback", "good", ("pages can be served on 127.0.0.1",))


def shipped_files() -> Finding:
    """Whether the configuration that comes with the package is there and can be read."""
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import shipped
    from behavior.config.study import Study
    from behavior.devices.registers import device_map
    from behavior.paradigms.catalogue import our_paradigms

    try:
        rigs = sorted(shipped("configs", "rigs").glob("*.toml"))
        studies = sorted(shipped("configs", "studies").glob("*.toml"))
        for path in rigs:
            read(path, Rig)
        for path in studies:
            read(path, Study)
        kinds = ("shock_controller", "operant_chamber", "shuttle_box")
        for kind in kinds:
            device_map(kind)
    except (BehaviorError, OSError) as error:
        return Finding("shipped files", "WRONG", (f"{error}; install behavior again",))
    figures = {
        "n_rigs": len(rigs),
        "n_studies": len(studies),
        "n_devices": len(kinds),
        "n_paradigms": len(our_paradigms()),
    }
    line = "{n_rigs} rigs, {n_studies} studies, {n_devices} devices, {n_paradigms} paradigms can be read"
    return Finding("shipped files", "good", (line.format(**figures),), figures)


def compiled() -> Finding:
    """Where compiled code is kept, whether that lasts, and how long the detector takes to be ready."""
    from behavior.app.searching import compile_detector
    from behavior.usv.profile import load_profile

    began = time.perf_counter()
    try:
        from behavior.audio import jit

        compile_detector(load_profile("rat"))
    except Exception as error:  # noqa: BLE001 — compilers fail in their own ways
        return Finding(
            "compiled code", "WRONG", (f"the detector cannot be compiled ({type(error).__name__}: {error})",)
        )
    ready_s, kept = time.perf_counter() - began, jit.kept()
    figures = {"ready_s": round(ready_s, 2), "kept_in": str(kept.folder), "lasts": kept.lasts,
               "n_loaded": kept.n_loaded, "n_compiled": kept.n_compiled}  # fmt: skip
    line = (
        f"the detector was ready after {ready_s:.1f} s: {kept.n_loaded} parts were kept from before, {kept.n_compiled} "
        f"were compiled; they are kept in {kept.folder}"
    )
    if kept.lasts:
        return Finding("compiled code", "good", (line,), figures)
    return Finding("compiled code", "note", (line, "which is gone when a program ends, so that each compiles anew: set "
                   "NUMBA_CACHE_DIR to a folder that you may write to"), figures)  # fmt: skip


def sound(*, listens: bool = True) -> Finding:
    """Which microphones there are, and the true sample rates of the first ones; what is heard is not kept."""
    from behavior.audio.portaudio import sound_devices

    try:
        devices = sound_devices()
    except BehaviorError as error:
        return Finding("sound", "note", (f"no live sound: {error}",))
    except Exception as error:  # noqa: BLE001 — PortAudio's own errors, of which there are many
        return Finding("sound", "note", (f"no live sound: the sound system fails ({error})",))
    says, rows, state = [f"{len(devices)} microphones" if devices else "no microphone"], [], "good"
    for number, device in enumerate(devices):
        row: dict[str, Any] = {"device": device.identity, "usual_rate_hz": device.usual_rate_hz}
        said = ""
        if listens and number < MOST_LISTENED:
            said, found = _rate_of(device.identity, device.usual_rate_hz)
            row |= found
            state = state if found else "note"
        says.append(f"{device.identity}{said}")
        rows.append(row)
    return Finding("sound", "note" if state == "note" else "good", tuple(says), {"devices": rows})


def _rate_of(identity: str, rate_hz: int) -> tuple[str, dict[str, Any]]:
    """A microphone's rate by the computer's clock."""
    from behavior.audio.check import listen
    from behavior.audio.portaudio import PortAudioSource

    try:
        check = listen(PortAudioSource(identity, rate_hz, 1), LISTEN_S)
    except BehaviorError as error:
        return f": {error}", {}
    figures = {
        "rate_hz": round(check.rate_hz, 1),
        "uncertainty_hz": round(check.uncertainty_hz, 1),
        "n_overflows": check.n_overflows,
    }
    return f": {check.rate_hz:.0f} ± {check.uncertainty_hz:.0f} Hz of {rate_hz}, {check.n_overflows} losses", figures


def parts(folder: Path, *, listens: bool) -> Iterator[tuple[str, Callable[[], Finding]]]:
    """All of these, in order, each by its name."""
    yield "machine", this_machine
    yield "packages", dependencies
    yield "shipped files", shipped_files
    yield "ports", ports
    yield "timing", timing
    yield "disk", lambda: disk(folder)
    yield "loopback", loopback
    yield "sound", lambda: sound(listens=listens)
    yield "compiled code", compiled
