"""Words that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `behavior` itself does; before anything imports numpy

import pytest
from hypothesis import settings

# A deadline is an assertion on wall time. Chance explores at the desk; what decides whether a change lands is the same
# for everybody who runs it. `--hypothesis-profile=thorough` looks further.
settings.register_profile("behavior", deadline=None, max_examples=40, derandomize="CI" in os.environ)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("behavior")

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ["like_windows"]  # looking for examples in it would take pseudo-terminals from all tests


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data and cases that came from elsewhere. They are never copied into this project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared: real recordings and numeric cases that are not part of this project")
    return folder
