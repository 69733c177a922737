"""Serial ports as they are: on a pseudo-terminal, with everything that goes wrong when one is opened or pulled."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from behavior.devices.transport import (
    MemoryTransport,
    SerialTransport,
    TcpTransport,
    TransportLost,
    _cannot_open,
    transport_to,
)
from behavior.model.errors import BadInput, Failure
from behavior.simulate.devices import Faults, simulated

tty = pytest.importorskip("tty", reason="pseudo-terminals need Linux or macOS")


@pytest.fixture
def pair() -> Iterator[tuple[int, SerialTransport]]:
    """The far end of a line as a file, and a transport that is open at the near end."""
    far, near = os.openpty()
    tty.setraw(near)
    transport = SerialTransport(os.ttyname(near))
    transport.open()
    yield far, transport
    transport.close()
    for end in (far, near):
        try:
            os.close(end)
        except OSError as error:
            assert error.errno == errno.EBADF, "closed by the test"


def test_bytes_pass_both_ways_unchanged(pair: tuple[int, SerialTransport]) -> None:
    far, transport = pair
    every = bytes(range(256))
    transport.write(every)
    arrived = b""
    while len(arrived) < 256:
        arrived += os.read(far, 1_000)
    assert arrived == every
    os.write(far, every)
    heard = b""
    while len(heard) < 256:
        heard += transport.read()
    assert heard == every


def test_nothing_is_there_is_no_bytes(pair: tuple[int, SerialTransport]) -> None:
    assert pair[1].read() == b""


def test_a_port_can_be_waited_for_until_bytes_are_there(pair: tuple[int, SerialTransport]) -> None:
    far, transport = pair
    port = transport.fileno()
    assert port is not None
    assert select.select([port], [], [], 0)[0] == []
    os.write(far, b"x")
    assert select.select([port], [], [], 60)[0] == [port]
    assert transport.read() == b"x"
    transport.close()
    assert transport.fileno() is None


def test_a_port_is_for_one_program(pair: tuple[int, SerialTransport]) -> None:
    second = SerialTransport(pair[1].name)
    with pytest.raises(BadInput, match="another program has this port open; close it and try again"):
        second.open()


def test_a_pulled_plug_is_one_error(pair: tuple[int, SerialTransport]) -> None:
    far, transport = pair
    os.close(far)
    with pytest.raises(TransportLost, match=transport.name):
        for _ in range(100):
            transport.write(b"x")
            transport.read()


def test_what_is_closed_is_lost_and_may_be_closed_again(pair: tuple[int, SerialTransport]) -> None:
    transport = pair[1]
    transport.close()
    transport.close()
    with pytest.raises(TransportLost, match="is closed"):
        transport.read()
    with pytest.raises(TransportLost, match="is closed"):
        transport.write(b"x")


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="/dev/ttyNONE: there is no such port; plug the device in"):
        SerialTransport("/dev/ttyNONE").open()


def test_what_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("")
    with pytest.raises(Failure, match="cannot be opened as a serial port"):
        SerialTransport(str(file)).open()


@pytest.mark.parametrize(("error", "kind", "sentence"), [
    (serial.SerialException(errno.EACCES, "Permission denied"), BadInput, "join the group `dialout`"),
    (serial.SerialException("could not open port 'COM3': PermissionError(13, 'Access')"), BadInput, "close what else"),
    (serial.SerialException("could not open port 'COM3': FileNotFoundError(2)"), BadInput, "there is no such port"),
    (OSError(errno.EBUSY, "busy"), BadInput, "another program"),
    (ValueError("Invalid baud rate: 1000000"), Failure, "cannot be opened as a serial port"),
], ids=["no permission", "in use on Windows", "no port on Windows", "busy", "no such speed"])  # fmt: skip
def test_each_way_to_fail_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], sentence: str
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(serial, "Serial", fails)
    with pytest.raises(kind, match=sentence):
        SerialTransport("COM3").open()


def test_a_port_that_dies_inside_the_driver_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying:
        in_waiting = 0

        def __init__(self, *args: object, **kwargs: object) -> None: ...

        def read(self, n: int) -> bytes:
            raise TypeError("pyserial, when another thread closed the port")

        def write(self, data: bytes) -> int:
            raise OSError(errno.EIO, "Input/output error")

        def close(self) -> None:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(serial, "Serial", Dying)
    transport = SerialTransport("COM3")
    transport.open()
    with pytest.raises(TransportLost):
        transport.read()
    with pytest.raises(TransportLost):
        transport.write(b"x")
    transport.close()


def test_memory_stands_in_for_a_port() -> None:
    device = simulated("shock_controller")
    transport = MemoryTransport(device, lambda: 0)
    with pytest.raises(TransportLost, match="is closed"):
        transport.read()
    transport.open()
    device.suffer(Faults(unplugged=True), 0)
    for act in (transport.read, lambda: transport.write(b"x")):
        with pytest.raises(TransportLost, match="unplugged"):
            act()
    transport.close()
    with pytest.raises(BadInput, match="there is no such port"):
        transport.open()


# ---- TCP


@pytest.fixture
def host() -> Iterator[tuple[socket.socket, TcpTransport]]:
    """The device's end of a connection, and a transport that is open at the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = TcpTransport(f"socket://127.0.0.1:{listener.getsockname()[1]}")
        transport.open()
        end, _ = listener.accept()
        with end:
            yield end, transport
        transport.close()


def test_bytes_pass_a_connection_unchanged(host: tuple[socket.socket, TcpTransport]) -> None:
    end, transport = host
    assert transport.read() == b""
    transport.write(bytes(range(256)))
    arrived = b""
    while len(arrived) < 256:
        arrived += end.recv(1_000)
    assert arrived == bytes(range(256))
    end.sendall(arrived)
    heard = b""
    while len(heard) < 256:
        heard += transport.read()
    assert heard == arrived


def test_a_connection_that_ends_is_lost(host: tuple[socket.socket, TcpTransport]) -> None:
    end, transport = host
    end.close()
    with pytest.raises(TransportLost, match="the other side closed the connection"):
        transport.read()
    transport.close()
    transport.close()
    with pytest.raises(TransportLost, match="is closed"):
        transport.write(b"x")


@pytest.mark.parametrize("url", ["socket://", "socket://here", "socket://here:x", "socket://:5000", "socket://h:70000"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(BadInput, match=r"not an address; write it as in socket://127.0.0.1:5000"):
        transport_to(url).open()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Failure, match=r"nobody listens there .*; start the device or mend the address"):
        transport_to(f"socket://127.0.0.1:{port}").open()


def test_a_connection_that_breaks_as_it_is_made_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Broken(socket.socket):
        def setsockopt(self, *given: object) -> None:  # type: ignore[override]
            made.append(self)
            raise OSError(errno.ECONNRESET, "Connection reset by peer")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(socket, "socket", Broken)
        with pytest.raises(Failure, match=r"nobody listens there \(Connection reset by peer\)"):
            TcpTransport(f"socket://127.0.0.1:{listener.getsockname()[1]}").open()
    assert [one.fileno() for one in made] == [-1], "closed"


def test_a_name_without_a_scheme_is_a_serial_port() -> None:
    assert isinstance(transport_to("/dev/ttyACM0"), SerialTransport)


def test_the_group_that_may_open_a_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "group", lambda self: "uucp")
    assert "join the group `uucp` (`sudo usermod -aG uucp $USER`)" in str(
        _cannot_open("/dev/ttyACM0", PermissionError(errno.EACCES, "no"))
    )
