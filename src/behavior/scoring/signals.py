"""From sampled channels of levers, beams, floors and lines to the items of a journal, for the same scorers.

A channel map (TOML) says which column is what. `lever`, `head`, `side` and `tilt` are what the animal does; `cue`,
`shock`, `feeder`, `trial` and `component` are lines of the apparatus. An animal has crossed when it is on the other
side alone: as long as both sides report it, or neither, it is on its way. A tilting floor has one channel for both.

What is on at the first sample began before the recording and is no response. At one sample, responses come first, then
what ends, then what begins, because the apparatus follows the animal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from behavior.config.read import Record
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadInput
from behavior.scoring.score import Score, score_items

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from behavior.scoring.edges import Change, Signal

    Block: TypeAlias = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]

RESPONSES = ("lever", "head", "side", "tilt")
BEGINNING = ("component", "trial", "cue", "feeder", "shock")
"""What begins at one sample begins in this order, and ends in the reverse one but for shock, which is reported last."""
NAMED = ("lever", "side", "tilt", "cue", "component")
BLOCK = 1 << 16
NO_NUMBER = 0


class Channel(Record):
    """One column of a recording."""

    column: Annotated[int, Field(ge=0)]
    """Counted from 0; the first column of a CSV table too."""
    role: Literal["lever", "head", "side", "tilt", "cue", "shock", "feeder", "trial", "component"]
    name: str = ""
    """Of the lever, side, cue or component; of a tilt floor, the side that is down when the channel is on."""
    off_name: str = ""
    """Tilt: the side that is down when it is off."""
    threshold: float
    hysteresis: Annotated[float, Field(ge=0)] = 0.0
    """Full width of the band around the threshold in which nothing changes, in units of the samples."""
    active: Literal["high", "low"] = "high"
    debounce_s: Annotated[float, Field(ge=0, le=10)] = 0.005
    """For so long a state must last to be one; for beams longer than a tail breaks them."""
    ma: Annotated[float | None, Field(gt=0, le=3.0)] = None
    """Shock: the current that was set, mA."""
    ma_per_unit: Annotated[float | None, Field(gt=0)] = None
    """Shock: if the channel measures the current, mA in a unit of the samples; without, it is not known."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.role in NAMED and not self.name:
            raise ValueError(f"a {self.role} needs its name; add it")
        if (self.role == "tilt") != bool(self.off_name):
            raise ValueError("off_name is for the role tilt, which needs it: the side that is down when it is off")
        if self.role == "shock" and self.ma is None:
            raise ValueError("a shock channel needs ma, the current that was set; add it")
        if self.role != "shock" and (self.ma is not None or self.ma_per_unit is not None):
            raise ValueError("ma and ma_per_unit are for the role shock; leave them out")
        return self


class SignalMap(Record):
    """A channel map: what was recorded, and how the session is to be scored."""

    paradigm: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Of the paradigm, where they are not the usual ones."""
    sample_rate_hz: Annotated[float | None, Field(ge=1, le=1_000_000)] = None
    """Of NPY and CSV files; a WAV file knows its own."""
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        columns = [channel.column for channel in self.channels]
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise ValueError(f"two channels are both column {twice[0]}; each must have its own")
        sides = [channel for channel in self.channels if channel.role == "side"]
        if sum(channel.role == "tilt" for channel in self.channels) + len(sides) // 2 > 1:
            raise ValueError("crossings come from one tilt floor or from two sides; leave one out")
        if len(sides) not in (0, 2):
            raise ValueError(f"a box has two sides, and here is {len(sides)} channel of that role; name both or none")
        return self


def score_signals(path: Path, channels: SignalMap) -> Score:
    """Score a recording of channels.

    Parameters
    ----------
    path : WAV, NPY (n samples, n columns) or CSV with one header line
    channels : what its columns are

    Raises
    ------
    BadInput
        The recording cannot be read, has no such column, or its sample rate is not known.
    """
    from behavior.config.read import validate
    from behavior.paradigms.catalogue import find_paradigm

    paradigm = find_paradigm(channels.paradigm)
    p = validate(channels.parameters, paradigm.parameters, file="parameters of the channel map")
    rate_hz, blocks = read_blocks(path, channels.sample_rate_hz)
    return score_items(paradigm.name, items_of(blocks, rate_hz, channels.channels), p.model_dump(mode="json"))


# -- channels to items ------------------------------------------------------------------------------------------------


def items_of(blocks: Iterable[Block], rate_hz: float, channels: Iterable[Channel]) -> list[e.Event | c.Command]:
    """The items that a journal would hold of what was recorded.

    Parameters
    ----------
    blocks : of shape (n, columns), of any lengths
    rate_hz : samples per second
    channels : what the columns are

    Raises
    ------
    BadInput
        A block lacks a column.
    """
    from behavior.scoring.edges import Edges

    channels = tuple(channels)
    edges = [
        Edges(
            channel.threshold,
            hysteresis=channel.hysteresis,
            active_low=channel.active == "low",
            debounce=round(channel.debounce_s * rate_hz),
        )
        for channel in channels
    ]
    changes: list[tuple[Change, Channel]] = []
    n_samples = 0
    for block in blocks:
        for channel, edge in zip(channels, edges, strict=True):
            changes += [(change, channel) for change in edge.feed(_column(block, channel))]
        n_samples += len(block)
    return [*_Journal(rate_hz).items(changes, n_samples)]


def _column(block: Block, channel: Channel) -> Signal:
    if channel.column >= block.shape[1]:
        raise BadInput(
            f"column {channel.column} ({channel.role} {channel.name}): the recording has {block.shape[1]} columns, "
            "counted from 0; correct the channel map"
        )
    return block[:, channel.column]


class _Journal:
    """What happened and what was commanded, from changes of channels."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz, self._now_us = rate_hz, 0
        self._on_sides: set[str] = set()
        self._side: str | None = None
        self._trials, self._shocks, self._deliveries = count(1), count(1), count(1)
        self._trial = self._shock = NO_NUMBER
        self._shock_began: Change | None = None

    def items(self, changes: list[tuple[Change, Channel]], n_samples: int) -> Iterator[e.Event | c.Command]:
        yield e.SessionStarted(0)
        for change, channel in sorted(changes, key=self._order):
            at_us = round(change.sample / self._rate_hz * 1e6)
            made = list(self._made(change, channel, at_us))
            if made and not isinstance(made[0], e.Event) and at_us > self._now_us:
                yield e.TimerFired(at_us)
            self._now_us = max(self._now_us, at_us)
            yield from made
        yield e.TimerFired(round(n_samples / self._rate_hz * 1e6))
        yield c.EndSession("completed")

    @staticmethod
    def _order(entry: tuple[Change, Channel]) -> tuple[int, int, int]:
        change, channel = entry
        if channel.role in RESPONSES:
            return change.sample, 0, 0
        place = BEGINNING.index(channel.role)
        if change.on:
            return change.sample, 3, place
        return change.sample, 2 if channel.role == "shock" else 1, -place

    def _made(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event | c.Command]:
        makers: dict[str, Callable[[Change, Channel, int], Iterable[e.Event | c.Command]]] = {
            "lever": self._lever,
            "head": self._head,
            "side": self._crossing,
            "tilt": self._tilt,
            "cue": lambda change, channel, at_us: [c.SetCue(channel.name, on=change.on)],
            "shock": self._shocks_of,
            "feeder": self._feeder,
            "trial": self._trial_of,
            "component": self._component,
        }
        yield from makers[channel.role](change, channel, at_us)

    def _lever(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event]:
        if change.on and change.sample:
            yield e.LeverPressed(at_us, channel.name)
        elif not change.on:
            yield e.LeverReleased(at_us, channel.name)

    def _head(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event]:
        if change.on and change.sample:
            yield e.HeadEntered(at_us)
        elif not change.on:
            yield e.HeadLeft(at_us)

    def _crossing(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event]:
        (self._on_sides.add if change.on else self._on_sides.discard)(channel.name)
        if len(self._on_sides) != 1:
            return
        (side,) = self._on_sides
        if self._side is not None and side != self._side:
            yield e.Crossed(at_us, side)
        self._side = side

    def _tilt(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event]:
        if change.sample:
            yield e.Crossed(at_us, channel.name if change.on else channel.off_name)

    def _shocks_of(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event | c.Command]:
        if change.on:
            self._shock, self._shock_began = next(self._shocks), change
            yield c.Shock(self._shock, channel.ma or 0.0, 0.0)
            yield e.ShockStarted(at_us, self._shock)
        elif self._shock_began is not None:
            began, self._shock_began = self._shock_began, None
            mean = (change.area - began.area) / (change.sample - began.sample)
            measured_ma = None if channel.ma_per_unit is None else round(mean * channel.ma_per_unit, 6)
            lasted_us = at_us - round(began.sample / self._rate_hz * 1e6)
            yield e.ShockEnded(at_us, self._shock, lasted_us, measured_ma, "recorded")

    def _feeder(self, change: Change, channel: Channel, at_us: int) -> Iterator[e.Event | c.Command]:
        if change.on:
            number = next(self._deliveries)
            yield c.Deliver(number)
            yield e.Delivered(at_us, number)

    def _trial_of(self, change: Change, channel: Channel, at_us: int) -> Iterator[c.Command]:
        if change.on:
            self._trial = next(self._trials)
            yield c.BeginTrial(self._trial)
        else:
            yield c.EndTrial(self._trial)

    def _component(self, change: Change, channel: Channel, at_us: int) -> Iterator[c.Command]:
        yield c.BeginComponent(channel.name) if change.on else c.EndComponent(channel.name)


# -- files ------------------------------------------------------------------------------------------------------------


def read_blocks(path: Path, rate_hz: float | None) -> tuple[float, Iterator[Block]]:
    """A recording block by block; it is never in memory as a whole.

    Returns
    -------
    sample rate in Hz, and blocks of shape (n, columns)

    Raises
    ------
    BadInput
        It cannot be read, or its sample rate is not known.
    """
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file; check the name")
    readers = {".wav": _wav, ".npy": _npy, ".csv": _csv}
    if path.suffix.lower() not in readers:
        raise BadInput(f"{path}: is none of {', '.join(readers)}; export the channels as one of these")
    own_hz, blocks = readers[path.suffix.lower()](path)
    if (known_hz := own_hz or rate_hz) is None:
        raise BadInput(f"{path}: such a file does not say its sample rate; add sample_rate_hz to the channel map")
    return known_hz, blocks


def _wav(path: Path) -> tuple[float | None, Iterator[Block]]:
    import soundfile

    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        raise BadInput(f"{path}: is not a WAV file; export the channels again") from None
    return float(info.samplerate), _wav_blocks(path)


def _wav_blocks(path: Path) -> Iterator[Block]:
    import soundfile

    try:
        yield from soundfile.blocks(str(path), blocksize=BLOCK, always_2d=True, dtype="float64")
    except (soundfile.LibsndfileError, RuntimeError):
        raise BadInput(f"{path}: is damaged or was cut; export the channels again") from None


def _npy(path: Path) -> tuple[float | None, Iterator[Block]]:
    from tokenize import TokenError

    import numpy as np

    try:
        samples = np.lib.format.open_memmap(path, mode="r")  # of numbers only: it takes no Python objects
    except (ValueError, TypeError, OSError, EOFError, OverflowError, MemoryError, SyntaxError, TokenError):
        raise BadInput(f"{path}: is not a NumPy array of numbers; save it with numpy.save") from None
    if samples.ndim != 2 or samples.dtype.kind not in "fiub":
        raise BadInput(f"{path}: must have the shape (samples, columns) and hold numbers (is {samples.shape})")
    parts = (samples[at : at + BLOCK] for at in range(0, len(samples), BLOCK))
    return None, (part.astype(np.int8) if part.dtype.kind == "b" else np.asarray(part) for part in parts)


def _csv(path: Path) -> tuple[float | None, Iterator[Block]]:
    return None, _csv_blocks(path)


def _csv_blocks(path: Path) -> Iterator[Block]:
    import numpy as np

    first = 1
    with path.open(encoding="utf-8-sig") as lines:
        try:
            first += len(list(islice(lines, 1)))
            while block := list(islice(lines, BLOCK)):
                yield np.loadtxt(block, delimiter=",", ndmin=2)
                first += len(block)
        except ValueError as error:
            what = str(error).split(";")[0]
            raise BadInput(f"{path}: from line {first} on, not a table of numbers ({what}); correct it") from None
