"""The pages that speak of a real box: benches and sessions on its twins behind ports, attended by a person."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from docs.stories import WITH_BOXES
from docs.telling import tell


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal to stand for a person's")
@pytest.mark.parametrize("page", WITH_BOXES)
def test_a_page_does_as_it_stands(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tell(page, monkeypatch, capsys)
