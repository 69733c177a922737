"""`behavior devices` and `behavior bench` as a person uses them, with simulated devices behind real ports."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path

import pytest

from app.commands import behavior
from behavior.app.bench import AtTerminal
from behavior.app.devices import rig_rows
from behavior.config import read
from behavior.config.calibration import Calibration
from behavior.config.rig import Device, Rig
from behavior.config.shipped import shipped
from behavior.devices.dialects import dialect_of
from behavior.devices.discovery import Port, is_named, line_answer, ports_of, who_is_there
from behavior.devices.handshake import Identity
from behavior.devices.transport import HELD
from behavior.model.errors import BadInput, Failure
from behavior.model.events import Event, Faulted
from behavior.simulate.devices import (
    SimulatedBehaviorBoard,
    SimulatedLineShocker,
    SimulatedOperantChamber,
    SimulatedShockController,
)
from behavior.simulate.serve import TcpWire
from simulate.test_serve import served

GRID, BOX = f"{0x0A01:032x}", f"{0x0A02:032x}"


def device(**given: str) -> Device:
    return Device.model_validate({"name": "it", "kind": "operant_chamber", **given})


def test_what_is_there_is_listed_for_a_person_and_for_a_program() -> None:
    with served({"grid": SimulatedShockController(GRID), "board": SimulatedBehaviorBoard()}, wire=TcpWire) as ports:
        more = ",".join(ports.values())
        told = behavior("devices", BEHAVIOR_PORTS=more)
        rows = json.loads(behavior("devices", "--json", BEHAVIOR_PORTS=more).out)["ports"]
    assert f'shock_controller  uid = "{GRID}"  device_name = "ShockController"  WhoAmI 0  firmware 1.0.0' in told.out
    assert 'harp_behavior  device_name = "Behavior"  WhoAmI 1216  firmware 3.0.0' in told.out
    assert {row["identity"]["kind"] for row in rows if row["identity"]} == {"shock_controller", "harp_behavior"}


def test_a_rig_says_which_of_its_devices_are_there_and_how_their_calibration_stands(tmp_path: Path) -> None:
    shutil.copy(shipped("configs", "rigs", "simulated.toml"), tmp_path / "rig.toml")
    uid = "5eed0000000000000000000000000a02"
    with served({"box": SimulatedOperantChamber(uid)}, wire=TcpWire) as ports:
        told = behavior("devices", tmp_path / "rig.toml", BEHAVIOR_PORTS=ports["box"])
    assert f"A  operant-A (operant_chamber): {ports['box']}" in told.out
    assert "A  shocker-A (shock_controller): is not there; shocker-A: no calibration record in" in told.out


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
@pytest.mark.parametrize(("dialect", "says"), [
    ("hsck100a-arduino", "answers as a hsck100a-arduino at 115200 baud"),
    ("another", "does not answer as a hsck100a-arduino at 115200 baud"),
    ("sgc", None),
])  # fmt: skip
def test_a_line_shocker_is_asked_who_it_is_in_its_own_words(tmp_path: Path, dialect: str, says: str | None) -> None:
    """Its port is known by its USB serial number; a dialect without `identify` is not asked."""
    rig, file = read(shipped("configs", "rigs", "simulated-third-party.toml"), Rig), tmp_path / "rig.toml"
    chamber = rig.chamber("sgc" if dialect == "sgc" else "line")
    (shocker,) = [one for one in chamber.devices if one.kind == "line_shocker"]
    spoken = dialect_of(shocker)
    if dialect == "another":
        assert spoken.identify is not None
        deaf = spoken.identify.model_copy(update={"reply": "I:SOMETHING ELSE"})
        spoken = spoken.model_copy(update={"identify": deaf, "report": None})
    twin = SimulatedLineShocker(spoken, shocker.shocker.set_ma)
    only = rig.model_copy(update={"chambers": (chamber.model_copy(update={"devices": (shocker,)}),)})
    with served({"it": twin}) as ports:  # type: ignore[dict-item]
        (row,) = rig_rows(only, file, (Port(ports["it"], shocker.usb_serial),), {})
    assert (row["port"], row["says"]) == (ports["it"], says)


def test_a_line_shocker_whose_port_cannot_be_opened_says_why(tmp_path: Path) -> None:
    chamber = read(shipped("configs", "rigs", "simulated-third-party.toml"), Rig).chamber("line")
    (shocker,) = [one for one in chamber.devices if one.kind == "line_shocker"]
    assert "there is no such port" in line_answer(shocker, str(tmp_path / "none"))


def test_a_bench_writes_the_record_that_a_session_needs(tmp_path: Path) -> None:
    out = tmp_path / "records"
    done = behavior("bench", "simulated", "--chamber", "A", "--simulate", "--only-current", "--out", out)
    assert done.code == 0, done.err
    (path,) = out.iterdir()
    assert f"Calibration: {path}" in done.out
    found = read(path, Calibration)
    assert (found.device, found.simulated, found.max_ma) == ("shocker-A", True, 1.0)
    assert found.identity == "5eed0000000000000000000000000a01"


def test_devices_go_on_hearing_of_the_host_while_a_person_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    thought, heard = threading.Event(), list[int]()

    class Devices:
        def now_us(self) -> int:
            return len(heard)

        def send(self, command: object) -> None:
            raise AssertionError("nothing is sent while somebody thinks")

        def wait(self, until_us: int) -> list[Event]:
            heard.append(until_us)
            if len(heard) == 5:
                thought.set()
            return [Faulted(0, "box", "its feeder is jammed")] if len(heard) == 2 else []

    monkeypatch.setattr("typer.confirm", lambda question: thought.wait())
    monkeypatch.setattr("typer.prompt", lambda question: "0.5 mA")
    person = AtTerminal(Devices())
    assert person.yes("Is it on?")
    assert len(heard) >= 5
    assert person.answer("What did the meter show?") == "0.5 mA"


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["bench", "simulated", "--chamber", "Z"], "rig simulated has no chamber 'Z'; choose one of A, B"),
    (["bench", "simulated", "--chamber", "A", "--load-ohm", 5], "--load-ohm: must be between 100 and 1000000 (is 5)"),
    (["bench", "nowhere", "--chamber", "A"], "nowhere: there is no such file, and no shipped one of this name"),
    (["devices", "nowhere"], "nowhere: there is no such file, and no shipped one of this name"),
])  # fmt: skip
def test_what_is_wrong_is_one_sentence(arguments: list[object], sentence: str) -> None:
    done = behavior(*arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert sentence in done.err


def test_a_bench_without_devices_says_which(tmp_path: Path) -> None:
    done = behavior("bench", "simulated", "--chamber", "A", "--person", "me", "--meter", "M")
    assert done.code == 1
    assert "device 5eed0000000000000000000000000a01 is not there; plug it in" in done.err


# ---- finding


def test_a_device_is_found_by_all_that_the_rig_says_of_it() -> None:
    who = Identity("operant_chamber", "Box 7", 0, BOX, "1.0.0", "1.0.0", "")
    assert is_named(device(uid=BOX), who)
    assert is_named(device(uid=BOX, device_name="Box 7"), who)
    assert is_named(device(device_name="Box 7"), who)
    assert not is_named(device(uid=GRID), who)
    assert not is_named(device(uid=BOX, device_name="Box 8"), who)
    assert not is_named(device(kind="shuttle_box", device_name="Box 7"), who)
    assert not is_named(device(usb_serial="FT1"), who)
    assert not is_named(device(uid=BOX), "nothing answers")


def test_who_has_a_usb_serial_number_is_found_without_a_word() -> None:
    ports = [Port("socket://127.0.0.1:1", "FT1"), Port("socket://127.0.0.1:2", "FT2")]
    found = ports_of([device(usb_serial="FT1"), device(name="b", usb_serial="FT2")], ports)
    assert found == {"it": "socket://127.0.0.1:1", "b": "socket://127.0.0.1:2"}


@pytest.mark.parametrize(("ports", "error", "sentence"), [
    ([Port("COM3", "FT1"), Port("COM4", "FT1")], BadInput, "COM3 and COM4 both answer as device USB serial number FT1"),
    ([], Failure, r"device USB serial number FT1 is not there; plug it in and switch it on, .* \(found: no port\)"),
])  # fmt: skip
def test_who_is_missing_or_there_twice_is_said(ports: list[Port], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ports_of([device(usb_serial="FT1")], ports)


def test_two_devices_of_one_identity() -> None:
    twins = {"a": SimulatedOperantChamber(BOX), "b": SimulatedOperantChamber(BOX)}
    with (
        served(twins, wire=TcpWire) as ports,
        pytest.raises(BadInput, match=f"both answer as device {BOX}; unplug"),
    ):
        ports_of([device(uid=BOX)], [Port(name) for name in ports.values()])


def test_a_port_that_somebody_is_just_asking_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    who = Identity("operant_chamber", "OperantChamber", 0, BOX, "1.0.0", "1.0.0", "")
    said: list[dict[str, Identity | str]] = [{"COM3": f"COM3: {HELD}; close it"}, {"COM3": who}]
    monkeypatch.setattr("behavior.devices.discovery.who_is_there", lambda ports: said.pop(0))
    assert ports_of([device(uid=BOX)], [Port("COM3")]) == {"it": "COM3"}
    assert said == []


def test_a_port_that_we_may_not_open_is_named_with_its_group() -> None:
    answers: dict[str, Identity | str] = {"/dev/ttyACM0": "/dev/ttyACM0: we may not open it; join the group `dialout`"}
    with pytest.raises(BadInput, match=f"device {BOX} is not to be found; /dev/ttyACM0: we may not open it; join"):
        ports_of([device(uid=BOX)], [Port("/dev/ttyACM0")], answers)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file that is no port")
def test_a_port_that_is_none_is_a_sentence_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (answer,) = who_is_there([Port(str(tmp_path / "file"))]).values()
    assert "cannot be opened as a serial port" in str(answer)
