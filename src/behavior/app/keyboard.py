"""Typing during a session: a line is a note; a rater's key marks the begin of a fight, and again its end.

Keys of raters act at once, so that their time is that of the fight and not of the Enter key. Whatever is typed only
reaches the session through its queue, as a note.
"""

from __future__ import annotations

import os
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from behavior.model.errors import BadInput

Note = Callable[[str], None]
STOP = "\x03"
"""Ends the session: what Ctrl-C types, for whoever types to it through a pipe."""


class Keys:
    """What typed characters mean.

    Parameters
    ----------
    note : takes a note
    raters : names whose first letter, in lower case, is their key
    stop : ends the session, told by whom
    """

    def __init__(self, note: Note, raters: Sequence[str] = (), stop: Note = lambda by: None) -> None:
        self._note, self._stop, self._line = note, stop, ""
        self._raters = {rater[:1].lower(): rater for rater in raters}
        self._fighting: set[str] = set()
        if len(self._raters) < len(raters) or "" in self._raters:
            raise BadInput("--rater: each rater's name must begin with a letter of its own, which is the key")

    def typed(self, character: str) -> None:
        """Take one character."""
        if character == STOP:
            self._stop("the experimenter (keyboard)")
        elif character in "\r\n":
            if text := self._line.strip():
                self._note(text)
            self._line = ""
        elif character in "\b\x7f":
            self._line = self._line[:-1]
        elif not self._line and character in self._raters:
            self._toggle(self._raters[character])
        else:
            self._line += character

    def _toggle(self, rater: str) -> None:
        from behavior.paradigms.shock_aggression import keyed

        begins = rater not in self._fighting
        self._note(keyed(rater, begins=begins))
        self._fighting ^= {rater}


@contextmanager
def typing(note: Note, raters: Sequence[str] = (), stop: Note = lambda by: None) -> Iterator[None]:
    """In the block, what is typed at the terminal, or comes through a pipe, goes to the session.

    Raises
    ------
    BadInput
        Two raters have one key.
    """
    keys = Keys(note, raters, stop)
    with _key_by_key():
        threading.Thread(target=_read, args=(keys,), name="keyboard", daemon=True).start()
        yield


def _read(keys: Keys) -> None:
    """Past Python's own buffer of standard input, whose lock a thread that ends with the program would keep."""
    decode = getincrementaldecoder(sys.stdin.encoding or "utf-8")(errors="replace").decode
    while data := os.read(sys.stdin.fileno(), 1024):
        for character in decode(data):
            keys.typed(character)


@contextmanager
def _key_by_key() -> Iterator[None]:
    """A terminal gives each key at once and not by lines; elsewhere nothing changes."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: by lines
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
