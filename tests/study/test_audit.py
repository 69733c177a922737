"""The log is appended to and never changed: every edit is named by its line."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput, Failure
from behavior.study.audit import AUDIT_FILE, NOTHING_BEFORE, UNBLINDED, append, append_all, find_log, read_audit

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def three(folder: Path) -> Path:
    for k in range(3):
        append(folder, "noted", f"thing {k}", who="me", at="2026-03-02T09:00:00+00:00", old=k, new=k + 1, reason="why")
    return folder / AUDIT_FILE


@given(st.lists(st.tuples(TEXT, TEXT, TEXT | st.none() | st.integers(), TEXT | st.none()), max_size=5))
@settings(max_examples=30)
def test_what_was_appended_is_read_back_in_order_and_chained(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str, object, object]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    made = append_all(folder, said, who="me", reason="because")
    log = read_audit(folder).trusted()
    assert list(log.entries) == made
    assert [(one.action, one.about, one.old, one.new) for one in made] == said
    assert [one.seq for one in made] == list(range(1, len(said) + 1))
    previous = NOTHING_BEFORE
    for one in made:
        assert one.previous == previous
        bare = msgspec.json.encode(msgspec.structs.replace(one, digest=""))
        assert one.digest == hashlib.sha256(bare).hexdigest(), "the digest is of everything else in the entry"
        previous = one.digest
    assert log.head == previous


def test_a_dataset_without_a_log_has_no_entries(tmp_path: Path) -> None:
    log = read_audit(tmp_path)
    assert (log.entries, log.problems, log.head) == ((), (), NOTHING_BEFORE)


@given(st.data())
@settings(max_examples=60)
def test_no_byte_can_be_changed_unseen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = three(tmp_path_factory.mktemp("log"))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    log = read_audit(path.parent)
    assert log.problems
    with pytest.raises(Failure, match="does not hold: line"):
        log.trusted()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[1:], "line 1 does not follow the line before"),
        (lambda lines: [lines[0], lines[2]], "line 2 does not follow the line before"),
        (lambda lines: [lines[1], lines[0], lines[2]], "line 1 does not follow the line before"),
        (lambda lines: [*lines, lines[-1]], "line 4 does not follow the line before"),
        (lambda lines: [lines[0].replace(b'"who":"me"', b'"who":"us"'), *lines[1:]], "line 1 was changed"),
        (lambda lines: [*lines[:2], lines[2].replace(b'"new":3', b'"new":4')], "line 3 was changed"),
        (lambda lines: [*lines[:2], b"{}"], "line 3 is no entry"),
        (lambda lines: [*lines[:2], lines[2] + b" "], "line 3 was changed"),
    ],
    ids=["first cut", "one cut", "swapped", "repeated", "who", "value", "no entry", "blank added"],
)
def test_what_was_done_to_the_log_is_named_by_its_line(tmp_path: Path, change, problem: str) -> None:
    path = three(tmp_path)
    path.write_bytes(b"".join(line + b"\n" for line in change(path.read_bytes().splitlines())))
    assert read_audit(tmp_path).problems[0] == problem
    with pytest.raises(Failure, match="restore it from a copy"):
        append(tmp_path, "noted", "more", who="me")


def test_a_torn_last_line_is_said_and_nothing_is_put_after_it(tmp_path: Path) -> None:
    path = three(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    assert read_audit(tmp_path).problems == ("line 3 is torn",)
    before = path.read_bytes()
    with pytest.raises(Failure, match="line 3 is torn"):
        append(tmp_path, "noted", "more", who="me")
    assert path.read_bytes() == before


def test_what_comes_after_the_unblinding_is_labelled_by_the_log_itself(tmp_path: Path) -> None:
    append(tmp_path, "noted", "a", who="me")
    append_all(tmp_path, [(UNBLINDED, "key", None, {}), ("noted", "b", None, None)], who="me")
    append(tmp_path, "noted", "c", who="me")
    assert [entry.after_unblinding for entry in read_audit(tmp_path).entries] == [False, False, True, True]


def test_many_at_once_make_one_chain(tmp_path: Path) -> None:
    def work(name: str) -> None:
        for k in range(10):
            append(tmp_path, "noted", f"{name}{k}", who=name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = read_audit(tmp_path).trusted()
    assert sorted(entry.about for entry in log.entries) == sorted(f"{name}{k}" for name in "abc" for k in range(10))


def test_the_log_of_a_session_is_that_of_the_nearest_dataset(tmp_path: Path) -> None:
    inner = tmp_path / "data" / "sub-R1" / "ses-1"
    inner.mkdir(parents=True)
    assert find_log(inner) is None
    append(tmp_path, "noted", "outer", who="me")
    append(tmp_path / "data", "noted", "inner", who="me")
    assert find_log(inner) == (tmp_path / "data").resolve()


def test_a_log_that_cannot_be_read_or_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / AUDIT_FILE).mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        read_audit(tmp_path)
    with pytest.raises(Failure, match="cannot be written to"):
        append(tmp_path, "noted", "x", who="me")
