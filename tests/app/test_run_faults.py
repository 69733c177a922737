"""Faults on demand: `behavior run --simulate --fault`, through other processes and real bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.commands import behavior
from behavior.model.events import LeverPressed, LeverReleased, LinkLost, LinkRestored
from behavior.session.folder import find_sessions
from behavior.session.verify import verify

WHO = ["--subject", "R1", "--experimenter", "me", "--weight-g", 280, "--dose-mg-kg", 0, "--vehicle", "saline"]
RUN = ["run", "simulated", "--chamber", "A", "--paradigm", "geller_seifter", *WHO]
QUICK = """
n_cycles = 1
components = [{ name = "unpunished", duration_s = 5, schedule = "CRF" }]
"""


@pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)
def test_what_was_asked_for_goes_wrong_and_stands_in_the_journal(tmp_path: Path) -> None:
    """A lever sticks for a second; then a cable is out for a while, and its device comes back at another port."""
    (tmp_path / "p.toml").write_text(QUICK)
    (tmp_path / "rough.toml").write_text('[[faults]]\nkind = "stuck_lever"\nvalue = "right"\nat_s = 0.5\nfor_s = 0.5\n')
    done = behavior(
        *RUN, "--parameters", tmp_path / "p.toml", "--out", tmp_path / "data", "--seed", 3, "--simulate",
        "--fault", tmp_path / "rough.toml", "--fault", "unplugged@2+0.5:operant-A",
    )  # fmt: skip
    assert done.code == 0, done.err
    (session,) = find_sessions(tmp_path / "data")
    assert any("stuck_lever=right@0.5+0.5, unplugged@2+0.5:operant-A" in one for one in session.header.remarks)
    items = session.read().items
    stuck = [item for item in items if isinstance(item, LeverPressed | LeverReleased) and item.lever == "right"]
    assert [type(item) for item in stuck] == [LeverPressed, LeverReleased]
    assert 500_000 <= stuck[0].at_us < stuck[1].at_us
    lost = [item for item in items if isinstance(item, LinkLost | LinkRestored)]
    assert [(type(item), item.device) for item in lost] == [(LinkLost, "operant-A"), (LinkRestored, "operant-A")]
    assert lost[0].at_us >= 2_000_000
    assert verify(session).n_owed == 0


@pytest.mark.parametrize(("more", "says"), [
    (["--fault", "lost=0.1@3"], "--fault is of simulated devices; add --simulate"),
    (["--simulate", "--fault", "lost=3@3"], "lost must be a number from 0 to 1"),
    (["--simulate", "--fault", "no-such.toml"], "no-such.toml: there is no such file"),
    (["--simulate", "--fault", "lost=0.1@3", "--chamber", "B"], "--fault: of one session"),
])  # fmt: skip
def test_what_cannot_go_wrong_is_refused_before_anything_moves(tmp_path: Path, more: list[str], says: str) -> None:
    done = behavior(*RUN, "--out", tmp_path / "data", *more)
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "data").exists()


def test_a_squad_has_no_faults_in_common(tmp_path: Path) -> None:
    done = behavior("run", "simulated", "--squad", tmp_path / "s.csv", "--simulate", "--fault", "reboot@1")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "--fault: of one session; start that one by itself, with --chamber" in done.err
