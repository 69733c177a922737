"""What happened, in the past tense. Frozen data; nothing here acts.

Times are integer microseconds since the start of the session, on the session's clock, which is that of the device
that reported the event. An event's `at_us` says when it happened, not when the host heard of it.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag=True):
    """An input of the core. All inputs are journalled, in every state, whoever waits for them."""

    at_us: int


class SessionStarted(Event, frozen=True):
    """The first input of every session."""


class TimerFired(Event, frozen=True):
    """It is now `at_us`. Carries no identity: the core knows what is due."""


class Stopped(Event, frozen=True):
    """A person, or the host on a person's behalf, asked for the end."""

    by: str


class LinkLost(Event, frozen=True):
    """A device does not answer any more.

    `followed`: it is looked for, and the session goes on meanwhile, without shocks and deliveries; else it ends.
    """

    device: str
    followed: bool = False


class LinkRestored(Event, frozen=True):
    """A device that was lost is there again, ready, with everything off. What it saw meanwhile nobody knows."""

    device: str


class Disturbed(Event, frozen=True):
    """The wire to a device was disturbed, and its driver coped. What it reports may be late or missing meanwhile.

    In the last `lasted_us`, `n_bytes` came that made no sense, and `n_requests` had no answer in time or were repeated.
    """

    device: str
    lasted_us: int
    n_bytes: int
    n_requests: int


class Faulted(Event, frozen=True):
    """A device reports, or its driver finds, that it cannot be relied on."""

    device: str
    cause: str


class Noted(Event, frozen=True):
    """Something a person wrote down during the session."""

    text: str


class Resumed(Event, frozen=True):
    """Somebody drives the session again, after nobody did for `gap_us`."""

    gap_us: int


class LeverPressed(Event, frozen=True):
    """A lever's switch closed."""

    lever: str


class LeverReleased(Event, frozen=True):
    """A lever's switch opened."""

    lever: str


class HeadEntered(Event, frozen=True):
    """The beam of the food tray was broken."""


class HeadLeft(Event, frozen=True):
    """The beam of the food tray is whole again."""


class Crossed(Event, frozen=True):
    """The animal is now wholly on this side of a two-sided box."""

    side: str


class Delivered(Event, frozen=True):
    """The feeder's sensor saw delivery `number` arrive."""

    number: int


class ShockStarted(Event, frozen=True):
    """The device opened the gate for pulse `number`."""

    number: int


class ShockEnded(Event, frozen=True, omit_defaults=True):
    """The device closed the gate: how long it was open, the mean current it measured, and why it closed.

    `delivered_ma` is None for a device that does not measure its current, such as a shocker that is set by hand.
    `flowed_us` is for how long a line said that current flowed, where one does; how much, it cannot say.
    """

    number: int
    duration_us: int
    delivered_ma: float | None
    cause: str
    flowed_us: int | None = None


class RecordingStarted(Event, frozen=True, omit_defaults=True):
    """The first sample of the session's sound was taken at `at_us`; of several channels it is the one named."""

    file: str
    sample_rate_hz: int
    channel: int = 1


class RecordingEnded(Event, frozen=True):
    """The recording holds `n_samples`, of which `n_dropped` were lost on the way and are silence in the file."""

    n_samples: int
    n_dropped: int


class SoundLost(Event, frozen=True):
    """So many samples before `at_us` never came and are silence; 0 where the system says so and its clock does not."""

    n_samples: int
    cause: str


class MicrophoneLost(Event, frozen=True):
    """Nothing comes from the microphone any more; the session goes on unheard, and it is looked for."""

    cause: str


class MicrophoneRestored(Event, frozen=True):
    """It delivers again. A session that records goes on with the next file."""


class SoundAligned(Event, frozen=True):
    """A recording that is complete was put on the session's clock: `by` pulses in it, or the computer's clock alone.

    Its first sample was taken at `began_us`, and `samples_per_s` of them truly came in a second of the session.
    `residuals_us` are the pulses' distances from that line, in order of time.
    """

    file: str
    began_us: int
    samples_per_s: float
    by: str
    residuals_us: tuple[int, ...]


class CallHeard(Event, frozen=True):
    """While the session ran, the detector heard a call that began at `at_us`."""

    duration_us: int
    peak_hz: float
    call_type: str


class OnsetHeard(Event, frozen=True):
    """While the session runs, a call seems to have begun at `at_us`; `CallHeard` follows if one has."""

    number: int
    hz: float


class OnsetWithdrawn(Event, frozen=True):
    """There was no call at the onset of this number, which was at `at_us`."""

    number: int


AnyEvent: TypeAlias = (
    SessionStarted
    | TimerFired
    | Stopped
    | LinkLost
    | LinkRestored
    | Disturbed
    | Faulted
    | Noted
    | Resumed
    | LeverPressed
    | LeverReleased
    | HeadEntered
    | HeadLeft
    | Crossed
    | Delivered
    | ShockStarted
    | ShockEnded
    | RecordingStarted
    | RecordingEnded
    | SoundLost
    | MicrophoneLost
    | MicrophoneRestored
    | SoundAligned
    | CallHeard
    | OnsetHeard
    | OnsetWithdrawn
)
