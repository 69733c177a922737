"""A journal that grows, read as far as it has come: each line once, by who must not disturb who writes it."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

from behavior.model.decode import WRONG
from behavior.session.journal import Item, item_of

MOST_BYTES = 1 << 20
_CRC = len(b',"crc":"00000000"}')


class JournalTail:
    """Reads on in a journal.

    Parameters
    ----------
    path : of the journal; it need not be there yet

    Attributes
    ----------
    n_damaged : lines that were none, or whose checksum does not fit; they are left out
    cut : the file has become shorter than what was read of it, so that all of it must be read anew
    """

    def __init__(self, path: Path) -> None:
        self.path, self._at = path, 0
        self.n_damaged, self.cut = 0, False

    def read(self, most_bytes: int = MOST_BYTES) -> list[tuple[Item, int]]:
        """The items since the last call, each with the host's time of writing; none if there are none yet.

        Half a line at the end waits for its other half. Of a long journal `most_bytes` come at a time.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                size = file.seek(0, 2)
                if size < self._at:
                    self.cut = True
                if size <= self._at:
                    return []
                file.seek(self._at)
                data = file.read(most_bytes)
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == most_bytes:  # no line is as long as that
            whole = len(data)
        self._at += whole
        return [found for line in data[:whole].split(b"\n") if line and (found := self._item(line)) is not None]

    def _item(self, line: bytes) -> tuple[Item, int] | None:
        body, tail = line[:-_CRC], line[-_CRC:]
        try:
            if tail != b',"crc":"%08x"}' % crc32(body):
                raise ValueError
            return item_of(line)
        except WRONG:
            self.n_damaged += 1
            return None
