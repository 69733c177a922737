"""A session's folder: header, journal, footer, score, tables, reviews, requests; and what is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from behavior.app.dashboard import finished
from behavior.app.dashboard.blind import Blindness
from behavior.app.dashboard.sound import found_calls
from behavior.app.dashboard.study import visit
from behavior.formats.imported import decoded_again
from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.errors import BehaviorError
from behavior.scoring.annotations import read_fights
from behavior.scoring.finish import finish_session
from behavior.scoring.rescore import rescore
from behavior.scoring.review import begin_or_go_on, reviewed
from behavior.scoring.score import read_score
from behavior.session.engine import read_status
from behavior.session.folder import SessionFolder
from behavior.session.journal import cut_torn_end, read_lines
from behavior.session.requests import take
from behavior.session.tail import JournalTail
from behavior.session.verify import verify
from behavior.usv.gate import read_events
from behavior.usv.table import read_calls
from fuzz.target import Target, of_bytes, of_file, of_folder
from session.recorded import record

CALLS = (
    b"file,onset_s,offset_s,duration_s,peak_hz,low_hz,high_hz,mean_hz,start_hz,end_hz,bandwidth_hz,slope_hz_per_s,"
    b"sinuosity,tonality,level_db,snr_db,call_type,score\n"
    b"audio.flac,1.0,1.5,0.5,22000,21000,23000,22000,22500,21500,2000,-2000,1.1,0.9,-30,20,22-kHz long,0.99\n"
    b"audio.flac,2.0,2.05,0.05,55000,50000,60000,55000,50000,60000,10000,200000,1.3,0.8,-40,15,50-kHz FM,0.9\n"
)
REJECTED = b"file,onset_s,offset_s,low_hz,high_hz,score,reason\naudio.flac,3.0,3.1,30000,40000,0.1,noise\n"
CALL = Call("audio.flac", *(1.0,) * (len(CALL_COLUMNS) - 3), "other", 0.9)
EVENTS = b"kind,start_s,stop_s\nshock,1.0,1.5\nrelay,2.0,2.01\n"
FIGHTS = b"rater,onset_s,offset_s\nMK,12.5,14\nMK,30,31.5\nJL,12.4,14.2\n"
REQUEST = b'{"kind":"note","text":"restless"}'
STATUS = b'{"pid":1,"host":"x","written_at":1.0,"now_us":5,"looked_us":5,"heard_us":{"box":4}}'


def targets(place: Path) -> Iterator[Target]:
    place.mkdir(parents=True)
    made = record(place / "made").path
    finish_session(SessionFolder(made))
    whole = SessionFolder(made)
    journal = whole.journal_path.read_bytes()
    short = b"".join(journal.splitlines(keepends=True)[:40])
    yield of_bytes("journal/lines", [journal[:20_000], short], lambda data: read_lines(data, whole.header_bytes))
    yield of_file("journal/tail", [short], _tail, place / "tail", "journal.jsonl")
    own = ("header.json", "journal.jsonl", "footer.json", "score.json", "*.csv")
    yield of_folder("session/read", made, _read, place / "read", own, cost=1)
    yield of_folder("session/verify", made, _verify, place / "verify", own[:3], cost=2)
    yield of_folder(
        "session/rescore", made, lambda path: rescore(SessionFolder(path)), place / "rescore", own[:3], cost=2
    )
    yield of_folder("session/page", made, _page, place / "page", own, cost=4)
    yield of_file("session/engine", [STATUS], lambda path: read_status(path.parent), place / "engine", "engine.json")
    yield of_file(
        "session/request", [REQUEST], lambda path: take(path.parent.parent), place / "asked" / "requests", "1.json"
    )
    yield of_file("table/calls", [CALLS], read_calls, place / "calls", "calls.csv")
    yield of_file("table/events", [EVENTS], read_events, place / "events", "events.csv")
    yield of_file("table/fights", [FIGHTS], read_fights, place / "fights", "annotations.csv")
    yield of_file(
        "table/found",
        [CALLS, REJECTED],
        lambda path: found_calls(path.parent, "audio.flac"),
        place / "found",
        "calls.csv",
    )
    review = place / "review-made"
    review.mkdir()
    (review / "calls.csv").write_bytes(CALLS)
    (review / "rejected.csv").write_bytes(REJECTED)
    one = begin_or_go_on(review, "audio.flac", "MK", review / "calls.csv", review / "rejected.csv")
    for place_of, is_call in (("c1", False), ("r1", True)):
        one.decide(place_of, is_call=is_call, at="2026-03-02T10:00:00", measure=_measured)
    one.undo("2026-03-02T10:01:00")
    (review / "reviewed.csv").write_bytes(CALLS)
    (review / "reviewed_by.json").write_bytes(b'{"by": "MK"}')
    yield of_folder("review/journal", review, _review, place / "review", cost=3)


def _measured(*box: float) -> Call:
    return replace(CALL, onset_s=box[0], offset_s=box[1])


def _tail(path: Path) -> None:
    tail = JournalTail(path)
    while tail.read(512):
        pass
    cut_torn_end(path)


def _read(path: Path) -> None:
    folder = SessionFolder(path)
    with suppress(BehaviorError):
        _ = folder.footer
    with suppress(BehaviorError):
        read_score(path)
    folder.read()
    _ = folder.next_sound_part


def _verify(path: Path) -> None:
    verify(SessionFolder(path), decoded_again)


def _page(path: Path) -> None:
    """What the screens show of a session that is over."""
    blindness = Blindness(path)
    visit_of = SessionFolder(path)
    finished.contents(visit_of, blindness)
    finished.events(visit_of)
    finished.verification(visit_of)
    visit(visit_of)


def _review(path: Path) -> None:
    with suppress(BehaviorError):
        reviewed(path)
    begin_or_go_on(path, "audio.flac", "MK", path / "calls.csv", path / "rejected.csv")
