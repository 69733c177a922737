from __future__ import annotations

import numpy as np
import pytest

from behavior.audio.spectrogram import FrameGrid
from behavior.model.errors import BadFile
from behavior.usv.contour import LEAD, Contour
from behavior.usv.gate import Gate, KnownEvent, read_events, set_off_anew
from behavior.usv.profile import load_profile

GRID = FrameGrid.at(250_000)
PROFILE = load_profile("rat")


def contour(n=100, start=1000, *, level=20.0, fall=0.0, click=None, base=0.0, rivals=0.0, heard=0.0, hz_per_frame=0.0):
    """`n` frames at `level` dB, falling by `fall` dB a frame, with a click at frame `click`."""
    ridge = np.full(n, level) - fall * np.arange(n)
    loud = np.full(n + LEAD, base)
    if click is not None:
        loud[LEAD + click : LEAD + click + 3] = 20.0
    audible = np.where(np.arange(n + LEAD) >= LEAD, heard, 0.0)
    bins = 20.0 + hz_per_frame / GRID.bin_hz * np.arange(n)
    return Contour(start, start + n, float(ridge.max()), bins, ridge, ridge.copy(), np.full(n, rivals), audible, loud)


def reason(sound: Contour, events=()) -> str | None:
    return Gate(PROFILE, GRID, events).of_contour(sound)


def test_a_clean_contour_passes():
    assert reason(contour()) is None


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (contour(20, click=0), "ringing after a click"),
        (contour(20, heard=30.0), "ringing after a click"),
        (contour(100, fall=0.1, click=0), "ringing after a click"),
        (contour(400, level=9.0, base=9.0), "texture of broadband noise"),
        (contour(rivals=6.0), "one of many ridges"),
        (contour(8000), "steady tone"),
        (contour(10, level=4.6), ""),
    ],
    ids=["short, at a click", "short, with a thud", "dying away", "weak in noise", "harmonics", "endless", "noise"],
)
def test_what_is_no_call_is_told_by_its_shape(sound, why):
    assert reason(sound) == why


@pytest.mark.parametrize(
    "sound",
    [
        contour(400, click=0),
        contour(100, click=50),
        contour(100, click=0, hz_per_frame=40),
        contour(100, level=20.0, base=9.0),
    ],
    ids=["long, at a click", "a click within", "sweeping, at a click", "strong in noise"],
)
def test_calls_among_noises_pass(sound):
    assert reason(sound) is None


def test_most_of_a_short_contour_within_a_known_event_is_enough():
    sound = contour(40)
    start_s = GRID.onset_s(sound.start)
    assert reason(sound, [KnownEvent("lever", start_s, start_s + 0.012)]) == "during lever"
    assert reason(sound, [KnownEvent("lever", start_s + 1, start_s + 1.012)]) is None
    assert reason(contour(400), [KnownEvent("shock", start_s, start_s + 5)]) is None


def test_a_click_that_makes_it_louder_cuts_a_contour():
    ridge = np.where(np.arange(100) < 50, 10.0, 30.0)
    loud = np.zeros(100 + LEAD)
    loud[LEAD + 48 : LEAD + 50] = 20.0
    sound = Contour(0, 100, 30.0, np.full(100, 9.0), ridge, ridge, np.zeros(100), np.zeros(100 + LEAD), loud)
    assert set_off_anew(sound) == [48]
    parts = sound.cut([48])
    assert [(part.start, part.stop, part.strongest) for part in parts] == [(0, 48, 10.0), (48, 100, 30.0)]
    assert [len(part.base) - LEAD for part in parts] == [48, 52]


def test_noise_before_a_hole_is_trimmed_and_a_part_of_the_call_is_not():
    ridge = np.full(60, 15.0)
    ridge[:2], ridge[2:10] = 5.0, np.nan
    sound = Contour(0, 60, 15.0, np.full(60, 9.0), ridge, ridge, np.zeros(60), np.zeros(72), np.zeros(72))
    assert sound.trimmed(4.4, 2.5).start == 10
    ridge[:2] = 12.0
    assert sound.trimmed(4.4, 2.5).start == 0


def test_events_are_read_in_order_and_problems_come_all_at_once(tmp_path):
    table = tmp_path / "events.csv"
    table.write_text("kind,start_s,stop_s\nlever,2,2.1\nshock,1,1.5\n")
    assert [event.kind for event in read_events(table)] == ["shock", "lever"]
    table.write_text("kind,start_s,stop_s\nlever,x,2.1\nshock,3,1.5\n")
    with pytest.raises(BadFile) as error:
        read_events(table)
    assert [problem.key for problem in error.value.problems] == ["line 2", "line 3"]
    table.write_text("kind,start_s\n")
    with pytest.raises(BadFile, match="stop_s"):
        read_events(table)
