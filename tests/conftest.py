"""Words that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `behavior` itself does; before anything imports numpy

import pytest
from hypothesis import settings

settings.register_profile("behavior", deadline=None)  # a deadline is an assertion on wall time
settings.load_profile("behavior")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data and cases that came from elsewhere. They are never copied into this project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared: real recordings and numeric cases that are not part of this project")
    return folder
