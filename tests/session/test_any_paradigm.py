"""The promises hold for any paradigm, well written or not: random programs in a hostile world."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from behavior.model.commands import Command, EndSession, Refuse
from behavior.model.events import Event, Faulted, HeadEntered, LeverPressed, LinkLost, Stopped
from behavior.paradigms.parameters import Between
from behavior.session.boxes import SessionChamber
from behavior.session.core import SessionCore
from behavior.session.guard import Guard
from behavior.session.replay import replay
from session.test_replay import run, state, steps
from session.worlds import LIMITS, Lines, numbered, still_on

Program = list[tuple[Any, ...]]

duration = st.sampled_from([0, 0.001, 0.004, 0.01, None])
kinds = st.sampled_from([LeverPressed, HeadEntered])
leaves = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0, 0.001, 0.005])),
    st.tuples(st.just("next"), kinds, duration),
    st.tuples(st.just("shock"), st.sampled_from([0.5, 2.9]), st.sampled_from([0.001, 0.005])),
    st.sampled_from(
        [("reinforce",), ("raise",), ("end",), ("leave on", "tone"), ("foreign",), ("draw",), ("schedule",)]
    ),
)
programs = st.recursive(
    st.lists(leaves, max_size=4),
    lambda inner: st.lists(
        st.one_of(
            leaves,
            st.tuples(st.just("cue"), st.sampled_from(["light", "tone", "house"]), inner),
            st.tuples(st.just("shocking"), st.sampled_from([0.002, 0.01]), inner),
            st.tuples(st.just("each"), kinds, duration, inner),
            st.tuples(st.just("trials"), inner),
            st.tuples(st.just("alongside"), inner, inner),
            st.tuples(st.just("careless"), inner),
            st.tuples(st.just("deaf"), inner),
            st.tuples(st.just("finally"), inner, inner),
        ),
        max_size=4,
    ),
    max_leaves=12,
)


class Foreign:
    def __await__(self) -> Any:
        yield "not a wait"


async def follow(box: SessionChamber, program: Program) -> None:
    """A paradigm that does what a program says."""
    for word, *rest in program:
        match word, rest:
            case "wait", [seconds]:
                await box.wait(seconds)
            case "next", [kind, within_s]:
                await box.next(kind, within_s=within_s)
            case "shock", [ma, seconds]:
                box.shock(ma, seconds)
            case "reinforce", []:
                box.reinforce()
            case "raise", []:
                raise ValueError(object())
            case "end", []:
                box.end_session("enough")
            case "leave on", [cue]:
                box.cue(cue).__enter__()
            case "draw", []:
                box.draw(Between(low=0, high=1))
            case "schedule", []:
                box.schedule("VI 1 s")
            case "foreign", []:
                await Foreign()
            case "cue", [cue, inner]:
                with box.cue(cue):
                    await follow(box, inner)
            case "shocking", [seconds, inner]:
                with box.shocking(0.5, at_most_s=seconds):
                    await follow(box, inner)
            case "each", [kind, within_s, inner]:
                async for _ in box.every(kind, within_s=within_s):
                    await follow(box, inner)
            case "trials", [inner]:
                for trial in box.trials(2):
                    with trial:
                        await follow(box, inner)
            case "alongside", [other, inner]:
                with box.alongside(follow(box, other)):
                    await follow(box, inner)
            case "careless", [inner]:
                try:
                    await follow(box, inner)
                except Exception:
                    await box.wait(0.001)
            case "deaf", [inner]:
                try:
                    await follow(box, inner)
                except BaseException:
                    await box.wait(0.001)
            case "finally", [inner, last]:
                try:
                    await follow(box, inner)
                finally:
                    await follow(box, last)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(program=programs, plan=steps, data=st.data())
def test_replay_resume_and_safe_end(program: Program, plan: list[tuple], data: st.DataObject) -> None:
    def fresh() -> SessionCore:
        return SessionCore(lambda box: follow(box, program), SessionChamber, seed=1, guard=Guard(LIMITS))

    core, journal = fresh(), Lines()
    run(core, [*plan, (lambda now: Stopped(now, "key"), 0, "now")], journal)
    items = journal.items

    commands = [item for item in items if isinstance(item, Command)]  # a safe end
    assert still_on(commands) == set()
    assert [c for c in commands if isinstance(c, EndSession)] == [commands[-1]]
    assert core.ended is not None
    ending = next(i for i, item in enumerate(items) if isinstance(item, (Stopped, LinkLost, Faulted, Refuse)))
    assert all(item.calms for item in items[ending:] if isinstance(item, Command))

    cut = data.draw(st.integers(0, len(items)))  # from any line to the same end
    again = fresh()
    rebuilt = items[:cut] + replay(again, numbered(items[:cut]))
    for event in [item for item in items if isinstance(item, Event)][sum(isinstance(i, Event) for i in items[:cut]) :]:
        rebuilt += [event, *again.handle(event)]
    assert rebuilt == items
    assert state(again) == state(core)
