"""A journal is read while it grows: every line once, whole, whatever the moment of looking."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from behavior.model.commands import BeginTrial
from behavior.model.events import LeverPressed, Noted
from behavior.session.journal import Item, JournalWriter, read_journal
from behavior.session.tail import JournalTail

HARD = Noted(9, 'says "crc", and ,"host_us":7,')
ITEMS: list[Item] = [LeverPressed(5, "left"), BeginTrial(1), HARD, LeverPressed(12, "ä")]


def written(path: Path, items: list[Item] = ITEMS) -> bytes:
    with JournalWriter(path, b"header", durable=False) as journal:
        for place, item in enumerate(items):
            journal.record(item, 100 * place)
    return path.read_bytes()


def test_a_journal_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    tail = JournalTail(tmp_path / "journal.jsonl")
    assert tail.read() == []
    written(tmp_path / "journal.jsonl")
    assert tail.read() == [(item, 100 * place) for place, item in enumerate(ITEMS)]
    assert tail.read() == []


@given(st.lists(st.integers(0, 600)), st.integers(150, 2000))
def test_whatever_the_moments_of_looking_it_reads_what_a_reader_reads_at_the_end(cuts: list[int], most: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole.jsonl"
        data = written(whole)
        growing = Path(place) / "growing.jsonl"
        tail, found = JournalTail(growing), []
        for cut in sorted(cuts):
            growing.write_bytes(data[:cut])
            found += tail.read(most)
        growing.write_bytes(data)
        while more := tail.read(most):
            found += more
        reading = read_journal(whole, b"header")
        assert found == list(zip(reading.items, reading.host_us, strict=True))
        assert not tail.cut and not tail.n_damaged


def test_a_damaged_line_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = written(path).split(b"\n")
    lines[1] = lines[1].replace(b'"trial":1', b'"trial":2')
    path.write_bytes(b"\n".join([*lines[:3], b"{}", b"x" * 5000, *lines[3:]]))
    tail = JournalTail(path)
    found = [one for _ in range(20) for one in tail.read(1000)]
    assert [item for item, _ in found] == [ITEMS[0], *ITEMS[2:]]
    assert tail.n_damaged >= 3


def test_a_journal_that_became_shorter_is_said(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    data = written(path)
    tail = JournalTail(path)
    tail.read()
    path.write_bytes(data[: len(data) // 2])
    assert tail.read() == [] and tail.cut
