"""Sampled channels of a session, with bounce and noise, give the same trials and counts as its journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from behavior.config.read import read_text
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadFile, BadInput
from behavior.scoring.score import Score, score_items
from behavior.scoring.signals import Channel, SignalMap, items_of, read_blocks, score_signals
from paradigms.short import usual

RATE = 1000
SHOCK_MA, VOLT_PER_MA = 0.8, 2.5


class Recorder:
    """Renders a journal as channels: steps from 0 to 1, then bounce and noise."""

    def __init__(self, items: list[Any], columns: list[str]) -> None:
        self.columns = columns
        now_us, self.steps = 0, {column: list[tuple[int, float]]() for column in columns}
        for item in items:
            now_us = max(now_us, item.at_us) if isinstance(item, e.Event) else now_us
            self._step(item, item.at_us if isinstance(item, e.Event) else now_us)
        self.n = round(now_us / 1e6 * RATE) + RATE

    def _step(self, item: Any, at_us: int) -> None:
        def to(column: str, value: float, late_ms: int = 0) -> None:
            if column in self.steps:
                self.steps[column].append((round(at_us / 1e6 * RATE) + late_ms, value))

        match item:
            case e.SessionStarted():
                to("left side", 1)
            case e.LeverPressed(lever=lever):
                to(lever, 1)
            case e.LeverReleased(lever=lever):
                to(lever, 0)
            case e.Crossed(side=side):
                other = "right side" if side == "left" else "left side"
                to(f"{side} side", 1, late_ms=-150)  # for a while it stands on both
                to(other, 0)
            case e.ShockStarted():
                to("current", SHOCK_MA * VOLT_PER_MA)
            case e.ShockEnded():
                to("current", 0)
            case e.Delivered():
                to("feeder", 1)
                to("feeder", 0, late_ms=50)
            case c.BeginTrial() | c.EndTrial():
                to("trial", isinstance(item, c.BeginTrial))
            case c.BeginComponent(name=name) | c.EndComponent(name=name):
                to(name, isinstance(item, c.BeginComponent))

    def samples(self, seed: int, *, bounce: int = 4, noise: float = 0.05) -> np.ndarray:
        """Shape (n, columns)."""
        random = np.random.default_rng(seed)
        table = np.zeros((self.n, len(self.columns)))
        for column, name in enumerate(self.columns):
            before = 0.0
            for at, value in sorted(self.steps[name]):
                table[at:, column] = value
                chatter = random.integers(0, 2, size=bounce)
                chatter[:1] = 1
                table[at : at + bounce, column] = np.where(chatter == 1, value, before)
                before = value
        return table + random.normal(0, noise, table.shape)


def tail_flicks(table: np.ndarray, columns: list[int], random: np.random.Generator) -> np.ndarray:
    """The other side's beam is brushed for 20 ms, 200 times."""
    for column in columns:
        for at in random.integers(2000, len(table) - 2000, size=200):
            around = table[at - 400 : at + 400, column]
            if (around > 0.5).all() or (around < 0.5).all():
                table[at : at + 20, column] = 1 - table[at : at + 20, column]
    return table


SHUTTLE = usual("shuttle_escape", habituation_s=30)
SHUTTLE_COLUMNS = ["left side", "right side", "trial", "current"]
SHUTTLE_MAP = """
paradigm = "shuttle_escape"
parameters = { habituation_s = 30 }
sample_rate_hz = 1000
channels = [
    { column = 0, role = "side", name = "left", threshold = 0.5, hysteresis = 0.4, debounce_s = 0.1 },
    { column = 1, role = "side", name = "right", threshold = 0.5, hysteresis = 0.4, debounce_s = 0.1 },
    { column = 2, role = "trial", threshold = 0.5, hysteresis = 0.4 },
    { column = 3, role = "shock", threshold = 0.5, hysteresis = 0.4, ma = 0.8, ma_per_unit = 0.4 },
]
"""


def shuttle_session(seed: int) -> tuple[np.ndarray, Score]:
    items = SHUTTLE.journal(seed)
    table = Recorder(items, SHUTTLE_COLUMNS).samples(seed)
    random = np.random.default_rng(seed + 1)
    return tail_flicks(table, [0, 1], random), score_items("shuttle_escape", items, SHUTTLE.parameters)


def same(score: Score, truth: Score, counts: list[str], times: list[str]) -> None:
    assert {name: score.session[name] for name in counts} == {name: truth.session[name] for name in counts}
    assert len(score.rows) == len(truth.rows)
    for row, true in zip(score.rows, truth.rows, strict=True):
        for column in times:
            assert row[column] == (None if true[column] is None else pytest.approx(true[column], abs=2.5 / RATE)), (
                column
            )


@pytest.mark.parametrize("seed", range(4))
def test_a_shuttle_session_is_the_same_without_its_journal(seed: int, tmp_path: Path) -> None:
    table, truth = shuttle_session(seed)
    np.save(tmp_path / "box.npy", table)
    score = score_signals(tmp_path / "box.npy", read_text(SHUTTLE_MAP, SignalMap))
    counts = ["n_trials", "n_avoidances", "n_escapes", "n_failures", "n_trials_invalid", "helpless"]
    same(score, truth, [*counts, "n_intertrial_crossings", "n_habituation_crossings"], ["latency_cs_s", "latency_us_s"])
    assert [row["outcome"] for row in score.rows] == [row["outcome"] for row in truth.rows]
    assert all(row["delivered_ma"] is None or 0.74 < float(row["delivered_ma"]) < 0.86 for row in score.rows)


def test_a_dead_grid_is_seen_in_the_measured_current(tmp_path: Path) -> None:
    table, _ = shuttle_session(0)
    table[:, 3] *= 0.6
    np.save(tmp_path / "box.npy", table)
    score = score_signals(tmp_path / "box.npy", read_text(SHUTTLE_MAP, SignalMap))
    assert score.session["n_escapes"] == score.session["n_failures"] == 0
    assert int(score.session["n_trials_invalid"] or 0) > 0


CONFLICT = {
    "components": [
        {"name": "unpunished", "duration_s": 60, "schedule": "VI 5 s"},
        {"name": "punished", "duration_s": 60, "schedule": "CRF", "cue": "tone", "shock_ma": 0.8},
    ],
    "n_cycles": 2,
    "blackout_s": 10,
}
CONFLICT_COLUMNS = ["left", "unpunished", "punished", "feeder", "current"]
CONFLICT_CHANNELS = (
    Channel(column=0, role="lever", name="left", threshold=0.5, hysteresis=0.4),
    Channel(column=1, role="component", name="unpunished", threshold=0.5, hysteresis=0.4),
    Channel(column=2, role="component", name="punished", threshold=0.5, hysteresis=0.4),
    Channel(column=3, role="feeder", threshold=0.5, hysteresis=0.4),
    Channel(column=4, role="shock", threshold=0.5, hysteresis=0.4, ma=0.8, ma_per_unit=0.4),
)


def test_a_conflict_session_is_the_same_from_every_kind_of_file(tmp_path: Path) -> None:
    import soundfile

    one = usual("geller_seifter", **CONFLICT)
    items = one.journal(seed=5)  # never presses again within the debounce time
    truth = score_items("geller_seifter", items, one.parameters)
    table = Recorder(items, CONFLICT_COLUMNS).samples(3)
    np.save(tmp_path / "box.npy", table.astype(np.float32))
    np.savetxt(tmp_path / "box.csv", table, fmt="%.3f", delimiter=",", header=",".join(CONFLICT_COLUMNS))
    soundfile.write(tmp_path / "box.wav", table / 4, RATE, subtype="PCM_16")
    for file, scale in (("box.npy", 1.0), ("box.csv", 1.0), ("box.wav", 0.25)):
        channels = [
            channel.model_copy(
                update={
                    "threshold": channel.threshold * scale,
                    "hysteresis": channel.hysteresis * scale,
                    "ma_per_unit": channel.ma_per_unit and channel.ma_per_unit / scale,
                }
            )
            for channel in CONFLICT_CHANNELS
        ]
        plan = SignalMap(paradigm="geller_seifter", parameters=CONFLICT, sample_rate_hz=RATE, channels=tuple(channels))
        score = score_signals(tmp_path / file, plan)
        counts = ["n_punished_presses", "n_unpunished_presses", "n_timeout_presses", "n_pellets_unpunished"]
        same(score, truth, [*counts, "n_pellets_punished", "n_shocks_delivered"], ["time_s", "begin_s"])
        assert len(score.responses) == len(truth.responses)


def sides(*runs: tuple[int, str]) -> list[e.Crossed]:
    """Crossings of an animal that is on these sides (l, r, b: both, n: neither) for so many samples."""
    table = np.concatenate([np.tile([side in "lb", side in "rb"], (n, 1)) for n, side in runs]).astype(float)
    channels = [
        Channel(column=i, role="side", name=name, threshold=0.5, debounce_s=0.02)
        for i, name in enumerate(("left", "right"))
    ]
    return [item for item in items_of([table], RATE, channels) if isinstance(item, e.Crossed)]


def test_only_being_wholly_on_the_other_side_is_a_crossing() -> None:
    assert sides((500, "l"), (200, "b"), (500, "r")) == [e.Crossed(700_000, "right")]
    assert sides((500, "l"), (200, "n"), (500, "r")) == [e.Crossed(700_000, "right")]
    assert sides((500, "l"), (200, "b"), (500, "l")) == []  # half a crossing
    assert sides((500, "l"), (900, "b")) == []
    assert sides((500, "l"), (200, "n"), (500, "l")) == []
    assert sides((500, "l"), (10, "b"), (500, "l"), (5, "r"), (500, "l")) == []  # a tail
    assert [one.side for one in sides((300, "r"), (300, "l"), (300, "r"))] == ["left", "right"]


def test_a_tilting_floor_is_one_channel_for_both_sides() -> None:
    floor = Channel(column=0, role="tilt", name="right", off_name="left", threshold=0, hysteresis=0.5, debounce_s=0.1)
    runs = [(500, -1.0), (40, 1.0), (500, -1.0), (500, 1.0), (300, 0.1), (500, 1.0), (500, -1.0)]  # 40 ms: half way
    table = np.concatenate([np.full((n, 1), value) for n, value in runs])
    crossings = [item for item in items_of([table], RATE, [floor]) if isinstance(item, e.Crossed)]
    assert crossings == [e.Crossed(1_040_000, "right"), e.Crossed(2_340_000, "left")]
    crossings = [item for item in items_of([-table], RATE, [floor]) if isinstance(item, e.Crossed)]
    assert [one.side for one in crossings] == ["left", "right"]


def test_what_is_on_from_the_first_sample_is_no_response() -> None:
    lever = Channel(column=0, role="lever", name="left", threshold=0.5)
    head = Channel(column=1, role="head", threshold=0.5)
    table = np.ones((300, 2))
    table[100:] = 0
    items = items_of([table], RATE, [lever, head])
    assert not [item for item in items if isinstance(item, e.LeverPressed | e.HeadEntered)]
    table = 1 - table
    items = items_of([table], RATE, [lever, head])
    assert [item for item in items if isinstance(item, e.LeverPressed | e.HeadEntered)] == [
        e.LeverPressed(100_000, "left"),
        e.HeadEntered(100_000),
    ]


def test_a_response_and_the_end_of_its_trial_at_one_sample_belong_together() -> None:
    channels = [
        Channel(column=0, role="lever", name="left", threshold=0.5),
        Channel(column=1, role="trial", threshold=0.5),
        Channel(column=2, role="shock", threshold=0.5, ma=0.5),
    ]
    table = np.zeros((400, 3))
    table[200:300, 0] = table[100:200, 1] = table[150:200, 2] = 1
    score = score_items("own", items_of([table], RATE, channels), {})
    assert score.responses[0]["trial"] == 1
    assert score.rows[0]["n_shocks_delivered"] == 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('channels = [{ column = 0, role = "lever", threshold = 1 }]', "a lever needs its name"),
        ('channels = [{ column = 0, role = "shock", threshold = 1 }]', "needs ma"),
        ('channels = [{ column = 0, role = "trial", threshold = 1, ma = 1 }]', "for the role shock"),
        ('channels = [{ column = 0, role = "side", name = "left", threshold = 1 }]', "two sides"),
        (
            'channels = [{ column = 0, role = "trial", threshold = 1 }, { column = 0, role = "head", threshold = 1 }]',
            "both",
        ),
        ('channels = [{ column = 0, role = "tilt", name = "right", threshold = 1 }]', "off_name is for the role tilt"),
        (
            'channels = [{ column = 0, role = "head", off_name = "left", threshold = 1 }]',
            "off_name is for the role tilt",
        ),
        ("channels = []", "at least 1"),
        ('channels = [{ column = 0, role = "dial", threshold = 1 }]', "must be one of"),
    ],
)
def test_a_channel_map_that_cannot_be_is_refused(text: str, what: str) -> None:
    with pytest.raises(BadFile, match=what):
        read_text(f'paradigm = "shuttle_escape"\n{text}', SignalMap)


def test_recordings_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    files = {"no.npy": b"no", "no.wav": b"no", "no.txt": b"1"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput, match=name):
            read_blocks(tmp_path / name, RATE)
    with pytest.raises(BadInput, match="no such file"):
        read_blocks(tmp_path / "none.npy", RATE)
    np.save(tmp_path / "flat.npy", np.zeros(5))
    with pytest.raises(BadInput, match="shape"):
        read_blocks(tmp_path / "flat.npy", RATE)
    np.save(tmp_path / "good.npy", np.zeros((5, 1)))
    with pytest.raises(BadInput, match="add sample_rate_hz"):
        read_blocks(tmp_path / "good.npy", None)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3,x\n")
    with pytest.raises(BadInput, match="line 2 on, not a table of numbers"):
        list(read_blocks(tmp_path / "bad.csv", RATE)[1])
    with pytest.raises(BadInput, match="column 3"):
        items_of([np.zeros((5, 2))], RATE, [Channel(column=3, role="trial", threshold=1)])


def test_whatever_outlasts_the_debounce_time_is_found_in_any_session() -> None:
    """The simulated rat may turn round quicker than any real one; such sessions are not asked about."""
    n_asked = 0
    for seed in range(100, 110):
        items = SHUTTLE.journal(seed)
        crossed_us = [item.at_us for item in items if isinstance(item, e.Crossed)]
        shocks_us = [item.duration_us for item in items if isinstance(item, e.ShockEnded)]
        if min(np.diff(crossed_us), default=260_000) < 260_000 or min(shocks_us, default=6_000) < 6_000:
            continue
        n_asked += 1
        table, truth = shuttle_session(seed)
        map_ = read_text(SHUTTLE_MAP, SignalMap)
        score = score_items("shuttle_escape", items_of([table], RATE, map_.channels), SHUTTLE.parameters)
        counts = ["n_trials", "n_avoidances", "n_escapes", "n_failures", "n_trials_invalid", "n_intertrial_crossings"]
        same(score, truth, counts, ["latency_cs_s", "latency_us_s"])
    assert n_asked >= 5


def test_a_shock_line_that_only_says_on_or_off_leaves_the_current_unknown(tmp_path: Path) -> None:
    table, truth = shuttle_session(0)
    np.save(tmp_path / "box.npy", table)
    text = SHUTTLE_MAP.replace(", ma_per_unit = 0.4", "")
    score = score_signals(tmp_path / "box.npy", read_text(text, SignalMap))
    assert score.session["shock_verified"] is False
    assert all(row["shock_verified"] is False and row["delivered_ma"] is None for row in score.rows)
    for count in ("n_escapes", "n_failures", "n_trials_invalid"):
        assert score.session[count] == truth.session[count]
