"""A short recorded session in a folder, for tests of what is done with one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from behavior.model.doses import Treatment
from behavior.model.session import SessionHeader
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import core_of, resolve
from behavior.session.folder import SessionFolder, create
from behavior.session.journal import JournalWriter, item_of
from behavior.session.record import record_session
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat

SHORT = {
    "components": [
        {"name": "unpunished", "duration_s": 60, "schedule": "VI 10 s"},
        {"name": "punished", "duration_s": 60, "schedule": "CRF", "cue": "tone", "shock_ma": 0.4, "shock_s": 0.25},
    ],
    "n_cycles": 2,
}


def header_of(paradigm: str = "geller_seifter", parameters: dict[str, Any] = SHORT, **changes: Any) -> SessionHeader:
    found = find_paradigm(paradigm, own_code=True)
    resolved = resolve(found, parameters, file="test")
    values: dict[str, Any] = {
        "software": "behavior 0.1.0",
        "subject": "R1",
        "experimenter": "test",
        "treatment": Treatment(compound="ipsapirone", dose_mg_kg=10.0, vehicle="saline"),
        "paradigm": found.name,
        "paradigm_file": paradigm if paradigm.endswith(".py") else None,
        "paradigm_sha256": found.sha256,
        "parameters": resolved.model_dump(mode="json"),
        "limits": resolved.limits.model_dump(),
        "seed": 3,
        "rig": "test",
        "chamber": "A",
        "started_at": "2026-03-02T09:00:00+00:00",
    }
    return SessionHeader(**values | changes)


def signed_anew(path: Path) -> None:
    """A session whose header was changed, as a thorough forger leaves it: all checksums fit."""
    folder = SessionFolder(path)
    lines = folder.journal_path.read_bytes().splitlines()
    folder.journal_path.unlink()
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for item, host_us in map(item_of, lines):
            journal.record(item, host_us)
    digest = hashlib.sha256(folder.journal_path.read_bytes()).hexdigest()
    footer = json.loads((path / "footer.json").read_bytes())
    footer |= {"last_crc": f"{journal.last_crc:08x}", "journal_sha256": digest}
    (path / "footer.json").write_text(json.dumps(footer))


def record(dataset: Path, **changes: Any) -> SessionFolder:
    """A session of the ideal box, in a new folder."""
    folder = create(dataset, header_of(**changes))
    rat = Rat(folder.header.seed, folder.header.treatment)
    record_session(
        folder, core_of(folder.header, own_code=True), IdealBox(rat), time_of_day=lambda: "2026-03-02T09:04:00+00:00"
    )
    return folder
