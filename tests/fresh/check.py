"""A machine that has never seen the package: built, downloaded, carried over, installed and used, each as a lab would.

    sudo python tests/fresh/check.py [--python PATH] [--readme] [--keep] [--json FILE]

Rules. All is done by a user who was made for it and is gone afterwards, with an empty environment, in folders whose
names hold spaces and letters that are not ASCII. The source is read-only. The wheel is installed without source and
without network, from a folder of wheels that `pip download` has filled (as for a computer that has none). In use,
neither the home folder nor the installed package can be written to, and there is no network. A Python that the user may
not read is copied. With `--readme` the first command of the README is run as printed, in a copy of the source.

Exit code 1 if a step fails. Needs Linux and root (for `useradd`, `unshare`, and to take rights away).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORD = """
from pathlib import Path
from behavior.audio.write import RecordingWriter
from behavior.simulate.acoustics import PlannedCall, Soundscape
scape = Soundscape(250_000, 6.0, 1, [PlannedCall(0.6, 0.9), PlannedCall(2.1, 1.1), PlannedCall(4.2, 0.8)])
with RecordingWriter(Path("nuit é 1.wav"), 250_000, 1) as writer:
    for block in scape.blocks():
        writer.write(block)
"""


@dataclass
class Fresh:
    """The user, the folders, and what was found.

    Attributes
    ----------
    place : everything is below it; it is taken away at the end
    python : the interpreter that venvs are made with
    """

    place: Path
    python: Path
    user: str = field(default_factory=lambda: f"fresh{secrets.token_hex(3)}")
    figures: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    libraries: Path | None = None
    """Of a copied Python, which looks for its shared library where it was."""

    @property
    def home(self) -> Path:
        """Of the user, who may not write to it."""
        return self.place / "home of é"

    @property
    def lab(self) -> Path:
        """Where the user works."""
        return self.place / "lab für Verhalten"

    @property
    def venv(self) -> Path:
        """What is installed."""
        return self.place / "installed ü 1"

    def run(self, *command: object, online: bool = False, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as the user, with an empty environment."""
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
        if self.libraries is not None:
            environment["LD_LIBRARY_PATH"] = str(self.libraries)
        if online:
            environment |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "https_", "HTTPS_"))}
        given = [f"{key}={value}" for key, value in environment.items()]
        whole = ["runuser", "-u", self.user, "--", "env", "-i", *given, *map(str, command)]
        if not online:
            inner = "ip link set lo up 2>/dev/null; exec " + shlex.join(whole)
            whole = ["unshare", "-n", "sh", "-c", inner]
        return subprocess.run(whole, cwd=cwd or self.lab, capture_output=True, text=True, check=False)

    def step(self, what: str, do: Callable[[], str]) -> None:
        """Do a step, and say how it went."""
        began = time.perf_counter()
        try:
            said, state = do(), "good "
        except (AssertionError, OSError, ValueError, KeyError) as error:
            said, state = str(error), "WRONG"
            self.failed.append(what)
        took_s = time.perf_counter() - began
        self.figures[what] = {"took_s": round(took_s, 1), "says": said}
        print(f"{state}  {what}: {said}  ({took_s:.0f} s)", flush=True)

    def good(self, *command: object, online: bool = False, cwd: Path | None = None) -> str:
        """What a command prints that must end well."""
        done = self.run(*command, online=online, cwd=cwd)
        if done.returncode:
            raise AssertionError(
                f"{shlex.join(map(str, command))[:120]} ended with {done.returncode}: {done.stderr[-800:]}"
            )
        return done.stdout


def main() -> int:
    """Make the user, take all steps, take everything away."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument(
        "--python", type=Path, help="by default the system's, if it will do, else the one that runs this"
    )
    asked.add_argument("--readme", action="store_true", help="also the README's first command, as printed")
    asked.add_argument("--keep", action="store_true", help="leave the folder, to look into it")
    asked.add_argument("--json", type=Path, help="write what was found")
    given = asked.parse_args()
    if sys.platform != "linux" or os.geteuid() != 0:
        print("needs Linux and root: sudo python tests/fresh/check.py", file=sys.stderr)
        return 2
    place = Path(tempfile.mkdtemp(prefix="behavior fresh é "))
    place.chmod(0o755)
    fresh = Fresh(place, given.python or usual_python())
    subprocess.run(["useradd", "-M", "-d", str(place / "home of é"), "-s", "/bin/sh", fresh.user], check=True)
    try:
        prepare(fresh)
        steps(fresh, readme=given.readme)
    finally:
        subprocess.run(["userdel", fresh.user], check=False)
        if not given.keep:
            shutil.rmtree(place, ignore_errors=True)
    if given.json:
        given.json.write_text(json.dumps(fresh.figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if fresh.failed else 0


def usual_python() -> Path:
    """The system's, if it is new enough and can make environments; else this one."""
    system = Path("/usr/bin/python3")
    code = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    if system.is_file() and subprocess.run([system, "-c", code], capture_output=True, check=False).returncode == 0:
        return system
    return Path(sys.executable)


def prepare(fresh: Fresh) -> None:
    """Folders, the read-only source as it was committed, and a Python that the user may run."""
    for folder in (fresh.home, fresh.lab, fresh.venv, fresh.place / "wheels", fresh.place / "house"):
        folder.mkdir()
        shutil.chown(folder, fresh.user)
    shutil.chown(fresh.home, "root")
    fresh.home.chmod(0o555)
    source = fresh.place / "source ro"
    source.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
    subprocess.run(["chmod", "-R", "a-w,a+rX", source], check=True)
    fresh.python = fresh.python.resolve()
    if subprocess.run(["runuser", "-u", fresh.user, "--", fresh.python, "-c", ""], capture_output=True).returncode:
        base = fresh.python.parents[1]
        shutil.copytree(base, fresh.place / "python", symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", fresh.place / "python"], check=True)
        fresh.python, fresh.libraries = (
            fresh.place / "python" / "bin" / fresh.python.name,
            fresh.place / "python" / "lib",
        )


def steps(fresh: Fresh, *, readme: bool) -> None:
    """All steps, in order."""
    fresh.step("python", lambda: fresh.good(fresh.python, "--version").strip())
    fresh.step("wheel from a read-only source", lambda: build(fresh))
    fresh.step("wheels for a computer without network", lambda: download(fresh))
    fresh.step("installed without network and source", lambda: install(fresh))
    fresh.step("nothing of the package can be written", lambda: seal(fresh))
    fresh.step("import times", lambda: import_times(fresh))
    fresh.step("selftest without network, home and cache", lambda: selftest(fresh))
    fresh.step("calls in a recording", lambda: detect(fresh))
    fresh.step("a study, verified and summarized", lambda: study(fresh))
    fresh.step("a live session", lambda: live(fresh))
    if readme:
        fresh.step("the README's command, as printed", lambda: as_printed(fresh))


def build(fresh: Fresh) -> str:
    """A wheel; the source is not touched."""
    source, into = fresh.place / "source ro", fresh.place / "wheels"
    fresh.good(fresh.python, "-m", "venv", fresh.place / "wheels" / "v", online=True)
    pip = fresh.place / "wheels" / "v" / "bin" / "pip"
    fresh.good(pip, "wheel", "-q", "--no-deps", "--no-cache-dir", "-w", into, source, online=True)
    (wheel,) = into.glob("behavior-*.whl")
    fresh.figures["wheel_kb"] = round(wheel.stat().st_size / 1e3)
    return f"{wheel.name}, {fresh.figures['wheel_kb']} kB"


def download(fresh: Fresh) -> str:
    """The wheels of all that it needs, into a folder that can be carried over."""
    (wheel,) = (fresh.place / "wheels").glob("behavior-*.whl")
    pip, house = fresh.place / "wheels" / "v" / "bin" / "pip", fresh.place / "house"
    fresh.good(pip, "download", "-q", "--no-cache-dir", "--only-binary", ":all:", "-d", house, wheel, online=True)
    found = list(house.iterdir())
    fresh.figures["house_mb"] = round(sum(one.stat().st_size for one in found) / 1e6)
    return f"{len(found)} files, {fresh.figures['house_mb']} MB"


def install(fresh: Fresh) -> str:
    """Into a fresh environment, from that folder alone."""
    fresh.good(fresh.python, "-m", "venv", fresh.venv)
    before = size_mb(fresh.venv)
    began = time.perf_counter()
    house = fresh.place / "house"
    fresh.good(fresh.venv / "bin" / "pip", "install", "-q", "--no-index", "--find-links", house, "behavior")
    fresh.figures["install_s"] = round(time.perf_counter() - began, 1)
    fresh.figures["install_mb"] = size_mb(fresh.venv) - before
    return f"{fresh.figures['install_mb']} MB in {fresh.figures['install_s']} s"


def size_mb(folder: Path) -> int:
    """Of all files below a folder."""
    return round(sum(one.stat().st_size for one in folder.rglob("*") if one.is_file() and not one.is_symlink()) / 1e6)


def seal(fresh: Fresh) -> str:
    """Give the installation to root, read-only, without compiled files of ours."""
    subprocess.run(["chown", "-R", "root:root", fresh.venv], check=True)
    subprocess.run(["chmod", "-R", "a-w,a+rX", fresh.venv], check=True)
    for folder in (fresh.venv, fresh.home):
        if fresh.run("touch", folder / "x").returncode == 0:
            raise AssertionError(f"{folder} can be written to")
    return "neither the installation nor the home folder"


def import_times(fresh: Fresh) -> str:
    """`behavior --help` against an empty Python, and the packages that take longest."""
    python = fresh.venv / "bin" / "python"
    bare = wall_ms(fresh, python, "-c", "")
    helped = wall_ms(fresh, fresh.venv / "bin" / "behavior", "--help")
    done = fresh.run(python, "-X", "importtime", "-c", "import behavior.app.cli")
    rows = re.findall(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)", done.stderr)
    total_ms = next(int(row[1]) for row in rows if row[3] == "behavior.app.cli") / 1e3
    slowest = sorted(((int(row[1]) / 1e3, row[3]) for row in rows if row[3].count(".") == 0), reverse=True)[:5]
    fresh.figures |= {"python_ms": bare, "help_ms": helped, "import_ms": total_ms, "slowest": slowest}
    named = ", ".join(f"{name} {ms:.0f}" for ms, name in slowest)
    return f"behavior --help {helped:.0f} ms, python alone {bare:.0f} ms; imports {total_ms:.0f} ms ({named})"


def wall_ms(fresh: Fresh, *command: object) -> float:
    """The median of five."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        fresh.good(*command)
        times.append(1e3 * (time.perf_counter() - began))
    return round(statistics.median(times), 1)


def selftest(fresh: Fresh) -> str:
    """Everything good, or worth knowing; and nothing of who and where in it."""
    text = fresh.good(fresh.venv / "bin" / "behavior", "selftest", "--json")
    found = {one["part"]: one for one in json.loads(text)}
    if fresh.user in text or str(fresh.lab) in text:
        raise AssertionError("the page holds the user's name or folder")
    if not found["compiled code"]["figures"]["lasts"]:
        raise AssertionError("compiled code is not kept, and there is a place for temporary files")
    fresh.figures["selftest"] = list(found.values())
    return ", ".join(f"{part} {one['state']}" for part, one in found.items() if one["state"] != "good") or "all good"


def detect(fresh: Fresh) -> str:
    """Three calls, in a file whose name is not ASCII."""
    fresh.good(fresh.venv / "bin" / "python", "-c", RECORD)
    command = [fresh.venv / "bin" / "behavior", "detect", "nuit é 1.wav", "--out"]
    began = time.perf_counter()
    fresh.good(*command, "calls é.csv")
    kept_s = time.perf_counter() - began
    n_calls = len((fresh.lab / "calls é.csv").read_text(encoding="utf-8").splitlines()) - 1
    if n_calls != 3:
        raise AssertionError(f"{n_calls} calls were found, and 3 are there")
    began = time.perf_counter()
    fresh.good("env", f"NUMBA_CACHE_DIR={fresh.lab / 'cache'}", *command, "again.csv")
    cold_s = time.perf_counter() - began
    fresh.figures |= {"detect_cold_s": round(cold_s, 1), "detect_warm_s": round(kept_s, 1)}
    return f"3 of 3; {kept_s:.1f} s after the selftest has compiled it, {cold_s:.1f} s where nobody has"


def study(fresh: Fresh) -> str:
    """Twelve sessions of a study file in the user's folder, to a report."""
    text = (fresh.place / "source ro" / "docs" / "tutorial" / "from-a-med-pc-shelf.md").read_text(encoding="utf-8")
    file = re.search(r"```toml\n(# file: shelf-study.toml\n.*?)```", text, re.DOTALL)
    if file is None:
        raise AssertionError("the tutorial has no study file")
    (fresh.lab / "étude.toml").write_text(file[1], encoding="utf-8")
    behavior = fresh.venv / "bin" / "behavior"
    fresh.good(behavior, "simulate", "étude.toml", "--out", "data ü", "--seed", "1")
    fresh.good(behavior, "verify", "data ü")
    fresh.good(behavior, "summarize", "data ü")
    if not (fresh.lab / "data ü" / "summary" / "report.html").is_file():
        raise AssertionError("there is no report")
    return "12 sessions to a report"


def live(fresh: Fresh) -> str:
    """A session in real time on simulated devices behind pseudo-terminals."""
    (fresh.lab / "kurz.toml").write_text(
        'components = [{ name = "unpunished", duration_s = 4, schedule = "VI 2 s" }]\nn_cycles = 1\n', encoding="utf-8"
    )
    asked = (
        "run simulated --chamber A --paradigm geller_seifter --parameters kurz.toml --subject R1 --experimenter é "
        "--weight-g 280 --dose-mg-kg 0 --vehicle saline --out live --simulate"
    )
    fresh.good(fresh.venv / "bin" / "behavior", *asked.split())
    said = fresh.good(fresh.venv / "bin" / "behavior", "verify", "live")
    return said.strip()


def python3_of(fresh: Fresh) -> Path:
    """A folder in which `python3` is the Python that is tried."""
    folder = fresh.place / "first in PATH"
    folder.mkdir(exist_ok=True)
    (folder / "python3").symlink_to(fresh.python)
    return folder


def as_printed(fresh: Fresh) -> str:
    """The first block of the README, in a copy of the source that the user owns."""
    copy = fresh.lab / "checkout é 2"
    shutil.copytree(fresh.place / "source ro", copy)
    subprocess.run(["chmod", "-R", "u+w", copy], check=True)
    subprocess.run(["chown", "-R", fresh.user, copy], check=True)
    command = re.search(r"```\n(python3 -m venv .*?)\n```", (copy / "README.md").read_text(encoding="utf-8"))
    if command is None:
        raise AssertionError("the README prints no command")
    path = f"PATH={python3_of(fresh)}:/usr/bin:/bin"
    began = time.perf_counter()
    said = fresh.good("env", path, "sh", "-c", command[1], online=True, cwd=copy)
    fresh.figures["readme_s"] = round(time.perf_counter() - began, 1)
    if not (copy / "behavior-demo" / "summary" / "report.html").is_file():
        raise AssertionError(f"there is no report: {said[-300:]}")
    return command[1]


if __name__ == "__main__":
    sys.exit(main())
