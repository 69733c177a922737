"""The table of measured figures: what is read from what benches print, and that each is one that can be run."""

from __future__ import annotations

import json
import runpy
import shlex
from typing import Any

import pytest

from docs.pages import ROOT

PRINTED = {
    "start": "behavior --help 177 ms, --version 170 ms, python alone 11 ms: ratio 15.5\n",
    "sessions": (
        "one hour at core depth: 2.3 ms, 1.12 times json.loads of its journal\n"
        "one hour with every byte: 0.45 s, 208 times json.loads of its journal\n"
        "replay from lines: 812,345 lines a second, 1.20 times json.loads\n"
    ),
    "latency": (
        "one chamber: echo loop             p50   0.160 ms  p99   0.320 ms  p99.9   1.650 ms  worst    2.00 ms  n 950\n"
        "one chamber: session               p50   0.380 ms  p99   0.660 ms  p99.9   1.970 ms  worst    3.00 ms  n 950"
        "      2.4x    2.1x    1.2x\n"
        "8 chambers, detector: session      p50   0.370 ms  p99   1.700 ms  p99.9   3.500 ms  worst    9.00 ms  n 4"
        "      2.8x    3.9x    1.1x\n"
    ),
}
VALUES = {
    "start": ["15.5", "177"],
    "sessions": ["1.12", "208", "1.20", "2.3", "812,345"],
    "latency": ["2.4", "0.380", "0.660", "0.370", "1.700"],
}


@pytest.fixture(scope="module")
def gather() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tests" / "bench" / "gather.py"))


@pytest.mark.parametrize("name", PRINTED)
def test_figures_are_read_from_what_is_printed(gather: dict[str, Any], name: str) -> None:
    found = gather["measured"](gather["BENCHES"][name], PRINTED[name])
    assert [one["value"] for one in found["figures"]] == VALUES[name]


def test_a_figure_that_is_not_there_is_said(gather: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match="prints no `behavior --help`"):
        gather["measured"](gather["BENCHES"]["start"], "nothing")


def test_every_bench_is_there_and_every_ratio_names_what_it_is_to(gather: dict[str, Any]) -> None:
    for bench in gather["BENCHES"].values():
        (script,) = (word for word in shlex.split(bench.command) if word.endswith(".py"))
        assert (ROOT / script).is_file()
        assert all(bool(one.against) == (one.unit == "times") for one in bench.figures)


def test_what_is_kept_is_of_benches_that_there_are(gather: dict[str, Any]) -> None:
    kept = json.loads((ROOT / "docs" / "measured.json").read_text(encoding="utf-8"))
    assert set(kept) <= set(gather["BENCHES"])
    for name, bench in kept.items():
        assert [one["what"] for one in bench["figures"]] == [one.what for one in gather["BENCHES"][name].figures]
        assert bench["command"] == gather["BENCHES"][name].command
