"""A yoked partner gets its master's shocks, and its session holds without the master's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadInput
from behavior.model.events import ShockEnded
from behavior.scoring.rescore import rescore
from behavior.scoring.yoke import yoke_remark, yoked_parameters
from behavior.session.assemble import core_of
from behavior.session.folder import SessionFolder, create
from behavior.session.record import record_session
from behavior.session.verify import verify
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from session.recorded import header_of

MASTER = {"group": "escapable", "n_shocks": 8}


def session(dataset: Path, **changes: object) -> SessionFolder:
    folder = create(dataset, header_of("helplessness_induction", **changes))
    header = folder.header
    animal = animal_for(header.paradigm, header.parameters, header.seed, header.treatment)
    record_session(folder, core_of(header), IdealBox(animal), time_of_day=lambda: "2026-03-02T10:00:00+00:00")
    return folder


@pytest.fixture
def master(tmp_path: Path) -> SessionFolder:
    return session(tmp_path / "masters", parameters=MASTER, subject="M1")


def pulses(folder: SessionFolder) -> list[tuple[int, int, float | None]]:
    ended = [item for item in folder.read().items if isinstance(item, ShockEnded)]
    return [(item.at_us - item.duration_us, item.duration_us, item.delivered_ma) for item in ended]


def test_onsets_and_true_durations_are_the_masters_to_the_microsecond(master: SessionFolder, tmp_path: Path) -> None:
    partner = session(tmp_path / "partners", parameters=yoked_parameters(master), subject="Y1", seed=99)
    assert pulses(partner) == pulses(master)
    assert len({duration_us for _, duration_us, _ in pulses(master)}) > 1  # the master did end some of its shocks
    assert rescore(partner).session["shock_s"] == rescore(master).session["shock_s"]


def test_the_partners_session_holds_without_the_masters_folder(master: SessionFolder, tmp_path: Path) -> None:
    partner = session(tmp_path / "partners", parameters=yoked_parameters(master))
    shutil.rmtree(master.path)
    assert verify(partner).remarks == ()
    assert partner.header.parameters["group"] == "yoked"


def test_a_shock_that_ran_its_course_is_asked_for_as_it_was(master: SessionFolder) -> None:
    """Devices measure a tick too much; the limit must not refuse the partner what the master was given."""
    from behavior.scoring.helplessness_induction import master_shocks

    s = 1_000_000
    items = [
        e.SessionStarted(0),
        c.BeginTrial(1),
        c.Shock(1, 0.8, 15.0),
        e.ShockEnded(15 * s + 32, 1, 15 * s + 32, 0.8, ""),
    ]
    (shock,) = master_shocks(items)
    assert (shock.onset_s, shock.duration_s) == (0.0, 15.0)


def test_who_was_the_master_is_said(master: SessionFolder) -> None:
    assert yoke_remark(master) == f"yoked to M1, session {master.name}"
    footer = (master.path / "footer.json").read_text()
    (master.path / "footer.json").write_text(footer.replace('"completed"', '"stopped by me"'))
    assert yoke_remark(master).endswith(", which ended early (stopped by me)")


def test_what_is_no_whole_session_of_a_master_is_refused(master: SessionFolder, tmp_path: Path) -> None:
    other = session(tmp_path / "others", parameters={"n_shocks": 3})
    with pytest.raises(BadInput, match=r"no master's session .helplessness_induction, group 'inescapable'"):
        yoked_parameters(other)
    lines = master.journal_path.read_bytes().splitlines(keepends=True)
    master.journal_path.write_bytes(b"".join([*lines[:9], b"?" + lines[9][1:], *lines[10:]]))
    with pytest.raises(BadInput, match=r"shocks may be missing .*line 10 is damaged"):
        yoked_parameters(master)
    (master.path / "footer.json").unlink()
    with pytest.raises(BadInput, match="is not finished; end it first"):
        yoked_parameters(master)
