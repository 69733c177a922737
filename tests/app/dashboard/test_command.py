"""`behavior dashboard` as a process: its address, the next free port, what it answers, and its end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import httpx
import pytest

from app.commands import behavior
from browser.lab import Screens, screens

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs signals as Linux and macOS have them"
)


def test_two_boards_have_two_ports_and_both_answer(tmp_path: Path) -> None:
    with screens(tmp_path) as first:
        port = int(first.address.rsplit(":", 1)[1])
        second = Screens(tmp_path, "--read-only")
        try:
            second.end()
            other = second.begin(port)
            assert int(other.rsplit(":", 1)[1]) > port
            for address in (first.address, other):
                assert "Live board" in httpx.get(address).text
                assert httpx.get(address, headers={"host": "evil.example"}).status_code == 403
            assert "read-only" in httpx.get(other).text
        finally:
            second.kill()


def test_it_ends_by_ctrl_c_although_a_page_listens(tmp_path: Path) -> None:
    with (
        screens(tmp_path) as one,
        httpx.stream("GET", f"{one.address}/board/events", timeout=60) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "retry: 500"
        one.process.send_signal(signal.SIGINT)
        one.process.communicate(timeout=60)
        assert one.process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere: there is no such folder; name the one that `behavior run` writes to, or make it"),
        ([".", "--port", 99999], "--port: must be from 0 to 65535 (is 99999)"),
        ([".", "--simulate"], "--simulate is for starting sessions; name the rig with --rig"),
        ([".", "--rig", "nonesuch"], "nonesuch: there is no such file, and no shipped one of this name"),
    ],
    ids=["no folder", "no port", "no rig to simulate", "no such rig"],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, arguments: list[object], sentence: str) -> None:
    done = behavior("dashboard", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err and done.err.count("\n") == 1
