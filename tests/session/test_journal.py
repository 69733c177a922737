"""Any damage shows with its line, and costs that line only; a torn end costs the torn line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

from behavior.model.commands import EndSession
from behavior.model.errors import BadInput, Failure
from behavior.model.events import LeverPressed, Noted, SessionStarted
from behavior.session.journal import JournalWriter, line_of, read_journal, read_lines
from session.test_replay import run
from session.worlds import Lines, core_of

HEADER = b'{"subject": "R1"}\n'


def journal_of(name: str = "geller_seifter") -> Lines:
    core, journal = core_of(name), Lines(HEADER)
    run(core, [("tick", 100), (lambda at: LeverPressed(at, "left"), 3, "now")] * 15, journal)
    core.close()
    return journal


def resealed(lines: list[bytes], at: int, old: bytes, new: bytes) -> list[bytes]:
    """The lines, one of them changed and given a checksum that fits."""
    body = lines[at][: -len(b',"crc":"00000000"}\n')].replace(old, new)
    assert body not in lines[at]
    return [*lines[:at], b'%b,"crc":"%08x"}\n' % (body, crc32(body)), *lines[at + 1 :]]


def test_a_line_is_plain_json_and_says_what_the_docs_say() -> None:
    line, crc = line_of(LeverPressed(4_711_000, "left"), 12, 0x77F1C3D0, 4_711_350)
    assert list(json.loads(line)) == ["kind", "at_us", "lever", "host_us", "seq", "after", "crc"]
    assert json.loads(line)["after"] == "77f1c3d0"
    body, _, _ = line.partition(b',"crc"')
    assert int(json.loads(line)["crc"], 16) == crc == crc32(body)


def test_what_was_written_is_read() -> None:
    journal = journal_of()
    reading = read_lines(journal.data, HEADER)
    assert reading.items == journal.items
    assert reading.lines == list(range(1, len(journal.items) + 1))
    assert (reading.problems, reading.torn) == ([], False)


def test_cut_at_any_byte_loses_the_torn_line_only() -> None:
    journal = journal_of()
    for cut in range(len(journal.data) + 1):
        reading = read_lines(journal.data[:cut], HEADER)
        whole = journal.data[:cut].count(b"\n")
        assert reading.items == journal.items[:whole]
        assert reading.torn == (not journal.data[:cut].endswith(b"\n") and cut > 0)
        assert reading.problems == []


def test_one_wrong_bit_anywhere_shows_with_its_line_and_the_rest_is_read() -> None:
    journal = journal_of()
    lines = journal.lines[:20]
    for at, line in enumerate(lines):
        for place in range(len(line) - 1):
            broken = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
            if b"\n" in broken[:-1]:
                continue
            reading = read_lines(b"".join([*lines[:at], broken, *lines[at + 1 :]]), HEADER)
            assert reading.problems
            assert reading.problems[0].startswith(f"line {at + 1} is damaged")
            assert reading.items == journal.items[:at] + journal.items[at + 1 : 20]


@pytest.mark.parametrize("what", ["at_us", "lever"])
def test_a_response_changed_with_a_new_checksum_is_named_with_its_line(what: str) -> None:
    journal = journal_of()
    for at in [at for at, item in enumerate(journal.items[:-1]) if isinstance(item, LeverPressed)]:
        press = journal.items[at]
        assert isinstance(press, LeverPressed)
        moved = (b"%d" % press.at_us, b"%d" % (press.at_us + 1))
        old, new = (b'"left"', b'"right"') if what == "lever" else moved
        forged = resealed(journal.lines, at, old, new)
        assert read_lines(b"".join(forged), HEADER).problems == [
            f"line {at + 1} was changed after it was written: the next line remembers another checksum"
        ]


def test_a_changed_header_shows() -> None:
    problems = read_lines(journal_of().data, HEADER.replace(b"R1", b"R2")).problems
    assert problems == ["header.json was changed after it was written: the next line remembers another checksum"]


def test_lost_repeated_and_exchanged_lines_show() -> None:
    lines = journal_of().lines
    for wrong in (lines[:3] + lines[4:], [lines[1], lines[0], *lines[2:]], [lines[0], *lines]):
        assert read_lines(b"".join(wrong), HEADER).problems


def test_a_line_of_a_later_version_is_named_and_the_rest_is_read() -> None:
    journal = journal_of()
    forged = resealed(journal.lines, 3, b'"kind":"', b'"kind":"Very')
    reading = read_lines(b"".join(forged), HEADER)
    assert "line 4 is none that this version knows" in reading.problems[0]
    assert len(reading.items) == len(journal.items) - 1


def test_another_process_with_another_hash_seed_writes_the_same_journal() -> None:
    code = "from session.test_journal import crc32, journal_of; print(crc32(journal_of('suppression').data))"
    tests = Path(__file__).parents[1]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(tests)},
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {b"%d\n" % crc32(journal_of("suppression").data)}


@pytest.mark.parametrize("durable", [True, False])
def test_the_file_holds_what_was_recorded(tmp_path: Path, durable: bool) -> None:
    with JournalWriter(tmp_path / "journal.jsonl", HEADER, durable=durable) as journal:
        for seq in range(100):
            journal.record(Noted(seq, "näher"), seq)
        journal.record(EndSession("completed"), 100)
        assert journal.n_lines == 101
    reading = read_journal(tmp_path / "journal.jsonl", HEADER)
    assert (len(reading.items), reading.problems, reading.last_crc) == (101, [], journal.last_crc)


def test_each_line_is_in_the_file_before_record_returns(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "journal.jsonl", HEADER) as journal:
        for seq in range(5):
            journal.record(Noted(seq, "x"), seq)
            assert (tmp_path / "journal.jsonl").read_bytes().count(b"\n") == seq + 1


def test_an_existing_journal_is_never_opened_for_writing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("precious")
    with pytest.raises(BadInput, match="never overwritten"):
        JournalWriter(path, HEADER)
    assert path.read_text() == "precious"


def test_a_full_disk_is_said_in_one_sentence() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which Linux has")
    journal = JournalWriter.__new__(JournalWriter)
    journal.path, journal._seq, journal._after, journal._flush = Path("/dev/full"), 0, 0, None
    with Path("/dev/full").open("wb", buffering=0) as file:
        journal._file = file  # type: ignore[assignment]
        with pytest.raises(Failure, match=re.escape("/dev/full: the journal cannot be written (No space left")):
            journal.record(SessionStarted(0), 0)


def test_no_journal_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no journal here"):
        read_journal(tmp_path / "journal.jsonl", HEADER)
