"""What must hold of every session, whatever went wrong in it. Each violation is a sentence.

The truth is the world's: what the animal's meter felt, what switches and beams said, what befell whom and when. The
record is the session's folder alone. What is *in the record* for each kind of fault stands in `noticing`.
"""

from __future__ import annotations

from collections.abc import Iterator

from behavior.model.commands import EndComponent, EndSession, EndTrial
from behavior.model.errors import BehaviorError, Failure
from behavior.model.events import (
    Crossed,
    Disturbed,
    Event,
    Faulted,
    LeverPressed,
    LinkLost,
    Resumed,
)
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score, score_items, write_score
from behavior.scoring.timeline import timeline_of
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item, Reading
from behavior.session.verify import verify
from behavior.simulate.devices import SimulatedDevice, SimulatedShockController
from faults.engines import Ran
from faults.meter import SLACK_US, beyond
from faults.noticing import EXACT_US, LOOKED_US, SMALL_JUMP_S, dark_times, life_at, unnoticed, within

S = 1_000_000
WATCHDOG_US = 1_000_000
SETS_OFF_US = 300_000
"""So long before its crossing is whole a simulated animal sets off: who looks first when it is in the doorway cannot
tell from where it came."""


def violations(ran: Ran) -> list[str]:
    """All that does not hold of a session."""
    found = [*_of_the_animal(ran)]
    try:
        folder = SessionFolder(ran.folder)
    except BehaviorError:
        return found if ran.before_cut is not None else [*found, "the folder cannot be read"]
    reading = folder.read()
    found += _of_the_journal(ran, folder, reading)
    if not found or not reading.problems:
        found += _of_the_score(ran, folder, reading)
        if ran.before_cut is None:
            found += _of_the_record(ran, reading)
    return found


# -- the animal -------------------------------------------------------------------------------------------------------


def _of_the_animal(ran: Ran) -> Iterator[str]:
    world = ran.world
    felt = world.meter.felt
    if world.meter.flows:
        yield "a shock was still on 5 s after the last engine had gone"
        return
    fast = 1 + max((abs(one.amount) for one in ran.plan.of_kind("clock drift")), default=0) * 1e-6
    yield from beyond(felt, world.limits, fast=fast)
    controllers = {name for name, twin in world.cage.twins.items() if isinstance(twin, SimulatedShockController)}
    alone_us = [*ran.deaths_us] if controllers else []
    alone_us += [at_us for at_us, one in world.done if one.kind == "unplugged" and one.device in controllers]
    for at_us in alone_us:
        for one in felt:
            if one.start_us <= at_us and one.end_us > at_us + WATCHDOG_US * fast + SLACK_US:
                yield f"a shock went on {(one.end_us - at_us) / S:.3f} s after nobody drove it"
            if one.start_us > at_us + SLACK_US and _nobody_drives(ran, one.start_us):
                yield "a shock began when nobody drove it"
    for name, twin in world.cage.twins.items():
        if isinstance(twin, SimulatedDevice) and twin.kind != "harp_behavior":
            on = twin._value("OutputState") & 0x1F if "OutputState" in twin.map.registers else 0
            if on:
                yield f"{name} still has outputs on 5 s after the last engine had gone"


def _nobody_drives(ran: Ran, at_us: int) -> bool:
    return not any(life.begin_us <= at_us <= life.end_us for life in ran.lives)


# -- the journal ------------------------------------------------------------------------------------------------------


def _of_the_journal(ran: Ran, folder: SessionFolder, reading: Reading) -> Iterator[str]:
    if reading.problems:
        yield f"the journal is damaged: {'; '.join(reading.problems)}"
    for number, life in enumerate(ran.lives, start=1):
        known = list(life.acknowledged)
        if ran.before_cut is None and reading.items[: len(known)] != known:
            yield f"what engine {number} had acknowledged is not in the journal"
    if ran.before_cut is not None and reading.items[: len(ran.before_cut)] != ran.before_cut:
        n = next((i for i, (a, b) in enumerate(zip(reading.items, ran.before_cut, strict=False)) if a != b), None)
        n = len(reading.items) if n is None else n
        kept, lost = reading.items[:n], ran.before_cut[n:]
        if kept != ran.before_cut[:n] or not lost:
            yield "a power cut left something else than the journal's beginning"
    never_began = not reading.items or folder.footer is None
    if folder.footer is None and reading.items and not any("cannot be gone on with" in one for one in ran.said):
        yield "nobody could close the session"
    try:
        verify(folder)
    except Failure as error:
        yield f"verify: {error}"
    except BehaviorError as error:
        if not never_began:
            yield f"verify: {error}"


def _of_the_score(ran: Ran, folder: SessionFolder, reading: Reading) -> Iterator[str]:
    try:
        again = rescore(folder)
        write_score(folder.path, again)
        if different := differences(read_score(folder.path), rescore(folder)):
            yield f"rescoring differs: {different[0]}"
        if ran.before_cut is None and not reading.torn:
            live = score_items(folder.header.paradigm, list(reading.items), folder.header.parameters)
            if different := differences(live, again):
                yield f"the live score differs: {different[0]}"
    except BehaviorError as error:
        yield f"it cannot be scored: {error}"


# -- what was true and what is on record ------------------------------------------------------------------------------


def _of_the_record(ran: Ran, reading: Reading) -> Iterator[str]:
    items = reading.items
    dark = list(dark_times(items))
    yield from _pulses(ran, items, dark)
    yield from _responses(ran, items, dark)
    yield from _windows(ran, items)
    yield from _found_by_devices(ran, items)
    for at_us, fault in ran.world.done:
        if (why := unnoticed(ran, items, at_us, fault)) is not None:
            yield f"unnoticed: {fault.kind} ({why})"


def _found_by_devices(ran: Ran, items: list[Item]) -> Iterator[str]:
    """What a device itself finds wrong while an engine drives it stands in the journal."""
    told = {item.device for item in items if isinstance(item, Faulted | LinkLost)}
    for at_us, device, name in ran.world.set_faults:
        life = life_at(ran, at_us)
        if name == "OPEN_GRID" or life is None or at_us > life.end_us - S // 4 or life.how != "ended":
            continue  # an open grid is data, and what a dead engine does not hear the gap tells
        late_us = max(
            (round(one.amount * S) for one in ran.plan.of_kind("bytes late") if one.device == device), default=0
        )
        still_on_its_way = at_us + late_us > life.end_us - S // 4 and _disturbed(items, device, at_us - life.zero_us)
        spoiled = at_us > life.end_us - 5 * S and _spoiled(items, device, at_us - life.zero_us)
        if device not in told and not still_on_its_way and not spoiled:
            yield f"unnoticed: {device} found {name}"


def _disturbed(items: list[Item], device: str, since_us: int) -> bool:
    return any(isinstance(one, Disturbed) and one.device == device and one.at_us >= since_us for one in items)


def _spoiled(items: list[Item], device: str, at_us: int) -> bool:
    """Whether the record says that something of this device may be missing then."""
    said = [one for one in items if isinstance(one, Disturbed) and one.device == device]
    return any(one.at_us - one.lasted_us <= at_us <= one.at_us for one in said)


def _pulses(ran: Ran, items: list[Item], dark: list[tuple[int, int]]) -> Iterator[str]:
    """Each pulse that was felt was commanded once, is told, and counts only if it was what was asked for."""
    asked = timeline_of(items).shocks
    taken: set[int] = set()
    for one in ran.world.meter.felt:
        life = life_at(ran, one.start_us)
        if life is None:
            yield "a shock was felt that no engine can have commanded"
            continue
        start_us = one.start_us - life.zero_us
        mine = [
            shock for shock in asked if 0 <= start_us - shock.asked_us + EXACT_US <= S and shock.number not in taken
        ]
        if not mine:
            yield f"a shock was felt at {start_us / S:.3f} s that nobody commanded"
            continue
        shock = mine[-1]
        taken.add(shock.number)
        if one.gate_ma > shock.ma + 1e-9 and not _by_hand(ran):
            yield f"shock {shock.number} was {one.gate_ma:g} mA where {shock.ma:g} mA was asked for"
        if one.duration_us > shock.duration_s * S * 1.001 + SLACK_US:
            yield f"shock {shock.number} lasted {one.duration_us / S:.3f} s of {shock.duration_s:g} s asked for"
        if shock.ended_us is None:
            told = any(within(at_us - life.zero_us, dark) for at_us in (one.start_us, one.end_us))
            if life.how == "ended" and not told:
                yield f"shock {shock.number} was felt, and its end is not in the record"
        elif abs(shock.duration_us - one.duration_us) > one.duration_us * 0.002 + EXACT_US:
            yield f"shock {shock.number} lasted {one.duration_us} µs and is told as {shock.duration_us} µs"
        elif (
            shock.delivered_ma is not None
            and shock.cause != "grid_short"
            and abs(shock.delivered_ma - one.mean_ma) > 0.02 * one.mean_ma + 0.002
        ):
            yield f"shock {shock.number} was {one.mean_ma:.3f} mA and is told as {shock.delivered_ma:g} mA"
        off = abs(one.mean_ma - shock.ma) > 0.1 * shock.ma + 0.002
        if shock.delivered and shock.verified and off:
            yield f"shock {shock.number} counts as delivered, {one.mean_ma:.3f} mA of {shock.ma:g} mA"
    for shock in asked:
        if shock.delivered and shock.number not in taken:
            yield f"shock {shock.number} counts as delivered, and nobody felt it"


def _by_hand(ran: Ran) -> bool:
    return any(device.shocker.set_ma is not None for device in ran.world.chamber.devices)


def _responses(ran: Ran, items: list[Item], dark: list[tuple[int, int]]) -> Iterator[str]:
    """What a switch or a beam felt stands in the journal at its time, or the record says that it may be missing."""
    told = [item for item in items if isinstance(item, LeverPressed | Crossed)]
    times: dict[tuple[str, str], list[int]] = {}
    for item in told:
        times.setdefault(_what(item), []).append(item.at_us)
    drift = max((abs(one.amount) for one in ran.plan.of_kind("clock drift")), default=0) * 1e-6
    late_by_s = max(
        (one.amount for one in ran.plan.of_kind("bytes late")), default=0.0
    )  # so well is a clock known then
    for world_us, event in ran.world.did:
        life = life_at(ran, world_us)
        if life is None:
            continue
        at_us = world_us - life.zero_us
        near_us = EXACT_US + round(drift * at_us) + round(late_by_s * S) + _jumped_us(ran, world_us)
        ended_us = life.end_us - life.zero_us
        late_us = max((round(2 * one.amount * S) for one in ran.plan.of_kind("bytes late", "host held up")), default=0)
        set_off_us = at_us - (SETS_OFF_US if isinstance(event, Crossed) else 0)
        if at_us > ended_us - 300_000 - late_us or within(at_us, dark) or within(set_off_us, dark):
            continue
        if all(abs(one - at_us) > near_us for one in times.get(_what(event), [])):
            yield f"unnoticed: {event} at {at_us / S:.3f} s is not in the journal"
            return


def _jumped_us(ran: Ran, world_us: int) -> int:
    """By how much a clock that jumped a little may be off until its next answers, which put it right."""
    jumps = [
        one.amount
        for at_us, one in ran.world.done
        if one.kind == "clock jump" and at_us <= world_us <= at_us + LOOKED_US
    ]
    return round(sum(abs(one) for one in jumps if abs(one) < SMALL_JUMP_S) * S)


def _what(event: Event) -> tuple[str, str]:
    return type(event).__name__, getattr(event, "lever", "") or getattr(event, "side", "")


def _windows(ran: Ran, items: list[Item]) -> Iterator[str]:
    """Trials and components in which nobody was in control, or that a fault ended, are marked."""
    timeline = timeline_of(items)
    footer = SessionFolder(ran.folder).footer
    for life in ran.lives:
        if life.how == "failed" and (footer is None or not footer.reason.startswith("failure of the host")):
            yield "the host failed, and the footer does not say so"
    for place in [place for place, item in enumerate(items) if isinstance(item, Resumed)]:
        cut_us = max((item.at_us for item in items[:place] if isinstance(item, Event)), default=0)
        for window in (*timeline.trials, *timeline.components):
            if window.begin_us < cut_us < window.end_us and not window.interrupted:
                yield f"{window.name} was cut at {cut_us / S:.3f} s and is not marked"
    ended = timeline.ended or ""
    if ended.startswith(("fault", "link", "stopped", "failure")):
        last = max(place for place, item in enumerate(items) if isinstance(item, EndSession))
        by = max(place for place, item in enumerate(items[:last]) if isinstance(item, Event))
        cut = {str(getattr(mark, "trial", getattr(mark, "name", ""))) for mark in items[by:last] if _ends(mark)}
        for window in (*timeline.trials, *timeline.components):
            if window.end_us == timeline.end_us > window.begin_us and window.name in cut and not window.interrupted:
                yield f"{window.name} was ended by {ended!r} and is not marked"


def _ends(item: Item) -> bool:
    return isinstance(item, EndTrial | EndComponent)
