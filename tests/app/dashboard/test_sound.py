"""Sound as pictures: the same columns whoever asks for them and when, also while the file is written; calls beside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.dashboard.labs import begun
from app.dashboard.visitor import Visitor
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.command import screens
from behavior.app.dashboard.sound import (
    CEILING_DB,
    FLOOR_DB,
    LONGEST_S,
    columns,
    found_calls,
    sounds_in,
)  # fmt: skip
from behavior.audio.write import RecordingWriter
from behavior.model.errors import BadInput
from conftest import ROOT
from session.recorded import header_of

RATE = 250_000
SAMPLE = next((ROOT / "sample_data" / "study").glob("sub-R10/ses-*"))


def tone(path: Path, hz: float, amplitude: float = 0.01, duration_s: float = 0.5) -> Path:
    t = np.arange(round(duration_s * RATE)) / RATE
    with RecordingWriter(path, RATE) as file:
        file.write((amplitude * 32768 * np.sin(2 * np.pi * hz * t)).astype(np.int16))
    return path


def pixels(path: Path, first: int, n: int, column_us: int = 10_000) -> np.ndarray:
    part = columns(path, first, n, column_us)
    return np.frombuffer(part.pixels, np.uint8).reshape(-1, part.rows)


@pytest.mark.parametrize("hz", [22_000.0, 50_000.0, 80_000.0])
def test_a_tone_is_at_its_frequency_and_as_bright_as_it_is_loud(tmp_path: Path, hz: float) -> None:
    part = columns(tone(tmp_path / "audio.wav", hz), 0, 50, 10_000)
    found = np.frombuffer(part.pixels, np.uint8).reshape(part.n, part.rows)
    assert part.n == part.available == 50
    row = int(found[10].argmax())
    assert row * part.top_hz / part.rows == pytest.approx(hz, abs=part.top_hz / part.rows)
    level_db = FLOOR_DB + found[10, row] / 255 * (CEILING_DB - FLOOR_DB)
    assert level_db == pytest.approx(-40.0, abs=1.5)
    assert np.median(found[10]) < 100, "and dark elsewhere"


def test_any_part_is_the_same_part_of_the_whole() -> None:
    sound = SAMPLE / "audio.flac"
    whole = pixels(sound, 0, 1200)
    for first, n in ((0, 1), (1, 7), (333, 300), (1190, 10)):
        assert (pixels(sound, first, n) == whole[first : first + n]).all()
    assert pixels(sound, 1195, 100).shape[0] == 5, "beyond the end there is none"
    assert pixels(sound, 5000, 10).shape[0] == 0


def test_sound_that_is_still_written_is_shown_as_far_as_it_is_there(tmp_path: Path) -> None:
    t = np.arange(RATE)
    block = (3000 * np.sin(2 * np.pi * 40_000 * t / RATE)).astype(np.int16)
    with RecordingWriter(tmp_path / "audio.wav", RATE) as file:
        with pytest.raises(BadInput, match="is no sound that can be read yet"):
            columns(tmp_path / "nothing.wav", 0, 1, 10_000)
        file.write(block)
        assert columns(tmp_path / "audio.wav", 0, 1000, 10_000).available == 100
        early = pixels(tmp_path / "audio.wav", 0, 90)
        file.write(block)
        assert columns(tmp_path / "audio.wav", 0, 1000, 10_000).available == 200
        assert (pixels(tmp_path / "audio.wav", 0, 90) == early).all()


@pytest.mark.parametrize("what", [(-1, 10, 10_000), (0, 0, 10_000), (0, 5000, 10_000), (0, 100, 10**7), (0, 10, 1)])
def test_too_much_at_once_is_refused(what: tuple[int, int, int]) -> None:
    with pytest.raises(BadInput, match=f"at most {LONGEST_S:g} s"):
        columns(SAMPLE / "audio.flac", *what)


def test_calls_come_from_the_tables_of_the_session_and_only_of_this_file(tmp_path: Path) -> None:
    found = found_calls(SAMPLE, "audio.flac")
    assert len(found["calls"]) == 1 and found["rejected"]
    assert found["calls"][0][0] == pytest.approx(9.202944)
    assert found_calls(SAMPLE, "audio_part-02.flac") == {"calls": [], "rejected": []}
    (tmp_path / "calls.csv").write_text("file,onset_s\naudio.flac,x\n")
    assert found_calls(tmp_path, "audio.flac") == {"calls": [], "rejected": []}


def test_only_the_sound_of_a_session_is_served_as_sound(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    tone(folder.path / "audio.wav", 40_000)
    (folder.path / "other.wav").write_bytes((folder.path / "audio.wav").read_bytes())
    place = folder.path.relative_to(tmp_path).as_posix()
    visitor = Visitor(screens(tmp_path, Access()))
    answer = visitor.get(f"/sound/{place}", params={"file": "audio.wav", "first": 0, "n": 20, "column_us": 10_000})
    assert (answer.status_code, answer.headers["x-columns"], answer.headers["x-top-hz"]) == (200, "50", "125000")
    assert len(answer.content) == 20 * int(answer.headers["x-rows"])
    for file in ("other.wav", "../audio.wav", "header.json", ""):
        assert (
            visitor.get(f"/sound/{place}", params={"file": file, "first": 0, "n": 1, "column_us": 10_000}).status_code
            == 404
        )
    assert visitor.get(f"/sound/{place}", params={"file": "audio.wav", "first": "x"}).status_code == 400
    assert sounds_in(folder) == ["audio.wav"]
    assert header_of().subject == folder.header.subject
