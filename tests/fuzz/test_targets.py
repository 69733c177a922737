"""Every reader with some mutated examples; `campaign.py` does the same at length. And what the campaign found, mended.

What is tried here is the same at each run, so that a change that lands is judged like the one before it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from behavior.formats.catalogue import all_formats
from behavior.model.errors import BehaviorError
from conftest import ROOT
from fuzz import mutate
from fuzz.target import Finding, Target, effort, memory_held_to, of_bytes, tried
from fuzz.targets import ROOMS, targets_of

BUDGET_MS = 60
"""Of CPU for a target, about: as many executions as that gives by its cost, and three at least."""
COSTLY_MS = 100
"""What takes longer once is for the campaign."""
MOST_CALLS, CALLS_A_BYTE = 1_000_000, 20
"""Of functions, by one execution: some seconds, whatever the machine."""
MOST_MEMORY = 1 << 30
"""Bytes on top of what the tests have."""


@pytest.fixture(scope="module", params=ROOMS)
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Target]]:
    found = targets_of(request.param, tmp_path_factory.mktemp(request.param))
    yield found
    for one in found:
        one.close()


@pytest.mark.filterwarnings("ignore")  # a library may warn of what it is given; what counts is what comes out
def test_any_bytes_give_a_value_or_a_sentence(room: list[Target]) -> None:
    for target in (one for one in room if one.cost < COSTLY_MS):
        random = Random(target.name)
        tried(target, *target.seeds[0])  # what is imported and compiled at the first time is not the input's doing
        for _ in range(max(3, min(25, round(BUDGET_MS / target.cost)))):
            part, data = random.choice(target.seeds)
            changed, found = mutate.mutated(data, random), list[Finding | None]()
            with memory_held_to(MOST_MEMORY):
                n_calls = effort(lambda: found.append(tried(target, part, changed)))  # noqa: B023 — called here
            assert found == [None], f"{target.name} {part}: {found[0].what}\n{found[0].trace}" if found[0] else ""
            assert n_calls <= MOST_CALLS + CALLS_A_BYTE * len(changed), f"{target.name} {part}: {n_calls} calls"


@pytest.mark.filterwarnings("ignore")
def test_the_examples_are_valid(room: list[Target]) -> None:
    """Fuzzing from what is refused at the door would look at the door only."""
    for target in (one for one in room if one.cost < COSTLY_MS):
        few, n_read = target.seeds[:5], 0
        for part, data in few:
            with suppress(BehaviorError):
                target.run(part, data)
                n_read += 1
        assert n_read, target.name


def test_every_format_is_fuzzed(tmp_path: Path) -> None:
    formats = {target.name.removeprefix("format/") for target in targets_of("formats", tmp_path)}
    assert {one.name for one in all_formats()} <= formats


# -- the mutations themselves -----------------------------------------------------------------------------------------

EXAMPLES = {
    "journal": b'{"kind":"Stopped","at_us":5,"by":"x","host_us":5,"seq":0,"after":"00000000","crc":"00000000"}\n',
    "log": b'{"seq":1,"who":"MK","previous":"0","digest":"1"}\n{"seq":2,"who":"MK","previous":"1","digest":"2"}\n',
    "json": b'{"a": [1, 2.5, "x", null, {"b": true}]}',
    "toml": b'name = "x"\nn = 3\n[[arms]]\ndoses = [0, 1.5]\n',
    "csv": b"subject,weight_g\nR01,250\nR02,251.5\n",
    "binary": bytes(range(256)) * 3,
    "empty": b"",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_equal_seeds_give_equal_mutations_and_most_change_something(name: str) -> None:
    data = EXAMPLES[name]
    one, other = ([mutate.mutated(data, Random(seed), [data]) for seed in range(200)] for _ in range(2))
    assert one == other
    assert all(len(made) <= max(mutate.MOST_BYTES, 2 * len(data)) for made in one)
    assert len(set(one)) > (20 if data else 5)


def test_checksums_are_made_anew_so_that_what_is_behind_them_is_reached() -> None:
    from behavior.session.journal import read_lines

    reached = 0
    for seed in range(100):
        made = mutate.journal_changed(EXAMPLES["journal"], Random(seed))
        reading = read_lines(made, b"")
        reached += not any("checksum does not fit" in problem for problem in reading.problems)
    assert reached > 90


@pytest.mark.parametrize("name", ["json", "toml"])
def test_a_changed_tree_is_a_tree_again(name: str) -> None:
    import tomllib

    read = json.loads if name == "json" else lambda data: tomllib.loads(data.decode())
    change = mutate.json_changed if name == "json" else mutate.toml_changed
    whole = 0
    for seed in range(100):
        with suppress(ValueError):
            read(change(EXAMPLES[name], Random(seed)))
            whole += 1
    assert whole > 60


def test_an_archive_is_changed_inside(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xml", "<a>1</a>" * 100)
    n_whole = 0
    for seed in range(50):
        (tmp_path / "y.zip").write_bytes(mutate.member_changed(path.read_bytes(), Random(seed)))
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(tmp_path / "y.zip") as archive:
            n_whole += archive.testzip() is None
    assert n_whole > 40


def test_what_fails_is_made_smaller_and_still_fails() -> None:
    data = bytes(300) + b"boom" + bytes(300)
    assert mutate.smallest(data, lambda one: b"boom" in one) == b"boom"


def test_a_defect_is_found() -> None:
    """A fuzzer that finds nothing in what is broken would find nothing anywhere."""

    def broken(data: bytes) -> None:
        if len(data) > 3 and data[2] == 0xFF:
            raise KeyError("defect")

    target = of_bytes("broken", [b"valid example"], broken)
    random = Random(1)
    found = [tried(target, "", mutate.mutated(b"valid example", random)) for _ in range(2000)]
    assert {one.what.partition(":")[0] for one in found if one} == {"KeyError"}


def test_the_campaign_reports_what_it_did(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tests" / "fuzz" / "campaign.py"), "--target", "audio/ring"]
    options = ["--executions", "60", "--report", str(tmp_path / "r.json"), "--findings", str(tmp_path / "f")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = json.loads((tmp_path / "r.json").read_text())
    assert (run["target"], run["executions"], run["findings"]) == ("audio/ring", 60, [])
    assert not (tmp_path / "f").exists()
