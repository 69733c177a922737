"""Makes a Python, and all that it begins, lack what Windows lacks, for `tests/test_windows.py`: by PYTHONPATH.

`sys.platform` stays as it is, because the standard library and other packages would not start otherwise; our own code
asks for what it needs, and not for the name of the system, wherever it can.
"""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: F401 — asks for `msvcrt` to know where it is, and so has to come first
import sys
from types import ModuleType

for name in ("fcntl", "termios", "tty", "pty", "resource", "pwd", "grp", "curses", "syslog"):
    sys.modules[name] = None  # type: ignore[assignment]
for name in (
    "openpty", "ttyname", "getuid", "geteuid", "getgid", "killpg", "setpriority", "sched_setscheduler",
    "sched_getscheduler", "sched_setaffinity", "sched_getaffinity", "getloadavg", "set_blocking",
):  # fmt: skip
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM"):
    if hasattr(signal, name):
        delattr(signal, name)


class Locks(ModuleType):
    """Stands for `msvcrt`: locks a byte for whoever asks first; here nobody else does."""

    LK_LOCK, LK_UNLCK = 1, 0

    def locking(self, fd: int, mode: int, n_bytes: int) -> None:
        """Lock, or let go."""


sys.modules["msvcrt"] = Locks("msvcrt")
