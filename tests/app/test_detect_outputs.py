"""What `behavior detect` writes besides its table."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.test_detect import RATE, recorded, run
from behavior.app import searching
from behavior.formats.audacity import read as read_audacity
from behavior.formats.raven import read as read_raven
from behavior.model.errors import BadFile, BadInput
from behavior.simulate.acoustics import PlannedCall
from behavior.usv.profile import load_profile
from behavior.usv.table import read_calls

CALLS = [PlannedCall(0.5, 0.6), PlannedCall(2.0, 0.04, "50-kHz")]
CALIBRATION = """
microphone = "CM16 no 7"
calibrated_on = 2026-03-01
full_scale_db_spl = 120.5
response_db = [[20_000, -2.0], [80_000, 2.0]]
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sound")
    return [recorded(folder / "one.wav", CALLS), recorded(folder / "other.wav", CALLS[1:])]


def sought(path: Path) -> searching.Search:
    return searching.Search(path, load_profile("rat"), None, None, lambda _: ())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_several_at_a_time_give_the_same_bytes_as_one_after_the_other(two, tmp_path) -> None:
    written = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        asked = ("--out", folder / "c.csv", "--rejected", folder / "r.csv", "--contours", folder / "k.csv")
        result = run(*two, "--jobs", jobs, *asked)
        assert result.exit_code == 0, result.output
        written.append([(folder / name).read_bytes() for name in ("c.csv", "r.csv", "k.csv")])
    assert written[0] == written[1]


def test_a_recording_that_cannot_be_used_spoils_no_other_whatever_the_jobs(two, tmp_path) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    result = run(two[0], tmp_path / "text.wav", tmp_path, two[1], "--jobs", 2, "--out", tmp_path / "c.csv")
    assert isinstance(result.exception, BadInput)
    assert "of 4 inputs these could not be used" in str(result.exception)
    assert {call.file for call in read_calls(tmp_path / "c.csv")} == {"one.wav", "other.wav"}
    assert "is not a sound file that can be read" in result.stderr
    assert "this is a folder" in result.stderr


def test_a_recording_that_is_being_written_is_searched_as_far_as_it_goes(two, tmp_path) -> None:
    whole = two[0].read_bytes()
    (tmp_path / "growing.wav").write_bytes(whole[: len(whole) // 2])
    result = run(tmp_path / "growing.wav", "--out", tmp_path / "c.csv")
    assert result.exit_code == 0
    assert "cut short or still being written" in result.stderr
    assert len(read_calls(tmp_path / "c.csv")) == 1


def test_a_contour_runs_through_its_call(two, tmp_path) -> None:
    assert run(two[0], "--out", tmp_path / "c.csv", "--contours", tmp_path / "k.csv").exit_code == 0
    calls, contours = read_calls(tmp_path / "c.csv"), rows(tmp_path / "k.csv")
    assert list(contours[0]) == ["file", "call", "time_s", "hz", "level_db"]
    for number, call in enumerate(calls, start=1):
        own = [row for row in contours if row["call"] == str(number)]
        times, hz, level = (np.array([float(row[name]) for row in own]) for name in ("time_s", "hz", "level_db"))
        assert call.onset_s - 0.001 <= times[0] and times[-1] <= call.offset_s + 0.001
        assert len(own) == pytest.approx(call.duration_s / 0.000512, abs=3)
        assert np.median(hz) == pytest.approx(call.mean_hz, rel=0.05)
        assert level.max() >= call.level_db


def test_one_recording_is_shared_between_processes_with_the_same_bytes(two, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(searching, "SHORTEST_PART_S", 1.0)
    (parts,) = (searching._parts(search, all_s, 2) for search, all_s in searching._with_total([sought(two[0])], 2))
    assert len(parts) == 2
    written = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        asked = ("--out", folder / "c.csv", "--rejected", folder / "r.csv", "--contours", folder / "k.csv")
        result = run(two[0], "--jobs", jobs, *asked, "--columns", "full")
        assert result.exit_code == 0, result.output
        written.append([(folder / name).read_bytes() for name in ("c.csv", "r.csv", "k.csv")])
    assert written[0] == written[1]


def test_only_what_is_longer_than_a_share_is_cut(two, tmp_path) -> None:
    for lengths_s, jobs, n_parts in (
        ((600, 600), 2, [0, 0]),
        ((600,), 2, [2]),
        ((1800, 600), 2, [2, 0]),
        ((600,), 8, [5]),
        ((200,), 2, [0]),
        ((0.0, 900), 3, [0, 3]),
        ((600, 600, 600), 1, [0, 0, 0]),
    ):
        lengths = dict(zip("abc", lengths_s, strict=False))
        assert [searching.n_parts(lengths[name], sum(lengths.values()), jobs) for name in lengths] == n_parts


def test_full_columns_tell_entropy_jumps_and_harmonics(two, tmp_path) -> None:
    assert run(two[0], "--out", tmp_path / "c.csv", "--columns", "full").exit_code == 0
    long_call, short_call = rows(tmp_path / "c.csv")
    assert list(long_call)[-4:] == ["spectral_entropy", "n_jumps", "largest_jump_hz", "n_harmonics"]
    assert int(long_call["n_harmonics"]) >= 1
    assert 0 < float(short_call["spectral_entropy"]) < 1
    assert len(read_calls(tmp_path / "c.csv")) == 2
    assert "usual" in str(run(two[0], "--columns", "all").output)


def test_a_summary_counts_each_recording_and_each_minute(two, tmp_path) -> None:
    assert run(*two, "--out", tmp_path / "c.csv", "--summary", tmp_path / "s.csv").exit_code == 0
    one, other = rows(tmp_path / "s.csv")
    assert (one["file"], one["n_calls"], one["usv22_n_calls"], one["usv22_n_50khz_calls"]) == ("one.wav", "2", "1", "1")
    assert (other["n_calls"], other["usv22_n_calls"], other["non_caller"]) == ("1", "0", "")
    assert float(one["latency_first_call_s"]) == pytest.approx(0.5, abs=0.01)
    assert float(one["calling_time_s"]) == pytest.approx(0.64, abs=0.05)
    minutes = rows(tmp_path / "s_minutes.csv")
    assert [(row["file"], row["bin"], row["n_calls"]) for row in minutes] == [
        ("one.wav", "1", "1"),
        ("other.wav", "1", "0"),
    ]
    bouts = rows(tmp_path / "s_bouts.csv")
    assert [(row["file"], row["bout"], row["n_calls"]) for row in bouts] == [
        ("one.wav", "1", "2"),
        ("other.wav", "1", "1"),
    ]


def test_a_summary_is_said_and_without_calls_its_tables_have_their_headers(tmp_path) -> None:
    silent = recorded(tmp_path / "none.wav")
    result = run(silent, "--out", tmp_path / "c.csv", "--summary", tmp_path / "s.csv")
    assert "none.wav: no call" in result.stderr
    assert (tmp_path / "s_bouts.csv").read_text().startswith("file,bout,begin_s")
    assert len(rows(tmp_path / "s.csv")) == 1


def test_other_programs_tables_hold_the_same_calls(two, tmp_path) -> None:
    asked = ("--raven", tmp_path / "r.txt", "--audacity", tmp_path / "tracks")
    assert run(*two, "--out", tmp_path / "c.csv", *asked).exit_code == 0
    calls = read_calls(tmp_path / "c.csv")
    marked = [(one.file, one.onset_s, one.offset_s, one.label) for one in read_raven(tmp_path / "r.txt").rows]
    assert marked == [(call.file, call.onset_s, call.offset_s, call.call_type) for call in calls]
    track = read_audacity(tmp_path / "tracks" / "one.txt").rows
    assert [(one.onset_s, one.label) for one in track] == [(call.onset_s, call.call_type) for call in calls[:2]]
    assert run(two[1], "--out", tmp_path / "d.csv", "--audacity", tmp_path / "single.txt").exit_code == 0
    assert len(read_audacity(tmp_path / "single.txt").rows) == 1


def test_levels_in_db_spl_stand_beside_those_in_db_fs(two, tmp_path) -> None:
    (tmp_path / "mic.toml").write_text(CALIBRATION)
    assert run(two[0], "--out", tmp_path / "c.csv", "--calibration", tmp_path / "mic.toml").exit_code == 0
    for row in rows(tmp_path / "c.csv"):
        hz = float(row["peak_hz"])
        response = -2 + 4 * np.log(hz / 20_000) / np.log(4)
        assert float(row["level_db_spl"]) == pytest.approx(float(row["level_db"]) + 120.5 - response)
    assert len(read_calls(tmp_path / "c.csv")) == 2


def test_a_calibration_that_has_run_out_is_said_and_a_wrong_one_refused(two, tmp_path) -> None:
    mic = tmp_path / "mic.toml"
    mic.write_text(CALIBRATION.replace("full_scale", "valid_until = 2026-04-01\nfull_scale"))
    assert "was valid until 2026-04-01; calibrate it again" in run(two[0], "--calibration", mic).stderr
    mic.write_text("microphone = ''\nresponse_db = [[2, 1], [1, 1]]\n")
    with pytest.raises(BadFile, match="problems"):
        raise run(two[0], "--calibration", mic).exception


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_a_figure_has_an_overview_and_a_page_of_calls_and_the_same_bytes_again(two, tmp_path, ending) -> None:
    drawn = []
    for name in ("a", "b"):
        result = run(two[0], "--out", tmp_path / f"{name}.csv", "--figure", tmp_path / f"{name}.{ending}")
        assert result.exit_code == 0, result.output
        drawn.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert drawn[0] == drawn[1]
    if ending == "pdf":
        assert len(re.findall(rb"/Type /Page\b", drawn[0])) == 2
    else:
        assert (tmp_path / "a_page-02.png").exists()


@pytest.mark.parametrize("option", ["--contours", "--summary", "--raven", "--audacity", "--figure"])
def test_no_output_is_written_over_without_being_asked(two, tmp_path, option) -> None:
    there = tmp_path / "there.pdf"
    there.write_text("precious")
    result = run(two[0], "--out", tmp_path / "c.csv", option, there)
    assert isinstance(result.exception, BadInput)
    assert "is there already" in str(result.exception)
    assert there.read_text() == "precious"
    assert run(two[0], "--out", tmp_path / "c.csv", option, there, "--overwrite").exit_code == 0
    assert there.read_bytes() != b"precious"


@pytest.mark.parametrize(
    ("option", "name", "sentence"),
    [
        ("--figure", "f.jpg", r"written as .pdf or .png"),
        ("--figure", "f.png", r"several recordings are drawn into one .pdf"),
        ("--figure", "nowhere/f.pdf", r"there is no folder"),
        ("--raven", "nowhere/r.txt", r"there is no folder"),
        ("--audacity", "file.txt", r"for several, name a folder"),
        ("--summary", "nowhere/s.csv", r"there is no folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(two, tmp_path, option, name, sentence) -> None:
    (tmp_path / "file.txt").write_text("")
    result = run(*two, "--out", tmp_path / "c.csv", option, tmp_path / name)
    assert isinstance(result.exception, BadInput)
    assert re.search(sentence, str(result.exception))
    assert "calls in" not in result.stderr


def test_a_channel_of_several_is_drawn_and_traced(two, tmp_path) -> None:
    sound, _ = soundfile.read(two[0], dtype="int16")
    soundfile.write(tmp_path / "stereo.wav", np.stack([np.zeros_like(sound), sound], axis=1), RATE)
    outputs = ("--contours", tmp_path / "k.csv", "--figure", tmp_path / "f.png", "--json")
    found = json.loads(run(tmp_path / "stereo.wav", "--channel", 2, *outputs).stdout)
    assert found["recordings"][0]["n_calls"] == 2
    assert max(float(row["level_db"]) for row in rows(tmp_path / "k.csv")) > -60
