"""The README's tour: each of its commands is run here, or on a page that tells more."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.pages import ROOT
from docs.stories import PASSPHRASE, STORIES, Story, nights, study
from docs.telling import run


def nothing() -> None:
    """A folder without anything."""


def archive() -> None:
    study()
    Path("archive").symlink_to("data")


def box() -> None:
    """Sampled levers and beams of a session."""
    import soundfile

    from scoring.test_signals import RATE, SHUTTLE_MAP, shuttle_session

    table, _ = shuttle_session(2)
    soundfile.write("box.wav", table, RATE, subtype="DOUBLE")
    Path("map.toml").write_text(SHUTTLE_MAP, encoding="utf-8")


def flac() -> None:
    """The second night as FLAC."""
    import soundfile

    nights()
    sound, rate = soundfile.read("night2.wav", dtype="int16")
    soundfile.write("night2.flac", sound, rate)


def marked() -> None:
    """A person's table, and the detector's."""
    nights()
    Path("night1.selections.txt").rename("truth.selections.txt")
    Path("calls.csv").write_text("file,onset_s,offset_s\ntruth.wav,0.5,1.3\n", encoding="utf-8")


HERE: dict[str, Callable[[], None]] = {
    "behavior run simulated": nothing,
    "behavior dashboard": study,
    "behavior design": nothing,
    "behavior verify": study,
    "behavior rescore data": study,
    "behavior rescore archive": archive,
    "behavior rescore box.wav": box,
    "behavior review": study,
    "behavior devices": nothing,
    "behavior bench": nothing,
    "behavior propose": study,
    "behavior detect": flac,
    "behavior convert data": study,
    "behavior agreement": marked,
}
"""How a command begins that is run here, and what is there before."""
ELSEWHERE = {
    "behavior power": "docs/how-to/design-a-study.md",
    "behavior unblind": "docs/how-to/design-a-study.md",
    "behavior simulate": "docs/tutorial/first-study.md",
    "behavior resume": "docs/how-to/resume-after-a-crash.md",
    "behavior selftest": "docs/how-to/report-a-problem.md",
    "behavior convert shelf": "docs/tutorial/from-a-med-pc-shelf.md",
    "behavior summarize": "docs/how-to/summarize-a-study.md",
    "behavior audio-check": "docs/how-to/record-ultrasound.md",
}
"""Which page tells more, and is run."""


def tour() -> list[str]:
    """The commands of the README's table."""
    table = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("## A tour")[2].partition("\n\nA **paradigm**")[0]
    )
    return re.findall(r"`(behavior [^`]+)`", table)


def begins(command: str, among: dict[str, object]) -> bool:
    return any(command.startswith(one) for one in among)


def test_every_command_of_the_tour_is_run_somewhere() -> None:
    assert [one for one in tour() if begins(one, {**HERE}) == begins(one, {**ELSEWHERE})] == []
    told = {page: (ROOT / page).read_text(encoding="utf-8") for page in ELSEWHERE.values()}
    assert [one for one, page in ELSEWHERE.items() if " ".join(one.split()[:2]) not in told[page]] == []
    assert set(ELSEWHERE.values()) - STORIES.keys() == {"docs/how-to/record-ultrasound.md"}, "it needs a microphone"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal to stand for a person's")
@pytest.mark.parametrize("command", [one for one in tour() if begins(one, {**HERE})])
def test_a_command_of_the_tour_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in PASSPHRASE.items():
        monkeypatch.setenv(name, value)
    next(prepare for start, prepare in HERE.items() if command.startswith(start))()
    run(command, Story(""), {}, monkeypatch, capsys)
