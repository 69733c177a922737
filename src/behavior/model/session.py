"""What stands at the head and at the foot of a session's folder."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from behavior.model.doses import Treatment

SESSION_FORMAT = "behavior-session/1"
"""Named in every header. A change that an older version cannot read gets the next number."""


class DeviceIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it identified itself, and how well its clock is known."""

    name: str
    kind: str
    uid: str
    firmware: str
    clock_uncertainty_us: int | None = None
    """By how much its clock may be off the session's, at the start."""
    usb_serial: str | msgspec.UnsetType = msgspec.UNSET
    """By which a device without a UID was found."""
    calibration: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    """Of the device that gives the shocks: the record that stood when the session began."""


class ClockRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How well a device's clock was known at the end, by a line through the tightest of its answers."""

    offset_us: int
    """Session time minus device time."""
    rate_ppb: int
    """How much faster the session's clock ran, in parts per 10^9."""
    uncertainty_us: int
    """Half of the tightest answer's width: an upper bound for the offset's error."""
    residual_us: int
    """The largest distance of a fitted answer from the line."""
    n_answers: int


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session came from that this program did not run. It has no commands that a replay could give again."""

    format: str
    """Such as medpc."""
    file: str
    """Name of the file that it was read from."""
    file_sha256: str
    """Of the whole file."""
    session: int
    """Which of the file's sessions, from 1."""
    profile: str
    """Name of the decoder profile."""
    profile_sha256: str


class SessionHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known when a session starts. Written once, before the first event."""

    format: str = SESSION_FORMAT
    software: str
    """Name and version of the program."""
    subject: str
    experimenter: str
    weight_g: float | None = None
    free_feeding_g: float | None = None
    """What the subject weighed before it was deprived of food."""
    injected_at: str | None = None
    """When it was treated, ISO 8601 with time zone."""
    remarks: tuple[str, ...] = ()
    """What was out of the ordinary before the start, and who allowed it."""
    treatment: Treatment
    study: str | None = None
    arm: str | None = None
    day: int | None = None
    """Of the study, for designs that test on days 1, 8, 15 and 20."""
    paradigm: str
    paradigm_file: str | None = None
    """A lab's own file that holds the paradigm; None for one that is found by its name."""
    paradigm_sha256: str
    """Digest of the paradigm's source, because a changed paradigm replays differently."""
    parameters: dict[str, Any]
    """Resolved: every value, given or default."""
    limits: dict[str, float]
    """What the guard refuses beyond: the strictest of device, rig and paradigm."""
    seed: int
    """Of everything that is drawn in the session."""
    rig: str
    chamber: str
    devices: tuple[DeviceIdentity, ...] = ()
    started_at: str
    """Date and time with time zone, ISO 8601."""
    simulated: bool = False
    imported: Imported | msgspec.UnsetType = msgspec.UNSET
    """Set for a session that another control system ran."""


Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""As large as tables can hold."""


class SessionFooter(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known when a session is over. Its absence says that nobody closed the session."""

    ended_at: str
    reason: str
    duration_s: float
    n_lines: Count
    last_crc: str
    """CRC of the journal's last line."""
    journal_sha256: str
    n_shocks: Count
    shock_s: float
    n_deliveries: Count
    n_responses: Count
    clocks: dict[str, ClockRecord] | msgspec.UnsetType = msgspec.UNSET
    """Of each device, in live sessions."""
