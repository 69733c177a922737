"""`behavior audio-check`: which microphones are here, and whether one delivers what it says."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.audio.check import Check
    from behavior.audio.portaudio import SoundDevice

SHARED_MODES = (
    "Windows' MME, DirectSound and shared WASAPI resample everything to the mixer's rate, usually 48 kHz: nothing "
    "above 24 kHz is left, and nothing says so. A rig's microphone is opened in WASAPI's exclusive mode."
)


def audio_check(
    device: Annotated[
        str | None, typer.Argument(help="The microphone, by its name or a part that no other has.")
    ] = None,
    rig: Annotated[str | None, typer.Option(help="Check the microphone that this rig names, with --chamber.")] = None,
    chamber: Annotated[str | None, typer.Option(help="Of which chamber.")] = None,
    sample_rate: Annotated[int, typer.Option(min=8_000, max=1_000_000, help="Samples a second to ask for.")] = 250_000,
    channels: Annotated[int, typer.Option(min=1, max=32, help="How many channels to record.")] = 1,
    seconds: Annotated[float, typer.Option(min=2, max=600, help="How long to listen.")] = 5.0,
    keep: Annotated[Path | None, typer.Option(help="Also write what was heard, WAV or FLAC.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """List the microphones; record 5 s from one, and compare its sample rate with the clock."""
    from behavior.audio.portaudio import PortAudioSource, sound_devices

    if rig is not None:
        device, sample_rate, channels = of_rig(rig, chamber)
    devices = sound_devices()
    if not as_json:
        list_devices(devices)
    if device is None:
        if as_json:
            typer.echo(json.dumps({"devices": _listed(devices)}, indent=1))
        return
    check = heard(PortAudioSource(device, sample_rate, channels), seconds, keep)
    if as_json:
        typer.echo(json.dumps({"devices": _listed(devices), "device": device, "check": asdict(check)}, indent=1))
    else:
        say(device, check)
    if check.problems:
        raise Failure(f"{device}: {'; '.join(check.problems)}")


def of_rig(rig: str, chamber: str | None) -> tuple[str, int, int]:
    """Device, rate and channels of the microphone that a rig names.

    Raises
    ------
    BadInput
        There is no such chamber, or it names none.
    """
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find

    if chamber is None:
        raise BadInput("--rig: say which --chamber of it")
    microphone = read(find(rig, "configs", "rigs"), Rig).chamber(chamber).microphone
    if microphone is None or microphone.device is None:
        raise BadInput(f'{rig}: chamber {chamber} names no microphone; add device = "…" to its microphone')
    return microphone.device, microphone.sample_rate_hz, microphone.channels


def heard(source: Any, seconds: float, keep: Path | None) -> Check:
    """Listen to a microphone, and keep what was heard if that is wanted."""
    from behavior.audio.check import listen
    from behavior.audio.write import RecordingWriter

    with contextlib.ExitStack() as stack:
        if keep is None:
            return listen(source, seconds)
        writer = stack.enter_context(RecordingWriter(keep, source.sample_rate_hz, source.channels))
        return listen(source, seconds, keep=writer.write)


def list_devices(devices: list[SoundDevice]) -> None:
    """Print what there is, and what its sound system does to ultrasound."""
    if not devices:
        typer.echo("No microphone is here: plug one in, and look whether the system lists it.")
    for device in devices:
        typer.echo(f"{device.identity}   ({device.channels} channels, {device.usual_rate_hz} Hz by default)")
        if device.remark:
            typer.echo(f"    {device.remark}")
    if devices:
        typer.echo(SHARED_MODES)


def say(device: str, check: Check) -> None:
    """Print what was found of a microphone."""
    off = 1e6 * (check.rate_hz / check.stated_hz - 1)
    sure = 1e6 * check.uncertainty_hz / check.stated_hz
    lines = (
        f"{device}: {check.n_samples} samples",
        f"  rate       {check.rate_hz:.1f} a second by the clock, {off:+.0f} ppm from {check.stated_hz} (± {sure:.0f})",
        f"  overflows  {check.n_overflows}",
        f"  level      {check.level_db:.1f} dB re full scale, rms",
        f"  holds      {'nothing' if not check.highest_hz else f'sound up to {check.highest_hz / 1000:.0f} kHz'}",
        f"  lowest bit {check.line}",
    )
    typer.echo("\n".join(lines))


def _listed(devices: list[SoundDevice]) -> list[dict[str, Any]]:
    return [asdict(device) | {"identity": device.identity, "remark": device.remark} for device in devices]
