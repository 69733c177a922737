"""A paradigm for soaks: sound, a lever, food, tones and shocks for as long as is wanted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from behavior.paradigms.box import Chamber
from behavior.paradigms.parameters import Between, Current, Parameters, ScheduleText, ShockDuration


class EverythingAtOnce(Parameters):
    """A tone of 20 s that ends with a weak shock, each minute or so; food throughout; all of it recorded."""

    n_trials: Annotated[int, Field(ge=1, le=500)] = 4
    iti_s: Between = Between(low=30, high=50)
    cs_s: float = 20
    shock_ma: Current = 0.3
    shock_s: ShockDuration = 0.5
    schedule: ScheduleText = "VI 15 s"


async def everything_at_once(box: Chamber, p: EverythingAtOnce) -> None:
    """Food on its schedule, and tones, and the microphone on."""
    with box.recording(), box.lever_out("left"), box.alongside(feed(box, p)):
        for trial in box.trials(p.n_trials):
            await box.wait(box.draw(p.iti_s))
            with trial, box.cue("tone"):
                await box.wait(p.cs_s - p.shock_s)
                box.shock(p.shock_ma, p.shock_s)
                await box.wait(p.shock_s)


async def feed(box: Chamber, p: EverythingAtOnce) -> None:
    """Food for the first press after each interval."""
    schedule = box.schedule(p.schedule)
    async for press in box.presses("left"):
        if schedule.earned(press):
            box.reinforce()
