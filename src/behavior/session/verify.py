"""Verify a session: nothing in its folder was changed, and its core commands again what it commanded then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from behavior import __version__
from behavior.model.commands import Command
from behavior.model.errors import Failure
from behavior.model.events import TimerFired
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import core_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item, Reading
from behavior.session.replay import replay


@dataclass(frozen=True, slots=True)
class Verification:
    """What a session that holds was checked for.

    Attributes
    ----------
    n_lines, n_commands : how much was read, and compared
    n_owed : commands of the last input that the journal was cut before
    remarks : what is worth knowing and not wrong
    """

    n_lines: int
    n_commands: int
    n_owed: int
    remarks: tuple[str, ...]


def verify(
    folder: SessionFolder,
    again: Callable[[SessionFolder], list[Item]] | None = None,
    *,
    own_code: bool = False,
) -> Verification:
    """Check a session.

    Parameters
    ----------
    folder : of the session
    again : decodes an imported session once more from the source in its folder; None: only its integrity is checked
    own_code : whether a lab's own paradigm, a Python file that the header names, may be run; else a session of one is
        not replayed

    Raises
    ------
    Failure
        Something does not hold; each with its line, all at once.
    """
    reading = folder.read()
    if problems := [*reading.problems, *_against_footer(folder, reading)]:
        raise Failure(f"{folder.name} does not hold: {'; '.join(problems)}")
    if folder.header.imported:
        return _verify_imported(folder, reading, again)
    if (file := folder.header.paradigm_file) is not None and not own_code:
        remark = (
            f"nothing was changed, but it was not replayed: its paradigm is a Python file, {file}, which would run "
            "here; if you trust it, give --trust-paradigm-files"
        )
        return Verification(len(reading.items), 0, 0, (remark, *_ending(folder, reading)))
    core = core_of(folder.header, own_code=own_code)
    try:
        owed = replay(core, zip(reading.lines, reading.items, strict=True))
    except Failure as difference:
        raise Failure(f"{folder.name} does not hold: {difference}{_versions(folder)}") from None
    finally:
        core.close()
    commands = sum(isinstance(item, Command) for item in reading.items)
    return Verification(len(reading.items), commands, len(owed), tuple(_remarks(folder, reading, own_code=own_code)))


def _verify_imported(
    folder: SessionFolder, reading: Reading, again: Callable[[SessionFolder], list[Item]] | None
) -> Verification:
    """Another system ran the session: there is nothing to replay, but its source can be decoded again."""
    remarks = ["imported: another system commanded it, so no replay can check what was commanded"]
    if again is None:
        remarks.append("its source was not decoded again")
    else:
        _same(folder, reading, again(folder))
        remarks.append("decoding its source again gives the same journal")
    return Verification(len(reading.items), 0, 0, (*remarks, *_ending(folder, reading)))


def _same(folder: SessionFolder, reading: Reading, items: list[Item]) -> None:
    for line, item, other in zip(reading.lines, reading.items, items, strict=False):
        if item != other:
            raise Failure(f"{folder.name} does not hold: line {line}: the source, decoded again, gives something else")
    if len(items) != len(reading.items):
        raise Failure(
            f"{folder.name} does not hold: the source, decoded again, gives {len(items)} lines, "
            f"and the journal has {len(reading.items)}"
        )


def _against_footer(folder: SessionFolder, reading: Reading) -> list[str]:
    footer = folder.footer
    if footer is None:
        return []
    last = f"line {reading.lines[-1]}" if reading.lines else "the journal"
    if footer.last_crc != f"{reading.last_crc:08x}":
        return [f"{last} is not the last that was written: the footer remembers another checksum"]
    if footer.journal_sha256 != hashlib.sha256(folder.journal_path.read_bytes()).hexdigest():
        return ["journal.jsonl is not the one that was closed: the footer remembers another digest"]
    return []


def _remarks(folder: SessionFolder, reading: Reading, *, own_code: bool) -> list[str]:
    remarks, header = _ending(folder, reading), folder.header
    if find_paradigm(header.paradigm_file or header.paradigm, own_code=own_code).sha256 != header.paradigm_sha256:
        remarks.append("the paradigm's source has changed since, and still commands the same")
    ticks_us = [
        host_us - item.at_us
        for item, host_us in zip(reading.items, reading.host_us, strict=True)
        if isinstance(item, TimerFired)
    ]
    if ticks_us and max(ticks_us) > 50_000:
        remarks.append(f"the host was late: up to {max(ticks_us) / 1e3:.0f} ms from tick to journal")
    return remarks


def _ending(folder: SessionFolder, reading: Reading) -> list[str]:
    remarks = []
    if folder.footer is None:
        remarks.append("nobody closed this session: there is no footer")
    if reading.torn:
        remarks.append("the last line is torn, as a power cut leaves it, and was left out")
    return remarks


def _versions(folder: SessionFolder) -> str:
    now = f"behavior {__version__}"
    return "" if folder.header.software == now else f" (written by {folder.header.software}, replayed by {now})"
