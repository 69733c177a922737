"""What lies in an archive is found once, worked out once, and never changed."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.scoring import archive
from behavior.scoring.archive import (
    MANIFEST,
    RECORD,
    RESCORED,
    Item,
    Outcome,
    find_items,
    is_cached,
    way_of,
    write_overview,
    write_record,
    write_tables,
)
from behavior.scoring.workers import work_out
from session.recorded import record

RAT = way_of("rat")


def sound(path: Path, data: bytes = b"not a sound") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(*paths: Path, out: Path | None = None) -> list[str]:
    return [item.name for item in find_items(paths, out).items]


def test_sessions_and_lone_recordings_are_found_at_any_depth(tmp_path: Path) -> None:
    folder = record(tmp_path / "deep" / "data")
    sound(folder.path / "audio.flac")  # the session's own, no lone recording
    for name in ("b/two.WAV", "a/one.flac", "a/notes.txt", ".hidden/three.wav", "rescored/kept.wav"):
        sound(tmp_path / name)
    session = folder.path.relative_to(tmp_path).as_posix()
    assert names(tmp_path) == ["a/one.flac", "b/two.WAV", session, "rescored/kept.wav"]
    kinds = {item.name: item.kind for item in find_items([tmp_path]).items}
    assert kinds[session] == "session"
    assert kinds["a/one.flac"] == "recording"


def test_our_own_output_is_not_searched_again(tmp_path: Path) -> None:
    sound(tmp_path / "one.wav")
    sound(tmp_path / RESCORED / "one.wav" / "copy.wav")
    assert len(names(tmp_path)) == 2
    sound(tmp_path / RESCORED / MANIFEST)
    assert names(tmp_path) == ["one.wav"]


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_links_in_circles_and_to_the_same_file_are_followed_once(tmp_path: Path) -> None:
    sound(tmp_path / "a" / "one.wav")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "again.wav").symlink_to(tmp_path / "a" / "one.wav")
    (tmp_path / "nowhere.wav").symlink_to(tmp_path / "gone.wav")
    assert names(tmp_path) == ["a/one.wav"]


def test_a_folder_that_cannot_be_listed_is_said_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound(tmp_path / "one.wav")
    (tmp_path / "closed").mkdir()
    listed = os.listdir

    def refusing(path: Path) -> list[str]:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(archive.os, "listdir", refusing)
    (sentence,) = find_items([tmp_path]).problems
    assert sentence.endswith("closed: cannot be looked into (Permission denied); check its permissions")


def test_two_recordings_of_one_name_have_places_of_their_own(tmp_path: Path) -> None:
    for name in ("x/data/a.wav", "y/data/a.wav", "x/data/a.flac"):
        sound(tmp_path / name)
    here = find_items([tmp_path / "x" / "data", tmp_path / "y" / "data"], tmp_path / "out").items
    assert [item.name for item in here] == ["data/a.flac", "data/a.wav", "data/a.wav-2"]
    assert len({item.place for item in here}) == 3
    files = find_items([tmp_path / "x/data/a.wav", tmp_path / "y/data/a.wav"], tmp_path / "out").items
    assert [item.name for item in files] == ["a.wav", "a.wav-2"]
    assert len({item.place for item in files}) == 2


def test_nothing_is_said_and_so_is_what_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no session and no recording in it; name a folder that holds some"):
        find_items([tmp_path])
    with pytest.raises(BadInput, match=r"gone: there is no such file or folder"):
        find_items([tmp_path / "gone"])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c.wav", "d.flac"]), min_size=1, max_size=4), max_size=8))
def test_no_two_items_ever_share_a_place(tmp_path: Path, branches: list[list[str]]) -> None:
    root = tmp_path / str(len(list(tmp_path.iterdir())))
    root.mkdir()
    for branch in branches:
        path = root.joinpath(*(part.partition(".")[0] for part in branch[:-1]), branch[-1])
        if path.suffix and not path.exists():
            sound(path)
    roots = [one for one in sorted(root.rglob("*")) if one.is_dir()] or [root]
    try:
        items = find_items([*roots, root], root / "out").items
    except BadInput:
        assert not any(path.suffix for path in root.rglob("*"))
        return
    assert len({item.place for item in items}) == len({item.path.resolve() for item in items}) == len(items)


# -- once -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def item(tmp_path: Path) -> Item:
    record(tmp_path / "data")
    (found,) = find_items([tmp_path / "data"]).items
    return found


def test_what_was_worked_out_is_passed_over_until_something_changes(item: Item) -> None:
    assert not is_cached(item, RAT)
    work_out(item, "rat")
    assert is_cached(item, RAT)
    assert not is_cached(item, way_of("mouse")), "another profile"
    status = (item.path / "journal.jsonl").stat()
    os.utime(item.path / "journal.jsonl", ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert is_cached(item, RAT), "touched, with the same bytes"


@pytest.mark.parametrize("change", ["journal", "score", "record torn", "record gone", "version", "fights"])
def test_any_change_makes_it_new(item: Item, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work_out(item, "rat")
    match change:
        case "journal":
            (item.path / "journal.jsonl").write_bytes((item.path / "journal.jsonl").read_bytes()[:-300])
        case "score":
            (item.path / "score.json").write_text("{}")
        case "record torn":
            (item.path / RECORD).write_text((item.path / RECORD).read_text()[:50])
        case "record gone":
            (item.path / RECORD).unlink()
        case "version":
            monkeypatch.setattr(archive, "__version__", "99")
        case "fights":
            (item.path / "fights.csv").write_text("begin_s,end_s,rater\n")
    assert not is_cached(item, RAT)


def test_a_change_of_one_byte_that_keeps_size_is_seen_by_its_digest(item: Item) -> None:
    work_out(item, "rat")
    data = bytearray((item.path / "journal.jsonl").read_bytes())
    data[len(data) // 2] ^= 1
    (item.path / "journal.jsonl").write_bytes(data)
    status = (item.path / "journal.jsonl").stat()
    os.utime(item.path / "journal.jsonl", ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    assert not is_cached(item, RAT)


def test_a_death_before_the_record_leaves_it_to_be_done_again(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("behavior.scoring.workers.write_record", dies)
        with pytest.raises(KeyboardInterrupt):
            work_out(item, "rat")
    assert not is_cached(item, RAT)
    assert work_out(item, "rat").differences == ()
    assert is_cached(item, RAT)


def test_with_a_place_named_the_archive_is_only_read(tmp_path: Path) -> None:
    folder = record(tmp_path / "data")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (one,) = find_items([tmp_path / "data"], tmp_path / "out").items
    work_out(one, "rat")
    assert {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()} == before
    assert (one.place / "score.json").is_file()
    document = json.loads((one.place / "score.json").read_text())
    assert document["journal_sha256"] == json.loads(folder.path.joinpath("footer.json").read_text())["journal_sha256"]


# -- tables -----------------------------------------------------------------------------------------------------------


def test_manifest_and_tables_hold_every_item_and_are_the_same_from_the_cache(tmp_path: Path) -> None:
    for subject in ("R1", "R2"):
        record(tmp_path / "data", subject=subject)
    items = find_items([tmp_path / "data"]).items
    outcomes = [(one, work_out(one, "rat")) for one in items]
    out = tmp_path / "out"
    write_overview(out, outcomes)
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    write_overview(out, [(one, Outcome("cached")) for one in reversed(items)])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    with (out / "sessions.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["subject"] for row in rows] == ["R1", "R2"]
    score = json.loads((items[0].place / "score.json").read_text())["session"]
    assert int(rows[0]["n_punished_presses"]) == score["n_punished_presses"]
    with (out / "components.csv").open(newline="") as stream:
        parts = list(csv.DictReader(stream))
    assert [row["item"] for row in parts] == [one.name for one in items for _ in range(4)]


def test_what_failed_stands_in_the_manifest_with_the_reason(tmp_path: Path) -> None:
    one = Item("recording", tmp_path / "a.wav", tmp_path / "out" / "a.wav", "a.wav")
    write_overview(tmp_path / "out", [(one, Outcome("failed", error="a.wav: is empty"))])
    with (tmp_path / "out" / MANIFEST).open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["state"], row["error"], row["sha256"]) == ("failed", "a.wav: is empty", "")


def test_tables_of_different_columns_become_one_with_all_of_them(tmp_path: Path) -> None:
    items = []
    for name, text in (("a", "x,y\n1,2\n"), ("b", "y,z\n3,4\n")):
        place = tmp_path / name
        place.mkdir()
        (place / "bins.csv").write_text(text)
        items.append(Item("recording", tmp_path / f"{name}.wav", place, name))
    write_tables(tmp_path / "out", items)
    assert (tmp_path / "out" / "bins.csv").read_text() == "item,x,y,z\na,1,2,\nb,,3,4\n"


def test_a_record_names_only_what_was_made(tmp_path: Path) -> None:
    one = Item("recording", sound(tmp_path / "a.wav"), tmp_path / "a", "a.wav")
    one.place.mkdir()
    write_record(one, RAT, ["calls.csv"])
    assert json.loads((one.place / RECORD).read_text())["made"] == {}
    assert is_cached(one, RAT)


@pytest.mark.parametrize("lost", ["manifest.csv", "sessions.csv", "components.csv"])
def test_an_overview_is_made_again_only_when_something_of_it_is_missing(
    item: Item, tmp_path: Path, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write_overview(out, [(item, work_out(item, "rat"))])
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / lost).unlink()
    write_overview(out, [(item, Outcome("cached"))])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first
    monkeypatch.setattr(archive, "_write_table", None)
    write_overview(out, [(item, Outcome("cached"))])


def test_a_death_between_the_tables_is_made_good_by_the_next_run(
    item: Item, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, done = tmp_path / "out", work_out(item, "rat")
    write_overview(out, [(item, done)])
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "components.csv").write_text("of an older state")
    with monkeypatch.context() as patched:
        patched.setattr(archive, "_gather", dies)
        with pytest.raises(KeyboardInterrupt):
            write_overview(out, [(item, done)])
    write_overview(out, [(item, Outcome("cached"))])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_profile_under_the_same_name_is_another_way(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text('name = "mine"\nlow_hz = 18e3\nhigh_hz = 90e3\n')
    before = way_of(str(profile))
    assert before == way_of(str(profile))
    profile.write_text('name = "mine"\nlow_hz = 18e3\nhigh_hz = 95e3\n')
    assert way_of(str(profile)) != before
    with pytest.raises(BadInput, match="no such file, and no shipped one"):
        way_of("rats")
