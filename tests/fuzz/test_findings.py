"""What fuzzing found, as small as it was made, so that it stays mended. TOML: `config/test_hostile_files.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from behavior.app.dashboard.listen import audible
from behavior.app.dashboard.sound import columns, found_calls
from behavior.app.dashboard.study import visit
from behavior.app.dashboard.tiles import Tiles
from behavior.assays.kinetics import analyse_profile, clearance
from behavior.audio.write import RecordingWriter
from behavior.config import read_text
from behavior.config.shipped import find
from behavior.config.study import Study
from behavior.formats import parquet
from behavior.formats.calls_parquet import FORMAT as PARQUET
from behavior.formats.medpc import read as read_medpc
from behavior.formats.rows import KINDS, items_of_rows
from behavior.model.errors import BadInput
from behavior.model.events import LeverPressed
from behavior.scoring.annotations import read_fights
from behavior.scoring.finish import finish_session
from behavior.scoring.rescore import rescore
from behavior.scoring.signals import SignalMap, score_signals
from behavior.session.engine import STATUS_FILE, attended, read_status, status_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import line_of, read_lines
from behavior.session.requests import FOLDER, StopRequest, take
from behavior.study.audit import append, read_audit
from behavior.study.blinding import read_key
from behavior.study.dataset import natural_order, read_dataset
from behavior.study.exclusions import exclusions
from behavior.study.plan import PLAN_COLUMNS, read_plan
from behavior.study.records import records_of
from behavior.usv.gate import read_events
from conftest import ROOT
from fuzz import mutate
from fuzz.of_config import CHANNELS
from session.recorded import record

NO_TEXT, DEEP, LONG = b"\xff\xfe{", b"[" * 200_000, b"9" * 5000


@pytest.mark.parametrize("data", [NO_TEXT, DEEP, b'{"kind":"stop","by":"\xff"}'], ids=["no text", "deep", "no UTF-8"])
def test_a_request_that_is_none_is_removed_and_the_next_is_heard(tmp_path: Path, data: bytes) -> None:
    """The thread that listens died of it, and no stop from a screen was heard any more."""
    import threading

    heard = threading.Event()
    by: list[str] = []

    def stop(who: str) -> None:
        by.append(who)
        heard.set()

    status = status_of(0, 0, {}, at_s=0.0)
    with attended(tmp_path, lambda: status, stop, lambda text: None):
        (tmp_path / FOLDER).mkdir()
        (tmp_path / FOLDER / "1.json").write_bytes(data)
        (tmp_path / FOLDER / "2.json").write_bytes(b'{"kind":"stop","by":"the experimenter"}')
        assert heard.wait(60)
    assert by == ["the experimenter"]
    (tmp_path / FOLDER).mkdir(exist_ok=True)
    (tmp_path / FOLDER / "3.json").write_bytes(data)
    assert take(tmp_path) == [] and not list((tmp_path / FOLDER).iterdir())
    assert StopRequest("x").by == "x"


@pytest.mark.parametrize("data", [NO_TEXT, DEEP], ids=["no text", "deep"])
def test_what_an_engine_shows_may_be_anything(tmp_path: Path, data: bytes) -> None:
    (tmp_path / STATUS_FILE).write_bytes(data)
    assert read_status(tmp_path) is None


def refused(tmp_path: Path, name: str, data: bytes, read: Callable[[Path], object]) -> str:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput) as caught:
        read(tmp_path / name)
    return str(caught.value)


EVENTS = b"kind,start_s,stop_s\n"


@pytest.mark.parametrize("data", [EVENTS + b"shock,1,2\n\xc1", b"\xc1", EVENTS + b'"' + b"a" * 200_000])
def test_events_that_are_no_table(tmp_path: Path, data: bytes) -> None:
    assert "CSV table of events" in refused(tmp_path, "x.csv", data, read_events)
    with pytest.raises(BadInput, match="there is no such file"):
        read_events(tmp_path / "nowhere.csv")


def test_a_fight_ends_at_a_number(tmp_path: Path) -> None:
    said = refused(tmp_path, "x.csv", b"rater,onset_s,offset_s\nMK,1,nan\n", read_fights)
    assert "offset_s: must be from onset_s" in said


def test_calls_that_are_no_text_are_a_sentence_on_the_page(tmp_path: Path) -> None:
    assert "is no table of calls" in refused(tmp_path, "calls.csv", b"\xea", lambda path: found_calls(path.parent, "a"))


def test_a_sound_that_is_cut_while_it_is_looked_at(tmp_path: Path) -> None:
    import numpy as np

    with RecordingWriter(tmp_path / "a.flac", 250_000) as sound:
        sound.write((np.arange(50_000) % 500).astype(np.int16)[:, None])
    whole = (tmp_path / "a.flac").read_bytes()
    broken = whole[: len(whole) // 2] + bytes(200) + whole[len(whole) // 2 + 200 :]
    (tmp_path / "a.flac").write_bytes(broken)
    try:
        columns(tmp_path / "a.flac", 0, 200, 1000)
    except BadInput as error:
        assert "damaged or was cut" in str(error)
    with RecordingWriter(tmp_path / "a.wav", 250_000) as sound:
        sound.write(np.zeros((20_000, 1), np.int16))
    tiles = Tiles(tmp_path / "a.wav", 1)
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[:200])
    assert tiles._power(np.arange(0, 4_000, 64)).shape[0] == 63


@pytest.mark.parametrize("data", [NO_TEXT, DEEP, b"{}", b"null"], ids=["no text", "deep", "empty", "null"])
def test_a_key_that_is_none(data: bytes) -> None:
    with pytest.raises(BadInput, match="holds no key of this version"):
        read_key(data, file="key")


def test_numbers_of_thousands_of_digits(tmp_path: Path) -> None:
    values = dict.fromkeys(PLAN_COLUMNS, "1") | {"blind_code": "", "allocation_seed": LONG.decode(), "dose_mg_kg": "0"}
    table = f"{','.join(PLAN_COLUMNS)}\n{','.join(values.values())}\n".encode()
    assert "must be a whole number" in refused(tmp_path, "plan.csv", table, read_plan)
    medpc = b"Start Date: 03/02/26\r\nMSN: X\r\nA:\r\n" + LONG + b": 1 2\r\n"
    (tmp_path / "x.txt").write_bytes(medpc)
    assert "is no line of a data file" in " ".join(read_medpc(tmp_path / "x.txt").sessions[0].problems)
    names = ["R" + "9" * 5000, "R10", "R9", "R09"]
    assert sorted(names, key=natural_order) == ["R09", "R9", "R10", names[0]]


@pytest.mark.parametrize("new", [3, [1], None, {"rule": 1}])
def test_an_entry_of_another_program_is_named(tmp_path: Path, new: object) -> None:
    append(tmp_path, "excluded", "R01", who="MK", new=new)
    with pytest.raises(BadInput, match=r"line 1: 'excluded' without (rule|a_priori)"):
        exclusions(read_audit(tmp_path))
    append(tmp_path, "record animals", "R01", who="MK", new=[1])
    with pytest.raises(BadInput, match="without fields"):
        records_of(read_audit(tmp_path))


@pytest.mark.parametrize("data", [b"a,b,c\n1,2,3\n\xcf", b"\xbe\n1,2,3\n"], ids=["in a row", "in the header"])
def test_channels_that_are_no_text(tmp_path: Path, data: bytes) -> None:
    channels = read_text(CHANNELS.decode(), SignalMap, file="channels.toml")
    assert "not a table of numbers" in refused(tmp_path, "x.csv", data, lambda path: score_signals(path, channels))


def test_an_array_whose_header_does_not_end(tmp_path: Path) -> None:
    data = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8', 'fortran_order': (" + b" " * 84 + b"\n"
    channels = read_text(CHANNELS.decode(), SignalMap, file="channels.toml")
    assert "NumPy array of numbers" in refused(tmp_path, "x.npy", data, lambda path: score_signals(path, channels))


def test_a_damaged_journal_of_more_lines_than_its_replay_gives(tmp_path: Path) -> None:
    folder = record(tmp_path)
    lines = folder.journal_path.read_bytes().splitlines(keepends=True)
    folder.journal_path.write_bytes(b"".join([*lines[:5], b"damaged\n" * 3, *lines[5:]]))
    footer = json.loads((folder.path / "footer.json").read_bytes())
    (folder.path / "footer.json").write_text(json.dumps(footer | {"n_lines": len(lines) + 3}))
    assert rescore(SessionFolder(folder.path)).problems


def test_a_journal_as_deep_as_a_stack() -> None:
    line = mutate.journal_changed(b'{"kind":"Noted","at_us":1,"text":"x"}\n', Random(3))
    reading = read_lines(line + DEEP + b"\n", b"")
    assert reading.problems


def test_a_table_of_more_cells_than_memory_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes can say, by runs of equal values, that they are gigabytes."""
    PARQUET.write(tmp_path / "x.parquet", PARQUET.example())
    assert PARQUET.read(tmp_path / "x.parquet") == PARQUET.example()
    monkeypatch.setattr(parquet, "MOST_CELLS", 3)
    with pytest.raises(BadInput, match=r"it says that it has \d+ cells"):
        PARQUET.read(tmp_path / "x.parquet")


@pytest.mark.parametrize("rate_hz", [1, 999, 2**31 - 1])
def test_a_rate_that_cannot_be_true_is_not_computed_with(tmp_path: Path, rate_hz: int) -> None:
    """Frames are a fixed time long: at two thousand million samples a second one fills the memory."""
    import numpy as np

    with RecordingWriter(tmp_path / "a.wav", 250_000) as sound:
        sound.write(np.zeros((5_000, 1), np.int16))
    data = (tmp_path / "a.wav").read_bytes()
    stated = data.replace((250_000).to_bytes(4, "little"), rate_hz.to_bytes(4, "little"), 1)
    assert "cannot be true" in refused(tmp_path, "a.wav", stated, lambda path: columns(path, 0, 5, 1000))


def test_a_cell_as_deep_as_a_stack(tmp_path: Path) -> None:
    row = {"kind": "Delivered", "onset": "1.0", "ok": DEEP.decode()}
    row = {name: DEEP.decode() for name in KINDS["Delivered"].__struct_fields__} | row
    with pytest.raises(BadInput, match="line 2: is no event or command"):
        items_of_rows(tmp_path / "events.tsv", [(2, row)])


def test_a_score_as_deep_as_a_stack_leaves_its_session_out(tmp_path: Path) -> None:
    folder = record(tmp_path)
    finish_session(SessionFolder(folder.path))
    (folder.path / "score.json").write_bytes(DEEP)
    assert visit(SessionFolder(folder.path)) is None
    assert "score.json cannot be read" in read_dataset(tmp_path).sessions["left_out"].iloc[0]


@pytest.mark.parametrize("rate_hz", [250_001, 44_100, 100_003])
@pytest.mark.parametrize("factor", [1, 7, 10, 30])
def test_a_rate_that_the_factor_does_not_divide_is_heard(tmp_path: Path, rate_hz: int, factor: float) -> None:
    import io

    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.arange(5_000, dtype=np.int16), rate_hz)
    heard, rate_out = soundfile.read(io.BytesIO(audible(tmp_path / "a.wav", 0, 1, factor=factor)))
    assert len(heard) / rate_out == pytest.approx(factor * 5_000 / rate_hz, rel=2e-3)


@pytest.mark.parametrize("key", ["pretreatment_min = 9223372036854775807", "days = [9223372036854775807]"])
def test_a_study_beyond_all_calendars_is_refused(key: str) -> None:
    shipped = (ROOT / "configs" / "studies" / "within-conflict.toml").read_text()
    name = key.partition(" ")[0]
    study = re.sub(rf"(?m)^{name} = .*$", key, shipped, count=1)
    assert study != shipped
    with pytest.raises(BadInput, match=f"{name}.*must be .* or less"):
        read_text(study, Study, file="study.toml")


def test_a_score_beyond_all_floats_is_of_no_visit(tmp_path: Path) -> None:
    folder = record(tmp_path)
    finish_session(SessionFolder(folder.path))
    score = json.loads((folder.path / "score.json").read_bytes())
    score["session"]["punished_rate_per_min"] = 10**400
    (folder.path / "score.json").write_text(json.dumps(score))
    assert visit(SessionFolder(folder.path)) is None


def test_a_recording_without_samples_is_not_heard(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a.wav", 250_000):
        pass
    for way in ({"factor": 10.0}, {"tuned_hz": 22_000.0}):
        with pytest.raises(BadInput):
            audible(tmp_path / "a.wav", 0, 0.01, **way)


def test_no_clearance_by_a_molar_mass_that_is_nothing() -> None:
    profile = analyse_profile([0, 1, 2, 4, 8], [0.0, 8.0, 4.0, 1.0, 0.1])
    with pytest.raises(BadInput, match="check units and molar mass"):
        clearance(
            profile, 10.0, dose_unit="mg_kg", concentration_unit="nmol_ml", time_unit="min", molar_mass_g_mol=1e-320
        )


def test_a_name_too_long_for_a_file_is_one_sentence() -> None:
    for name in ("a" * 5000, "a\0b"):
        with pytest.raises(BadInput, match="there is no such file, and no shipped one"):
            find(name, "configs", "rigs")


def test_a_footer_of_more_shocks_than_a_table_holds_is_none(tmp_path: Path) -> None:
    folder = record(tmp_path)
    footer = json.loads((folder.path / "footer.json").read_bytes())
    (folder.path / "footer.json").write_text(json.dumps(footer | {"n_shocks": 10**18}))
    with pytest.raises(BadInput, match="not a session's footer"):
        _ = SessionFolder(folder.path).footer
    assert read_dataset(tmp_path).sessions["left_out"].iloc[0]


@pytest.mark.parametrize("at_us", [2**63, -(2**63) - 1, 10**30])
def test_a_time_beyond_all_clocks_is_no_line(at_us: int) -> None:
    lines = [line_of(LeverPressed(5, "left"), 0, crc32(b""), 5)]
    lines.append(line_of(LeverPressed(at_us, "left"), 1, lines[0][1], 6))
    reading = read_lines(b"".join(line for line, _ in lines), b"")
    assert list(reading.items) == [LeverPressed(5, "left")]
    assert "line 2 is none that this version knows" in str(reading.problems)
