"""From a session of ours to a control system's numbers, by the same profile that decodes them: the way back.

For labs that go on with scripts for MED-PC files, and for examples and tests of every encoding. What the legend has no
code for cannot be written, and is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from behavior.formats.decode import Decoded
from behavior.formats.medpc import MedPCFile, compose
from behavior.formats.profile import Meaning, Profile, Stream
from behavior.formats.record import SessionRecord
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadInput
from behavior.session.journal import Item


def happenings(items: Iterable[Item]) -> list[tuple[int, str, str]]:
    """Time in us, event and name, as profiles call them, of what a journal says."""
    found: list[tuple[int, str, str]] = []
    now_us = 0
    for item in items:
        now_us = max(now_us, getattr(item, "at_us", 0))
        match item:
            case e.LeverPressed():
                found.append((item.at_us, "press", item.lever))
            case e.LeverReleased():
                found.append((item.at_us, "release", item.lever))
            case e.HeadEntered():
                found.append((item.at_us, "head entry", ""))
            case e.HeadLeft():
                found.append((item.at_us, "head exit", ""))
            case e.Crossed():
                found.append((item.at_us, "crossing", item.side))
            case e.Delivered():
                found.append((item.at_us, "delivery", ""))
            case e.ShockStarted():
                found.append((item.at_us, "shock on", ""))
            case e.ShockEnded():
                found.append((item.at_us, "shock off", ""))
            case e.Noted():
                found.append((item.at_us, "note", item.text))
            case c.SetCue():
                found.append((now_us, "cue on" if item.on else "cue off", item.cue))
            case c.BeginComponent():
                found.append((now_us, "component begin", item.name))
            case c.EndComponent():
                found.append((now_us, "component end", item.name))
            case c.BeginTrial():
                found.append((now_us, "trial begin", ""))
            case c.EndTrial():
                found.append((now_us, "trial end", ""))
            case c.EndSession():
                found.append((now_us, "session end", ""))
    return sorted(found, key=lambda one: one[0])


def encode_session(record: SessionRecord, profile: Profile) -> tuple[MedPCFile, Counter[str]]:
    """A session as a MED-PC file, by a profile of one stream with codes.

    Returns
    -------
    MedPCFile, Counter
        The file, and how many events of which kinds the profile has no code for.

    Raises
    ------
    BadInput
        The profile has several streams, or one without codes, or is for another paradigm.
    """
    if len(profile.streams) != 1 or not profile.codes:
        raise BadInput(f"the profile for {profile.programs[0]} has several arrays or no codes; to write, name another")
    if profile.paradigm and record.header.paradigm != profile.paradigm:
        raise BadInput(f"{record.name}: is of {record.header.paradigm}, and the profile is for {profile.paradigm}")
    (stream,) = profile.streams
    codes = {_key(meaning): code for code, meaning in profile.legend.items() if meaning.event != "ignore"}
    pairs: list[tuple[int, str]] = []
    left_out: Counter[str] = Counter()
    for at_us, event, name in happenings(record.items):
        code = codes.get((event, name)) or (codes.get(("shock", "")) if event == "shock on" else None)
        if code is not None:
            pairs.append((at_us, code))
        elif not (event == "shock off" and ("shock", "") in codes):
            left_out[f"{event} {name}".strip()] += 1
    variables = numbers_of(stream, pairs)
    if stream.n_in:
        variables[stream.n_in[0]] = float(len(pairs))
    return compose("C:\\MED-PC\\DATA\\" + record.header.subject, [(_header(record, profile), variables)]), left_out


def _key(meaning: Meaning) -> tuple[str, str]:
    return meaning.event, meaning.name


def _header(record: SessionRecord, profile: Profile) -> Mapping[str, str]:
    header, given = record.header, record.header.treatment
    started = datetime.fromisoformat(header.started_at)
    ended = started + timedelta(microseconds=-(-record.timeline.end_us // 1_000_000) * 1_000_000)
    dose = given.blind_code or ("" if given.dose_mg_kg is None else f"{given.compound or 'none'} {given.dose_mg_kg:g}")
    return {
        "Start Date": started.strftime("%m/%d/%y"),
        "End Date": ended.strftime("%m/%d/%y"),
        "Subject": header.subject,
        "Experiment": header.study or "",
        "Group": dose,
        "Box": header.chamber,
        "Start Time": started.strftime("%H:%M:%S"),
        "End Time": ended.strftime("%H:%M:%S"),
        "MSN": profile.programs[0],
    }


def numbers_of(stream: Stream, pairs: Iterable[tuple[int, str]]) -> dict[str, float | list[float]]:
    """Times in us and codes as the numbers of a stream, by the letters of their arrays."""
    made = list(_numbers(stream, pairs))
    empty = [0.0] * stream.first
    variables: dict[str, float | list[float]] = {stream.array: [*empty, *(time for time, _ in made)]}
    if stream.codes_array:
        variables[stream.codes_array] = [*empty, *(code for _, code in made)]
    return variables


def _numbers(stream: Stream, pairs: Iterable[tuple[int, str]]) -> Iterator[tuple[float, float]]:
    before = Decimal(0)
    grain = Decimal(1) if stream.tick_s else Decimal("0.001")
    for at_us, code in pairs:
        now = (Decimal(at_us) / 1_000_000 / stream.scale_s).quantize(grain)
        time, before = (now - before if stream.relative else now), now
        factor, number = Decimal(stream.factor or 1), Decimal(code or 0)
        match stream.encoding:
            case "time.code":
                yield float(time + number.scaleb(-(stream.code_digits or 0))), 0.0
            case "time then code":
                yield float(time * factor + number), 0.0
            case "code then time":
                yield float(number * factor + time), 0.0
            case _:
                yield float(time), float(number)


def as_events(pairs: Iterable[tuple[int, str]], stream: Stream, legend: Mapping[str, Meaning]) -> list[Decoded]:
    """What decoding such numbers is to give: the same events, with times on the grain of the stream."""
    grain_us = round(stream.scale_s * 1_000_000) if stream.tick_s else round(stream.scale_s * 1000)
    return [
        Decoded(round(Decimal(at_us) / grain_us) * grain_us, legend[code], stream.array, code) for at_us, code in pairs
    ]
