"""Every file that people write: TOML records, device descriptions, paradigms' parameters, assays' settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from behavior.app.design import designed
from behavior.assays.kinds import KINDS
from behavior.assays.library import Library
from behavior.config import read_text
from behavior.config.calibration import Calibration
from behavior.config.dialect import Dialect
from behavior.config.read import read
from behavior.config.rig import Rig
from behavior.config.squad import SquadFile
from behavior.config.study import Study
from behavior.devices.calibration import as_toml, simulated_calibration
from behavior.devices.registers import read_device_map
from behavior.formats.profile import Profile
from behavior.model.errors import BadInput
from behavior.paradigms.catalogue import find_paradigm, our_paradigms
from behavior.scoring.progress import TrainingPlan
from behavior.scoring.signals import SignalMap
from behavior.session.assemble import resolve
from behavior.study.subjects import invented
from behavior.usv.calibration import Calibration as MicrophoneCalibration
from behavior.usv.profile import DetectorProfile
from fuzz.target import ROOT, Target, of_bytes, of_file

SQUAD = b"""[[sessions]]
chamber = "A"
subject = "R01"
paradigm = "geller_seifter"
parameters = "geller_seifter-classic.toml"
dose_mg_kg = 3.0
compound = "diazepam"
[[sessions]]
chamber = "B"
subject = "R02"
paradigm = "shuttle_escape"
blind_code = "K7QM"
"""
CHANNELS = b"""paradigm = "geller_seifter"
sample_rate_hz = 1000
[parameters]
n_cycles = 1
[[channels]]
column = 0
role = "lever"
name = "left"
threshold = 0.5
hysteresis = 0.1
[[channels]]
column = 1
role = "shock"
ma = 0.4
threshold = 0.5
debounce_s = 0.001
[[channels]]
column = 2
role = "component"
name = "punished"
threshold = 0.5
"""
MICROPHONE = b"""microphone = "UltraMic 250K, 1234"
gain = "0 dB"
calibrated_on = 2026-03-02
valid_until = 2027-03-02
full_scale_db_spl = 130.0
response_db = [[20000.0, 0.0], [40000.0, -1.5], [80000.0, 3.0]]
"""


def targets(place: Path) -> Iterator[Target]:
    records: dict[str, tuple[type[Any], list[bytes]]] = {
        "rig": (Rig, _shipped("rigs")),
        "study": (Study, _shipped("studies")),
        "squad": (SquadFile, [SQUAD]),
        "training": (TrainingPlan, _shipped("training")),
        "channels": (SignalMap, [CHANNELS]),
        "decoder": (Profile, _shipped("medpc") + _shipped("pycontrol")),
        "dialect": (Dialect, _shipped("shockers")),
        "detector": (DetectorProfile, _shipped("detectors")),
        "microphone": (MicrophoneCalibration, [MICROPHONE]),
        "calibration": (Calibration, [_calibration()]),
        "compounds": (Library, [(ROOT / "configs" / "assays" / "compounds.toml").read_bytes()]),
    }
    for name, (record, seeds) in records.items():
        yield of_file(f"toml/{name}", seeds, partial(read, record=record), place / name, "x.toml")
    for name, kind in KINDS.items():
        seeds = [(ROOT / "configs" / "assays" / f"{name}.toml").read_bytes()]
        yield of_file(f"toml/assay-{name}", seeds, partial(read, record=kind.settings), place / name, "x.toml")
    for name in our_paradigms():
        paradigm = find_paradigm(name)
        seeds = [path.read_bytes() for path in sorted((ROOT / "configs" / "paradigms").glob(f"{name}-*.toml"))]
        yield of_file(f"toml/{name}", seeds, _parameters(paradigm), place / name, "x.toml")
    yield of_bytes("study/design", _shipped("studies"), _designed, cost=12)
    descriptions = [path.read_bytes() for path in sorted((ROOT / "hardware").glob("*/device.yml"))]
    yield of_bytes("yaml/device", descriptions, lambda data: read_device_map("fuzz", data), cost=8)


def _shipped(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "configs" / folder).glob("*.toml"))]


def _parameters(paradigm: Any) -> Callable[[Path], object]:
    def check(path: Path) -> object:
        record = read(path, paradigm.parameters)
        return resolve(paradigm, record.model_dump(mode="json"), file=path).limits

    return check


def _calibration() -> bytes:
    rig = read(ROOT / "configs" / "rigs" / "simulated.toml", Rig)
    chamber = rig.chambers[0]
    shocker = next(device for device in chamber.devices if "shock" in device.kind)
    return as_toml(simulated_calibration(chamber, shocker, date(2026, 3, 2))).encode()


def _designed(data: bytes) -> object:
    """A study file to its design, as `behavior design` does; what it asks for is done, up to a limit of its own."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadInput("not UTF-8") from None
    study = read_text(text, Study, file="study.toml")
    return designed(study, invented(study), seed=2**64)
