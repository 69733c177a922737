"""A live session on the reference firmware: `behavior run`, the C programs behind pseudo-terminals, hands at them.

To `behavior` nothing is simulated: it finds the devices by their identity and reads a calibration record.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from behavior.model.commands import Command, Deliver, SetLever, Shock
from behavior.model.events import (
    Crossed,
    Delivered,
    Event,
    Faulted,
    LeverPressed,
    LeverReleased,
    LinkLost,
    ShockEnded,
    ShockStarted,
)
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score
from behavior.session.core import NEVER
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from bench.firmware_session import SHORT, rat_of, session_on_firmware
from devices.firmware import built

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)
CONFLICT = """
n_cycles = 1
components = [
    { name = "unpunished", duration_s = 3.2, schedule = "CRF" },
    { name = "punished", duration_s = 3.1, schedule = "CRF", cue = "house_light", shock_ma = 0.4, shock_s = 0.1 },
]
"""


class Steady:
    """Presses the lever that is out for 0.1 s, every half second."""

    def __init__(self) -> None:
        self.next_us = NEVER
        self.n_pressed = 0
        self._lever, self._held = "", False

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        if isinstance(happening, SetLever):
            self._lever = happening.lever
            self.next_us = at_us + 400_000 if happening.out else NEVER

    def act(self) -> Event:
        at_us, self._held = self.next_us, not self._held
        self.next_us += 100_000 if self._held else 400_000
        self.n_pressed += self._held
        return LeverPressed(at_us, self._lever) if self._held else LeverReleased(at_us, self._lever)


def session_of(folder: Path) -> SessionFolder:
    (found,) = find_sessions(folder / "data")
    assert found.footer is not None
    assert found.footer.reason == "completed"
    assert not found.header.simulated
    assert verify(found).remarks == ()
    assert differences(read_score(found.path), rescore(found)) == []
    assert not any(isinstance(item, Faulted | LinkLost) for item in found.read().items)
    return found


def test_a_conflict_session_on_the_firmware_feeds_and_shocks_for_every_press(tmp_path: Path) -> None:
    built("native")
    (tmp_path / "p.toml").write_text(CONFLICT)
    rat = Steady()
    code, _, err = session_on_firmware(tmp_path, "geller_seifter", tmp_path / "p.toml", 1, rat)
    assert code == 0, err
    session = session_of(tmp_path)
    assert {device.uid[-3:] for device in session.header.devices} == {"a01", "a02"}
    items = session.read().items
    pressed = [item for item in items if isinstance(item, LeverPressed)]
    fed = [item for item in items if isinstance(item, Deliver)]
    shocked = [item for item in items if isinstance(item, Shock)]
    assert 0 <= rat.n_pressed - len(pressed) <= 1, "the last may come when the lever is drawn in already"
    assert len(fed) == len(pressed) >= 6
    arrived = [item for item in items if isinstance(item, Delivered)]
    assert 0 <= len(fed) - len(arrived) <= 1, "each pellet fell past the sensor, but for one on its way at the end"
    assert len(shocked) >= 3
    score = read_score(session.path).session
    assert score["n_punished_presses"] == len(shocked)
    assert score["n_unpunished_presses"] == len(pressed) - len(shocked)
    ended = [item for item in items if isinstance(item, ShockEnded)]
    assert [one.number for one in ended] == [one.number for one in shocked]
    assert all(one.cause == "completed" and abs(one.duration_us - 100_000) <= 64 for one in ended[:-1])
    assert all(one.delivered_ma == pytest.approx(0.4, rel=0.02) for one in ended)


def test_an_escape_session_on_the_firmware_ends_shocks_by_crossings(tmp_path: Path) -> None:
    built("native")
    (tmp_path / "p.toml").write_text(SHORT["shuttle_escape"])
    rat = rat_of("shuttle_escape", tmp_path / "p.toml", 1)
    code, _, err = session_on_firmware(tmp_path, "shuttle_escape", tmp_path / "p.toml", 1, rat)
    assert code == 0, err
    session = session_of(tmp_path)
    items = session.read().items
    began = [item for item in items if isinstance(item, ShockStarted)]
    ended = [item for item in items if isinstance(item, ShockEnded)]
    assert len(began) == len(ended) >= 1
    crossed = [item.at_us for item in items if isinstance(item, Crossed)]
    escaped = [one for one in ended if any(one.at_us - one.duration_us < at_us <= one.at_us for at_us in crossed)]
    at_the_cut_off = [one for one in escaped if one.duration_us > 1_400_000]
    assert len(escaped) > len(at_the_cut_off), "some are clear"
    n_escapes = read_score(session.path).session["n_escapes"]
    assert len(escaped) - len(at_the_cut_off) <= n_escapes <= len(escaped), "which is first is the clocks' to say there"
    for one in escaped:
        assert one.cause == "stopped", "it crossed in the shock, which ended there"
    for one in ended:
        if one.cause == "completed":
            assert one.duration_us == pytest.approx(1_500_000, abs=64)
