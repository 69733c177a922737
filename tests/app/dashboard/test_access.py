"""Who may ask the screens for anything: hosts, origins, tokens, read-only, and nothing outside the data folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.dashboard.visitor import HERE, Visitor
from behavior.app.dashboard.access import COOKIE, MAX_BODY_BYTES, Access
from behavior.app.dashboard.serve import addresses, listen
from behavior.app.dashboard.site import HERE as HOME
from behavior.app.dashboard.site import NotHere, Site, application, page, site_of
from behavior.model.errors import BadInput, Failure

TOKEN = "t" * 43


async def told(request: Request) -> Response:
    return JSONResponse({"file": site_of(request).inside(request.query_params["path"]).read_text()})


READ: list[int] = []


async def changed(request: Request) -> Response:
    READ.append(len(await request.body()))
    return JSONResponse({"length": READ[-1]})


async def failing(request: Request) -> Response:
    raise Failure("the device is <b>gone</b>; look for it")


async def shown(request: Request) -> Response:
    return page(request, "sentence.html", sentence="<script>alert(1)</script>")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "data"
    inside.mkdir()
    (inside / "open.txt").write_text("open")
    (inside / "out").symlink_to(tmp_path)
    (inside / "out.txt").symlink_to(tmp_path / "secret.txt")
    return inside


def client(data: Path, access: Access | None = None) -> Visitor:
    routes = [
        Route("/", shown),
        Route("/told", told),
        Route("/changed", changed, methods=["POST"]),
        Route("/failing", failing),
    ]
    return Visitor(application(Site(data, access or Access()), routes))


def test_a_page_of_this_computer_is_shown_escaped_and_may_load_nothing_from_elsewhere(data: Path) -> None:
    answer = client(data).get("/", headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert "&lt;script&gt;" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", sorted(path.name for path in (HOME / "static").iterdir()))
def test_the_files_of_the_pages_are_there_and_name_no_other_place(data: Path, name: str) -> None:
    answer = client(data).get(f"/static/{name}")
    assert answer.status_code == 200
    assert "://" not in answer.text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("name", sorted(path.name for path in (HOME / "templates").iterdir()))
def test_templates_hold_no_script_style_or_other_place(name: str) -> None:
    text = (HOME / "templates" / name).read_text(encoding="utf-8")
    assert "://" not in text and "style=" not in text and "|safe" not in text
    assert text.count("<script") == text.count('<script type="module" src="/static/')


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8737",
        "127.0.0.1.evil.example",
        "localhost.evil:80",
        "192.168.1.5:8737",
        "",
        "[::2]",
    ],
)
def test_on_loopback_another_host_is_refused(data: Path, host: str) -> None:
    answer = client(data).get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "this address is not one of this computer's" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8737", "localhost:9", "LOCALHOST", "[::1]:8737", "[::1]"])
def test_loopback_has_several_names(data: Path, host: str) -> None:
    assert client(data).get("/", headers={"host": host}).status_code == 200


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_no_other_text_passes_for_this_computer(host: str) -> None:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    assert Access().host_is_ours(host) == (name.lower() in ("127.0.0.1", "localhost", "[::1]"))


def test_on_the_lab_network_a_host_is_an_address_or_this_computers_own_name() -> None:
    access = Access(token=TOKEN, everywhere=True)
    for good in ("192.168.1.5:8737", "[fe80::1]:8737", f"{socket.gethostname()}:8737", "localhost:8737"):
        assert access.host_is_ours(good), good
    for bad in ("evil.example:8737", "192.168.1.5.evil.example", ""):
        assert not access.host_is_ours(bad), bad


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1:8737.evil.example"},
        {"origin": HERE, "sec-fetch-site": "cross-site"},
        {},
    ],
    ids=["another site", "none of its own", "another port", "a longer name", "marked by the browser", "without one"],
)
def test_another_sites_change_is_refused(data: Path, headers: dict[str, str]) -> None:
    assert client(data).post("/changed", headers=headers).status_code == 403


def test_our_own_pages_may_change_what_controls_allow(data: Path) -> None:
    assert client(data).post("/changed", headers={"origin": HERE}, content=b"abc").json() == {"length": 3}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_without_controls_nothing_is_changed(data: Path, method: str) -> None:
    answer = client(data, Access(controls=False)).request(method, "/changed", headers={"origin": HERE})
    assert answer.status_code == 403
    assert "read-only" in answer.text


def test_another_site_may_link_to_a_page_and_not_read_it(data: Path) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client(data).get("/", headers=link).status_code == 200
    assert client(data).get("/", headers=link | {"sec-fetch-mode": "cors"}).status_code == 403
    assert client(data).get("/", headers={"origin": "http://evil.example"}).status_code == 403


def test_whoever_sends_too_much_is_hung_up_on(data: Path) -> None:
    READ.clear()
    assert client(data).post("/changed", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    assert READ == []


# -- token ------------------------------------------------------------------------------------------------------------


def test_on_the_lab_network_nothing_is_told_without_the_token(data: Path) -> None:
    one = client(data, Access(controls=False, token=TOKEN, everywhere=True))
    for path in ("/", "/static/style.css", "/favicon.ico", "/nowhere", "/?token=", f"/?token={TOKEN}x"):
        assert one.get(path).status_code == 403, path
    assert one.get("/", headers={"cookie": f"{COOKIE}_8737=é".encode()}).status_code == 403


def test_the_first_visit_with_the_token_takes_it_out_of_the_address(data: Path) -> None:
    one = client(data, Access(controls=False, token=TOKEN, everywhere=True))
    first = one.get(f"/told?path=open.txt&token={TOKEN}")
    assert (first.status_code, first.headers["location"]) == (303, "/told?path=open.txt")
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert one.get(first.headers["location"]).json() == {"file": "open"}


def test_a_token_does_not_lead_to_another_site(data: Path) -> None:
    one = client(data, Access(token=TOKEN))
    assert one.get(f"http://127.0.0.1:8737//evil.example?token={TOKEN}").headers["location"] == "/evil.example"


# -- nothing outside the data folder ----------------------------------------------------------------------------------

OUTSIDE = [
    "../secret.txt", "..", "out/secret.txt", "out", "out.txt", "/etc/passwd", "open.txt/../../secret.txt", "\x00",
    "..\\secret.txt", "x" * 1900, "open.txt/x", "%2e%2e/secret.txt", "~/x", "nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE, ids=range(len(OUTSIDE)))
def test_nothing_outside_the_data_folder_is_served(data: Path, path: str) -> None:
    answer = client(data).get("/told", params={"path": path})
    assert answer.status_code == 404
    assert "secret" not in answer.text and str(data) not in answer.text


def test_what_is_inside_is_served(data: Path) -> None:
    assert client(data).get("/told", params={"path": "open.txt"}).json() == {"file": "open"}


def test_a_pipe_or_a_device_is_never_opened(data: Path) -> None:
    os.mkfifo(data / "pipe")
    with pytest.raises(NotHere):
        Site(data).inside("pipe")


@given(st.text())
def test_no_text_leads_out(path: str) -> None:
    root = Path(__file__).parent
    try:
        found = Site(root).inside(path)
    except NotHere:
        return
    assert found.is_relative_to(root.resolve())


@pytest.mark.parametrize("path", ["/static/../site.py", "/static/%2e%2e/site.py", "/static/..%2fsite.py", "/static/"])
def test_only_static_files_are_static(data: Path, path: str) -> None:
    assert client(data).get(path).status_code == 404


# -- errors -----------------------------------------------------------------------------------------------------------


def test_an_error_is_its_sentence_as_a_page_or_as_json(data: Path) -> None:
    answer = client(data).get("/failing")
    assert (answer.status_code, answer.json()) == (500, {"error": "the device is <b>gone</b>; look for it"})
    as_page = client(data).get("/failing", headers={"accept": "text/html"})
    assert "The device is &lt;b&gt;gone&lt;/b&gt;" in as_page.text
    assert client(data).get("/nowhere", headers={"accept": "text/html"}).status_code == 404


# -- ports ------------------------------------------------------------------------------------------------------------


def test_a_port_in_use_leads_to_the_next_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with listen(0) as first:
        port = first.getsockname()[1]
        with listen(port) as second:
            assert second.getsockname()[0] == "127.0.0.1"
            assert second.getsockname()[1] > port
            assert f"in use; this is on port {second.getsockname()[1]}." in capsys.readouterr().err


def test_a_port_that_is_none_is_a_sentence() -> None:
    with pytest.raises(BadInput, match="--port: must be from 0 to 65535"):
        listen(70_000)


def test_the_address_holds_the_token_where_one_is_needed() -> None:
    assert addresses(80, Access()) == ["http://127.0.0.1:80/"]
    assert addresses(80, Access(token=TOKEN)) == [f"http://127.0.0.1:80/?token={TOKEN}"]
    others = addresses(80, Access(token=TOKEN, everywhere=True))
    assert len(others) == 2 and all(one.endswith(f"?token={TOKEN}") for one in others)
