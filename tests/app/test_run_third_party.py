"""Live sessions on other people's devices: other processes, real ports, their own bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import behavior
from app.test_run import WHAT, WHO, pytestmark
from behavior.model.events import Faulted, LinkLost, ShockEnded, ShockStarted
from behavior.session.folder import find_sessions
from behavior.session.verify import verify

__all__ = ["pytestmark"]
QUICK = """
n_cycles = 1
[[components]]
name = "punished"
duration_s = 4
schedule = "CRF"
cue = "house_light"
shock_ma = 0.4
shock_s = 0.1
"""


@pytest.mark.parametrize("chamber", ["parallel", "line"])
def test_a_live_session_runs_to_its_end_and_holds(chamber: str, tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    where = ["run", "simulated-third-party", "--chamber", chamber, "--paradigm", "geller_seifter", "--seed", 3]
    done = behavior(
        *where, *WHO, *WHAT, "--simulate", "--parameters", tmp_path / "quick.toml", "--out", tmp_path / "data"
    )
    assert done.code == 0, done.err
    session = next(iter(find_sessions(tmp_path / "data")))
    assert verify(session).remarks == ()
    items = session.read().items
    assert not any(isinstance(item, Faulted | LinkLost) for item in items)
    began, ended = ([item for item in items if isinstance(item, kind)] for kind in (ShockStarted, ShockEnded))
    assert len(began) == len(ended)
    shocker = next(one for one in session.header.devices if one.kind.endswith("_shocker"))
    assert shocker.calibration["simulated"]  # type: ignore[index]
    assert session.footer is not None
    assert "clocks" in (session.path / "footer.json").read_text()
