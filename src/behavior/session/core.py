"""The session core: `handle(event) -> commands`. No I/O, no clock, no asyncio, no randomness of its own.

Rules. Everything else follows from them.

1.  **Inputs in journalled order are all there is.** The same inputs in the same order give the same commands,
    so live, simulated, replayed and resumed sessions are one thing.
2.  **Time is an input too.** A deadline runs out when a `TimerFired` at or after it is handled, and not before: until
    then the box is as it was, and a response is a response to that. The core knows what is due, so the tick carries
    nothing but the time; early, stale and repeated ones are harmless, and there is no timer to start, cancel or number.
3.  **Time never runs backwards or catches up.** `now_us` is the latest time seen. What a late tick resumes goes on from
    the tick's time and not from the deadline: after a stall intervals are longer than asked, never shorter.
4.  **Order decides control, time stamps decide scoring.** An event that arrives late is given to whoever waits now
    and keeps its own `at_us`. Nothing is queued: an event that nobody awaits is journalled and otherwise ignored.
5.  **Time passes only where a paradigm says `await` or `async for`.** Entering and leaving a `with` block takes none,
    so clean-up cannot be interrupted.
6.  **A session ends once**: the paradigm is unwound, what is still on is turned off, `EndSession` is the last command.
    From the first sign of the end only commands that calm the chamber pass.
7.  **Chance is on record.** What is drawn is issued as `Drawn`, so that a journal shows every number that a session
    depended on and a replay compares it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from inspect import CORO_CLOSED, getcoroutinestate
from random import Random
from typing import Any, NoReturn

from behavior.model.commands import Command, Deliver, EndSession, Refuse, SetRecording, Shock, StopShock
from behavior.model.events import (
    Event,
    Faulted,
    LinkLost,
    LinkRestored,
    Resumed,
    SessionStarted,
    ShockEnded,
    Stopped,
    TimerFired,
)
from behavior.session.guard import Guard

NEVER = 1 << 62
"""A time beyond any session, with room to add a gap."""
MAX_STEPS_PER_INPUT = 10_000
MAX_UNWINDINGS = 10


class SessionOver(BaseException):
    """Thrown through a paradigm to end it. Not an `Exception`, so that `except Exception` does not swallow it."""


class Wait:
    """What a task waits for: an event of these kinds that `accepts` approves, until `deadline_us`.

    `await wait` gives the event, or None at the deadline. The same wait may be awaited again.
    """

    __slots__ = ("accepts", "deadline_us", "kinds")

    def __init__(
        self, kinds: tuple[type[Event], ...], deadline_us: int, accepts: Callable[[Any], bool] | None = None
    ) -> None:
        self.kinds, self.deadline_us, self.accepts = kinds, deadline_us, accepts

    def __await__(self) -> Generator[Wait, Any, Any]:
        return (yield self)


class Events(Wait):
    """`async for event in events`: every such event until the deadline.

    A class and not an async generator: those are finalised by an event loop, and here is none.
    """

    __slots__ = ()

    def __aiter__(self) -> Events:
        return self

    def __anext__(self) -> Events:
        return self

    def __await__(self) -> Generator[Wait, Any, Any]:
        event = yield self
        if event is None:
            raise StopAsyncIteration
        return event


class Task:
    """A running coroutine and what it waits for (None once it is done)."""

    __slots__ = ("coroutine", "wait")

    def __init__(self, coroutine: Coroutine[object, Any, None]) -> None:
        self.coroutine = coroutine
        self.wait: Wait | None = None

    def step(self, event: Event | None) -> None:
        """Run to the next wait. Raises what the paradigm raises."""
        try:
            wait: object = self.coroutine.send(event)
        except StopIteration:
            self.wait = None
        except BaseException:
            self.wait = None
            raise
        else:
            if not isinstance(wait, Wait):
                self.wait = Wait((), NEVER)
                self.unwind(SessionOver("foreign await"))
                raise TypeError(f"a paradigm awaits its box's primitives only, not {type(wait).__name__}")
            self.wait = wait

    def unwind(self, over: SessionOver) -> None:
        """Leave every block. Code that awaits on its way out is interrupted again, and in the end abandoned."""
        if self.wait is None or getcoroutinestate(self.coroutine) == CORO_CLOSED:
            return
        self.wait = None
        for _ in range(MAX_UNWINDINGS):
            try:
                self.coroutine.throw(over)
            except (StopIteration, SessionOver):
                return
        raise RuntimeError("the paradigm does not let itself be ended")


class SessionCore:
    """One session of one paradigm.

    Parameters
    ----------
    paradigm : coroutine function of a box
    box : what the paradigm speaks to, made from this core
    seed : of everything that is drawn
    guard : sees every command before it is issued and may refuse it

    Attributes
    ----------
    now_us : the latest time seen
    wake_us : send a `TimerFired` at or after this time (`NEVER`: only an event can move the session)
    ended : the reason, once the session is over
    error : the exception that a paradigm failed with
    """

    def __init__(
        self,
        paradigm: Callable[[Any], Coroutine[object, Any, None]],
        box: Callable[[SessionCore], Any],
        *,
        seed: int,
        guard: Guard | None = None,
    ) -> None:
        self.now_us, self.wake_us = 0, NEVER
        self.ended: str | None = None
        self.error: BaseException | None = None
        self.seed, self.guard = seed, guard or Guard()
        self._main: Callable[[], Coroutine[object, Any, None]] = lambda: paradigm(box(self))
        self._tasks: list[Task] = []  # in order of start: the first is the paradigm itself
        self._commands: list[Command] = []
        self._levels: dict[Command, Command] = {}  # what is on: the command that ends it -> the one that began it
        self._over: SessionOver | None = None
        self._lost: dict[str, None] = {}  # devices that are looked for
        self._around: dict[type[Event], Callable[[Any], None]] = {
            SessionStarted: lambda event: self._start(),
            TimerFired: lambda event: self._run_out(),
            Resumed: lambda event: self._resume(event.gap_us),
            ShockEnded: self._shock_ended,
            Stopped: lambda event: self._end(f"stopped by {event.by}"),
            LinkLost: self._link_lost,
            LinkRestored: self._link_restored,
            Faulted: lambda event: self._end(f"fault of {event.device}: {event.cause}"),
        }

    # -- what the runner calls --------------------------------------------------------------------------------------

    def handle(self, event: Event) -> list[Command]:
        """Take one input, give the commands that follow from it, in order."""
        if self.ended is not None:
            return []
        if event.at_us > self.now_us:
            self.now_us = event.at_us
        kind = type(event)
        if kind in self._around:
            self._around[kind](event)
        for task in tuple(self._tasks):
            wait = task.wait
            if wait is not None and kind in wait.kinds and (wait.accepts is None or wait.accepts(event)):
                self._step(task, event)
        if not self._commands:
            return []
        commands, self._commands = self._commands, []
        return commands

    def close(self) -> None:
        """Let go of a session that has not ended, as after the replay of half a journal. Its last commands go nowhere.

        Left to the garbage collector, blocks would be left in any order and with noise.
        """
        self._end("let go")

    # -- what the box calls -----------------------------------------------------------------------------------------

    def issue(self, command: Command) -> None:
        """Give out a command, if the guard and the state of the session allow it."""
        if self.ended is not None:
            return
        if self._over is not None and not command.calms:
            raise self._over
        if self._lost and isinstance(command, Shock | Deliver):
            self.finish(f"link to {next(iter(self._lost))} lost")
        if why := self.guard.refusal(command, self.now_us):
            self._commands.append(Refuse(type(command).__name__, why))
            self.finish(f"refused by the guard: {why}")
        self.guard.issued(command, self.now_us)
        if off := command.off():
            self._levels[off] = command
        else:
            self._levels.pop(command, None)
        self._commands.append(command)

    def finish(self, reason: str) -> NoReturn:
        """End the session from inside the paradigm."""
        self._over = self._over or SessionOver(reason)
        raise self._over

    def deadline_us(self, within_s: float | None) -> int:
        """When a wait that begins now runs out."""
        return NEVER if within_s is None else self.now_us + round(within_s * 1e6)

    def stream(self, name: str) -> Random:
        """Random numbers for one purpose, so that a draw more for one purpose shifts no other."""
        return Random(f"{self.seed}/{name}")

    @contextmanager
    def alongside(self, coroutine: Coroutine[object, Any, None]) -> Iterator[None]:
        """Run a second task for as long as the block lasts. Tasks see an event in the order in which they started."""
        task = Task(coroutine)
        self._tasks.append(task)
        try:
            task.step(None)
            yield
        finally:
            if task in self._tasks:
                self._tasks.remove(task)
            task.unwind(SessionOver("block left"))

    # -- inside -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        task = Task(self._main())
        self._tasks.append(task)
        self._step(task, None)

    def _step(self, task: Task, event: Event | None) -> None:
        try:
            task.step(event)
        except SessionOver as over:
            self._end(str(over))
        except Exception as error:  # noqa: BLE001 — whatever a paradigm fails with, the session ends safely
            self.error = error
            self._end(f"paradigm failed: {type(error).__name__}")  # no message: it may hold an address
        else:
            self._settle(task)

    def _settle(self, task: Task) -> None:
        if self._over is not None:  # refused, and the paradigm swallowed it
            self._end(str(self._over))
        elif task.wait is None and self._tasks and task is self._tasks[0]:
            self._end("completed")
        else:
            self.wake_us = min([task.wait.deadline_us for task in self._tasks if task.wait], default=NEVER)

    def _run_out(self) -> None:
        """Resume what is due, earliest deadline first, equal ones in order of start."""
        for _ in range(MAX_STEPS_PER_INPUT):
            due = [task for task in self._tasks if task.wait and task.wait.deadline_us <= self.now_us]
            if not due:
                return
            self._step(min(due, key=lambda task: task.wait.deadline_us if task.wait else NEVER), None)
        self._end("paradigm failed: it waits for no time at all, for ever")

    def _resume(self, gap_us: int) -> None:
        """A gap took no time from the paradigm. Levels are set again; a pulse that was cut is not."""
        for wait in [task.wait for task in self._tasks if task.wait]:
            wait.deadline_us += gap_us
        self.wake_us += gap_us
        self._lost.clear()
        self._levels.pop(StopShock(), None)
        self._commands.extend(self._levels.values())

    def _link_lost(self, event: LinkLost) -> None:
        """Who is looked for may be waited for, but never in a shock: nobody sees its end then."""
        if event.followed and not self.guard.shock_is_on(self.now_us):
            self._lost[event.device] = None
        else:
            self._end(f"link to {event.device} lost")

    def _link_restored(self, event: LinkRestored) -> None:
        """A device that comes back has everything off: levels are set again. A recording has gone on meanwhile."""
        self._lost.pop(event.device, None)
        self._commands.extend(
            command for off, command in self._levels.items() if off not in (StopShock(), SetRecording(on=False))
        )

    def _shock_ended(self, event: ShockEnded) -> None:
        self._levels.pop(StopShock(), None)
        self.guard.shock_ended(self.now_us)

    def _end(self, reason: str) -> None:
        if self.ended is not None:
            return
        self._over = self._over or SessionOver(reason)
        tasks, self._tasks = self._tasks, []
        for task in tasks:  # the first leaves the blocks that the others run in
            try:
                task.unwind(self._over)
            except Exception as error:  # noqa: BLE001 — clean-up failed: what it left on goes off below
                self.error = self.error or error
        self.issue(StopShock())  # whatever we believe
        for off in list(reversed(self._levels)):
            self.issue(off)
        self.issue(EndSession(str(self._over)))
        self.ended, self.wake_us = str(self._over), NEVER
