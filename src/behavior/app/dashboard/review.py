"""Call review: scroll through a recording, decide about each call, undo, listen, compare two raters.

GET  /review/FILE                     the page; asks who rates, unless `?rater=`
GET  /review/FILE/about               length, rate, channels, levels of tiles
GET  /review/FILE/tile/LEVEL/N.png    a piece of the spectrogram
GET  /review/FILE/entries?rater=      {"seq": …, "entries": […]}
POST /review/FILE/edit                {"rater", "seq", "action", …} -> {"seq", "removed", "entries"}
GET  /review/FILE/sound.wav           ?begin= &end= and factor= or tuned=
GET  /review/FILE/compare?a=&b=       two raters side by side, and how far they agree
POST /review/FILE/use                 {"rater"} -> scores use what this rater decided

FILE is a sound file in the data folder. Nothing here knows a dose or a group. Every edit is on the disk before it is
answered; `seq` says what the page knew, so that an edit made on an old page is refused and not mixed up.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.app.dashboard.site import NotHere, page, site_of
from behavior.app.dashboard.tiles import HEIGHT, HIGHEST_LEVEL, WIDTH, Tiles
from behavior.audio.extensions import EXTENSIONS
from behavior.model.decode import Undecodable, decode
from behavior.model.errors import BadInput
from behavior.scoring.review import REVIEWS, Edit, Review, as_row, begin_or_go_on, rater_named, use

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from behavior.scoring.agreement import Agreement

OPEN_AT_ONCE = 4
TYPES = (
    "22-kHz long",
    "22-kHz short",
    "44-kHz long",
    "50-kHz flat",
    "50-kHz FM",
    "50-kHz step",
    "50-kHz trill",
    "other",
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Where the tables and the journals of a recording are.

    Attributes
    ----------
    folder : the session's, or that of a lone recording's review
    channel : that was searched, of several; None: there is one, or nobody said
    """

    recording: Path
    folder: Path
    channel: int | None = None

    @classmethod
    def of(cls, recording: Path, channel: int | None = None) -> Reviewed:
        """A session's recording is reviewed in its folder, another beside itself."""
        from behavior.scoring.timeline import timeline_of
        from behavior.session.folder import SessionFolder

        if not (recording.parent / "header.json").is_file():
            return cls(recording, recording.with_name(f"{recording.name}.{REVIEWS}"), channel)
        known = timeline_of(SessionFolder(recording.parent).read().items).recordings
        named = [one.channel for one in known if one.file == recording.name]
        return cls(recording, recording.parent, channel or (named[0] if named else None))

    @property
    def place(self) -> Path:
        """Folder of the raters' journals."""
        return self.folder / REVIEWS if self.is_of_a_session else self.folder

    @property
    def is_of_a_session(self) -> bool:
        """Whether it was recorded in a session of ours."""
        return (self.folder / "header.json").is_file()

    def tables(self) -> tuple[Path, Path]:
        """What the detector found and what it rejected; searched now, where nobody has.

        Raises
        ------
        BadInput
            The recording cannot be searched.
        """
        from behavior.scoring.finish import PROFILE, REJECTED, finish_session, search, write_detections
        from behavior.scoring.rescore import CALLS
        from behavior.session.folder import SessionFolder

        calls, rejected = self.folder / CALLS, self.folder / REJECTED
        if not calls.exists():
            if self.is_of_a_session:
                finish_session(SessionFolder(self.folder))
            else:
                self.folder.mkdir(exist_ok=True)
                write_detections(self.folder, [search(self.recording, PROFILE, channel=self.channel)])
        return calls, rejected

    def review(self, rater: str) -> Review:
        """A rater's review, as it stands on the disk."""
        return begin_or_go_on(self.place, self.recording.name, rater, *self.tables())

    def raters(self) -> list[str]:
        """Who has reviewed it."""
        stem = f"{self.recording.name}."
        found = self.place.glob(f"{self.recording.name}.*.jsonl") if self.place.is_dir() else ()
        return sorted(path.name.removeprefix(stem).removesuffix(".jsonl") for path in found)


class Opened:
    """Recordings and reviews that pages look at, the last few of each kept."""

    def __init__(self) -> None:
        self._tiles: OrderedDict[tuple[Path, int | None], Tiles] = OrderedDict()
        self._reviews: OrderedDict[tuple[Path, str], Review] = OrderedDict()
        self.lock = threading.RLock()

    def tiles(self, recording: Path, channel: int | None) -> Tiles:
        """Of a recording, opened again if it was changed."""
        tiles: Tiles = _kept(self._tiles, (recording, channel), lambda: Tiles(recording, channel), self.lock)
        return tiles

    def review(self, of: Reviewed, rater: str) -> Review:
        """A rater's review; read again if another program has written into it."""
        with self.lock:
            key = of.recording, rater_named(rater)
            if key in self._reviews and self._reviews[key].is_stale:
                del self._reviews[key]
            review: Review = _kept(self._reviews, key, lambda: of.review(rater), self.lock)
            return review

    def forget(self, recording: Path) -> None:
        """Open it anew when it is asked for."""
        with self.lock:
            for tiles in [key for key in self._tiles if key[0] == recording]:
                del self._tiles[tiles]
            for review in [key for key in self._reviews if key[0] == recording]:
                del self._reviews[review]


def _kept(kept: OrderedDict[Any, Any], key: Any, make: Callable[[], Any], lock: threading.RLock) -> Any:
    with lock:
        if key not in kept:
            kept[key] = make()
        kept.move_to_end(key)
        while len(kept) > OPEN_AT_ONCE:
            kept.popitem(last=False)
        return kept[key]


# -- pages ------------------------------------------------------------------------------------------------------------


def recording_of(request: Request) -> Reviewed:
    """The recording that an address names."""
    path = site_of(request).inside(request.path_params["file"])
    if not path.is_file() or path.suffix.lower() not in EXTENSIONS:
        raise NotHere("there is no recording here; check the name")
    return Reviewed.of(path)


async def review_page(request: Request) -> Response:
    """The page, or the question who rates."""
    of = recording_of(request)
    rater = request.query_params.get("rater", "").strip()
    values = {"file": request.path_params["file"], "name": of.recording.name, "raters": of.raters()}
    if not rater:
        return page(request, "rater.html", **values)
    return page(request, "review.html", rater=rater_named(rater), types=TYPES, **values)


async def about(request: Request) -> Response:
    """What the page has to know of the recording."""
    tiles = await asyncio.to_thread(_tiles, request)
    return _json(
        {
            "duration_s": tiles.duration_s,
            "column_s": tiles.column_s,
            "top_hz": tiles.top_hz,
            "n_channels": tiles.n_channels,
            "width": WIDTH,
            "height": HEIGHT,
            "highest_level": HIGHEST_LEVEL,
        }
    )


async def tile(request: Request) -> Response:
    """A piece of the spectrogram."""
    from starlette.responses import Response as Answer

    def made() -> bytes:
        tiles = _tiles(request)
        try:
            return tiles.png(request.path_params["level"], request.path_params["index"])
        except BadInput:
            _opened(request).forget(tiles.path)
            raise

    return Answer(await asyncio.to_thread(made), media_type="image/png", headers={"cache-control": "no-store"})


async def entries(request: Request) -> Response:
    """What is in the recording, as a rater has it."""
    of, rater = recording_of(request), request.query_params.get("rater", "")

    def found() -> dict[str, object]:
        opened = _opened(request)
        with opened.lock:
            review = opened.review(of, rater)
            rows = sorted(review.entries.values(), key=lambda one: (one.onset_s, one.id))
            return {"seq": review.seq, "entries": [as_row(one) for one in rows]}

    return _json(await asyncio.to_thread(found))


async def edit(request: Request) -> Response:
    """Carry out an edit."""
    of, asked = recording_of(request), await _body(request)

    def done() -> dict[str, object]:
        opened = _opened(request)
        with opened.lock:
            review = opened.review(of, str(asked.get("rater", "")))
            if asked.get("seq") != review.seq:
                raise BadInput("this review was edited elsewhere meanwhile; reload the page, nothing is lost")
            made = carried_out(review, asked, of.recording)
            gone = {one.id for one in made.old} - {one.id for one in made.new}
            return {"seq": review.seq, "removed": sorted(gone), "entries": [as_row(one) for one in made.new]}

    return _json(await asyncio.to_thread(done))


def carried_out(review: Review, asked: dict[str, Any], recording: Path) -> Edit:
    """Carry out what a page asks for.

    Raises
    ------
    BadInput
        It is no edit, or cannot be done.
    """
    from behavior.usv.by_hand import measure_in

    channel = asked.get("channel")
    at = datetime.now().astimezone().isoformat(timespec="milliseconds")

    def measure(*box: float) -> Any:
        return measure_in(recording, box, channel=channel, file=recording.name)  # type: ignore[arg-type]

    by: dict[str, Any] = {"at": at, "measure": measure}
    ways: dict[str, Callable[[], Edit]] = {
        "accept": lambda: review.decide(str(asked["id"]), is_call=True, **by),
        "reject": lambda: review.decide(str(asked["id"]), is_call=False, **by),
        "add": lambda: review.add(*(float(asked[key]) for key in ("onset_s", "offset_s", "low_hz", "high_hz")), **by),
        "move": lambda: review.move(str(asked["id"]), float(asked["onset_s"]), float(asked["offset_s"]), **by),
        "split": lambda: review.split(str(asked["id"]), float(asked["at_s"]), **by),
        "join": lambda: review.join([str(one) for one in asked["ids"]], **by),
        "retype": lambda: review.retype(str(asked["id"]), str(asked["call_type"]), **by),
        "undo": lambda: review.undo(at),
    }
    try:
        return ways[str(asked["action"])]()
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"this is no edit ({error}); use the page") from None


async def sound(request: Request) -> Response:
    """A piece to listen to."""
    from starlette.responses import Response as Answer

    from behavior.app.dashboard.listen import audible

    of, given = recording_of(request), request.query_params
    try:
        begin_s, end_s = float(given["begin"]), float(given["end"])
        ways = {name: float(given[key]) for key, name in (("factor", "factor"), ("tuned", "tuned_hz")) if key in given}
        channel = _channel(request)
    except (KeyError, ValueError):
        raise BadInput("say from when to when, and how; use the page") from None
    data = await asyncio.to_thread(partial(audible, of.recording, begin_s, end_s, channel=channel, **ways))
    return Answer(data, media_type="audio/wav", headers={"cache-control": "no-store"})


async def compare(request: Request) -> Response:
    """Two raters side by side."""
    of = recording_of(request)
    a, b = (rater_named(request.query_params.get(key, "")) for key in ("a", "b"))
    if unknown := [rater for rater in (a, b) if rater not in of.raters()]:
        raise BadInput(f"{unknown[0]} has not reviewed {of.recording.name}; raters are {', '.join(of.raters())}")

    def compared() -> dict[str, Any]:
        opened = _opened(request)
        with opened.lock:
            reviews = [opened.review(of, rater) for rater in (a, b)]
            return agreed(*reviews)

    values = await asyncio.to_thread(compared)
    return page(request, "compare.html", file=request.path_params["file"], name=of.recording.name, a=a, b=b, **values)


def agreed(first: Review, second: Review) -> dict[str, Any]:
    """How far two reviews agree, and every call with what the other has there."""
    from behavior.scoring.agreement import Marked, agreement

    def marked(review: Review) -> list[Marked]:
        return [Marked(call.onset_s, call.offset_s, call.low_hz, call.high_hz, call.call_type) for call in review.calls]

    name = first.recording
    found = agreement({name: marked(first)}, {name: marked(second)})
    paired = {id(one): other for one, other in found.pairs} | {id(other): one for one, other in found.pairs}
    ones = {id(one) for one, _ in found.pairs}
    both = [(one, paired[id(one)]) for one, _ in found.pairs]
    seen = {(one.onset_s, one.offset_s) for one, _ in both}, {(other.onset_s, other.offset_s) for _, other in both}
    rows: list[tuple[Marked | None, Marked | None]] = list(both)
    rows += [(one, None) for one in marked(first) if (one.onset_s, one.offset_s) not in seen[0]]
    rows += [(None, one) for one in marked(second) if (one.onset_s, one.offset_s) not in seen[1]]
    rows.sort(key=lambda row: min(one.onset_s for one in row if one is not None))
    return {"found": found, "rows": rows, "n_same": len(ones), "kappa": _kappa(found)}


def _kappa(found: Agreement) -> float | None:
    from behavior.scoring.agreement import cohens_kappa

    ours, theirs = found.labels
    return cohens_kappa(ours, theirs) if ours else None


async def use_rater(request: Request) -> Response:
    """Let scores use what a rater decided, and score the session."""
    of, asked = recording_of(request), await _body(request)
    rater = rater_named(str(asked.get("rater", "")))
    return _json(await asyncio.to_thread(used, of, rater))


def used(of: Reviewed, rater: str) -> dict[str, object]:
    """Put a rater's calls where scores find them; of a session all its recordings, and score it."""
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    if not of.is_of_a_session:
        review = of.review(rater)
        use(of.folder, [review], at)
        return {"said": f"{len(review.calls)} calls of {rater} are in {of.folder.name}/reviewed.csv"}
    from behavior.app.passphrase import who_is_it
    from behavior.scoring.rescore import rescore
    from behavior.scoring.score import write_score
    from behavior.session.folder import SessionFolder
    from behavior.study.audit import find_log
    from behavior.study.evidence import SCORES, digests, register_score

    session, before = SessionFolder(of.folder), digests(of.folder, SCORES)
    reviews = [Reviewed(path, of.folder).review(rater) for path in session.sound_paths]
    use(of.folder, reviews, at)
    write_score(of.folder, rescore(session))
    if (dataset := find_log(of.folder)) is not None:
        register_score(dataset, of.folder, before, who=who_is_it(rater), reason="calls reviewed")
    n_calls = sum(len(review.calls) for review in reviews)
    return {"said": f"The session is scored with the {n_calls} calls of {rater}"}


def _tiles(request: Request) -> Tiles:
    return _opened(request).tiles(recording_of(request).recording, _channel(request))


def _channel(request: Request) -> int | None:
    text = request.query_params.get("channel", "")
    if text and not text.isdecimal():
        raise BadInput(f"there is no channel {text!r}")
    return int(text) if text else None


def _opened(request: Request) -> Opened:
    opened: Opened = request.app.state.opened
    return opened


async def _body(request: Request) -> dict[str, Any]:
    try:
        return decode(await request.body(), dict[str, Any])
    except Undecodable:
        raise BadInput("this is no edit; use the page") from None


def _json(values: object) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(values, headers={"cache-control": "no-store"})


def routes() -> Sequence[BaseRoute]:
    """What the application answers."""
    from starlette.routing import Route

    base = "/review/{file:path}"
    return [
        Route(f"{base}/about", about),
        Route(f"{base}/tile/{{level:int}}/{{index:int}}.png", tile),
        Route(f"{base}/entries", entries),
        Route(f"{base}/edit", edit, methods=["POST"]),
        Route(f"{base}/sound.wav", sound),
        Route(f"{base}/compare", compare),
        Route(f"{base}/use", use_rater, methods=["POST"]),
        Route(base, review_page),
    ]
