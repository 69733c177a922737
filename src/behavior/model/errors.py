"""The errors a person sees. Each is one sentence: what is wrong, where, and what to do next.

Two families, as in any exchange: `BadInput`, somebody gave us something that cannot be used (exit code 2), and
`Failure`, something here did not do what it should (exit code 1). Anything else that is raised is a defect of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_SHOWN = 100
"""So many problems of a file are shown at once; `BadFile.problems` has them all."""


_NOT_SHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


LONGEST = 2_000
"""Of a sentence, in characters; what quotes more is cut amid."""


def cut(text: str) -> str:
    """Text that is not longer than a sentence may be."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 4 :]}"


def printable(text: str) -> str:
    r"""Text as a terminal and a page can show it: control and direction characters of what it quotes are escaped.

    >>> print(printable("R01\x1b[2J"))
    R01\x1b[2J
    """
    return _NOT_SHOWN.sub(lambda found: ascii(found[0])[1:-1], text)


class BehaviorError(Exception):
    """A sentence for a person. `exit_code` is what the command line ends with."""

    exit_code = 1

    def __str__(self) -> str:
        return printable(cut(super().__str__()))


class BadInput(BehaviorError):
    """What was given cannot be used: a file, an option, a parameter."""

    exit_code = 2


class Failure(BehaviorError):
    """What was asked could not be done: a device, a disk, a session that had to end."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file: which key, and what would be right."""

    key: str
    what: str

    def __str__(self) -> str:
        return cut(f"{self.key}: {self.what}" if self.key else self.what)


class BadFile(BadInput):
    """A file that cannot be used, with every problem in it at once.

    Parameters
    ----------
    file : name of the file, as the person knows it
    problems : all that is wrong in it
    """

    def __init__(self, file: object, problems: Iterable[Problem]) -> None:
        self.file, self.problems = str(file), tuple(problems)
        super().__init__(self.file, self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return printable(f"{self.file}: {self.problems[0]}")
        lines = "".join(f"\n  {problem}" for problem in self.problems[:MOST_SHOWN])
        if (n_more := len(self.problems) - MOST_SHOWN) > 0:
            lines += f"\n  … and {n_more} more"
        return printable(f"{self.file}: {len(self.problems)} problems, mend them and run again:{lines}")
