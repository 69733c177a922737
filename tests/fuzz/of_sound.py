"""Recordings: every container's header and body, read block by block, by excerpt, as columns and as sound to hear."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from behavior.app.dashboard.listen import audible
from behavior.app.dashboard.sound import columns
from behavior.app.dashboard.tiles import Tiles
from behavior.audio.excerpt import excerpt
from behavior.audio.read import Recording
from behavior.audio.write import RecordingWriter
from fuzz.target import Target, of_file

RATE_HZ = 250_000
CONTAINERS = {
    "wav": ("WAV", "PCM_16"), "wav-float": ("WAV", "FLOAT"), "wav-24": ("WAV", "PCM_24"), "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"), "flac": ("FLAC", "PCM_16"), "aiff": ("AIFF", "PCM_16"), "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"), "ogg": ("OGG", "VORBIS"), "wavex": ("WAVEX", "PCM_16"),
}  # fmt: skip


def targets(place: Path) -> Iterator[Target]:
    for name in CONTAINERS:
        seeds = [_sound(name), _sound(name, 2)] if name != "ogg" else [_sound(name)]
        yield of_file(f"sound/{name}", seeds, read, place / name, "sound.wav", cost=0.3)
    seeds = [_sound("wav"), _sound("flac"), _own(place)]
    yield of_file("sound/own", [_own(place)], read, place / "own", "audio.wav", cost=0.3)
    yield of_file(
        "sound/columns", seeds, lambda path: columns(path, 0, 50, 500), place / "columns", "audio.wav", cost=4
    )
    yield of_file("sound/tiles", seeds, _tiles, place / "tiles", "audio.wav", cost=5)
    yield of_file("sound/heard", seeds, _heard, place / "heard", "audio.wav", cost=18)


@cache
def _sound(name: str, n_channels: int = 1) -> bytes:
    import soundfile

    container, subtype = CONTAINERS[name]
    t = np.arange(5_000)[:, None] / RATE_HZ
    samples = 0.3 * np.sin(2 * np.pi * 22_000 * t) * np.ones((1, n_channels))
    stream = io.BytesIO()
    soundfile.write(stream, samples, 48_000 if name == "ogg" else RATE_HZ, format=container, subtype=subtype)
    return stream.getvalue()


@cache
def _own(place: Path) -> bytes:
    """As a session writes it."""
    path = place / "own-made.wav"
    place.mkdir(parents=True, exist_ok=True)
    writer = RecordingWriter(path, RATE_HZ, 1)
    writer.write(np.arange(4_000, dtype=np.int16)[:, None])
    writer.close()
    return path.read_bytes()


def read(path: Path) -> None:
    with Recording(path, channel=1) as sound:
        for n, _ in enumerate(sound.blocks(4096)):
            if n > 64:
                break
        sound.read_at(max(0, sound.n_samples - 10), 20)
    excerpt(path, 0.0, 0.01, channel=1)


def _tiles(path: Path) -> None:
    tiles = Tiles(path, 1)
    tiles.png(0, 0)


def _heard(path: Path) -> None:
    audible(path, 0.0, 0.015, factor=10.0, channel=1)
    audible(path, 0.0, 0.015, tuned_hz=22_000.0, channel=1)
