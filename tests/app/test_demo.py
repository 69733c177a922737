"""The demo goes from a study file to a report; here with the smallest of studies instead of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.app import demo as command
from behavior.config import shipped as places
from behavior.session.folder import find_sessions


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo finds the study `sample` where its own stands, and works in an empty folder."""
    original = places.shipped

    def shipped(*parts: str) -> Path:
        return original(*(part.replace("first-light", "sample") for part in parts))

    monkeypatch.setattr(places, "shipped", shipped)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_leaves_sessions_calls_scores_and_a_report_and_prints_its_path(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.demo(out=None, seed=25)
    last = capsys.readouterr().out.splitlines()[-1]
    report = small / "behavior-demo" / "summary" / "report.html"
    assert last == f"Report: {report}"
    page = report.read_text(encoding="utf-8")
    for word in ("Punished responses", "22-kHz calling time", "Dunnett", "ED50", "% of vehicle"):
        assert word in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    folders = list(find_sessions(small / "behavior-demo"))
    assert len(folders) == 10
    for folder in folders:
        assert (folder.path / "score.json").exists()
        assert (folder.path / "calls.csv").exists() == (folder.header.arm == "vocalization")
