"""An archive worked through: whatever fails or dies, the others are done, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from behavior.app.executors import InThisProcess, processes
from behavior.model.errors import BadInput
from behavior.scoring import workers
from behavior.scoring.archive import Item, Outcome, find_items, is_cached, way_of
from behavior.scoring.workers import work_out, work_through
from behavior.simulate.acoustics import PlannedCall, Soundscape
from session.recorded import record


def items(n: int) -> list[Item]:
    return [Item("recording", Path(f"{i}.wav"), Path(f"{i}"), f"{i}.wav") for i in range(n)]


class Mortal(Executor):
    """Dies at items whose names are fatal, as a process pool does: with all that is in work."""

    def __init__(self, fatal: set[str], deaths: Counter[str]) -> None:
        self._fatal, self._deaths, self._dead = fatal, deaths, False

    def submit(self, function: Callable[..., Any], /, item: Item, *more: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if item.name in self._fatal:
            self._dead = True
            self._deaths[item.name] += 1
        if self._dead:
            future.set_exception(BrokenExecutor("a process died"))
        else:
            future.set_result(function(item, *more, **named))
        return future


@given(st.integers(0, 12), st.sets(st.integers(0, 11), max_size=3), st.integers(1, 4))
def test_what_kills_is_left_out_and_all_others_are_done_once(n: int, fatal: set[int], n_at_once: int) -> None:
    done, deaths = Counter[str](), Counter[str]()

    def count(item: Item, profile: str) -> Outcome:
        done[item.name] += 1
        return Outcome("done")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workers, "work_out", count)
        bad = {f"{i}.wav" for i in fatal}
        found = dict(work_through(items(n), lambda: Mortal(bad, deaths), n_at_once, "rat"))
    assert {item.name for item in found} == {item.name for item in items(n)}
    for item, outcome in found.items():
        killed = item.name in bad
        assert outcome.state == ("failed" if killed else "done")
        assert done[item.name] == (0 if killed else 1)
        assert deaths[item.name] == (2 if killed else 0)
        assert not killed or outcome.error.startswith(f"{item.name}: its process died twice; ")


@pytest.mark.parametrize("error", [BadInput("7.wav: is empty"), MemoryError(), ZeroDivisionError("no frames")])
def test_an_error_of_any_kind_is_a_sentence_and_holds_up_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one(item: Item, profile: str) -> Outcome:
        if item.name == "1.wav":
            raise error
        return Outcome("done")

    monkeypatch.setattr(workers, "work_out", one)
    with ThreadPoolExecutor(2) as pool:
        found = {item.name: outcome for item, outcome in work_through(items(3), lambda: pool, 2, "rat")}
    assert [found[name].state for name in ("0.wav", "1.wav", "2.wav")] == ["done", "failed", "done"]
    expected = str(error) if isinstance(error, BadInput) else f"1.wav: could not be worked out ({error!r})"
    assert found["1.wav"].error == expected


def test_processes_give_what_one_process_gives(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for subject in ("R1", "R2"):
            record(tmp_path / name, subject=subject)
        (tmp_path / name / "broken.wav").write_bytes(b"RIFF")
    made = {}
    for name, jobs in (("one", 1), ("two", 2)):
        found = find_items([tmp_path / name]).items
        outcomes = dict(work_through(found, processes(jobs), jobs, "rat"))
        assert sorted(outcome.state for outcome in outcomes.values()) == ["done", "done", "failed"]
        assert all(is_cached(item, way_of("rat")) == (outcome.state == "done") for item, outcome in outcomes.items())
        made[name] = {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file() and path.name != "rescored.json"
        }
    assert made["one"] == made["two"]


def test_a_long_recording_is_searched_in_parts_with_the_same_tables(tmp_path: Path) -> None:
    for place in ("whole", "parts"):
        (tmp_path / place).mkdir()
        calls = [PlannedCall(0.5 + 2.1 * i, 0.8) for i in range(18)]
        sound = np.concatenate(list(Soundscape(250_000, 40.0, 3, calls).blocks()))
        soundfile.write(tmp_path / place / "long.wav", sound, 250_000, subtype="PCM_16")
    tables = []
    for place, part_s in (("whole", 600.0), ("parts", 12.0)):
        found = find_items([tmp_path / place]).items
        ((item, outcome),) = work_through(found, InThisProcess, 2, "rat", part_s=part_s)
        assert outcome.state == "done"
        tables.append([(item.place / name).read_bytes() for name in ("calls.csv", "rejected.csv")])
    assert tables[0] == tables[1]
    assert tables[0][0].count(b"\n") > 15


def test_a_part_that_fails_is_one_failure_of_its_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: Path, *more: object) -> None:
        raise BadInput(f"{path.name}: was cut meanwhile")

    soundfile.write(tmp_path / "long.wav", np.zeros(50 * 250_000, np.int16), 250_000, subtype="PCM_16")
    monkeypatch.setattr(workers, "search_part", fails)
    ((_, outcome),) = work_through(find_items([tmp_path]).items, InThisProcess, 2, "rat", part_s=12.0)
    assert (outcome.state, outcome.error) == ("failed", "long.wav: was cut meanwhile")


def test_a_recording_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (item,) = find_items([tmp_path]).items
    with pytest.raises(BadInput, match=r"empty\.wav: is empty \(0 bytes\)"):
        work_out(item, "rat")
    assert not is_cached(item, way_of("rat"))


def test_this_process_as_an_executor_keeps_errors_for_whoever_asks() -> None:
    pool = InThisProcess()
    assert pool.submit(lambda x: x + 1, 2).result() == 3
    failed = pool.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failed.result()
