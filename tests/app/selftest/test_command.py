"""The command: what is printed and written, what is left out of it, and how it ends."""

from __future__ import annotations

import getpass
import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands import Finished, behavior
from behavior.app import cli
from behavior.app.selftest import command, detection
from behavior.app.selftest.finding import Finding
from behavior.app.selftest.page import as_html, as_text, cleaned, private, without
from behavior.simulate.acoustics import TrueCall
from behavior.usv.detect import Detector

GOOD = Finding("disk", "good", ("a line takes 7 µs", "second <line>"), {"p50_ms": 0.5})
Parts = Callable[..., Iterator[tuple[str, Callable[[], Finding]]]]


def parts(*findings: Finding | Exception) -> Parts:
    def made(one: Finding | Exception) -> Callable[[], Finding]:
        def part() -> Finding:
            if isinstance(one, Exception):
                raise one
            return one

        return part

    return lambda data, *, listens: iter([(f"part {k}", made(one)) for k, one in enumerate(findings)])


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """The command in this process, so that what it does can be replaced."""

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr("sys.argv", ["behavior", "selftest", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Finished(int(ended.value.code or 0), *capsys.readouterr())

    return run


Here = Callable[..., Finished]


def test_this_machine_passes_and_the_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = behavior("selftest", "--no-listen", "--out", "page.html")
    assert done.code == 0, done.out + done.err
    kinds = re.findall(r"^(\S+) +([a-z ]+): ", done.out, re.MULTILINE)
    assert [name for _, name in kinds] == [
        "machine", "packages", "shipped files", "ports", "timing", "disk", "loopback", "sound", "compiled code",
        "calls", "simulated sessions",
    ]  # fmt: skip
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"<td>{name}</td>" in page for _, name in kinds)
    assert str(tmp_path) not in page + done.out


def test_what_is_wrong_ends_with_1_and_is_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Finding("packages", "WRONG", ("numpy is not installed",))
    monkeypatch.setattr(command, "all_parts", parts(GOOD, wrong, ZeroDivisionError("by zero"), GOOD))
    done = here()
    assert done.code == 1
    assert done.err == "behavior: 2 of 4 parts are wrong here: packages, part 2; see above\n"
    assert "WRONG  part 2: this part of the test itself failed (ZeroDivisionError: by zero)" in done.out
    assert done.out.count("good   disk") == 2, "one that breaks does not keep the next from being tried"


def test_json_is_for_programs(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "all_parts", parts(GOOD))
    out = tmp_path / "page.json"
    done = here("--json", "--out", out)
    (one,) = json.loads(done.out)
    assert (one["state"], one["figures"]) == ("good", {"p50_ms": 0.5})
    assert json.loads(out.read_text(encoding="utf-8")) == [one]


def test_a_page_is_never_written_over(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "all_parts", parts(GOOD))
    there = tmp_path / "there.txt"
    there.write_text("mine")
    done = here("--out", there)
    assert (done.code, done.out, there.read_text()) == (2, "", "mine")
    assert "is there already and is never overwritten" in done.err
    assert here("--out", tmp_path / "page.pdf").err.endswith(".txt, .html, .json; name it so\n")
    done = here("--out", tmp_path / "none" / "page.txt")
    assert (done.code, "cannot be written" in done.err) == (2, True)


def test_names_stand_in_the_page_only_when_asked(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    who = Finding(
        "disk", "note", (f"{Path.home()} of {getpass.getuser()} on {socket.gethostname()}",), {"at": [str(tmp_path)]}
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "all_parts", parts(who))
    done = here("--json")
    assert json.loads(done.out)[0]["says"] == ["HOME of USER on HOST"]
    assert json.loads(done.out)[0]["figures"] == {"at": ["HERE"]}
    assert str(Path.home()) in here("--with-names").out


def test_a_name_is_replaced_where_it_stands_alone() -> None:
    words = [("/Users/ann", "HOME"), ("ann", "USER")]
    assert without("/Users/ann/x: ann's channel, annex", words) == "HOME/x: USER's channel, annex"


@given(st.text(max_size=60), st.text("/abc", min_size=2, max_size=8))
def test_a_folder_that_is_private_is_nowhere(text: str, folder: str) -> None:
    hidden = f"/home/{folder}"
    assert hidden not in without(f"{text}{hidden}{text}", [(hidden, "HOME")])


def test_without_a_home_or_a_user_there_is_nothing_to_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert "USER" not in [word for _, word in private()]


def test_html_is_escaped_and_text_is_indented() -> None:
    assert "second &lt;line&gt;" in as_html([GOOD])
    assert as_text(GOOD).splitlines()[1] == "       second <line>"
    assert cleaned(GOOD, []) == GOOD


def test_known_calls_are_found() -> None:
    found = detection.detection()
    assert (found.state, found.figures["n_found"]) == ("good", 3), found.says


def test_a_detector_that_misses_or_invents_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = detection.searched(detection.PLANNED, detection.FILE_BLOCK)
    truth = [TrueCall(call.onset_s, call.offset_s, 0, 0, "22-kHz") for call in calls]
    assert detection.missed(truth, calls) == []
    assert detection.missed(truth, calls[:2]) == ["call 3 is missing"]
    assert detection.missed(truth[:2], calls) == ["call 3 is one too many"]
    assert "and truly at" in detection.missed(truth[1:], calls[:2])[0]
    monkeypatch.setattr(Detector, "push", lambda self, block: [])
    monkeypatch.setattr(Detector, "flush", lambda self: calls[:1])
    found = detection.detection()
    assert found.state == "WRONG"
    assert "1 calls were found in an empty box" in found.says
