"""Make the sample data again: `python sample_data/remake.py`. Equal versions give equal bytes.

Everything here is made by `behavior simulate sample --seed 148` and nothing by hand, the README's table of what is true
included.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEED = 148
COMMAND = [sys.executable, "-c", "from behavior.app.cli import main; main()"]


def main() -> None:
    """Simulate the study `sample` anew and write down what is true in it."""
    study = HERE / "study"
    shutil.rmtree(study, ignore_errors=True)
    subprocess.run([*COMMAND, "simulate", "sample", "--out", str(study), "--seed", str(SEED)], check=True)
    (HERE / "README.md").write_text(readme(study), encoding="utf-8")


def readme(study: Path) -> str:
    """The README, with what the simulator knows of each session."""
    lines = [
        "# Sample data",
        "",
        f"Made by `behavior simulate sample --seed {SEED}`; `python sample_data/remake.py` makes it again.",
        "Simulated throughout: devices, rats and sound. It says nothing about any drug.",
        "",
        "| session | treatment | what is true in it |",
        "|---|---|---|",
    ]
    lines += [row(path.parent) for path in sorted(study.glob("sub-*/ses-*/header.json"))]
    lines += [
        "",
        "In each session's folder: `header.json`, `journal.jsonl`, `footer.json`; with sound `audio.flac` (250 kHz,",
        "16 bit) and `truth.csv`, the calls that are in it. `score.json` and the other tables are derived.",
        "",
    ]
    return "\n".join(lines)


def row(session: Path) -> str:
    """One session: who, what, and the facts that a test can hold it to."""
    header = json.loads((session / "header.json").read_text(encoding="utf-8"))
    treatment = header["treatment"]
    given = (
        f"{treatment['compound']} {treatment['dose_mg_kg']:g} mg/kg"
        if treatment["dose_mg_kg"]
        else treatment["vehicle"]
    )
    kinds = [json.loads(line)["kind"] for line in (session / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    facts = (
        f"{kinds.count('LeverPressed')} presses, {kinds.count('Delivered')} pellets, {kinds.count('ShockEnded')} shocks"
    )
    truth = session / "truth.csv"
    if truth.exists():
        with truth.open(newline="", encoding="utf-8") as stream:
            calls = list(csv.DictReader(stream))
        calling_s = sum(float(call["offset_s"]) - float(call["onset_s"]) for call in calls)
        facts = f"{len(calls)} calls, {calling_s:.2f} s of calling"
    return f"| `{session.parent.name}/{session.name}` | {given} | {facts} |"


if __name__ == "__main__":
    main()
