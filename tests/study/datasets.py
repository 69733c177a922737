"""Datasets of made-up sessions: the folders are real, the measures are given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from behavior.model.calls import CALL_COLUMNS
from behavior.model.commands import BeginComponent, Deliver, EndComponent, EndSession, Shock
from behavior.model.doses import Treatment
from behavior.model.events import LeverPressed, SessionStarted, ShockEnded, ShockStarted
from behavior.model.session import SessionFooter
from behavior.session.folder import SessionFolder, create
from behavior.session.journal import JournalWriter
from session.recorded import header_of

STUDY = """
name = "made-up"
title = "A made-up study"
experimenter = "test"
start = 2026-03-02T09:00:00+00:00
rig = "simulated"
animals = {{ strain = "Wistar", sex = "male", weight_g = 280 }}

[[arms]]
name = "conflict"
paradigm = "geller_seifter"
compound = "ipsapirone"
vehicle = "saline"
route = "i.p."
pretreatment_min = 30
doses_mg_kg = {doses}
n_per_dose = {n}
endpoints = ["punished_rate_per_min", "unpunished_rate_per_min", "n_shocks_delivered"]
primary = "punished_rate_per_min"
motor_control = "unpunished_rate_per_min"
"""

VOCALIZATION = """
[[arms]]
name = "vocalization"
paradigm = "conditioned_usv"
compound = "ipsapirone"
vehicle = "saline"
route = "i.p."
pretreatment_min = 30
doses_mg_kg = {doses}
n_per_dose = {n}
endpoints = ["calling_time_s", "n_calls", "latency_first_call_s"]
primary = "calling_time_s"
"""


def given(dose_mg_kg: float | None, **changes: Any) -> Treatment:
    values = {"compound": "ipsapirone", "vehicle": "saline", "route": "i.p.", "pretreatment_min": 30.0}
    return Treatment(dose_mg_kg=dose_mg_kg, **values | changes)


def write_session(
    dataset: Path,
    subject: str,
    dose_mg_kg: float | None,
    measures: Mapping[str, Any],
    *,
    presses_s: Sequence[float] = (1.0, 2.5, 11.0),
    reason: str = "completed",
    calls: Sequence[tuple[float, float]] | None = None,
    **header: Any,
) -> SessionFolder:
    """A closed and scored session. Its journal has the presses; every press in the second component is shocked."""
    header = {"study": "made-up", "arm": "conflict", "weight_g": 280.0, "treatment": given(dose_mg_kg)} | header
    folder = create(dataset, header_of(subject=subject, **header))
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for item in _items(presses_s, reason):
            journal.record(item, 0)
    digest = hashlib.sha256(folder.journal_path.read_bytes()).hexdigest()
    footer = SessionFooter(
        ended_at=folder.header.started_at, reason=reason, duration_s=20.0, n_lines=journal.n_lines,
        last_crc=f"{journal.last_crc:08x}", journal_sha256=digest, n_shocks=0, shock_s=0.0, n_deliveries=0,
        n_responses=len(presses_s),
    )  # fmt: skip
    (folder.path / "footer.json").write_bytes(msgspec.json.encode(footer))
    if calls is not None:
        _write_calls(folder.path / "calls.csv", calls)
    rows = "component,n_presses\nunpunished,2\npunished,1\n"
    (folder.path / "components.csv").write_text(rows)
    score = {"journal_sha256": digest, "session": {"duration_s": 20.0, **measures}, "problems": []}
    (folder.path / "score.json").write_text(json.dumps(score))
    return folder


def _items(presses_s: Sequence[float], reason: str) -> list[Any]:
    items: list[Any] = [SessionStarted(0), BeginComponent("unpunished")]
    punished, shocks = False, 0
    for at_s in presses_s:
        at_us = round(at_s * 1e6)
        items.append(LeverPressed(at_us, "left"))
        if at_s >= 10 and not punished:
            items += [EndComponent("unpunished"), BeginComponent("punished")]
            punished = True
        if punished:
            shocks += 1
            items += [Deliver(shocks), Shock(shocks, 0.4, 0.25), ShockStarted(at_us, shocks)]
            items.append(ShockEnded(at_us + 250_000, shocks, 250_000, 0.4, "duration"))
    return [*items, EndSession(reason)]


def _write_calls(path: Path, calls: Sequence[tuple[float, float]]) -> None:
    lines = [",".join(CALL_COLUMNS)]
    for onset_s, offset_s in calls:
        lines.append(f"audio.wav,{onset_s},{offset_s},{offset_s - onset_s:.3f}" + ",24000" * 12 + ",22-kHz,1")
    path.write_text("\n".join(lines) + "\n")


def write_conflict(
    dataset: Path, rates: Mapping[float, Sequence[float]], *, n: int | None = None, study: bool = True
) -> Path:
    """A conflict arm with these punished rates at each dose, in two chambers."""
    dataset.mkdir(parents=True, exist_ok=True)
    if study:
        planned = n if n is not None else max(len(values) for values in rates.values())
        (dataset / "study.toml").write_text(STUDY.format(doses=[float(dose) for dose in rates], n=planned))
    number = 0
    for dose, values in rates.items():
        for k, rate in enumerate(values):
            number += 1
            measures = {
                "punished_rate_per_min": rate,
                "unpunished_rate_per_min": 20.0 + (number * 7 % 5),
                "n_shocks_delivered": round(rate * 6),
            }
            write_session(dataset, f"R{number:02d}", dose, measures, chamber="AB"[k % 2])
    return dataset


def write_vocalization(dataset: Path, times: Mapping[float, Sequence[float]]) -> Path:
    """A vocalization arm with these calling times; a rat that called for no time has a censored latency."""
    dataset.mkdir(parents=True, exist_ok=True)
    head = STUDY.split("[[arms]]")[0].format()
    n = max(len(values) for values in times.values())
    (dataset / "study.toml").write_text(head + VOCALIZATION.format(doses=[float(dose) for dose in times], n=n))
    number = 0
    for dose, values in times.items():
        for time_s in values:
            number += 1
            measures = {
                "calling_time_s": time_s,
                "n_calls": round(time_s),
                "latency_first_call_s": 60.0 / (1 + time_s) if time_s else None,
                "latency_first_call_censored": time_s == 0,
                "window_s": 60.0,
            }
            write_session(
                dataset, f"R{number:02d}", dose, measures, arm="vocalization", paradigm="conditioned_usv",
                parameters={"test_s": 60.0}, calls=[(1.0, 1.0 + time_s)] if time_s else [],
            )  # fmt: skip
    return dataset
