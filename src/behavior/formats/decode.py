"""From a control system's numbers to events, by a profile; and from events to the items of a journal.

Rules. Times are exact: decimal digits times the tick, rounded to whole microseconds once. Nothing is guessed, repaired
or dropped: a time that goes back, an event after the session's end, a code without a meaning, an array that ends in
unexplained zeros is a problem, and a session with problems is not used. Events at one instant stay in the order of
their stream; of several streams, responses come first, then what ends, then what begins, because the apparatus follows
the animal; what a timetable says comes before them all. Counts per bin have no times and become none: they are kept as
notes at the end of their bin.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import count, pairwise
from typing import TypeAlias

from behavior.formats.medpc import SEAL, MedPCSession
from behavior.formats.profile import Meaning, Profile, Stream
from behavior.formats.pycontrol import PyControlSession
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadFile, Problem

Item: TypeAlias = e.Event | c.Command
PRINTED_US = 1_000
"""MED-PC and pyControl print times in s with three decimals, or in ms."""
GRAIN_US = 1_000_000
"""Start Time and End Time are whole seconds, so that an event may seem so much later than the end. What a program
reports within it after it said that the session is over, as a lever let go, stays in the journal, after the end."""
_RESPONSES = ("press", "release", "head entry", "head exit", "crossing")
_ENDING = ("trial end", "component end", "cue off", "shock off")
N_DIGITS = 15
"""A program's numbers have no more."""
LONGEST_US = 366 * 86_400 * 1_000_000
"""No session is longer than a year; what seems so has the wrong unit."""
MOST_PROBLEMS = 20
TIMETABLE = "timetable"


@dataclass(frozen=True, slots=True)
class Decoded:
    """One thing that happened. `where` says so: an array, pyControl's type; `code` is empty where it has none."""

    at_us: int
    meaning: Meaning
    where: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something happened in each bin, the first of which begins with the session."""

    meaning: Meaning
    where: str
    bin_us: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DecodedSession:
    """What a session's numbers mean.

    Attributes
    ----------
    events : in order of time
    counts : of events that were only counted
    end_us : how long the session was
    completed : whether it came to its planned end, as far as the profile can tell
    resolution_us : how fine its times are
    """

    events: tuple[Decoded, ...]
    counts: tuple[Counted, ...]
    end_us: int
    completed: bool
    resolution_us: int = PRINTED_US


def decode_session(session: MedPCSession, profile: Profile, *, file: object) -> DecodedSession:
    """Decode a session of MED-PC.

    Parameters
    ----------
    session : as read
    profile : for its program
    file : names it in errors

    Raises
    ------
    BadFile
        What is there does not fit the profile; all at once.
    """
    problems = [Problem("", problem) for problem in session.problems]
    decoder = _Decoder(session, problems)
    streams = [stream for stream in profile.streams if stream.encoding != "counts"]
    of_each = [list(decoder.events(stream, profile.legend)) for stream in streams]
    events = merged(of_each, [timetabled(profile)])
    counts = [decoder.counts(stream) for stream in profile.streams if stream.encoding == "counts"]
    end_us = _end_us(events, decoder.lasted_us(profile), decoder.header_us(), problems)
    resolution_us = max((_resolution_us(stream) for stream in streams), default=PRINTED_US)
    problems += _shock_problems(events, resolution_us)
    problems += _uncovered(decoder.unknown)
    if problems:
        raise BadFile(f"{file}, {session.name}", problems[:MOST_PROBLEMS])
    within = tuple(_within(one, end_us) for one in counts if one is not None)
    return DecodedSession(events, within, end_us, is_complete(profile, end_us), resolution_us)


def decode_rows(session: PyControlSession, profile: Profile, *, file: object) -> DecodedSession:
    """Decode a session of pyControl; what it prints, warns of and sets is kept as notes.

    Parameters
    ----------
    session : as read
    profile : for its task
    file : names it in errors

    Raises
    ------
    BadFile
        What is there does not fit the profile; all at once.
    """
    problems = [Problem("", problem) for problem in session.problems]
    unknown: dict[str, tuple[int, int]] = {}
    found: list[Decoded] = []
    now_us = 0
    for row in session.rows:
        at_us = int((Decimal(row.time) * 1_000_000).to_integral_value())
        if at_us < now_us:
            problems.append(
                Problem(f"line {row.line}", f"time goes back, from {now_us / 1e6:g} s to {at_us / 1e6:g} s")
            )
        now_us = max(now_us, at_us)
        code = f"{row.type} {row.content}"
        if row.type not in ("event", "state"):
            text = " ".join(filter(None, (row.type, row.subtype, row.content)))
            found.append(Decoded(at_us, Meaning(event="note", name=text), row.type))
        elif (meaning := profile.legend.get(code)) is None:
            n, first_us = unknown.get(code, (0, at_us))
            unknown[code] = (n + 1, first_us)
        elif meaning.event != "ignore":
            found.append(Decoded(at_us, meaning, row.type, code))
    events = merged([found], [timetabled(profile)])
    lasted_us = None
    if session.started is not None and session.ended is not None:
        if (session.started.tzinfo is None) != (session.ended.tzinfo is None):
            what = "either its start or its end names a time zone, and the other does not; mend the file"
            raise BadFile(f"{file}, {session.name}", [Problem("", what)])
        lasted_us = round((session.ended - session.started).total_seconds() * 1e6)
    end_us = _end_us(events, None if lasted_us is not None else now_us, lasted_us, problems)
    problems += _shock_problems(events, PRINTED_US) + _uncovered(unknown)
    if problems:
        raise BadFile(f"{file}, {session.name}", problems[:MOST_PROBLEMS])
    return DecodedSession(events, (), end_us, is_complete(profile, end_us))


def is_complete(profile: Profile, end_us: int) -> bool:
    """Whether a session that was so long came to its planned end."""
    return profile.completed_from_s is None or end_us >= profile.completed_from_s * 1e6


def timetabled(profile: Profile) -> list[Decoded]:
    """The components that the profile's timetable knows."""
    made = []
    for one in profile.timetable:
        for when, what in ((one.begin_s, "component begin"), (one.end_s, "component end")):
            meaning = Meaning.model_validate({"event": what, "name": one.component})
            made.append(Decoded(round(when * 1e6), meaning, TIMETABLE))
    return made


def merged(streams: Sequence[Sequence[Decoded]], others: Sequence[Sequence[Decoded]] = ()) -> tuple[Decoded, ...]:
    """Events of several streams in order of time; of one alone, in its own order."""
    filled = [stream for stream in (*streams, *others) if stream]
    if len(filled) == 1:
        return tuple(sorted(filled[0], key=lambda one: one.at_us))
    return tuple(sorted((one for stream in filled for one in stream), key=lambda one: (one.at_us, _rank(one))))


def _rank(one: Decoded) -> int:
    if one.where == TIMETABLE:  # nothing that the animal did ended or began what the clock does
        return -2 if one.meaning.event in _ENDING else -1
    if one.meaning.event in _RESPONSES:
        return 0
    return 1 if one.meaning.event in _ENDING else 2


def _end_us(events: Sequence[Decoded], lasted_us: int | None, header_us: int | None, problems: list[Problem]) -> int:
    """When the session ended: by an event that says so, by a variable, or by the header, which bounds them all."""
    said = next((one.at_us for one in events if one.meaning.event == "session end"), None)
    end_us = next((one for one in (said, lasted_us, header_us) if one is not None), None)
    last_us = max((one.at_us for one in events if one.where != TIMETABLE), default=0)
    if end_us is None:
        problems.append(Problem("", "nothing says how long the session was; add `lasts` to the profile"))
        return last_us
    for what, us, until_us in (
        ("its last event is at", last_us, end_us),
        ("by the profile it lasts until", max(end_us, last_us), header_us if header_us is not None else end_us),
    ):
        if us > until_us + GRAIN_US:
            ended = f"the session ended at {until_us / 1e6:g} s; is the unit or the tick of the profile right?"
            problems.append(Problem("", f"{what} {us / 1e6:g} s, and {ended}"))
            break
    if max(last_us, end_us) > LONGEST_US:
        what = f"it would have lasted {max(last_us, end_us) / 86_400e6:.0f} days"
        problems.append(Problem("", f"{what}; is the unit or the tick of the profile right?"))
    return end_us if said is not None else max(last_us, end_us)


def _uncovered(unknown: Mapping[str, tuple[int, int]]) -> list[Problem]:
    return [
        Problem(
            f"code {code}",
            f"stands there {'once' if n == 1 else f'{n} times'}, first at {first_us / 1e6:g} s, "
            "and is not in the profile's [codes]; "
            'add what it means, or event = "ignore"',
        )
        for code, (n, first_us) in sorted(unknown.items(), key=lambda one: (len(one[0]), one[0]))
    ]


def _resolution_us(stream: Stream) -> int:
    """Of a stream's times: a tick, or the third decimal of its unit, which is the last that MED-PC prints."""
    of_unit = stream.scale_s if stream.tick_s else stream.scale_s / 1000
    return max(1, int(of_unit * 1_000_000))


def _shock_problems(events: Sequence[Decoded], resolution_us: int) -> list[Problem]:
    """A shock that begins while one is on, or ends while none is: the profile is not right then."""
    on, problems = False, []
    for one in _with_ends(events, resolution_us):
        begins = one.meaning.event in ("shock", "shock on")
        if begins or one.meaning.event == "shock off":
            if begins == on:
                what = "begins while another is on" if begins else "ends while none is on"
                problems.append(Problem("", f"a shock {what}, at {one.at_us / 1e6:g} s; correct the profile"))
            on = begins
    return problems[:1]


def _within(one: Counted, end_us: int) -> Counted:
    """Without the empty bins after the session's end, which an array of fixed length has."""
    n = -(-end_us // one.bin_us)
    last = max((i for i, value in enumerate(one.counts, start=1) if value), default=0)
    return Counted(one.meaning, one.where, one.bin_us, one.counts[: max(n, last)])


class _Decoder:
    """One session's variables, and what is wrong with them."""

    def __init__(self, session: MedPCSession, problems: list[Problem]) -> None:
        self._session, self._problems = session, problems
        self.unknown: dict[str, tuple[int, int]] = {}

    def events(self, stream: Stream, legend: Mapping[str, Meaning]) -> Iterator[Decoded]:
        """The events of a stream."""
        texts = self._filled(stream)
        if texts is None:
            return
        pairs = self._pairs(stream, texts)
        now_us, wrong = 0, 0
        marks = {Decimal(repr(mark)) for mark in stream.marks}
        for i, (time, code) in enumerate(pairs, start=stream.first):
            if time in marks:
                continue
            us = int((time * stream.scale_s * 1_000_000).to_integral_value())
            at_us = now_us + us if stream.relative else us
            if at_us < now_us or us < 0:
                wrong += 1
                if wrong == 1:
                    back = f"{at_us / 1e6:g} s follows {now_us / 1e6:g} s"
                    self._wrong(stream.array, f"time goes back at index {i}: {back}; is it relative, or longer sealed?")
                continue
            now_us = at_us
            meaning = stream.event if code is None else legend.get(code)
            if meaning is None:
                n, first_us = self.unknown.get(str(code), (0, at_us))
                self.unknown[str(code)] = (n + 1, first_us)
            elif meaning.event != "ignore":
                yield Decoded(at_us, meaning, stream.array, code or "")

    def counts(self, stream: Stream) -> Counted | None:
        """The counts of a stream."""
        texts = self._filled(stream)
        if texts is None or stream.event is None or stream.bin_s is None:
            return None
        numbers = [Decimal(text) for text in texts]
        if wrong := [i for i, one in enumerate(numbers) if one < 0 or one != one.to_integral_value()]:
            self._wrong(stream.array, f"{texts[wrong[0]]} at index {wrong[0]} is no count")
            return None
        return Counted(stream.event, stream.array, round(stream.bin_s * 1e6), tuple(int(one) for one in numbers))

    def lasted_us(self, profile: Profile) -> int | None:
        """How long the session was by a variable."""
        if profile.lasts is None:
            return None
        number = self._number(profile.lasts.variable)
        return None if number is None else round(number * profile.lasts.scale_s * 1_000_000)

    def header_us(self) -> int | None:
        """How long the session was by the header, in whole seconds."""
        started, ended = self._session.started, self._session.ended
        if started is None or ended is None:
            return None
        if ended < started:
            self._wrong("End Time", "is before Start Time; correct the header in a copy of the file")
        return round((ended - started).total_seconds() * 1e6)

    # -- arrays ---------------------------------------------------------------------------------------------------

    def _filled(self, stream: Stream) -> tuple[str, ...] | None:
        """The part of an array that holds events."""
        texts = self._array(stream.array)
        if texts is None:
            return None
        texts = texts[stream.first :]
        n = len(texts)
        if (sealed := next((i for i, text in enumerate(texts) if _is_seal(text)), None)) is not None:
            n = sealed
        if stream.n_in:
            number = self._number(stream.n_in)
            if number is None:
                return None
            if number != number.to_integral_value() or not 0 <= number <= n:
                self._wrong(stream.array, f"holds {n} numbers, and {stream.n_in} says {number:f}; was the file cut?")
                return None
            n = int(number)
        texts = texts[:n]
        if wrong := [i for i, text in enumerate(texts, start=stream.first) if not is_number(text)]:
            self._wrong(stream.array, f"{texts[wrong[0] - stream.first]!r} at index {wrong[0]} is no number")
            return None
        zeros = next((i for i, text in enumerate(reversed(texts)) if Decimal(text) != 0), len(texts))
        if stream.padding == "zeros":
            return texts[: len(texts) - zeros]
        if zeros > 1 and not stream.n_in and stream.encoding != "counts":
            self._wrong(
                stream.array,
                f'ends in {zeros:,} zeros; if it was not sealed, add padding = "zeros" or n_in, the variable '
                "that holds the number of events",
            )
            return None
        return texts

    def _array(self, name: str) -> tuple[str, ...] | None:
        variable = self._session.variables.get(name)
        if variable is None or not variable.is_array:
            arrays = ", ".join(key for key, one in self._session.variables.items() if one.is_array) or "none"
            self._wrong(name, f"is no array of this session (its arrays: {arrays}); correct the profile")
            return None
        return variable.texts

    def _number(self, place: str) -> Decimal | None:
        """A scalar, or one cell of an array."""
        variable = self._session.variables.get(place[0])
        index = int(place[2:-1]) if len(place) > 1 else 0
        found = variable is not None and variable.is_array == (len(place) > 1) and index < len(variable.texts)
        if variable is None or not found or not is_number(variable.texts[index]):
            self._wrong(place, "is not in this session; correct the profile")
            return None
        return Decimal(variable.texts[index])

    def _pairs(self, stream: Stream, texts: tuple[str, ...]) -> Iterator[tuple[Decimal, str | None]]:
        """Times in the file's unit, and codes."""
        if stream.encoding == "times beside codes":
            codes = self._array(stream.codes_array)
            if codes is None:
                return
            codes = codes[stream.first : stream.first + len(texts)]
            if wrong := [code for code in codes if not is_number(code)]:
                self._wrong(stream.codes_array, f"{wrong[0]!r} is no code")
                return
            if len(codes) < len(texts):
                what = f"holds {len(codes)} codes beside {len(texts)} times; was the file cut?"
                self._wrong(stream.codes_array, what)
                return
            for text, code in zip(texts, codes, strict=True):
                yield Decimal(text), self._code(stream, Decimal(code))
            return
        split: dict[str, Callable[[Decimal, str], tuple[Decimal, Decimal | None]]] = {
            "times": lambda number, text: (number, None),
            "time.code": lambda number, text: _time_point_code(number, stream.code_digits or 1),
            "time then code": lambda number, text: divmod(number, Decimal(stream.factor or 1)),
            "code then time": lambda number, text: divmod(number, Decimal(stream.factor or 1))[::-1],
        }
        for text in texts:
            time, number = split[stream.encoding](Decimal(text), text)
            digits = len(text.partition(".")[2])
            if stream.encoding == "time.code" and digits < (stream.code_digits or 1):
                self._wrong(stream.array, f"{text} has {digits} decimals, and a code {stream.code_digits} (DISKFORMAT)")
                return
            yield time, None if number is None else self._code(stream, number)

    def _code(self, stream: Stream, code: Decimal) -> str:
        whole = code.to_integral_value()
        return f"{whole:f}" if whole == code else f"{code.normalize():f}"

    def _wrong(self, key: str, what: str) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(key, what))


def _time_point_code(number: Decimal, digits: int) -> tuple[Decimal, Decimal]:
    time = number // 1
    return time, (number - time).scaleb(digits)


def is_number(text: str) -> bool:
    """Whether a cell is a number that can be a time or a count: MED-PC also prints the likes of 1.#INF."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and -N_DIGITS < number.adjusted() < N_DIGITS


def _is_seal(text: str) -> bool:
    """Whether a number is the seal, printed with whatever decimals."""
    decimals = len(text.partition(".")[2])
    return text.startswith("-98") and is_number(text) and Decimal(text) == round(Decimal(SEAL), decimals)


# -- items ------------------------------------------------------------------------------------------------------------


def items_of(decoded: DecodedSession) -> list[Item]:
    """The items that a journal would hold of what was decoded."""
    return [*_Journal().items(decoded)]


class _Journal:
    """What happened and what was commanded, from decoded events."""

    def __init__(self) -> None:
        self._now_us = 0
        self._trials, self._shocks, self._deliveries = count(1), count(1), count(1)
        self._trial = 0
        self._component = ""
        self._shock: tuple[int, int] | None = None

    def items(self, decoded: DecodedSession) -> Iterator[Item]:
        yield e.SessionStarted(0)
        notes = [note for counted in decoded.counts for note in _counted_notes(counted, decoded.end_us)]
        events = sorted([*_with_ends(decoded.events, decoded.resolution_us), *notes], key=lambda one: one.at_us)
        for one in events:
            if one.at_us <= decoded.end_us:
                yield from self._in_time(one)
        yield e.TimerFired(decoded.end_us)
        if self._component:
            yield c.EndComponent(self._component)
        yield c.EndSession("completed" if decoded.completed else "ended before the planned end")
        for one in events:
            if one.at_us > decoded.end_us and one.where != TIMETABLE:
                yield from self._in_time(one)

    def _in_time(self, one: Decoded) -> Iterator[Item]:
        """Its items, with a tick before them where a command comes later than the report before it."""
        made = list(self._made(one))
        if made and not isinstance(made[0], e.Event) and one.at_us > self._now_us:
            yield e.TimerFired(one.at_us)
        self._now_us = max(self._now_us, one.at_us)
        yield from made

    def _made(self, one: Decoded) -> Iterable[Item]:
        at_us, name = one.at_us, one.meaning.name
        plain: dict[str, Item] = {
            "press": e.LeverPressed(at_us, name),
            "release": e.LeverReleased(at_us, name),
            "head entry": e.HeadEntered(at_us),
            "head exit": e.HeadLeft(at_us),
            "crossing": e.Crossed(at_us, name),
            "cue on": c.SetCue(name, on=True),
            "cue off": c.SetCue(name, on=False),
            "component begin": c.BeginComponent(name),
            "component end": c.EndComponent(name),
            "note": e.Noted(at_us, name),
        }
        if one.meaning.event in plain:
            return [plain[one.meaning.event]]
        return self._numbered(one)

    def _numbered(self, one: Decoded) -> Iterator[Item]:
        at_us = one.at_us
        match one.meaning.event:
            case "delivery":
                number = next(self._deliveries)
                yield c.Deliver(number)
                yield e.Delivered(at_us, number)
            case "shock" | "shock on" if self._shock is None:
                self._shock = (next(self._shocks), at_us)
                yield c.Shock(self._shock[0], one.meaning.ma or 0.0, one.meaning.shock_s or 0.0)
                yield e.ShockStarted(at_us, self._shock[0])
            case "shock off" if self._shock is not None:
                (number, began_us), self._shock = self._shock, None
                yield e.ShockEnded(at_us, number, at_us - began_us, None, "recorded")
            case "trial begin":
                self._trial = next(self._trials)
                yield c.BeginTrial(self._trial)
            case "trial end":
                yield c.EndTrial(self._trial)
            case "component":
                if self._component:
                    yield c.EndComponent(self._component)
                self._component = one.meaning.name
                yield c.BeginComponent(self._component)


def _with_ends(events: Sequence[Decoded], resolution_us: int) -> list[Decoded]:
    """With the end of each shock of which the begin and the duration are known.

    Begins are rounded, durations are not: of shocks that follow each other at once, one can seem to end up to a
    resolution behind the begin of the next. It ended there.
    """
    off = Meaning(event="shock off")
    begins = [(one.at_us, place) for place, one in enumerate(events) if one.meaning.event in ("shock", "shock on")]
    placed: list[tuple[int, float, Decoded]] = [(one.at_us, place, one) for place, one in enumerate(events)]
    for (at_us, place), (next_us, next_place) in pairwise([*begins, (LONGEST_US, len(events))]):
        if (shock_s := events[place].meaning.shock_s) is None:
            continue
        end_us = at_us + round(shock_s * 1e6)
        if next_us < end_us <= next_us + resolution_us:
            end_us = next_us
        before = next_place - 0.5 if end_us == next_us else len(events)
        placed.append((end_us, before, Decoded(end_us, off, events[place].where)))
    return [one for *_, one in sorted(placed, key=lambda one: one[:2])]


def _counted_notes(counted: Counted, end_us: int) -> Iterator[Decoded]:
    what = " ".join(part for part in (counted.meaning.event, counted.meaning.name) if part)
    for i, n in enumerate(counted.counts, start=1):
        begin_s, stop_s = (i - 1) * counted.bin_us / 1e6, i * counted.bin_us / 1e6
        note = Meaning(event="note", name=f"counted: {what}, {n} from {begin_s:g} to {stop_s:g} s")
        yield Decoded(min(i * counted.bin_us, end_us), note, counted.where)


def tally(decoded: DecodedSession) -> Counter[str]:
    """How many events of each kind and name there are."""
    return Counter(" ".join(filter(None, (one.meaning.event, one.meaning.name))) for one in decoded.events)
