"""A study that was designed blind: no page tells a dose before it is unblinded, every page may afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.dashboard.visitor import Visitor
from behavior.app.cli import main
from behavior.app.dashboard.access import Access
from behavior.app.dashboard.command import screens, starter_for
from behavior.study import seal
from study.designs import ARM, HEAD, PASSPHRASE

QUICK = ARM.replace("doses_mg_kg = [0, 1, 3]", "doses_mg_kg = [0, 3]").replace("n_per_dose = 4", "n_per_dose = 2")
QUICK = QUICK.replace('paradigm = "geller_seifter"', 'paradigm = "geller_seifter"\nparameters = { n_cycles = 1 }')
SECRETS = ("mg/kg", "ipsapirone", "3.0", "dose", "vehicle alone")


def said(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["behavior", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)


def pages(data: Path) -> dict[str, str]:
    app = screens(data, Access(), starter_for("simulated", data, simulated=True))
    visitor = Visitor(app)
    app._app.state.board.chambers.look()  # type: ignore[attr-defined]
    sessions = [header.parent.relative_to(data).as_posix() for header in sorted(data.rglob("header.json"))]
    addresses = ["/", "/study", "/study/courses", "/start/A"]
    addresses += [f"/session/{session}{what}" for session in sessions for what in ("", "/timeline", "/verified")]
    found = {address: visitor.get(address) for address in addresses}
    assert {answer.status_code for answer in found.values()} == {200}
    cards = b"".join(app._app.state.board.chambers.cards.values()).decode()  # type: ignore[attr-defined]
    return {**{address: answer.text for address, answer in found.items()}, "cards": cards}


def told(data: Path) -> dict[str, list[str]]:
    """By page, which of the secrets stand on it; what only names a question or a column is taken out."""
    texts = {address: text.replace("0.1.0", "") for address, text in pages(data).items()}
    return {address: found for address, text in texts.items() if (found := [one for one in SECRETS if one in text])}


def test_from_a_design_to_its_unblinding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(seal, "COST", seal.LEAST_COST)
    monkeypatch.setenv("BEHAVIOR_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(HEAD + QUICK)
    said(monkeypatch, "design", "mine.toml", "--out", "data", "--by", "planner")
    data = tmp_path / "data"
    assert "0 of 4 planned sessions are done." in pages(data)["/study"]
    assert told(data) == {}
    said(monkeypatch, "simulate", "data", "--seed", "3", "--by", "planner")
    assert "4 of 4 planned sessions are done." in pages(data)["/study"]
    assert told(data) == {}
    said(monkeypatch, "summarize", "data")
    assert "Quality control" in pages(data)["/study"]
    assert told(data) == {}
    said(monkeypatch, "unblind", "data", "--by", "statistician", "--reason", "all scored")
    open_pages = pages(data)
    assert "3 mg/kg" in open_pages["/study"]
    assert sum(": " in text and "3 mg/kg" in text for address, text in open_pages.items() if "ses-" in address) == 2
    assert "10 sessions" not in open_pages["/study/courses"] and '"n_coded":0' in open_pages["/study/courses"]
