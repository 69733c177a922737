"""Fuzzing at length: `python tests/fuzz/campaign.py --executions 1000000 [--target session] [--report FILE]`.

Every target (`--list` names them) runs in a process of its own with bounded memory, on valid examples mutated from a
seed. Kept are inputs, as small as they can be made, that gave neither a value nor one of our errors, or crashed the
interpreter, took longer than 5 s of CPU (`--slow`), or more than 2 GB (`--memory`); of one cause a single one. The exit
code is 1 if there are any. `--guided` lets atheris choose what to mutate by the code that is reached, where it is
installed; examples and checks are the same.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from fuzz.mutate import mutated, smallest  # noqa: E402
from fuzz.target import Finding, Target, tried  # noqa: E402
from fuzz.targets import ROOMS, targets_of  # noqa: E402

LEAST = 0.002
"""Of all executions, what a target has at least, whatever it costs."""


PAGE = """# What was fuzzed

Made by `python tests/fuzz/campaign.py --executions N --seed S --report REPORT`, and `--table REPORT…` of the reports. A
target is something that reads; an execution gives it a valid example that was changed. It must give a value or one of
our sentences, within 5 s of CPU and 2 GB. Findings are those of the campaigns while they ran; what they were, and that
they are mended, is in [what was tried](../explanations/what-was-tried.md).
"""


class TooSlow(BaseException):
    """Raised amid an execution that has used its time; nothing catches it but us."""


@dataclass
class Run:
    """What became of a target."""

    target: str
    executions: int = 0
    ours: int = 0
    """Executions that ended in one of our errors."""
    seconds: float = 0.0
    slowest_s: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--executions", type=int, default=100_000, help="in all, shared among the targets by their cost"
    )
    parser.add_argument("--target", default="", help="only targets whose name has this in it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--slow", type=float, default=5.0, help="seconds of CPU that one execution may take")
    parser.add_argument(
        "--memory", type=float, default=2.0, help="GB that a target may take on top of what it begins with"
    )
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="folder for failing inputs")
    parser.add_argument("--report", type=Path, help="JSON with executions and findings of each target")
    parser.add_argument("--guided", action="store_true", help="by atheris, for what runs in this interpreter")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", nargs="+", type=Path, metavar="REPORT", help="the sum of reports, for the manual")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.table:
        print(table([[Run(**run) for run in json.loads(path.read_text())] for path in given.table]))
        return 0
    if given.one:
        return guided_one(given.one[0], int(given.one[1]), Path(given.one[2]), given)
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as place:
        plan = planned(Path(place) / "plan", given.target)
        if given.list:
            print("\n".join(name for name, _ in plan))
            return 0
        share = given.executions / sum(1 / cost**0.5 for _, cost in plan)
        least = max(20, round(LEAST * given.executions))
        work = [
            (name, max(least, round(share / cost**0.5)), Path(place) / name.replace("/", "-"), given)
            for name, cost in plan
        ]
        print(f"{'target':32} {'executions':>10} {'our errors':>10} {'slowest':>8} {'findings':>8}")
        if given.jobs == 1:
            runs = [said((guided if given.guided else watched)(*one)) for one in work]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(given.jobs) as pool:
                runs = [said(run) for run in pool.map(lambda one: watched(*one), work)]
    n = sum(run.executions for run in runs)
    found = [one for run in runs for one in run.findings]
    print(
        f"{len(runs)} targets, {n} executions, {len(found)} findings, {sum(run.seconds for run in runs):.0f} s of CPU"
    )
    for one in found:
        print(f"{one['target']}: {one['what']} ({one['where']}); {one['n_bytes']} bytes in {one['file']}")
    if given.report:
        given.report.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n")
    return 1 if found else 0


def table(reports: list[list[Run]]) -> str:
    """Reports of several campaigns, target by target, as Markdown."""
    sums: dict[str, Run] = {}
    for run in (run for report in reports for run in report):
        one = sums.setdefault(run.target, Run(run.target))
        one.executions, one.ours, one.seconds = (
            one.executions + run.executions, one.ours + run.ours, one.seconds + run.seconds,
        )  # fmt: skip
        one.slowest_s = max(one.slowest_s, run.slowest_s)
        one.findings += [found for found in run.findings if not any(_same(found, other) for other in one.findings)]
    runs = sorted(sums.values(), key=lambda run: run.target)
    rows = [
        f"| {run.target} | {run.executions:,} | {run.ours / max(1, run.executions):.0%} | {run.slowest_s:.2f} | "
        f"{len(run.findings)} |"
        for run in runs
    ]
    n, seconds, n_found = (
        sum(run.executions for run in runs), sum(run.seconds for run in runs), sum(len(run.findings) for run in runs),
    )  # fmt: skip
    head = ["| target | executions | ended in a sentence | slowest, s | findings |", "|---|---|---|---|---|"]
    whole = f"| **{len(runs)} targets, {seconds / 60:.0f} min of CPU** | **{n:,}** | | | **{n_found}** |"
    return "\n".join([PAGE, *head, *rows, whole])


def said(run: Run) -> Run:
    """Print a line of the table."""
    print(f"{run.target:32} {run.executions:10} {run.ours:10} {run.slowest_s:7.2f}s {len(run.findings):8}", flush=True)
    return run


def planned(place: Path, wanted: str) -> list[tuple[str, float]]:
    """Names and costs of the targets."""
    rooms = [room for room in ROOMS if "/" not in wanted or _may_have(room, wanted)]
    found = [one for room in rooms for one in targets_of(room, place)]
    for one in found:
        one.close()
    return [(one.name, one.cost) for one in found if wanted in one.name]


def watched(name: str, n: int, place: Path, given: argparse.Namespace) -> Run:
    """A target in processes of its own: one that dies is a finding, and another goes on behind it."""
    run, seed = Run(name), given.seed
    place.mkdir(parents=True)
    while run.executions < n:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=worked, args=(name, n - run.executions, seed, place, given, there)
        )
        process.start()
        there.close()
        done = None
        with suppress(EOFError):
            done = here.recv()
        process.join()
        if done is not None:
            run.executions += done["executions"]
            run.ours += done["ours"]
            run.seconds += done["seconds"]
            run.slowest_s = max(run.slowest_s, done["slowest_s"])
            run.findings += [one for one in done["findings"] if not any(_same(one, other) for other in run.findings)]
            if done["over"]:
                break
        else:
            crashed = _last(place)
            run.executions += crashed.pop("executions")
            how = (
                f"died of {signal.Signals(-process.exitcode).name}"
                if (process.exitcode or 0) < 0
                else f"ended with {process.exitcode}"
            )
            one = _kept(
                Finding(name, crashed["part"], crashed["data"], f"crash: the interpreter {how}", "?"), given.findings
            )
            if not any(_same(one, other) for other in run.findings):
                run.findings.append(one)
        seed += 1_000_003
        if len(run.findings) > 25:
            break
    shutil.rmtree(place, ignore_errors=True)
    return run


def guided(name: str, n: int, place: Path, given: argparse.Namespace) -> Run:
    """A target by atheris, in an interpreter of its own, whose imports it instruments."""
    import subprocess

    place.mkdir(parents=True)
    options = ["--seed", str(given.seed), "--findings", str(given.findings), "--slow", str(given.slow)]
    command = [sys.executable, __file__, "--one", name, str(n), str(place), *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        run = Run(**json.loads((place / "run.json").read_text()))
    except (OSError, ValueError):
        raise SystemExit(f"{name}: {done.stderr[-2000:]}\nIs atheris installed?") from None
    if (crash := place / "now").exists():
        left = _last(place)
        found = Finding(name, left["part"], left["data"], f"crash: the interpreter ended with {done.returncode}", "?")
        run.findings.append(_kept(found, given.findings))
        crash.unlink()
    shutil.rmtree(place, ignore_errors=True)
    return run


def guided_one(name: str, n: int, place: Path, given: argparse.Namespace) -> int:
    """In that interpreter. What reaches new code is kept by atheris and mutated on; how, is ours to say."""
    import atheris

    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["behavior"]):
        rooms = [room for room in ROOMS if _may_have(room, name)]
        (target,) = [one for room in rooms for one in targets_of(room, place / "files") if one.name == name]
    parts = sorted({part for part, _ in target.seeds})
    corpus, note, run, kinds = place / "corpus", (place / "now").open("w+b"), Run(name), set[tuple[str, str, str]]()
    corpus.mkdir()
    for number, (part, data) in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(bytes([parts.index(part) % 256]) + data)
    signal.signal(signal.SIGVTALRM, _too_slow)

    def tell() -> None:
        run.ours, run.seconds = OURS[0], time.process_time()
        (place / "run.json").write_text(json.dumps(asdict(run)))

    def execute(data: bytes) -> None:
        part, data = parts[(data[0] if data else 0) % len(parts)], data[1:]
        _note(note, run.executions, part, data)
        at = time.process_time()
        found = timed(target, part, data, given.slow)
        run.executions, run.slowest_s = run.executions + 1, max(run.slowest_s, time.process_time() - at)
        if found is not None and found.kind not in kinds:
            kinds.add(found.kind)
            run.findings.append(_kept(shortened(target, found, given.slow), given.findings))
        if run.executions % 500 == 0 or run.executions >= n:
            tell()
        if run.executions >= n:
            (place / "now").unlink()
            target.close()
            os._exit(0)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        first = bytes([random.randrange(len(parts)) % 256]) if random.random() < 0.05 else data[:1] or b"\0"
        return (first + mutated(data[1:], random, [one for _, one in target.seeds]))[:most]

    tell()
    options = [f"-seed={given.seed}", "-max_len=65536", "-timeout=60", "-verbosity=0", str(corpus)]
    atheris.Setup([sys.argv[0], *options], execute, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["kind"] == other["kind"])


def worked(name: str, n: int, seed: int, place: Path, given: argparse.Namespace, to: Connection) -> None:
    """In the process of its own: execute, note what is executed, tell what came of it."""
    warnings.simplefilter("ignore")
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    (target,) = [
        one
        for room in ROOMS
        if _may_have(room, name)
        for one in targets_of(room, place / str(seed))
        if one.name == name
    ]
    began = resource.getrusage(resource.RUSAGE_SELF)
    limit = round(_virtual_bytes() + given.memory * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGVTALRM, _too_slow)
    random, note = Random(f"{name} {seed}"), (place / "now").open("w+b")
    done: dict[str, Any] = {"executions": 0, "ours": 0, "slowest_s": 0.0, "findings": [], "over": False}
    kinds: set[tuple[str, str, str]] = set()
    by_part: dict[str, list[bytes]] = {}
    for part, data in target.seeds:
        by_part.setdefault(part, []).append(data)
    while done["executions"] < n:
        part, data = random.choice(target.seeds)
        data = mutated(data, random, by_part[part])
        _note(note, done["executions"], part, data)
        at, ours = time.process_time(), OURS[0]
        found = timed(target, part, data, given.slow)
        took = time.process_time() - at
        done["executions"] += 1
        done["ours"] += OURS[0] - ours
        done["slowest_s"] = max(done["slowest_s"], took)
        if found is not None and found.kind not in kinds:
            kinds.add(found.kind)
            done["findings"].append(_kept(shortened(target, found, given.slow), given.findings))
            if len(kinds) > 20:
                break
    used, forked = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    done["seconds"] = used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime
    done["seconds"] += forked.ru_utime + forked.ru_stime
    done["over"] = True
    to.send(done)


OURS = [0]


def timed(target: Target, part: str, data: bytes, slow_s: float) -> Finding | None:
    """Execute once, within its time."""
    from behavior.model.errors import BehaviorError

    run = target.run

    def counting(part: str, data: bytes) -> object:
        try:
            return run(part, data)
        except BehaviorError:
            OURS[0] += 1
            raise

    signal.setitimer(signal.ITIMER_VIRTUAL, slow_s)
    try:
        return tried(Target(target.name, target.seeds, counting), part, data)
    except TooSlow:
        return Finding(target.name, part, data, f"slow: more than {slow_s:g} s of CPU", _INTERRUPTED[-1])
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


_INTERRUPTED = ["?"]


def _too_slow(number: int, frame: Any) -> None:
    while frame is not None and "/behavior/" not in frame.f_code.co_filename:
        frame = frame.f_back
    if frame is not None:
        _INTERRUPTED.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}")
    raise TooSlow


def _may_have(room: str, name: str) -> bool:
    """Whether a room may have this target: making the files of all would take as long as the campaign."""
    homes = {"toml": "config", "yaml": "config", "harp": "devices", "driver": "devices", "line": "devices",
             "audio": "devices", "format": "formats", "import": "formats", "screens": "screens", "journal": "sessions",
             "session": "sessions", "table": "sessions", "review": "sessions", "sound": "sound", "assay": "studies",
             "analysis": "studies", "channels": "studies"}  # fmt: skip
    home = homes.get(name.partition("/")[0])
    return home is None or home == room


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _note(file: Any, n: int, part: str, data: bytes) -> None:
    """What is executed now, for whoever finds this process dead."""
    head = json.dumps({"executions": n + 1, "part": part, "n": len(data)}).encode() + b"\n"
    file.seek(0)
    file.write(head + data)
    file.flush()


def _last(place: Path) -> dict[str, Any]:
    try:
        head, _, data = (place / "now").read_bytes().partition(b"\n")
        told = json.loads(head)
    except (OSError, ValueError):
        return {"executions": 1, "part": "", "data": b""}
    return {"executions": told["executions"], "part": told["part"], "data": data[: told["n"]]}


def shortened(target: Target, found: Finding, slow_s: float) -> Finding:
    """The finding with an input as small as still gives it."""
    tries = 6 if found.what.startswith("slow") else 300

    def fails(data: bytes) -> bool:
        again = timed(target, found.part, data, slow_s)
        return again is not None and again.kind == found.kind

    data = smallest(found.data, fails, tries)
    again = timed(target, found.part, data, slow_s)
    return again if again is not None else found


def _kept(found: Finding, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    stem = (
        f"{found.target}-{found.what.partition(':')[0]}-{found.where}".replace("/", "-")
        .replace(":", "-")
        .replace("?", "x")
    )
    (folder / f"{stem}.bin").write_bytes(found.data)
    (folder / f"{stem}.txt").write_text(f"{found.target} {found.part}\n{found.what}\n{found.trace}", errors="replace")
    return {
        "target": found.target, "part": found.part, "what": found.what, "where": found.where,
        "n_bytes": len(found.data), "file": str(folder / f"{stem}.bin"), "kind": list(found.kind),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
