"""A review is a fold over lines: nothing of the detector's is overwritten, all of it can be undone, and tells whose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from behavior.model.calls import Call
from behavior.model.errors import BadInput, Failure
from behavior.scoring.finish import finish_session
from behavior.scoring.rescore import rescore
from behavior.scoring.review import REVIEWED, REVIEWED_BY, Review, as_row, begin_or_go_on, rater_named, reviewed, use
from behavior.usv.gate import Rejected
from behavior.usv.table import REJECTED_COLUMNS, TableWriter, read_calls, write_calls
from scoring.sessions import call
from session.recorded import record

AT = "2026-03-02T09:00:00+00:00"


def measure(onset_s: float, offset_s: float, low_hz: float, high_hz: float) -> Call:
    """Stands for the measurement of a box."""
    made = call(onset_s, offset_s - onset_s, peak_hz=(low_hz + high_hz) / 2)
    return replace(made, low_hz=low_hz, high_hz=high_hz, offset_s=offset_s)


BY: dict[str, Any] = {"at": AT, "measure": measure}


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_calls(tmp_path / "calls.csv", [call(1.0), call(3.0), call(5.0), call(7.0, file="other.flac")])
    rejected = [Rejected("audio.flac", 2.0, 2.2, 30e3, 40e3, 12.0, "a shock"), Rejected("x.wav", 0, 1, 1, 2, 3, "")]
    with (tmp_path / "rejected.csv").open("w", newline="") as stream:
        TableWriter(stream, REJECTED_COLUMNS).write(rejected)
    return tmp_path


def opened(tables: Path, who: str = "MK") -> Review:
    return begin_or_go_on(tables / "review", "audio.flac", who, tables / "calls.csv", tables / "rejected.csv")


def test_it_begins_with_what_the_detector_found_and_rejected_in_this_recording(tables: Path) -> None:
    review = opened(tables)
    assert list(review.entries) == ["c1", "c2", "c3", "r1"]
    assert [one.onset_s for one in review.calls] == [1.0, 3.0, 5.0]
    assert (review.entries["r1"].is_call, review.entries["r1"].reason) == (False, "a shock")
    assert not review.path.exists(), "looking is no edit"


def test_every_kind_of_edit(tables: Path) -> None:
    review = opened(tables)
    review.decide("c1", is_call=False, **BY)
    review.decide("r1", is_call=True, **BY)
    review.move("c2", 3.1, 3.9, **BY)
    review.split("c3", 5.4, **BY)
    review.add(8.0, 8.5, 20e3, 24e3, **BY)
    review.join(["e4.1", "e4.2"], **BY)
    review.retype("c2", "50-kHz FM", **BY)
    assert [(one.onset_s, one.offset_s) for one in review.calls] == [(2.0, 2.2), (3.1, 3.9), (5.0, 6.0), (8.0, 8.5)]
    assert review.calls[1].call_type == "50-kHz FM"
    assert {one.by for one in review.entries.values() if one.id != "c1" and one.is_call} == {"MK"}
    assert read_calls(tables / "calls.csv")[0].onset_s == 1.0, "the detector's table is what it was"


edits = st.lists(
    st.tuples(
        st.sampled_from(["accept", "reject", "move", "split", "join", "retype", "add", "undo"]), st.integers(0, 9)
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits)
def test_reading_it_again_and_undoing_all_of_it(tables: Path, deeds: list[tuple[str, int]]) -> None:
    who = f"R{len(list(tables.rglob('*.jsonl')))}"
    review, untouched = opened(tables, who), opened(tables, who).entries
    n_done = 0
    for deed, place in deeds:
        known = sorted(review.entries)
        one = review.entries[known[place % len(known)]] if known else None
        try:
            match deed:
                case "add":
                    review.add(place, place + 0.5, 20e3, 25e3, **BY)
                case "undo":
                    review.undo(AT)
                    n_done -= 2
                case _ if one is None:
                    continue
                case "accept" | "reject":
                    review.decide(one.id, is_call=deed == "accept", **BY)
                case "move":
                    review.move(one.id, one.onset_s, one.offset_s + 0.1, **BY)
                case "split":
                    review.split(one.id, (one.onset_s + one.offset_s) / 2, **BY)
                case "join":
                    review.join([one.id, known[0]], **BY)
                case "retype":
                    review.retype(one.id, f"type {place}", **BY)
            n_done += 1
        except BadInput:
            continue
    again = opened(tables, who)
    assert (again.entries, again.edits, again.seq) == (review.entries, review.edits, review.seq)
    for _ in range(n_done):
        again.undo(AT)
    assert again.entries == untouched
    with pytest.raises(BadInput, match="there is nothing to undo"):
        again.undo(AT)
    assert opened(tables, who).seq == review.seq + n_done, "and undoing is on record too"


@pytest.mark.parametrize(("deed", "sentence"), [
    (lambda review: review.decide("c9", is_call=True, **BY), "there is no call c9 any more; reload the page"),
    (lambda review: review.split("c1", 9.0, **BY), r"9\.000 s lies outside the call \(1\.000 to 2\.000 s\)"),
    (lambda review: review.join(["c1", "c1"], **BY), "joining needs two calls"),
    (lambda review: review.retype("c1", "  ", **BY), "a call type needs a name"),
    (lambda review: review.move("c1", 3.0, 2.0, **BY), "a call ends after it begins"),
    (lambda review: review.add(-1.0, 2.0, 1.0, 2.0, **BY), "a call ends after it begins"),
    (lambda review: review.add(1.0, 2.0, 5.0, 5.0, **BY), "has some width"),
])  # fmt: skip
def test_what_cannot_be_changes_nothing(tables: Path, deed: Any, sentence: str) -> None:
    review = opened(tables)
    with pytest.raises(BadInput, match=sentence):
        deed(review)
    assert review.seq == 0
    assert not review.path.exists()


def test_raters_have_journals_of_their_own(tables: Path) -> None:
    first, second = opened(tables, "A"), opened(tables, "B")
    first.decide("c1", is_call=False, **BY)
    second.decide("c2", is_call=False, **BY)
    assert [one.onset_s for one in opened(tables, "A").calls] == [3.0, 5.0]
    assert [one.onset_s for one in opened(tables, "B").calls] == [1.0, 5.0]


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 31, "ä", "a/b"])
def test_a_rater_is_named_so_that_files_can_carry_it(name: str) -> None:
    with pytest.raises(BadInput, match="a rater's name has up to 30 letters"):
        rater_named(name)


def test_an_edit_from_elsewhere_is_not_written_over(tables: Path) -> None:
    here, elsewhere = opened(tables), opened(tables)
    elsewhere.decide("c1", is_call=False, **BY)
    assert here.is_stale
    with pytest.raises(BadInput, match="was edited elsewhere meanwhile; reload the page, nothing is lost"):
        here.decide("c2", is_call=False, **BY)
    assert opened(tables).seq == 1


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_torn_last_line_was_never_acknowledged_and_is_cut(tables: Path) -> None:
    review = opened(tables)
    review.decide("c1", is_call=False, **BY)
    review.decide("c2", is_call=False, **BY)
    whole = review.path.read_bytes()
    for n_bytes in (len(whole) - 1, len(whole) - 200, whole.index(b"\n") + 1, 5):
        review.path.write_bytes(whole[:n_bytes])
        again = opened(tables)
        assert again.seq == max(0, whole[:n_bytes].count(b"\n") - 1)
        again.decide("c3", is_call=False, **BY)
        assert opened(tables).seq == again.seq


def test_an_altered_line_is_named(tables: Path) -> None:
    review = opened(tables)
    for name in ("c1", "c2", "c3"):
        review.decide(name, is_call=False, **BY)
    data = review.path.read_bytes()
    review.path.write_bytes(data.replace(b'"who":"MK","action":"reject"', b'"who":"XX","action":"reject"', 1))
    with pytest.raises(BadInput, match=r"line 3 is damaged \(it is not the line that was written there\)"):
        opened(tables)
    review.path.write_bytes(b"{}\n" + data.split(b"\n", 1)[1])
    with pytest.raises(BadInput, match="does not begin as a review does"):
        opened(tables)


def test_another_search_is_another_beginning(tables: Path) -> None:
    opened(tables).decide("c1", is_call=False, **BY)
    write_calls(tables / "calls.csv", [call(1.5)])
    with pytest.raises(BadInput, match="began with other tables of calls than stand there now"):
        opened(tables)


def test_a_full_disk_changes_nothing_that_is_shown(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review = opened(tables)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Failure, match=r"the edit cannot be written \(No space left on device\); free the disk"):
        review.decide("c1", is_call=False, **BY)
    assert review.entries["c1"].is_call
    assert review.seq == 0


def test_a_table_of_rejected_events_that_is_none(tables: Path) -> None:
    (tables / "rejected.csv").write_text("file,onset_s\naudio.flac,x\n")
    with pytest.raises(BadInput, match=r"rejected\.csv: is not a table of rejected events"):
        opened(tables)


# -- into scores ------------------------------------------------------------------------------------------------------


def test_scores_use_what_a_rater_decided_and_say_whose_it_is(tmp_path: Path) -> None:
    folder = record(tmp_path, paradigm="conditioned_usv", parameters={"habituation_s": 1, "test_s": 20})
    found = [call(2.0, file=""), call(5.0, file="")]
    write_calls(folder.path / "calls.csv", found)
    assert rescore(folder).session["n_calls"] == 2
    assert "calls_reviewed_by" not in rescore(folder).session
    review = begin_or_go_on(folder.path / "review", "", "MK", folder.path / "calls.csv", folder.path / "rejected.csv")
    review.decide("c1", is_call=False, **BY)
    use(folder.path, [review], AT)
    score = rescore(folder, calls=found)
    assert (score.session["n_calls"], score.session["calls_reviewed_by"]) == (1, "MK")
    finish_session(folder)
    document = json.loads((folder.path / "score.json").read_text())
    assert "reviewed_sha256" in document
    assert document["session"]["calls_reviewed_by"] == "MK"
    assert read_calls(folder.path / "calls.csv") == found
    said = json.loads((folder.path / REVIEWED_BY).read_text())
    assert (said["by"], said["n_edits"], list(said["journals"])) == ("MK", 1, [".MK.jsonl"])


def test_scores_use_one_rater(tables: Path) -> None:
    with pytest.raises(BadInput, match="scores use the calls of one rater; choose whose"):
        use(tables, [opened(tables, "A"), opened(tables, "B")], AT)
    assert reviewed(tables) is None


def test_a_reviewed_table_without_its_rater_is_refused(tables: Path) -> None:
    use(tables, [opened(tables)], AT)
    (tables / REVIEWED_BY).unlink()
    with pytest.raises(BadInput, match=rf"does not say whose {REVIEWED} is"):
        reviewed(tables)


def test_what_a_page_gets_of_an_entry_is_json_and_has_no_dose(tables: Path) -> None:
    rows = [as_row(one) for one in opened(tables).entries.values()]
    text = json.dumps(rows, allow_nan=False)
    assert "dose" not in text
    assert rows[0]["columns"]["peak_hz"] == rows[0]["peak_hz"]  # type: ignore[index]
    assert rows[3]["peak_hz"] is None
