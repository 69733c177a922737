"""Microphones behind PortAudio (the `audio` extra): found by name, opened so that nothing resamples them in silence.

What sound systems do to ultrasound:

* Windows' MME, DirectSound and shared WASAPI convert everything to the mixer's rate, usually 48 kHz: nothing above
  24 kHz is left, and nothing says so. WASAPI is opened in exclusive mode; MME and DirectSound are refused.
* macOS converts unless it is told to set the device's own rate: it is told, and fails if it cannot.
* Linux' ALSA `hw:` devices deliver their own rates or refuse. Sound servers (PulseAudio, PipeWire) resample in silence,
  and their death stops a stream without a word; both are looked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from behavior.audio.source import Deliver
from behavior.model.errors import BadInput, Failure

NOT_INSTALLED = (
    "recording needs PortAudio, which is not here: pip install 'behavior[audio]'"
    " (and on Debian or Ubuntu: apt-get install libportaudio2)"
)
BLOCK_S = 0.016
_CONVERTING = ("MME", "Windows DirectSound")
_BEST_FIRST = ("ASIO", "Windows WASAPI", "Windows WDM-KS", "Core Audio", "JACK Audio Connection Kit", "ALSA")
_NOT_RESAMPLED = ("n/a", "(null)", "copy", "trivial", "")


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """An input that PortAudio knows. `usual_rate_hz` is what the system takes for its rate, true or not."""

    name: str
    host_api: str
    channels: int
    usual_rate_hz: int

    @property
    def identity(self) -> str:
        """What a rig file names it by: never a number, which changes with what is plugged in."""
        return f"{self.name}, {self.host_api}"

    @property
    def remark(self) -> str:
        """What its sound system does to ultrasound; empty if nothing is known against it."""
        if self.host_api in _CONVERTING:
            return "resamples in silence, usually to 48 kHz: no ultrasound; use the same device under Windows WASAPI"
        if self.host_api == "Windows WASAPI":
            return "opened in exclusive mode; shared mode would resample to the mixer's rate, usually 48 kHz"
        if self.host_api == "ALSA" and "hw:" not in self.name:
            return "may be behind a sound server that resamples in silence; a name with hw: is not"
        return ""


def sound_devices() -> list[SoundDevice]:
    """All inputs, as the system lists them now.

    Raises
    ------
    BadInput
        PortAudio is not installed.
    """
    sounddevice = _sounddevice()
    apis = [api["name"] for api in sounddevice.query_hostapis()]
    return [
        SoundDevice(d["name"], apis[d["hostapi"]], d["max_input_channels"], round(d["default_samplerate"]))
        for d in sounddevice.query_devices()
        if d["max_input_channels"] > 0
    ]


def find_device(name: str, devices: list[SoundDevice]) -> SoundDevice:
    """The device of this identity, or the one whose identity contains it, in upper or lower case.

    Raises
    ------
    Failure
        None or several are there.
    BadInput
        It can only be had through a system that resamples.
    """
    wanted = name.casefold()
    exact = [d for d in devices if wanted in (d.identity.casefold(), d.name.casefold())]
    found = exact or [d for d in devices if wanted in d.identity.casefold()]
    if not found:
        known = "; ".join(d.identity for d in devices) or "none"
        raise Failure(f"microphone {name!r} is not there; plug it in, or name one of these: {known}")
    usable = [d for d in found if d.host_api not in _CONVERTING]
    if not usable:
        raise BadInput(f"{found[0].identity}: {found[0].remark}")
    best = min(_rank(d) for d in usable)
    candidates = [d for d in usable if _rank(d) == best]
    if len(candidates) > 1:
        names = "; ".join(d.identity for d in candidates)
        raise Failure(f"microphone {name!r}: several are there, say which: {names}")
    return candidates[0]


def _rank(device: SoundDevice) -> int:
    return _BEST_FIRST.index(device.host_api) if device.host_api in _BEST_FIRST else len(_BEST_FIRST)


@dataclass(frozen=True, slots=True)
class PortAudioOpener:
    """Says which microphone; makes the source where it is called.

    Parameters
    ----------
    device : its name or identity, as `behavior audio-check` lists it
    rate_hz : samples a second, to be delivered as they are taken
    channels : samples of one instant
    """

    device: str
    rate_hz: int
    channels: int = 1

    def __call__(self) -> PortAudioSource:
        """The source, closed."""
        return PortAudioSource(self.device, self.rate_hz, self.channels)


class PortAudioSource:
    """A microphone behind PortAudio.

    Parameters
    ----------
    device : its name or identity
    sample_rate_hz : samples a second
    channels : samples of one instant

    Raises
    ------
    BehaviorError
        PortAudio or the device is not there, or what it would deliver is no ultrasound.
    """

    def __init__(self, device: str, sample_rate_hz: int, channels: int = 1) -> None:
        self.device = find_device(device, sound_devices())
        self.sample_rate_hz, self.channels = sample_rate_hz, channels
        self._stream: Any = None
        self._finished = False

    @property
    def name(self) -> str:
        """What a rig file names it by."""
        return self.device.identity

    def open(self, deliver: Deliver) -> None:
        """Begin to deliver.

        Raises
        ------
        BadInput
            It does not have this rate or so many channels, or is resampled.
        """
        sounddevice = _sounddevice()

        def came(block: Any, n: int, times: Any, status: Any) -> None:
            deliver(block, bool(status.input_overflow))

        def finished() -> None:
            self._finished = True

        try:
            self._stream = sounddevice.InputStream(
                device=_index(sounddevice, self.device),
                samplerate=self.sample_rate_hz,
                channels=self.channels,
                dtype="int16",
                blocksize=round(BLOCK_S * self.sample_rate_hz),
                latency="high",
                extra_settings=_settings(sounddevice, self.device),
                dither_off=True,  # dither would overwrite a digital line in the lowest bit
                clip_off=True,
                callback=came,
                finished_callback=finished,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise BadInput(
                f"{self.name}: cannot be opened with {self.channels} channel{'s' if self.channels > 1 else ''} at "
                f"{self.sample_rate_hz} samples a second ({error.args[0]}); see `behavior audio-check`"
            ) from None
        if true_rate_hz := resampled_from(self.sample_rate_hz):
            self.close()
            raise BadInput(
                f"{self.name}: the sound server records {true_rate_hz} samples a second and would resample them to "
                f"{self.sample_rate_hz} in silence; ask for {true_rate_hz}, or name the hw: device itself"
            )

    def trouble(self) -> str:
        """Why it has stopped by itself; empty while it runs."""
        if self._stream is not None and (self._finished or not self._stream.active):
            return "its stream has ended by itself: unplugged, or the sound server died"
        return ""

    def close(self) -> None:
        """Stop. Does nothing the second time."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            with contextlib.suppress(Exception):  # a stream that has died cannot be closed well
                stream.close(ignore_errors=True)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError):
        raise BadInput(NOT_INSTALLED) from None
    return sounddevice


def _index(sounddevice: Any, device: SoundDevice) -> int:
    apis = [api["name"] for api in sounddevice.query_hostapis()]
    for index, d in enumerate(sounddevice.query_devices()):
        if d["name"] == device.name and apis[d["hostapi"]] == device.host_api and d["max_input_channels"] > 0:
            return index
    raise Failure(f"microphone {device.identity!r} is not there any more; plug it in")


def _settings(sounddevice: Any, device: SoundDevice) -> Any:
    if device.host_api == "Windows WASAPI":
        return sounddevice.WasapiSettings(exclusive=True)
    if device.host_api == "Core Audio":
        return sounddevice.CoreAudioSettings(change_device_parameters=True, fail_if_conversion_required=True)
    return None


def resampled_from(sample_rate_hz: int, process_id: int | None = None) -> int:
    """The rate at which a sound server truly records what this process hears at another; 0 if it does not resample.

    PulseAudio and PipeWire are asked through `pactl`; where there is neither, nothing resamples.
    """
    if not sys.platform.startswith("linux") or shutil.which("pactl") is None:
        return 0
    for output in _ask_server("source-outputs"):
        if str(output.get("properties", {}).get("application.process.id")) != str(process_id or os.getpid()):
            continue
        source = next((s for s in _ask_server("sources") if s.get("index") == output.get("source")), {})
        true_rate_hz = _rate_of(str(source.get("sample_specification", "")))
        resampled = str(output.get("resample_method", "")) not in _NOT_RESAMPLED
        if true_rate_hz and (resampled or true_rate_hz != sample_rate_hz):
            return true_rate_hz
    return 0


def _ask_server(what: str) -> Iterator[dict[str, Any]]:
    try:
        asked = subprocess.run(
            ["pactl", "-f", "json", "list", what], capture_output=True, timeout=5, check=False, env={**os.environ}
        )
        answer = json.loads(asked.stdout or b"[]")
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return
    yield from answer if isinstance(answer, list) else ()


def _rate_of(specification: str) -> int:
    """192000 from "s16le 1ch 192000Hz"."""
    last = specification.rpartition(" ")[2].removesuffix("Hz")
    return int(last) if last.isdigit() else 0
