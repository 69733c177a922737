"""A live session whose box is unplugged and plugged in elsewhere: found by who it is, journalled, and gone on with.

The session is `behavior run` itself in this process, on simulated devices behind TCP ports that it knows as a lab's
computer knows its serial ports.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from behavior.app import run as run_command
from behavior.config import read
from behavior.config.rig import Rig
from behavior.config.shipped import shipped
from behavior.devices import discovery
from behavior.devices.calibration import FOLDER, simulated_calibration, write_calibration
from behavior.devices.chamber import ConnectedChamber
from behavior.devices.discovery import Port
from behavior.model.commands import EndTrial, SetCue
from behavior.model.events import LinkLost, LinkRestored, Stopped
from behavior.scoring.timeline import timeline_of
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from behavior.simulate.devices import Faults, SimulatedOperantChamber, SimulatedShockController
from behavior.simulate.serve import DeviceServer, TcpWire

PARADIGM = """
from behavior.paradigms.box import Chamber
from behavior.paradigms.parameters import Parameters


class LightsParameters(Parameters):
    n_trials: int = 3


async def lights(box: Chamber, p: LightsParameters) -> None:
    with box.cue("house_light"):
        for trial in box.trials(p.n_trials):
            with trial:
                await box.wait(1.0)
"""
UIDS = {"shocker-A": "5eed0000000000000000000000000a01", "operant-A": "5eed0000000000000000000000000a02"}


@dataclass
class Lab:
    """A rig, its devices, and the hand at their plugs."""

    folder: Path
    server: DeviceServer
    box: SimulatedOperantChamber
    pull: threading.Event
    pulled: threading.Event

    def session(self) -> SessionFolder:
        return next(iter(find_sessions(self.folder / "data")))


@contextmanager
def lab(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    rig = folder / "rig.toml"
    rig.write_text(shipped("configs", "rigs", "simulated.toml").read_text())
    (folder / "lights.py").write_text(PARADIGM)
    chamber = read(rig, Rig).chamber("A")
    record = simulated_calibration(chamber, chamber.devices[0], date.today())
    whole = record.model_copy(update={"simulated": False, "done_by": "me", "done_on": date.today() - timedelta(1)})
    write_calibration(whole, folder / FOLDER)
    box, pull, pulled = SimulatedOperantChamber(UIDS["operant-A"]), threading.Event(), threading.Event()
    devices = {"shocker-A": SimulatedShockController(UIDS["shocker-A"]), "operant-A": box}

    def hand(now_us: int) -> int:
        if pull.is_set() is not box.faults.unplugged:
            box.suffer(Faults(unplugged=pull.is_set()), now_us)
            (pulled.set if pull.is_set() else pulled.clear)()
        return now_us + 20_000

    monkeypatch.setattr("behavior.app.keyboard.typing", lambda *heard: nullcontext())
    stopped = threading.Event()
    with DeviceServer(devices, animal=hand, wire=TcpWire) as server:
        monkeypatch.setattr(discovery, "serial_ports", lambda: tuple(Port(port) for port in server.ports.values()))
        thread = threading.Thread(target=server.run, args=(stopped.is_set,))
        thread.start()
        try:
            yield Lab(folder, server, box, pull, pulled)
        finally:
            stopped.set()
            thread.join()


def arguments(folder: Path) -> dict[str, object]:
    nothing = {name: None for name in run_command.run.__annotations__ if name != "return"}
    given = {
        "rig": str(folder / "rig.toml"), "chamber": ["A"], "paradigm": str(folder / "lights.py"), "subject": "R1",
        "experimenter": "me", "weight_g": "280", "dose_mg_kg": 0.0, "vehicle": "saline", "out": folder / "data",
        "seed": 1, "simulate": False,
    }  # fmt: skip
    return {**nothing, **given}


def hold(lab: Lab, lose_at: str, plug_again: bool) -> None:
    """The hand: pulls the box's plug once the journal holds this, and plugs it in again once it is pulled."""
    while not any(lose_at in path.read_text() for path in lab.folder.rglob("journal.jsonl")):
        threading.Event().wait(0.01)
    lab.pull.set()
    lab.pulled.wait()
    if plug_again:
        while not any("LinkLost" in path.read_text() for path in lab.folder.rglob("journal.jsonl")):
            threading.Event().wait(0.01)
        lab.pull.clear()


def test_a_box_that_is_plugged_in_elsewhere_is_found_and_its_trial_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with lab(tmp_path, monkeypatch) as rig:
        before = rig.server.ports["operant-A"]
        hand = threading.Thread(target=hold, args=(rig, '"trial":2', True))
        hand.start()
        run_command.run(**arguments(tmp_path))  # type: ignore[arg-type]
        hand.join()
        assert rig.server.ports["operant-A"] != before, "it has another port now"
    session = rig.session()
    items = session.read().items
    lost, restored = ([item for item in items if isinstance(item, kind)] for kind in (LinkLost, LinkRestored))
    assert [(one.device, one.followed) for one in lost] == [("operant-A", True)]
    assert [one.device for one in restored] == ["operant-A"]
    after = items[items.index(restored[0]) :]
    assert after[1] == SetCue("house_light", on=True), "what it had on is set again"
    assert [trial.interrupted for trial in timeline_of(items).trials] in ([False, True, False], [False, True, True])
    assert session.footer is not None and session.footer.reason == "completed"
    assert verify(session, own_code=True).remarks == ()
    told = capsys.readouterr().err
    assert "warning: the link to operant-A is LOST; looking for it" in told
    assert "warning: the link to operant-A is back; its trial counts as interrupted" in told
    assert session.header.devices[0].calibration["done_by"] == "me"  # type: ignore[index]


def test_a_box_that_stays_away_ends_the_session_safely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConnectedChamber.__init__, "__kwdefaults__", {"patience_s": 0.3})
    with lab(tmp_path, monkeypatch) as rig:
        hand = threading.Thread(target=hold, args=(rig, '"trial":1', False))
        hand.start()
        with pytest.raises(Exception, match="link to operant-A lost"):
            run_command.run(**arguments(tmp_path))  # type: ignore[arg-type]
        hand.join()
    items = rig.session().read().items
    assert [item.followed for item in items if isinstance(item, LinkLost)] == [True, False]
    assert not any(isinstance(item, Stopped) for item in items)
    assert SetCue("house_light", on=False) in items
    assert not any(isinstance(item, EndTrial) and item.trial == 3 for item in items)
