"""What tests of sealed studies share."""

from __future__ import annotations

import pytest

from behavior.study import seal


@pytest.fixture(autouse=True)
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase that guards nothing need not be slow to guess."""
    monkeypatch.setattr(seal, "COST", seal.LEAST_COST)
