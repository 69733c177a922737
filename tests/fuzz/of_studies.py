"""A study's files: audit log, sealed key, plan, sheets, the whole dataset; assays' tables; recordings of channels."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import numpy as np

from behavior.assays.kinds import KINDS, analyse
from behavior.assays.library import read_library
from behavior.assays.table import header_of, read_table
from behavior.config.read import read_text
from behavior.scoring.signals import SignalMap, score_signals
from behavior.study import seal
from behavior.study.audit import append, read_audit
from behavior.study.blinding import Administration, Key, read_key
from behavior.study.dataset import read_dataset
from behavior.study.dosing import read_injector
from behavior.study.plan import read_plan
from behavior.study.records import read_sheet, records_of
from behavior.study.subjects import read_subjects
from behavior.study.verify import verify_dataset
from fuzz.of_config import CHANNELS
from fuzz.target import ROOT, Target, of_bytes, of_file, of_folder

SUBJECTS = b"subject,weight_g,cage,sex,age_weeks\nR01,251.5,1,male,10\nR02,260,1,male,10\nR03,244,2,male,11\n"
BOTTLES = b"blind_code,subject,start_g,end_g,start_at,end_at\nK7QM,R01,250.1,221.4,2026-03-02T09:00,2026-03-03T09:00\n"
GIVEN = b"blind_code,subject,given_at,by,weight_g,volume_ml\nK7QM,R01,2026-03-02T08:30:00+01:00,MK,251,0.5\n"
COSTS = {"binding": 15.0, "saturation": 40.0, "microdialysis": 40.0, "firing": 9.0, "kinetics": 9.0, "exposure": 9.0}
FEW = {
    "binding": r"experiment|1,5-HT1A,(TOTAL|NSB|ipsapirone|5-HT),",
    "saturation": r"region|hippocampus,.*,R0[1278],",
    "microdialysis": r"region|nucleus accumbens,.*,M(0[1-9]|1[0-2]),.*,-?[0-8]0,",
    "kinetics": r"subject|K0[1-3],",
}
"""Rows of the samples that hold a whole analysis, each curve and group once or twice: a tenth of the time."""
STUDY = ROOT / "sample_data" / "study"
ASSAYS = ROOT / "sample_data" / "assays"


def targets(place: Path) -> Iterator[Target]:
    place.mkdir(parents=True)
    log = place / "log"
    log.mkdir()
    append(log, "designed", "study.toml", who="MK", new={"plan.csv": "0" * 64}, at="2026-03-02T09:00:00+00:00")
    append(log, "record animals", "R01", who="MK", old={"sex": "male"}, new={"sex": "female"}, reason="typing error")
    append(log, "excluded", "sub-R01/ses-x", who="MK", reason="fell ill")
    append(log, "unblinded", "study.toml", who="MK", new={"key": "0" * 64})
    yield of_folder("study/audit", log, lambda path: records_of(read_audit(path)), place / "audit", cost=0.3)
    with patch.object(seal, "COST", seal.LEAST_COST):
        sealed = seal.seal(_key().encoded(), "correct horse")
    yield of_bytes("study/seal", [sealed], _unseal, cost=0.5)
    yield of_bytes("study/key", [_key().encoded()], lambda data: read_key(data, file="key"))
    plan = (STUDY / "plan.csv").read_bytes()
    yield of_file("study/plan", [plan], read_plan, place / "plan", "plan.csv", cost=0.3)
    yield of_file("study/subjects", [SUBJECTS], read_subjects, place / "subjects", "subjects.csv")
    yield of_file("study/injector", [GIVEN], read_injector, place / "injector", "injector.csv")
    yield of_file(
        "study/sheet", [BOTTLES, GIVEN, SUBJECTS], partial(read_sheet, blind=False), place / "sheet", "sheet.csv"
    )
    small = place / "small"
    _small_study(small)
    files = ("*.*", "sub-R0[12]/*/*.*")
    yield of_folder("study/dataset", small, read_dataset, place / "dataset", files, cost=35)
    yield of_folder("study/verify", small, verify_dataset, place / "verified", files, cost=2)
    for name, kind in KINDS.items():
        table = _few(name)
        yield of_file(
            f"assay/{name}", [table], lambda path, kind=kind: read_table(path, kind.columns_for(header_of(path))),
            place / f"assay-{name}", f"{name}.csv", cost=0.5,
        )  # fmt: skip
        yield of_folder(
            f"analysis/{name}", _assay(place / f"made-{name}", name),
            lambda path, name=name: analyse(name, path / f"{name}.csv"), place / f"analysis-{name}", cost=COSTS[name],
        )  # fmt: skip
    yield of_file(
        "assay/compounds", [(ROOT / "configs" / "assays" / "compounds.toml").read_bytes()], read_library,
        place / "library", "library.toml", cost=4,
    )  # fmt: skip
    for suffix, seed in _channels().items():
        yield of_file(f"channels/{suffix}", [seed], _scored, place / suffix, f"channels.{suffix}", cost=1)


def _unseal(data: bytes) -> bytes:
    with patch.object(seal, "MOST_COST", 2**14):  # not slower than it must be
        return seal.unseal(data, "correct horse", file="key.sealed")


def _key() -> Key:
    one = Administration(
        code="K7QM", arm="a", group="", unit="R01", subjects=("R01",), block=1, day=1, period=1,
        at="2026-03-02T09:00:00", compound="diazepam", dose_mg_kg=3.0, vehicle="saline", route="i.p.",
    )  # fmt: skip
    return Key(
        software="behavior", study="s", study_sha256="0" * 64, plan_sha256="0" * 64, seed="1", administrations=(one,)
    )


def _small_study(place: Path) -> None:
    place.mkdir()
    for name in ("plan.csv", "study.toml", "audit.jsonl"):
        shutil.copy(STUDY / name, place)
    for subject in ("sub-R01", "sub-R02", "sub-R03"):
        shutil.copytree(STUDY / subject, place / subject)


def _assay(place: Path, name: str) -> Path:
    place.mkdir()
    (place / f"{name}.csv").write_bytes(_few(name))
    shutil.copy(ASSAYS / f"{name}.toml", place)
    return place


def _few(name: str) -> bytes:
    """The sample's table, or the part of it that is enough."""
    rows = (ASSAYS / f"{name}.csv").read_text().splitlines(keepends=True)
    return "".join(row for row in rows if re.match(FEW.get(name, ""), row)).encode()


@cache
def _channels() -> dict[str, bytes]:
    import soundfile

    samples = np.zeros((3000, 3), np.float32)
    samples[500:600, 0] = samples[1500:1700, 0] = samples[1600:1650, 1] = samples[1000:2500, 2] = 1.0
    npy, wav, csv = BytesIO(), BytesIO(), BytesIO()
    np.save(npy, samples)
    soundfile.write(wav, samples, 1000, format="WAV", subtype="FLOAT")
    np.savetxt(csv, samples[:400], delimiter=",", header="lever,shock,component", comments="", fmt="%g")
    return {"npy": npy.getvalue(), "wav": wav.getvalue(), "csv": csv.getvalue()}


@cache
def _map() -> SignalMap:
    return read_text(CHANNELS.decode(), SignalMap, file="channels.toml")


def _scored(path: Path) -> object:
    return score_signals(path, _map())
