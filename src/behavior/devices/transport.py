"""How bytes reach a device. A transport knows nothing of what they mean.

One interface: `open`, `write`, `read` (what is there, or nothing), `close`. Behind it a serial port (real or a
pseudo-terminal), a TCP connection (`socket://host:port`), or a simulated device in memory. Whatever goes wrong once it
is open is one error, `TransportLost`.
"""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

BAUD = 1_000_000
READ_TIMEOUT_S = 0.02
MOST_BYTES = 1 << 16
POSIX = os.name == "posix"
HELD = "another program has this port open"
SOCKET = "socket://"


class TransportLost(Exception):
    """The bytes do not flow any more: unplugged, powered off, closed."""


class Transport(Protocol):
    """A way for bytes to one device."""

    name: str
    """What a person calls it: a port, "memory"."""
    instant: bool
    """Whether what the device answers to a write can be read at once, so that nothing is worth waiting for."""

    def open(self) -> None:
        """Begin. Raises `BadInput` or `Failure` with a sentence for a person."""

    def write(self, data: bytes) -> None:
        """Send all of these bytes. Raises `TransportLost`."""

    def read(self) -> bytes:
        """What has arrived; if nothing has, wait a moment, then give nothing. Raises `TransportLost`."""

    def fileno(self) -> int | None:
        """What the system can wait for until there is something to read; None: a thread has to read."""

    def close(self) -> None:
        """End. Does nothing if it has ended already."""


class SerialTransport:
    """A serial port, 8N1 at 1 Mbaud, DTR asserted while it is open.

    Parameters
    ----------
    port : as the operating system names it, `/dev/ttyACM0` or `COM3`; a pseudo-terminal works too
    """

    instant = False

    def __init__(self, port: str, *, baud: int = BAUD) -> None:
        self.name = port
        self._baud = baud
        self._serial: Any = None

    def open(self) -> None:
        """Open the port for this program alone.

        Raises
        ------
        BadInput
            There is no such port, we may not open it, or another program has it.
        Failure
            It does not take our settings.
        """
        import serial

        try:
            self._serial = serial.Serial(
                self.name, self._baud, timeout=READ_TIMEOUT_S, write_timeout=1.0, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise _cannot_open(self.name, error) from None

    def write(self, data: bytes) -> None:
        """Send all of these bytes."""
        self._guarded(lambda port: port.write(data))

    def read(self) -> bytes:
        """What has arrived within 20 ms."""
        return bytes(self._guarded(_read_at_once if POSIX else lambda port: port.read(port.in_waiting or 1)))

    def fileno(self) -> int | None:
        """The port's file number; Windows has none that can be waited for."""
        return int(self._serial.fileno()) if POSIX and self._serial is not None else None

    def close(self) -> None:
        """Close the port; DTR falls, so that the device may tell that nobody is there."""
        port, self._serial = self._serial, None
        if port is not None:
            try:
                port.close()
            except OSError:  # it is gone already, which is what was wanted
                return

    def _guarded(self, act: Callable[[Any], Any]) -> Any:
        import serial

        if self._serial is None:
            raise TransportLost(f"{self.name} is closed")
        try:
            return act(self._serial)
        except (serial.SerialException, OSError, TypeError, AttributeError) as error:
            # pyserial raises the last two when another thread closes the port while it reads
            raise TransportLost(f"{self.name}: {error}") from None


class TcpTransport:
    """A device behind a TCP connection, as simulated ones are where there are no pseudo-terminals.

    Parameters
    ----------
    url : `socket://host:port`
    """

    instant = False

    def __init__(self, url: str) -> None:
        self.name = url
        self._socket: Any = None

    def open(self) -> None:
        """Connect.

        Raises
        ------
        BadInput
            The address is none.
        Failure
            Nobody listens there.
        """
        import socket

        host, _, port = self.name.removeprefix(SOCKET).rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) < 65_536):
            raise BadInput(f"{self.name}: not an address; write it as in {SOCKET}127.0.0.1:5000")
        try:
            self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=5.0)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self.close()
            why = error.strerror or "no answer within 5 s"
            raise Failure(f"{self.name}: nobody listens there ({why}); start the device or mend the address") from None
        self._socket.settimeout(READ_TIMEOUT_S)

    def write(self, data: bytes) -> None:
        """Send all of these bytes."""
        try:
            self._guarded(lambda link: link.sendall(data))
        except TimeoutError:
            raise TransportLost(f"{self.name}: takes no more bytes") from None

    def read(self) -> bytes:
        """What has arrived within 20 ms."""
        try:
            data = bytes(self._guarded(lambda link: link.recv(65_536)))
        except TimeoutError:
            return b""
        if not data:
            raise TransportLost(f"{self.name}: the other side closed the connection")
        return data

    def fileno(self) -> int | None:
        """The connection's file number, which every system can wait for."""
        return None if self._socket is None else int(self._socket.fileno())

    def close(self) -> None:
        """End the connection; the device sees it."""
        link, self._socket = self._socket, None
        if link is not None:
            link.close()

    def _guarded(self, act: Callable[[Any], Any]) -> Any:
        if self._socket is None:
            raise TransportLost(f"{self.name} is closed")
        try:
            return act(self._socket)
        except TimeoutError:
            raise
        except OSError as error:
            raise TransportLost(f"{self.name}: {error}") from None


def transport_to(port: str, *, baud: int = BAUD) -> SerialTransport | TcpTransport:
    """The transport to a port as a person or the operating system names it: a serial one, or `socket://host:port`."""
    return TcpTransport(port) if port.startswith(SOCKET) else SerialTransport(port, baud=baud)


def _read_at_once(port: Any) -> bytes:
    """Read with one call to the system where bytes are there, instead of the four that pyserial makes."""
    fd = port.fileno()
    if data := os.read(fd, MOST_BYTES):
        return data
    if not select.select([fd], [], [], READ_TIMEOUT_S)[0]:
        return b""
    data = os.read(fd, MOST_BYTES)
    if not data:
        raise OSError("ready to be read, and nothing is there: unplugged")
    return data


def _cannot_open(port: str, error: Exception) -> BadInput | Failure:
    import errno

    code, text = getattr(error, "errno", None), str(error)
    if code == errno.ENOENT or "FileNotFoundError" in text:
        return BadInput(
            f"{port}: there is no such port; plug the device in, or see what is there with `behavior devices`"
        )
    if code == errno.EACCES or "PermissionError" in text:
        group = _group_of(port)
        return BadInput(
            f"{port}: we may not open it; close what else uses it, or on Linux join the group `{group}` "
            f"(`sudo usermod -aG {group} $USER`) and log in again"
        )
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return BadInput(f"{port}: {HELD}; close it and try again")
    return Failure(f"{port}: cannot be opened as a serial port ({text}); check that it is the device's port")


def _group_of(port: str) -> str:
    """The group that may open a port: `dialout` on Debian, `uucp` on Arch, whatever the file says."""
    try:
        return Path(port).group()
    except (OSError, KeyError, NotImplementedError):  # no such file, a group without a name, or no groups at all
        return "dialout"


class BytePeer(Protocol):
    """What stands at the other end of a `MemoryTransport`: a simulated device."""

    def receive(self, data: bytes, now_us: int) -> None:
        """Take bytes from the host."""

    def advance(self, now_us: int) -> None:
        """Do what is due by now."""

    def take_outgoing(self) -> bytes:
        """Give the bytes for the host."""

    @property
    def unplugged(self) -> bool:
        """Whether somebody pulled the plug."""


class NoTransport:
    """For a device without a port: it is wired to another's lines, and its driver speaks through that one's."""

    instant = True
    name = "another device's lines"

    def open(self) -> None:
        """Nothing is to be opened."""

    def write(self, data: bytes) -> None:
        """Nothing is ever said here."""

    def read(self) -> bytes:
        """Nothing is ever heard here."""
        return b""

    def fileno(self) -> int | None:
        """There is nothing to wait for."""
        return None

    def close(self) -> None:
        """Nothing is to be closed."""


class MemoryTransport:
    """A simulated device in the same process, at a time that the caller keeps.

    Parameters
    ----------
    peer : the simulated device
    clock_us : tells the time, real or virtual
    """

    instant = True

    def __init__(self, peer: BytePeer, clock_us: Callable[[], int], *, name: str = "memory") -> None:
        self.name = name
        self._peer = peer
        self._clock_us = clock_us
        self._is_open = False

    def open(self) -> None:
        """Begin."""
        if self._peer.unplugged:
            raise BadInput(f"{self.name}: there is no such port; plug the device in")
        self._is_open = True

    def write(self, data: bytes) -> None:
        """Send bytes; the answer can be read at once."""
        self._check()
        self._peer.receive(data, self._clock_us())

    def read(self) -> bytes:
        """What the device has said until now."""
        self._check()
        self._peer.advance(self._clock_us())
        return self._peer.take_outgoing()

    def fileno(self) -> None:
        """Nothing that a system knows."""

    def close(self) -> None:
        """End."""
        self._is_open = False

    def _check(self) -> None:
        if not self._is_open:
            raise TransportLost(f"{self.name} is closed")
        if self._peer.unplugged:
            raise TransportLost(f"{self.name}: unplugged")
