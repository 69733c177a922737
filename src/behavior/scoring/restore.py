"""Damaged lines of a journal that can be told from the rest: what the program commanded follows from what it was told.

Replay of the inputs gives every command again. If all lines that can be read are where replay has them, then the ones
that cannot were commands, and are known exactly. A damaged input is lost, and replay would not meet the later lines.
"""

from __future__ import annotations

from behavior.model.errors import BadInput
from behavior.model.events import Event
from behavior.session.assemble import core_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item, Reading


def restored(folder: SessionFolder, reading: Reading) -> list[Item] | None:
    """All items of a damaged journal, if nothing but commands is damaged.

    Parameters
    ----------
    folder : of the session, whose header and paradigm replay needs
    reading : its journal, as far as it can be read

    Returns
    -------
    list of Item or None
        None if every line can be read, an input is lost, nobody closed the session, or replay differs, as with another
        version of the paradigm, or another system ran it.
    """
    footer = folder.footer
    if footer is None or len(reading.items) >= footer.n_lines or folder.header.imported:
        return None
    try:
        core = core_of(folder.header)
    except BadInput:
        return None
    items: list[Item] = []
    for event in [item for item in reading.items if isinstance(item, Event)]:
        items += [event, *core.handle(event)]
    core.close()
    agrees = len(items) == footer.n_lines >= max(reading.lines, default=0) and all(
        items[line - 1] == item for line, item in zip(reading.lines, reading.items, strict=True)
    )
    return items if agrees else None
