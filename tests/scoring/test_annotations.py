"""Fights from a table are scored as if they had been keyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.model.errors import BadFile, BadInput
from behavior.model.events import Noted
from behavior.scoring.annotations import read_fights
from behavior.scoring.rescore import rescore
from behavior.scoring.shock_aggression import Fight, fights_of
from paradigms.short import usual
from scoring.test_rescore import stored


def test_a_table_of_fights_is_read_as_keys(tmp_path: Path) -> None:
    path = tmp_path / "fights.csv"
    path.write_text("rater,onset_s,offset_s,comment\nB,30.5,31,\nA,10.25,,unclear\n")
    assert fights_of(read_fights(path)) == [Fight("A", 10_250_000), Fight("B", 30_500_000, 31_000_000)]


def test_keyed_or_written_down_the_score_is_the_same(tmp_path: Path) -> None:
    one = usual("shock_aggression", n_shocks=12)
    items = one.journal(seed=5)
    keyed = stored(tmp_path / "keyed", "shock_aggression", one.p, items)
    silent = [item for item in items if not isinstance(item, Noted)]
    written = stored(tmp_path / "written", "shock_aggression", one.p, silent)
    assert rescore(written).session["n_shocks_with_fight"] == 0
    fights = fights_of(item for item in items if isinstance(item, Noted))
    lines = [
        f"{fight.rater},{fight.onset_us / 1e6},{'' if fight.end_us is None else fight.end_us / 1e6}" for fight in fights
    ]
    (written.path / "fights.csv").write_text("\n".join(["rater,onset_s,offset_s", *lines]))
    assert rescore(written) == rescore(keyed)


def test_every_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "fights.csv"
    path.write_text("rater,onset_s,offset_s\n,1,2\nA,x,2\nA,5,4\nA,-1,2\nA,,2\nA,1,2\nA,inf,\nA,1,inf\n")
    with pytest.raises(BadFile) as caught:
        read_fights(path)
    keys = [problem.key for problem in caught.value.problems]
    assert keys[:3] == ["line 2, rater", "line 3", "line 4, offset_s"]
    assert keys[3:] == ["line 5, onset_s", "line 6, onset_s", "line 8, onset_s", "line 9, offset_s"]
    path.write_text("rater,onset\nA,1\n")
    with pytest.raises(BadFile, match="onset_s: this column is missing"):
        read_fights(path)


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="save it as CSV"):
        read_fights(tmp_path / "none.csv")
    (tmp_path / "fights.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="save it as CSV"):
        read_fights(tmp_path / "fights.csv")
