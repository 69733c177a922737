"""Our own session folders, as a format among the others: `PATH/sub-R01/ses-…/`."""

from __future__ import annotations

from pathlib import Path

from behavior.formats.format import Format
from behavior.formats.record import SessionRecord, session_of, write_session
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.model.session import DeviceIdentity, SessionHeader
from behavior.paradigms.geller_seifter import GellerSeifterParameters
from behavior.session.folder import SessionFolder


def session_folders(path: Path) -> list[Path]:
    """The sessions in a folder, which may be one itself, in order of their paths."""
    return sorted(header.parent for header in path.rglob("header.json")) if path.is_dir() else []


def read(path: Path) -> SessionRecord:
    """Read the one session that is in a folder.

    Raises
    ------
    BadInput
        There is none, or there are several.
    """
    if not path.exists():
        raise BadInput(f"{path}: there is no such folder; check the name, or the folder you are in")
    found = session_folders(path)
    if len(found) != 1:
        what = (
            f"there are {len(found)} sessions in it; name one" if found else "no session here; name a session's folder"
        )
        raise BadInput(f"{path}: {what}")
    return session_of(SessionFolder(found[0]))


def write(path: Path, record: SessionRecord) -> None:
    """Write a session into a new folder.

    Raises
    ------
    BadInput
        The folder is there already.
    """
    if path.exists():
        raise BadInput(f"{path}: is there already and is not overwritten; choose another name")
    write_session(path, record)


def _is_one(path: Path, head: bytes) -> bool:
    return bool(session_folders(path))


def example_session() -> SessionRecord:
    """A short session in which everything happens that a journal can say."""
    header = SessionHeader(
        software="behavior 0.1.0",
        subject="R01",
        experimenter="A. Person",
        weight_g=281.5,
        treatment=Treatment(
            compound="ipsapirone", dose_mg_kg=5.0, vehicle="saline", route="i.p.", pretreatment_min=30.0
        ),
        study="example",
        arm="conflict",
        paradigm="geller_seifter",
        paradigm_sha256="0" * 64,
        parameters=GellerSeifterParameters(n_cycles=1).model_dump(mode="json"),
        limits={"max_ma": 1.0},
        seed=7,
        rig="example",
        chamber="A",
        devices=(DeviceIdentity(name="grid", kind="shock_controller", uid="00ff", firmware="1.0"),),
        started_at="2026-03-02T09:00:00+01:00",
    )
    s = 1_000_000
    items = (
        e.SessionStarted(0), c.SetLever("left", out=True), c.SetRecording(on=True),
        e.RecordingStarted(1_234, "audio.flac", 250_000), c.BeginComponent("unpunished"),
        c.Drawn("VI 30 s", (12.25, 30.5)), e.LeverPressed(2 * s + 7, "left"), c.Deliver(1),
        e.LeverReleased(2 * s + 150_007, "left"), e.Delivered(2 * s + 400_000, 1), e.HeadEntered(3 * s),
        e.HeadLeft(4 * s), e.Noted(5 * s, 'calm, "asleep"\tor so'), e.TimerFired(8 * s), c.EndComponent("unpunished"),
        c.BeginComponent("punished"), c.SetCue("tone", on=True), c.BeginTrial(1), e.LeverPressed(9 * s, "left"),
        c.Shock(1, 0.4, 0.25), e.ShockStarted(9 * s + 1_000, 1),
        e.ShockEnded(9 * s + 251_000, 1, 250_000, 0.398, "done"),
        e.Crossed(9 * s + 300_000, "right"), e.ShockEnded(9 * s + 300_001, 2, 0, None, "none"), c.EndTrial(1),
        c.StopShock(), c.Refuse("Shock", "too many"), c.SetGate(open=False), e.Faulted(10 * s, "feeder", "jam"),
        e.LinkLost(10 * s, "feeder"), e.Resumed(12 * s, 2 * s), e.Stopped(13 * s, "A. Person"),
        c.SetCue("tone", on=False), c.EndComponent("punished"), c.SetRecording(on=False),
        e.RecordingEnded(13 * s + 5, 3_250_000, 0), c.SetLever("left", out=False), c.EndSession("stopped by A. Person"),
    )  # fmt: skip
    values = {column: 0.1 * i for i, column in enumerate(CALL_COLUMNS)}
    call = Call(**{**values, "file": "audio.flac", "call_type": "22 kHz", "onset_s": 10.5, "offset_s": 11.25})  # type: ignore[arg-type]
    times = [0]
    for item in items:
        times.append(max(times[-1], getattr(item, "at_us", 0) + 350))
    return SessionRecord(header, items, tuple(times[1:]), "2026-03-02T09:00:13+01:00", (call,))


FORMAT = Format("behavior", "session folder of this program", "session", ("/",), _is_one, read, write, example_session)
