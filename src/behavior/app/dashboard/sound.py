"""The sound of a session as pictures: columns of a spectrogram, computed when they are asked for, and the calls in it.

    GET /sound/SESSION?file=F&first=I&n=N&column_us=U   bytes, N columns of as many rows, low frequencies first;
                                                        X-Rows, X-Top-Hz, X-First, X-Columns (how many there are now)
    GET /calls/SESSION?file=F                           {"calls": [[onset_s, offset_s, low_hz, high_hz, type], …], …}

Column `i` is the strongest power of the frames that begin in [i * U, (i + 1) * U) µs of the recording, whoever asks for
it and when, so that columns can be kept. A byte is 0 at -110 dB re full scale and 255 at -30 dB. Memory is a second of
sound, whatever is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.app.dashboard.site import NotHere, site_of
from behavior.audio.read import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from behavior.model.errors import BadInput
from behavior.session.folder import SessionFolder
from behavior.session.recording import part_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

FLOOR_DB, CEILING_DB = -110.0, -30.0
MOST_COLUMNS, LONGEST_S = 4000, 120.0
MOST_ROWS = 256


@dataclass(frozen=True, slots=True)
class Columns:
    """A part of a spectrogram. `pixels` are `n` columns of `rows` bytes; `available` columns are there in all."""

    pixels: bytes
    first: int
    n: int
    rows: int
    top_hz: float
    available: int


def columns(path: Path, first: int, n: int, column_us: int) -> Columns:
    """Columns [`first`, `first + n`) of a recording, as many of them as there are.

    Parameters
    ----------
    path : WAV, FLAC or whatever libsndfile reads, also one that is still being written
    first, n : which columns
    column_us : width of a column, µs

    Raises
    ------
    BadInput
        It is no sound, or this is too much at once.
    """
    import numpy as np

    from behavior.audio.spectrogram import FrameGrid, StreamingSpectrogram

    if first < 0 or not 0 < n <= MOST_COLUMNS or not column_us >= 200 or n * column_us > LONGEST_S * 1e6:
        raise BadInput(f"at most {LONGEST_S:g} s and {MOST_COLUMNS} columns at once; ask for less")
    with _opened(path) as sound, _whole(path):
        rate = int(sound.samplerate)
        if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
            raise BadInput(f"{path.name}: {rate} samples a second, as stated, cannot be true; look at the file")
        grid = FrameGrid.at(rate)
        n_bins = grid.size // 2
        pool = -(-n_bins // MOST_ROWS)
        rows = -(-n_bins // pool)
        available = int(sound.frames * 1e6 / rate / column_us)
        n = max(0, min(n, available - first))
        strongest = np.zeros((n, n_bins), np.float32)
        frame = -(-first * column_us * rate // (grid.hop * 1_000_000))
        last_sample = (first + n) * column_us * rate // 1_000_000 + grid.size
        sound.seek(min(frame * grid.hop, sound.frames))
        spectrogram = StreamingSpectrogram(grid, 1, n_bins)  # bin 0 is no sound; its row stays dark
        at = frame * grid.hop
        while n and at < last_sample:
            block = sound.read(min(rate, last_sample - at), dtype="int16", always_2d=True)[:, 0]
            if not len(block):
                break
            at += len(block)
            power = spectrogram.push(np.ascontiguousarray(block))
            places = (np.arange(frame, frame + len(power)) * grid.hop * 1_000_000 // rate) // column_us - first
            whole, starts = np.unique(places[places < n], return_index=True)
            if len(whole):
                last = int(np.count_nonzero(places < n))
                here = np.maximum.reduceat(power[:last], starts, axis=0)
                strongest[whole, 1:] = np.maximum(strongest[whole, 1:], here)
            frame += len(power)
    padded = np.zeros((n, rows * pool), np.float32)
    padded[:, :n_bins] = strongest
    level = 10 * np.log10(padded.reshape(n, rows, pool).max(axis=2) + 1e-20)
    pixels = np.clip((level - FLOOR_DB) * (255 / (CEILING_DB - FLOOR_DB)), 0, 255).astype(np.uint8)
    return Columns(pixels.tobytes(), first, n, rows, rows * pool * grid.bin_hz, available)


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """In the block a file that turns out to be damaged is a sentence."""
    import soundfile

    try:
        yield
    except (soundfile.LibsndfileError, RuntimeError):
        raise BadInput(f"{path.name}: is damaged or was cut, and cannot be shown from there on") from None


def _opened(path: Path) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError):
        raise BadInput(f"{path.name}: is no sound that can be read yet; wait, or look at it again") from None


# -- calls ------------------------------------------------------------------------------------------------------------

Box = tuple[float, float, float, float, str]
"""Onset and offset, s; lowest and highest frequency, Hz; type."""


def found_calls(folder: Path, file: str) -> dict[str, list[Box]]:
    """Calls and rejected events of a session's tables that lie in this file."""
    import csv

    found: dict[str, list[Box]] = {"calls": [], "rejected": []}
    for name, boxes in found.items():
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    box = _box(row)
                    if box is not None and row.get("file", file) == file:
                        boxes.append(box)
        except (OSError, UnicodeDecodeError, csv.Error):
            raise BadInput(f"{name}.csv: is no table of calls; make it again with `behavior rescore`") from None
    return found


def _box(row: dict[str, str]) -> Box | None:
    try:
        onset_s, offset_s = float(row["onset_s"]), float(row["offset_s"])
        what = row.get("call_type") or row.get("reason") or ""
        return onset_s, offset_s, float(row["low_hz"]), float(row["high_hz"]), what
    except (KeyError, ValueError, TypeError):
        return None


# -- addresses --------------------------------------------------------------------------------------------------------


def sound_of(request: Request) -> Path:
    """The file of a session's sound that an address names."""
    folder = site_of(request).inside(request.path_params["session"])
    name = request.query_params.get("file", "")
    if not part_of(name) or not (folder / name).is_file():
        raise NotHere("this session has no such sound; go back to it")
    return site_of(request).inside(f"{request.path_params['session']}/{name}")


async def sound(request: Request) -> Response:
    """Columns of a spectrogram."""
    from starlette.responses import Response

    try:
        first, n, column_us = (int(request.query_params[name]) for name in ("first", "n", "column_us"))
    except (KeyError, ValueError):
        raise BadInput("first, n and column_us must be whole numbers; use the pages of this site") from None
    part = await asyncio.to_thread(columns, sound_of(request), first, n, column_us)
    return Response(
        part.pixels,
        media_type="application/octet-stream",
        headers={
            "x-rows": str(part.rows),
            "x-top-hz": f"{part.top_hz:g}",
            "x-first": str(part.first),
            "x-columns": str(part.available),
            "cache-control": "no-store",
        },
    )


async def calls(request: Request) -> Response:
    """Calls of a session that is over."""
    from starlette.responses import JSONResponse

    path = sound_of(request)
    return JSONResponse(await asyncio.to_thread(found_calls, path.parent, path.name))


def routes() -> list[BaseRoute]:
    """The addresses of sound."""
    from starlette.routing import Route

    return [
        Route("/sound/{session:path}", sound),
        Route("/calls/{session:path}", calls),
    ]


def sounds_in(folder: SessionFolder) -> list[str]:
    """Names of the files of a session's sound, in order."""
    return sorted((path.name for path in folder.path.iterdir() if part_of(path.name)), key=part_of)
