"""The errors a person sees. Each is one sentence: what is wrong, where, and what to do next.

Two families, as in any exchange: `BadInput`, somebody gave us something that cannot be used (exit code 2), and
`Failure`, something here did not do what it should (exit code 1). Anything else that is raised is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class BehaviorError(Exception):
    """A sentence for a person. `exit_code` is what the command line ends with."""

    exit_code = 1


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
        return f"{self.key}: {self.what}" if self.key else self.what


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
            return f"{self.file}: {self.problems[0]}"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        return f"{self.file}: {len(self.problems)} problems, mend them and run again:{lines}"
