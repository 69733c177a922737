"""What only one family of operating systems has is used in the seams alone, so that the rest runs everywhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "behavior"
ONLY_POSIX = {"fcntl", "termios", "tty", "pty", "resource", "pwd", "grp", "posix", "curses", "syslog"}
ONLY_WINDOWS = {"msvcrt", "winreg", "winsound", "_winapi"}
NAMES = {
    "os": {
        "fork", "forkpty", "openpty", "getuid", "geteuid", "getgid", "getpgid", "killpg", "kill", "setsid", "mkfifo",
        "symlink", "chown", "nice", "sched_setaffinity", "sched_getaffinity", "sched_setscheduler", "set_blocking",
        "O_DIRECTORY", "O_NONBLOCK", "uname", "getloadavg", "wait", "waitpid", "ttyname",
    },
    "signal": {"SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGPIPE", "alarm", "setitimer"},
    "select": {"poll", "epoll", "kqueue"},
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
}  # fmt: skip
KEYWORDS = {"preexec_fn", "start_new_session", "pass_fds", "creationflags", "startupinfo"}

SEAMS = {
    "app/dashboard/chambers.py": {"os.kill"},
    "app/dashboard/token.py": {"os.getuid"},
    "app/keyboard.py": {"termios", "tty"},
    "app/selftest/machine.py": {"os.sched_getaffinity"},
    "audio/hurry.py": {"os.sched_setscheduler"},
    "audio/jit.py": {"os.getuid"},
    "formats/hdf5.py": {"resource"},
    "simulate/serve.py": {"tty", "os.openpty", "os.set_blocking", "os.ttyname"},
    "study/audit.py": {"fcntl", "msvcrt"},
}
"""What each may use, each with another way for systems that lack it."""


def uses(tree: ast.AST) -> set[str]:
    """What of the above a module uses."""
    found = set()
    for one in ast.walk(tree):
        match one:
            case ast.Import(names=names):
                found |= {name.name.split(".")[0] for name in names}
            case ast.ImportFrom(module=str(module)):
                found.add(module.split(".")[0])
                found |= {f"{module}.{name.name}" for name in one.names if name.name in NAMES.get(module, ())}
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in NAMES.get(module, ()):
                found.add(f"{module}.{name}")
            case ast.Call(keywords=keywords):
                found |= {word.arg for word in keywords if word.arg in KEYWORDS}
    return {one for one in found if "." in one or one in ONLY_POSIX | ONLY_WINDOWS | KEYWORDS}


def test_only_the_seams_use_what_not_every_system_has() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): used
        for path in sorted(SOURCE.rglob("*.py"))
        if (used := uses(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == SEAMS


def test_no_module_imports_at_its_head_what_not_every_system_has() -> None:
    """Within a function it can be missing; at the head the whole package would not start."""
    at_head = {
        path.name: used & (ONLY_POSIX | ONLY_WINDOWS)
        for path in SOURCE.rglob("*.py")
        for used in [uses(ast.Module([one for one in ast.parse(path.read_text(encoding="utf-8")).body
                                      if isinstance(one, ast.Import | ast.ImportFrom)], []))]
    }  # fmt: skip
    assert {name: used for name, used in at_head.items() if used} == {}


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("import os\nos.fork()", {"os.fork"}),
        ("from os import kill", {"os.kill"}),
        ("def f():\n    import fcntl", {"fcntl"}),
        ("subprocess.run(x, preexec_fn=f)", {"preexec_fn"}),
        ("import signal\nsignal.signal(signal.SIGHUP, f)", {"signal.SIGHUP"}),
        ("import os\nos.getcwd()", set()),
    ],
)
def test_a_use_is_noticed(source: str, used: set[str]) -> None:
    assert uses(ast.parse(source)) == used


def test_files_of_text_name_their_encoding_and_their_line_ends() -> None:
    """Windows would take the country's code page and CRLF; digests and other computers' readers would differ."""
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        for one in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
                words = {word.arg for word in one.keywords}
                if one.func.attr == "write_text" and not {"encoding", "newline"} <= words:
                    wrong.append(f"{path.name}:{one.lineno}")
                if one.func.attr == "read_text" and not one.args and "encoding" not in words:
                    wrong.append(f"{path.name}:{one.lineno}")
    assert wrong == []
