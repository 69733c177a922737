"""Who can reach this computer's ports: nobody from elsewhere, unless somebody asked for it in as many words."""

from __future__ import annotations

import ast
import ipaddress
import re
import socket

import pytest

from behavior.app.dashboard.access import Access
from behavior.app.dashboard.serve import listen
from behavior.app.dashboard.token import token_for
from behavior.model.errors import BadInput
from behavior.simulate.serve import TcpWire
from conftest import ROOT

SOURCE = ROOT / "src" / "behavior"
LISTENERS = {"app/dashboard/serve.py", "app/selftest/machine.py", "simulate/serve.py"}
"""Modules that open a listening socket."""


def is_loopback(one: socket.socket) -> bool:
    return ipaddress.ip_address(one.getsockname()[0]).is_loopback


def test_listening_sockets_are_opened_in_known_places_only() -> None:
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                text = ast.unparse(node.func)
                if text.endswith((".bind", "create_server", "start_server", "serve_forever")):
                    found.add(path.relative_to(SOURCE).as_posix())
    assert found == LISTENERS


def test_the_screens_listen_on_loopback() -> None:
    with listen(0) as one:
        assert is_loopback(one)
    with listen(0, everywhere=True) as one:
        assert one.getsockname()[0] == "0.0.0.0"


def test_simulated_devices_listen_on_loopback() -> None:
    port = TcpWire()
    try:
        assert port.port.startswith("socket://127.0.0.1:")
        assert is_loopback(port._listener)
    finally:
        port.cut()


def test_other_computers_never_look_without_a_token() -> None:
    with pytest.raises(ValueError, match="without a token"):
        Access(everywhere=True)
    with pytest.raises(BadInput, match="--no-token: other computers look with a token only"):
        token_for(lab_network=True, wanted=False)
    assert token_for(lab_network=False, wanted=False) is None
    assert len({token_for(lab_network=True, wanted=True) for _ in range(3)}) == 3, "a new one each time"


def test_no_address_of_elsewhere_stands_in_the_sources() -> None:
    """Nothing is fetched and nothing is told: no telemetry, no update check, no CDN."""
    known = re.compile(r"https?://(127\.0\.0\.1|localhost|\{host\}|www\.w3\.org/2000/svg|www\.w3\.org/1999)")
    for path in (one for one in SOURCE.rglob("*") if one.suffix in {".py", ".js", ".html", ".css", ".svg"}):
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(r"[\"'(`]https?://[^\s\"')`]+", text):
            assert known.match(found[0][1:]), f"{path}: {found[0]}"
