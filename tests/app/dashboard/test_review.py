"""The review's answers, without a browser: pages, tiles, edits, sound, raters side by side, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from app.dashboard.visitor import Visitor
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.listen import AUDIBLE_HZ, audible
from behavior.app.dashboard.review import Reviewed
from behavior.app.dashboard.tiles import HEIGHT, WIDTH, Tiles
from behavior.app.review import recording_in, review_site
from behavior.model.errors import BadInput
from behavior.scoring.review import REVIEWED
from behavior.usv.gate import Rejected
from behavior.usv.table import REJECTED_COLUMNS, TableWriter, read_calls, write_calls
from scoring.sessions import call
from session.recorded import record

RATE, HZ = 250_000, 50_000
BASE = "/review/box.wav"


def tone(seconds: float = 4.0, at_s: float = 1.0, lasts_s: float = 0.5, hz: float = HZ) -> np.ndarray:
    sound = np.random.default_rng(2).normal(0, 20, round(seconds * RATE))
    t = np.arange(round(lasts_s * RATE)) / RATE
    sound[round(at_s * RATE) : round(at_s * RATE) + len(t)] += 3000 * np.sin(2 * np.pi * hz * t)
    return sound.astype(np.int16)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A recording with a tone of half a second, which was searched; and things nearby that are nobody's business."""
    data = tmp_path / "data"
    place = data / "box.wav.review"
    place.mkdir(parents=True)
    soundfile.write(data / "box.wav", tone(), RATE, subtype="PCM_16")
    write_calls(place / "calls.csv", [call(1.0, 0.5, HZ, "box.wav"), call(2.5, 0.1, 23e3, "box.wav")])
    with (place / "rejected.csv").open("w", newline="") as stream:
        TableWriter(stream, REJECTED_COLUMNS).write([Rejected("box.wav", 3.0, 3.1, 30e3, 60e3, 9.0, "a shock")])
    (tmp_path / "secret.wav").write_bytes((data / "box.wav").read_bytes())
    return data


@pytest.fixture
def visitor(box: Path) -> Visitor:
    return Visitor(review_site(box, Access()))


def entries(visitor: Visitor, rater: str = "MK") -> dict[str, dict[str, object]]:
    return {one["id"]: one for one in visitor.get(f"{BASE}/entries?rater={rater}").json()["entries"]}


def edit(visitor: Visitor, seq: int, action: str, rater: str = "MK", **more: object) -> dict[str, object]:
    answer = visitor.post(f"{BASE}/edit", {"rater": rater, "seq": seq, "action": action, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_page_asks_who_rates_and_then_shows_no_dose(visitor: Visitor) -> None:
    asked = visitor.get(BASE, headers={"accept": "text/html"})
    assert "Who rates?" in asked.text
    page = visitor.get(f"{BASE}?rater=MK", headers={"accept": "text/html"})
    assert 'data-rater="MK"' in page.text
    assert not {"dose", "mg/kg", "compound"} & set(page.text.split())


def test_edits_are_kept_and_the_next_page_has_them(visitor: Visitor, box: Path) -> None:
    assert entries(visitor)["c1"]["is_call"] is True
    assert edit(visitor, 0, "reject", id="c2")["seq"] == 1
    assert edit(visitor, 1, "accept", id="r1")["seq"] == 2
    made = edit(visitor, 2, "split", id="c1", at_s=1.2)
    assert made["removed"] == ["c1"]
    other = Visitor(review_site(box, Access()))
    assert {name: one["is_call"] for name, one in entries(other).items()} == {
        "c2": False, "r1": True, "e3.1": True, "e3.2": True,
    }  # fmt: skip
    undone = edit(other, 3, "undo")
    assert undone["removed"] == ["e3.1", "e3.2"]
    assert [one["id"] for one in undone["entries"]] == ["c1"]  # type: ignore[index,union-attr]


def test_what_is_drawn_is_measured(visitor: Visitor) -> None:
    made = edit(visitor, 0, "add", onset_s=1.0, offset_s=1.5, low_hz=40e3, high_hz=60e3)
    (one,) = made["entries"]  # type: ignore[misc]
    assert one["peak_hz"] == pytest.approx(HZ, abs=500)


@pytest.mark.parametrize(("body", "sentence"), [
    ({"rater": "MK", "seq": 7, "action": "undo"}, "edited elsewhere meanwhile; reload the page, nothing is lost"),
    ({"rater": "MK", "seq": 0, "action": "undo"}, "there is nothing to undo"),
    ({"rater": "MK", "seq": 0, "action": "explode"}, "this is no edit"),
    ({"rater": "MK", "seq": 0, "action": "accept"}, "this is no edit"),
    ({"rater": "MK", "seq": 0, "action": "move", "id": "c1", "onset_s": "x", "offset_s": 2}, "this is no edit"),
    ({"rater": "../MK", "seq": 0, "action": "undo"}, "a rater's name has up to 30 letters"),
    ({"rater": "MK", "seq": 0, "action": "add", "onset_s": 1, "offset_s": 99, "low_hz": 1, "high_hz": 2},
     "a call of 98 s is none"),
    ([1, 2], "this is no edit; use the page"),
])  # fmt: skip
def test_edits_that_cannot_be_are_a_sentence_and_leave_nothing(
    visitor: Visitor, box: Path, body: object, sentence: str
) -> None:
    answer = visitor.post(f"{BASE}/edit", body)
    assert (answer.status_code, sentence in answer.json()["error"]) == (400, True), answer.text
    assert not list(box.rglob("*.jsonl"))


def test_a_second_program_on_the_same_review_is_noticed(visitor: Visitor, box: Path) -> None:
    entries(visitor)
    edit(Visitor(review_site(box, Access())), 0, "reject", id="c1")
    stale = visitor.post(f"{BASE}/edit", {"rater": "MK", "seq": 0, "action": "reject", "id": "c2"})
    assert "edited elsewhere" in stale.json()["error"]
    assert edit(visitor, 1, "reject", id="c2")["seq"] == 2


def test_read_only_screens_show_and_keep_nothing(box: Path) -> None:
    visitor = Visitor(review_site(box, Access(controls=False)))
    assert entries(visitor)
    assert visitor.post(f"{BASE}/edit", {"rater": "MK", "seq": 0, "action": "undo"}).status_code == 403
    assert "Draw" not in visitor.get(f"{BASE}?rater=MK", headers={"accept": "text/html"}).text


@pytest.mark.parametrize("address", [
    "/review/../secret.wav", "/review/%2e%2e/secret.wav", "/review//etc/passwd", "/review/none.wav",
    "/review/box.wav.review/calls.csv", "/review/", "/review/box.wav.review",
])  # fmt: skip
def test_nothing_but_recordings_of_the_folder_is_served(visitor: Visitor, address: str) -> None:
    for what in ("", "/about", "/tile/0/0.png", "/sound.wav?begin=0&end=1&factor=10", "/entries?rater=MK"):
        assert visitor.get(address + what).status_code == 404


def test_another_site_may_not_edit(visitor: Visitor, box: Path) -> None:
    body = {"rater": "MK", "seq": 0, "action": "reject", "id": "c1"}
    for origin in ({"origin": "http://evil.example"}, {}):
        answer = visitor.request("POST", f"{BASE}/edit", headers=origin, json=body)
        assert answer.status_code == 403
    assert not list(box.rglob("*.jsonl"))


# -- tiles ------------------------------------------------------------------------------------------------------------


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_tile_shows_the_tone_where_it_is(visitor: Visitor) -> None:
    said = visitor.get(f"{BASE}/about").json()
    level = 3
    column_s = said["column_s"] * 2**level
    answer = visitor.get(f"{BASE}/tile/{level}/0.png")
    shade = picture(answer.content)
    assert (answer.headers["content-type"], shade.shape) == ("image/png", (HEIGHT, WIDTH))
    row = round(HEIGHT * (1 - HZ / said["top_hz"]))
    bright = np.flatnonzero(shade[row - 3 : row + 3].max(axis=0) > 200)
    assert bright[0] * column_s == pytest.approx(1.0, abs=2 * column_s)
    assert bright[-1] * column_s == pytest.approx(1.5, abs=2 * column_s)
    assert np.median(shade) < 100


@pytest.mark.parametrize(("level", "index"), [(0, 99_999), (21, 0), (4, 9_999)])
def test_there_are_no_tiles_beyond_the_end(visitor: Visitor, level: int, index: int) -> None:
    answer = visitor.get(f"{BASE}/tile/{level}/{index}.png")
    assert (answer.status_code, answer.json()["error"]) == (400, f"there is no tile {index} at level {level}")


def test_far_and_near_show_the_same_loudness_and_the_cache_is_bounded(
    box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("behavior.app.dashboard.tiles.CACHED", 3)
    tiles = Tiles(box / "box.wav")
    row = round(HEIGHT * (1 - HZ / tiles.top_hz))
    for level in range(8):
        assert picture(tiles.png(level, int(1.25 / (tiles.column_s * WIDTH * 2**level))))[row - 3 : row + 3].max() > 200
    assert len(tiles._cached) == 3
    assert tiles.png(7, 0) == tiles.png(7, 0)


@pytest.mark.parametrize("rate", [192_000, 384_000, 500_000, 44_100])
def test_any_rate_has_tiles(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(0).normal(0, 0.1, rate), rate, subtype="PCM_16")
    tiles = Tiles(tmp_path / "a.flac")
    assert picture(tiles.png(0, 0)).shape == picture(tiles.png(6, 0)).shape == (HEIGHT, WIDTH)


def test_a_recording_that_was_moved_or_cut_is_said_and_found_again(visitor: Visitor, box: Path) -> None:
    assert visitor.get(f"{BASE}/tile/0/0.png").status_code == 200
    whole = (box / "box.wav").read_bytes()
    (box / "box.wav").write_bytes(whole[: len(whole) // 2])
    answer = visitor.get(f"{BASE}/tile/0/1.png")
    assert "was moved or changed since it was opened; put it back and reload the page" in answer.json()["error"]
    assert visitor.get(f"{BASE}/about").json()["duration_s"] == pytest.approx(2.0, abs=0.1)
    (box / "box.wav").unlink()
    assert visitor.get(f"{BASE}/about").status_code == 404


def test_three_channels_are_asked_for_and_shown_one_at_a_time(box: Path) -> None:
    three = np.stack([tone(hz=30e3), tone(hz=60e3), tone(hz=90e3)], axis=1)
    soundfile.write(box / "three.wav", three, RATE, subtype="PCM_16")
    visitor = Visitor(review_site(box, Access()))
    assert "has 3 channels; say which one" in visitor.get("/review/three.wav/about").json()["error"]
    for channel, hz in ((1, 30e3), (3, 90e3)):
        top_hz = visitor.get(f"/review/three.wav/about?channel={channel}").json()["top_hz"]
        shade = picture(visitor.get(f"/review/three.wav/tile/3/0.png?channel={channel}").content)
        assert abs(shade.mean(axis=1).argmax() - HEIGHT * (1 - hz / top_hz)) < 3
    assert visitor.get("/review/three.wav/about?channel=4").status_code == 400
    assert visitor.get("/review/three.wav/about?channel=x").status_code == 400


# -- listening --------------------------------------------------------------------------------------------------------


def pitch_hz(data: bytes) -> tuple[float, float]:
    sound, rate = soundfile.read(io.BytesIO(data))
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax() * rate / len(sound)), len(sound) / rate


def test_slowed_down_it_is_longer_and_lower(visitor: Visitor) -> None:
    answer = visitor.get(f"{BASE}/sound.wav?begin=1.0&end=1.5&factor=10")
    hz, seconds = pitch_hz(answer.content)
    assert (answer.headers["content-type"], round(seconds, 2)) == ("audio/wav", 5.0)
    assert hz == pytest.approx(HZ / 10, rel=0.01)


def test_shifted_down_it_is_as_long_and_is_the_difference(box: Path) -> None:
    hz, seconds = pitch_hz(audible(box / "box.wav", 1.0, 1.5, tuned_hz=HZ - 2000))
    assert (hz, seconds) == (pytest.approx(2000, rel=0.02), pytest.approx(0.5, abs=0.01))
    sound, rate = soundfile.read(io.BytesIO(audible(box / "box.wav", 3.0, 3.5, tuned_hz=40e3)))
    assert rate == AUDIBLE_HZ
    assert np.abs(sound).max() == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(("query", "sentence"), [
    ("begin=0&end=31&factor=10", "up to 30 s can be listened to at once; zoom in"),
    ("begin=1&end=1&factor=10", "zoom in"),
    ("begin=0&end=1&factor=1000", "slowed down by 1 to 100"),
    ("begin=0&end=1&tuned=999999", "holds nothing at 999999 Hz"),
    ("begin=0&end=1", "choose one"),
    ("begin=0&end=1&factor=10&tuned=50000", "choose one"),
    ("begin=x&end=1&factor=10", "say from when to when"),
    ("begin=90&end=91&factor=10", "there is nothing from"),
])  # fmt: skip
def test_what_cannot_be_listened_to(visitor: Visitor, query: str, sentence: str) -> None:
    answer = visitor.get(f"{BASE}/sound.wav?{query}")
    assert (answer.status_code, sentence in answer.json()["error"]) == (400, True), answer.text


# -- raters -----------------------------------------------------------------------------------------------------------


def test_two_raters_side_by_side(visitor: Visitor) -> None:
    edit(visitor, 0, "reject", "A", id="c2")
    edit(visitor, 0, "accept", "B", id="r1")
    page = visitor.get(f"{BASE}/compare?a=A&b=B", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "1 calls of A, 3 of B" in page.text
    assert page.text.count('<tr class="apart">') == 2
    assert page.text.count("50.0 %") >= 1
    unknown = visitor.get(f"{BASE}/compare?a=A&b=C")
    assert unknown.json()["error"] == "C has not reviewed box.wav; raters are A, B"


def test_what_a_rater_decided_is_used_when_somebody_says_so(visitor: Visitor, box: Path) -> None:
    edit(visitor, 0, "reject", id="c2")
    place = box / "box.wav.review"
    assert not (place / REVIEWED).exists()
    said = visitor.post(f"{BASE}/use", {"rater": "MK"}).json()["said"]
    assert said == "1 calls of MK are in box.wav.review/reviewed.csv"
    assert [one.onset_s for one in read_calls(place / REVIEWED)] == [1.0]
    assert len(read_calls(place / "calls.csv")) == 2


def test_a_session_is_scored_with_them_at_once(tmp_path: Path) -> None:
    folder = record(tmp_path, paradigm="conditioned_usv", parameters={"habituation_s": 1, "test_s": 20})
    journal = folder.journal_path.read_text()
    assert '"file":""' in journal, "the ideal box names no file"
    soundfile.write(folder.path / "audio.wav", tone(), RATE, subtype="PCM_16")
    write_calls(folder.path / "calls.csv", [call(1.0, 0.5, 23e3, "audio.wav"), call(2.5, 0.6, 23e3, "audio.wav")])
    visitor = Visitor(review_site(folder.path, Access()))
    answer = visitor.post("/review/audio.wav/edit", {"rater": "MK", "seq": 0, "action": "reject", "id": "c1"})
    assert answer.status_code == 200, answer.text
    said = visitor.post("/review/audio.wav/use", {"rater": "MK"}).json()
    assert said == {"said": "The session is scored with the 1 calls of MK"}
    score = json.loads((folder.path / "score.json").read_text())["session"]
    assert (score["n_calls"], score["calls_reviewed_by"]) == (1, "MK")


# -- the command's own questions --------------------------------------------------------------------------------------


def test_a_session_with_one_recording_stands_for_it(tmp_path: Path) -> None:
    folder = record(tmp_path, paradigm="conditioned_usv", parameters={"habituation_s": 1, "test_s": 20})
    with pytest.raises(BadInput, match=r"name one recording \(it has none\)"):
        recording_in(folder.path)
    (folder.path / "audio.flac").touch()
    assert recording_in(folder.path) == folder.path / "audio.flac"
    shutil.copy(folder.path / "audio.flac", folder.path / "audio_part-02.flac")
    with pytest.raises(BadInput, match=r"name one recording \(it has .*audio\.flac, .*audio_part-02\.flac\)"):
        recording_in(folder.path)
    with pytest.raises(BadInput, match="there is no such file"):
        recording_in(tmp_path / "none.wav")
    with pytest.raises(BadInput, match="is no recording"):
        recording_in(folder.path / "journal.jsonl")


def test_of_several_channels_the_one_that_is_said_is_searched(tmp_path: Path) -> None:
    two = np.stack([tone(hz=90e3, lasts_s=0.05), tone(hz=23e3)], axis=1)
    soundfile.write(tmp_path / "two.wav", two, RATE, subtype="PCM_16")
    with pytest.raises(BadInput, match="has 2 channels; say which one with --channel 1 to 2"):
        Reviewed.of(tmp_path / "two.wav").tables()
    calls, _ = Reviewed.of(tmp_path / "two.wav", 2).tables()
    (found,) = [one for one in read_calls(calls) if one.duration_s > 0.3]
    assert found.peak_hz == pytest.approx(23e3, abs=1000)


def test_a_session_knows_which_channel_its_microphone_was(tmp_path: Path) -> None:
    folder = record(tmp_path, paradigm="conditioned_usv", parameters={"habituation_s": 1, "test_s": 20})
    assert Reviewed.of(folder.path / "audio.wav").channel is None, "the ideal box names no file"
    assert Reviewed.of(folder.path / "audio.wav", 2).channel == 2
