"""Verify says which line was altered, whatever was: a response, a draw, a command, the header, the end."""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

import pytest

from behavior.model.commands import Command
from behavior.model.errors import BadInput, Failure
from behavior.session.folder import SessionFolder
from behavior.session.verify import verify
from session.recorded import record

TAIL = len(b',"crc":"00000000"}\n')


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return record(tmp_path)


def lines_of(folder: SessionFolder) -> list[bytes]:
    return folder.journal_path.read_bytes().splitlines(keepends=True)


def resealed(line: bytes, old: bytes, new: bytes) -> bytes:
    body = re.sub(old, new, line[:-TAIL], count=1)
    assert body != line[:-TAIL]
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def rechained(lines: list[bytes], start: int) -> list[bytes]:
    """What a careful forger writes: every later line remembers the new checksum."""
    out = lines[: start + 1]
    for line in lines[start + 1 :]:
        out.append(
            resealed(
                line.replace(b'"after":"', b'"after":"~', 1), rb'"after":"~[0-9a-f]{8}', b'"after":"' + out[-1][-11:-3]
            )
        )
    return out


def test_an_untouched_session_holds(folder: SessionFolder) -> None:
    found = verify(folder)
    items = folder.read().items
    assert (found.n_lines, found.n_owed, found.remarks) == (len(items), 0, ())
    assert found.n_commands == sum(isinstance(item, Command) for item in items)


CHANGES = {
    "a response's time": (b"LeverPressed", rb'"at_us":(\d)', rb'"at_us":1\g<1>'),
    "a response's lever": (b"LeverPressed", b'"left"', b'"right"'),
    "a release": (b"LeverReleased", b'"left"', b'"right"'),
    "a draw": (b"Drawn", rb'"values":\[\d', b'"values":[77'),
    "a shock's current": (b'"Shock"', b'"ma":0.4', b'"ma":0.3'),
    "a delivery": (b'"Deliver"', rb'"number":1\b', b'"number":2'),
    "a shock's report": (b"ShockEnded", b'"delivered_ma":0.4', b'"delivered_ma":0.1'),
    "the end": (b"EndSession", b"completed", b"stopped"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_altered_line_with_a_new_checksum_is_named(folder: SessionFolder, change: str) -> None:
    kind, old, new = CHANGES[change]
    lines = lines_of(folder)
    at = next(at for at, line in enumerate(lines) if kind in line)
    lines[at] = resealed(lines[at], old, new)
    folder.journal_path.write_bytes(b"".join(lines))
    with pytest.raises(Failure, match=rf"\bline {at + 1}\b"):
        verify(folder)


@pytest.mark.parametrize("change", ["a draw", "a shock's current", "a delivery", "the end"])
def test_the_replay_names_the_line_even_when_every_later_checksum_is_forged(folder: SessionFolder, change: str) -> None:
    kind, old, new = CHANGES[change]
    lines = lines_of(folder)
    at = next(at for at, line in enumerate(lines) if kind in line)
    lines[at] = resealed(lines[at], old, new)
    folder.journal_path.write_bytes(b"".join(rechained(lines, at)))
    (folder.path / "footer.json").unlink()
    with pytest.raises(Failure, match=rf"does not hold: line {at + 1}: the journal has"):
        verify(folder)


def test_a_journal_that_was_forged_throughout_is_not_the_one_that_was_closed(folder: SessionFolder) -> None:
    lines = lines_of(folder)
    at = next(at for at, line in enumerate(lines) if b"LeverReleased" in line)
    lines[at] = resealed(lines[at], b'"left"', b'"right"')
    folder.journal_path.write_bytes(b"".join(rechained(lines, at)))
    with pytest.raises(Failure, match="the footer remembers"):
        verify(folder)


def test_a_missing_end_is_noticed(folder: SessionFolder) -> None:
    folder.journal_path.write_bytes(b"".join(lines_of(folder)[:-1]))
    with pytest.raises(Failure, match="is not the last that was written"):
        verify(folder)


def test_an_altered_header_is_noticed(folder: SessionFolder) -> None:
    path = folder.path / "header.json"
    path.write_bytes(path.read_bytes().replace(b'"R1"', b'"R2"'))
    with pytest.raises(Failure, match=r"header\.json was changed"):
        verify(SessionFolder(folder.path))


def test_a_torn_last_line_and_a_missing_footer_are_remarks(folder: SessionFolder) -> None:
    (folder.path / "footer.json").unlink()
    data = folder.journal_path.read_bytes()
    folder.journal_path.write_bytes(data[: len(data) // 2])
    found = verify(folder)
    assert "nobody closed this session" in found.remarks[0]
    assert "torn" in found.remarks[1]


def test_a_damaged_middle_line_is_named_and_the_rest_is_read(folder: SessionFolder) -> None:
    lines = lines_of(folder)
    lines[7] = lines[7].replace(b'"', b"?", 1)
    folder.journal_path.write_bytes(b"".join(lines))
    with pytest.raises(Failure, match=r"line 8 is damaged"):
        verify(folder)
    assert len(folder.read().items) == len(lines) - 1


def test_a_lab_file_is_found_again_and_a_changed_one_is_noticed(tmp_path: Path) -> None:
    own = tmp_path / "two_shocks.py"
    source = (
        "from behavior.paradigms.box import Box\n"
        "from behavior.paradigms.parameters import Parameters\n\n\n"
        "async def two_shocks(box: Box, p: Parameters) -> None:\n"
        "    for trial in box.trials(2):\n"
        "        with trial:\n"
        "            await box.wait(10)\n"
        "            box.shock(0.5, 1)\n"
        "    await box.wait(5)\n"
    )
    own.write_text(source)
    folder = record(tmp_path / "data", paradigm=str(own), parameters={})
    assert verify(folder, own_code=True).remarks == ()
    own.write_text(source + "# mended\n")
    assert verify(folder, own_code=True).remarks == (
        "the paradigm's source has changed since, and still commands the same",
    )
    own.write_text(source.replace("0.5, 1)", "0.6, 1)"))
    with pytest.raises(Failure, match=r"line \d+: the journal has Shock\(number=1, ma=0.5"):
        verify(folder, own_code=True)
    own.unlink()
    with pytest.raises(BadInput, match="no such Python file"):
        verify(folder, own_code=True)
