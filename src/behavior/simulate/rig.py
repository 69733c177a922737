"""A simulated chamber in real time, in a process of its own, behind pseudo-terminals: to a session it is a real one."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from behavior.audio.hurry import SESSION, hurry
from behavior.config.rig import Chamber
from behavior.model.doses import Treatment
from behavior.model.errors import Failure
from behavior.model.events import Noted
from behavior.simulate.animals import animal_for
from behavior.simulate.faults import Mishap, Mishaps
from behavior.simulate.serve import DeviceServer, native_wire
from behavior.simulate.world import Cage

if TYPE_CHECKING:
    from behavior.simulate.acoustics import Artefact, PlannedCall

PATIENCE_S = 20.0


class SimulatedChamber:
    """A chamber's twins and an animal, in real time while the `with` block lasts.

    Parameters
    ----------
    chamber : as the rig describes it
    treatment : what the animal was given
    paradigm, parameters : what is run, for the animal that suits it
    seed : of all that it does
    start_ns : `time.monotonic_ns()` at which time is 0, so that both processes mean the same by a time
    listened : whether a simulated microphone will listen
    mishaps : what goes wrong, once `began` has said when the session began

    Attributes
    ----------
    ports : the serial port that each device had at first, by its name in the rig
    hearing : tells what begins and ends to sound, as it does; whoever is given it closes it
    """

    def __init__(
        self,
        chamber: Chamber,
        treatment: Treatment,
        *,
        paradigm: str,
        parameters: dict[str, Any],
        seed: int,
        start_ns: int,
        listened: bool = False,
        mishaps: Sequence[Mishap] = (),
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self.hearing: Connection | None = None
        self._speaks: Connection | None = None
        if listened:
            self.hearing, self._speaks = context.Pipe(duplex=False)
        self._observers, keyboard = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_serve,
            args=(there, keyboard, (chamber, mishaps), (paradigm, parameters, seed, treatment), start_ns, self._speaks),
            name="simulated chamber",
            daemon=True,
        )
        self._asks = threading.Lock()
        self.ports: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._process.start()
        if self._speaks is not None:
            self._speaks.close()
        self.ports = self._answer()
        return self

    def sounds(self, *, since_us: int) -> list[PlannedCall | Artefact]:
        """All that sounded until now, with onsets counted from `since_us`."""
        heard: list[PlannedCall | Artefact] = self._asked("sounds")
        return [replace(sound, onset_s=sound.onset_s - since_us / 1e6) for sound in heard]

    def began(self, zero_us: int) -> None:
        """The session begins at this time."""
        self._asked(zero_us)

    def port_of(self, name: str) -> str:
        """The port that a device has now.

        Raises
        ------
        Failure
            It is unplugged.
        """
        ports: dict[str, str] = self._asked("ports")
        if name not in ports:
            raise Failure(f"{name} is unplugged; plug it in again")
        return ports[name]

    def _asked(self, what: str | int) -> Any:
        with self._asks:
            try:
                self._here.send(what)
            except OSError:
                raise Failure("the simulated chamber ended by itself; run the session again") from None
            return self._answer()

    @contextmanager
    def observed(self, note: Callable[[str], None]) -> Iterator[None]:
        """In the block, what the simulated observers key is given to `note`, as a rater's key gives it."""
        ended = threading.Event()

        def hear() -> None:
            while not ended.is_set():
                if self._observers.poll(0.05):
                    try:
                        note(self._observers.recv())
                    except EOFError:
                        return

        thread = threading.Thread(target=hear, name="simulated observers", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()
        self._process.close()
        self._here.close()
        self._observers.close()

    def _answer(self) -> Any:
        if not self._here.poll(PATIENCE_S):
            raise Failure("the simulated chamber does not answer; run the session again")
        try:
            answer = self._here.recv()
        except (EOFError, OSError):
            raise Failure("the simulated chamber ended by itself; run the session again") from None
        if isinstance(answer, Failure):
            raise answer
        return answer


def _serve(
    there: Connection,
    keyboard: Connection,
    box: tuple[Chamber, Sequence[Mishap]],
    who: tuple[str, dict[str, Any], int, Treatment],
    start_ns: int,
    speaks: Connection | None,
) -> None:
    """The other process: serve until it is ended, and tell what sounds and, when asked, what sounded."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the session
    hurry(SESSION)  # a real device is never held up by what else the computer does
    chamber, planned = box
    cage, mishaps = Cage(chamber, animal_for(*who)), Mishaps(planned, chamber)

    def answer(asked: str | int) -> object:
        if isinstance(asked, int):
            mishaps.zero_us = asked
        return cage.sounds if asked == "sounds" else dict(server.ports)

    def animal(now_us: int) -> int:
        mishaps.advance(cage.twins, now_us)
        cage.advance(now_us)
        for deed in cage.notes:
            if isinstance(deed, Noted):
                keyboard.send(deed.text)
        cage.notes.clear()
        if there.poll():
            try:
                there.send(answer(there.recv()))
            except EOFError:  # the session's process is gone
                raise SystemExit from None
        if cage.begun and speaks is not None and not speaks.closed:
            try:
                speaks.send(cage.begun)
            except OSError:  # nobody listens any more
                speaks.close()
        cage.begun.clear()
        return min(cage.next_us, mishaps.next_us)

    def clock_us() -> int:
        return (time.monotonic_ns() - start_ns) // 1000

    server = DeviceServer(cage.twins, animal=animal, clock_us=clock_us, wire=native_wire)
    try:
        with server:
            there.send(dict(server.ports))
            server.run(lambda: False)
    except Failure as failure:
        there.send(failure)
