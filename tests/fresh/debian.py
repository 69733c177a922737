"""The README's two commands on a Debian that has Python and nothing else, each as it is printed.

    sudo python tests/fresh/debian.py [SUITE] [--tests] [--root FOLDER] [--json FILE]

Rules. `mmdebstrap` makes a minimal Debian (`bookworm` has Python 3.11, `trixie` 3.13, `forky` 3.14) with `python3` and
`python3-venv`, and a user in it; a copy of the source as it was committed lies in the user's folder, under a name with
a space and a letter that is not ASCII. What comes before the last `&&` of a command installs and may use the network;
what comes after it has none. `--tests` runs the second command too: the whole suite, half an hour on two slow cores.

The certificates, the name server and the settings of pip are those of this computer, because how a laboratory reaches
the internet is its own. Exit code 1 if a step fails. Needs Linux, root and `mmdebstrap`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MIRROR = "http://deb.debian.org/debian"
USER = "lab"
SOURCE = "checkout é 2"
MOUNTED = """
mount --make-rprivate /
mount -t proc proc {root}/proc
mount --rbind /dev {root}/dev
mount --rbind /sys {root}/sys
mount -t tmpfs tmpfs {root}/dev/shm
{network}
exec chroot --userspec={user} {root} env -i {environment} sh -c {command}
"""


@dataclass
class Debian:
    """A Debian in a folder.

    Attributes
    ----------
    root : the folder
    figures, failed : what was found, and which steps failed
    """

    root: Path
    figures: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @property
    def source(self) -> Path:
        """The copy of the source, seen from outside."""
        return self.root / "home" / USER / SOURCE

    def good(self, command: str, *, online: bool) -> str:
        """What a command of the shell prints, run by the user within the source; it must end well."""
        environment = {"HOME": f"/home/{USER}", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        environment |= {
            k: v for k, v in os.environ.items() if k in ("OPENBLAS_NUM_THREADS", "PYTEST_XDIST_AUTO_NUM_WORKERS")
        }
        if online:
            kept = ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy")
            environment |= {k: v for k, v in os.environ.items() if k in kept}
        script = MOUNTED.format(
            root=shlex.quote(str(self.root)),
            user=USER,
            network="" if online else "ip link set lo up 2>/dev/null || true",
            environment=" ".join(shlex.quote(f"{key}={value}") for key, value in environment.items()),
            command=shlex.quote(f"cd {shlex.quote(f'/home/{USER}/{SOURCE}')} && {command}"),
        )
        alone = ["unshare", "-m", *([] if online else ["-n"]), "sh", "-e", "-c", script]
        done = subprocess.run(alone, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}: {(done.stdout + done.stderr)[-6000:]}")
        return done.stdout

    def step(self, what: str, do: Callable[[], str]) -> None:
        """Do a step, and say how it went."""
        began = time.perf_counter()
        try:
            said, state = do(), "good "
        except (AssertionError, OSError, ValueError) as error:
            said, state = str(error), "WRONG"
            self.failed.append(what)
        took_s = time.perf_counter() - began
        self.figures[what] = {"took_s": round(took_s, 1), "says": said}
        print(f"{state}  {what}: {said}  ({took_s:.0f} s)", flush=True)


def main() -> int:
    """Make the Debian, take all steps, take it away."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("suite", nargs="?", default="bookworm")
    asked.add_argument("--tests", action="store_true", help="also the second command: the whole suite")
    asked.add_argument("--root", type=Path, help="a Debian that mmdebstrap has made already; it is copied")
    asked.add_argument("--keep", action="store_true", help="leave the folder, to look into it")
    asked.add_argument("--json", type=Path, help="write what was found")
    given = asked.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0 or not (given.root or shutil.which("mmdebstrap")):
        print("needs Linux, root and mmdebstrap: sudo apt-get install mmdebstrap", file=sys.stderr)
        return 2
    place = Path(tempfile.mkdtemp(prefix="behavior-debian-"))
    place.chmod(0o755)
    debian = Debian(place / "root")
    try:
        debian.step(f"a minimal Debian, {given.suite}", lambda: made(debian, given.suite, given.root))
        if not debian.failed:
            steps(debian, tests=given.tests)
    finally:
        if not given.keep:
            shutil.rmtree(place, ignore_errors=True)
    if given.json:
        given.json.write_text(json.dumps(debian.figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if debian.failed else 0


def made(debian: Debian, suite: str, root: Path | None) -> str:
    """The Debian, its user, and the source in the user's folder."""
    if root is not None:
        subprocess.run(["cp", "-a", root, debian.root], check=True)
    else:
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", packages, suite, debian.root, MIRROR], check=True)
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copyfile(Path("/") / name, debian.root / name)
    subprocess.run(["useradd", "-R", debian.root, "-m", "-s", "/bin/sh", USER], check=True)
    debian.source.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", debian.source], input=archive, check=True)
    inside = f"/home/{USER}/{SOURCE}"
    subprocess.run(["chroot", debian.root, "chown", "-R", f"{USER}:{USER}", inside], check=True)
    return debian.good("python3 --version", online=False).strip()


def steps(debian: Debian, *, tests: bool) -> None:
    """The README's commands."""
    demo, suite = printed((debian.source / "README.md").read_text(encoding="utf-8"))
    debian.step("the README's first command", lambda: run_demo(debian, demo))
    debian.step("selftest without network", lambda: selftest(debian))
    if tests:
        debian.step("the README's second command", lambda: run_tests(debian, suite))


def printed(readme: str) -> tuple[str, str]:
    """The two commands of the README that make an environment."""
    first, second = re.findall(r"^```\n(python3 -m venv .*)\n```$", readme, re.MULTILINE)
    return first, second


def run_demo(debian: Debian, command: str) -> str:
    """Install with the network, then the demo without it."""
    install, _, use = command.rpartition(" && ")
    began = time.perf_counter()
    debian.good(install, online=True)
    debian.figures["install_s"] = round(time.perf_counter() - began, 1)
    debian.good(use, online=False)
    if not (debian.source / "behavior-demo" / "summary" / "report.html").is_file():
        raise AssertionError("the demo has left no report")
    return f"{command} (installed in {debian.figures['install_s']:.0f} s; the demo had no network)"


def selftest(debian: Debian) -> str:
    """What is not good on the page of the selftest."""
    found = json.loads(debian.good(".venv/bin/behavior selftest --json", online=False))
    return ", ".join(f"{one['part']}: {one['state']}" for one in found if one["state"] != "good") or "all good"


def run_tests(debian: Debian, command: str) -> str:
    """Install with the network, then the suite without it; its last line."""
    install, _, use = command.rpartition(" && ")
    debian.good(install, online=True)
    try:
        return debian.good(use, online=False).strip().splitlines()[-1].strip("= ")
    except AssertionError as error:
        failed = re.findall(r"(?m)^(?:FAILED|ERROR) .*|^\d+ failed.*", str(error))
        raise AssertionError("; ".join(failed) or str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
