"""What the terminal shows of a session that runs."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from behavior.session.folder import SessionFolder


def say(text: str) -> None:
    """Write to the terminal at once, if there still is one: a screen that fails does not end a session."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


class Board:
    """One line on the terminal: time, where in the session, responses, deliveries, shocks of those allowed, calls."""

    def __init__(self, folder: SessionFolder) -> None:
        self._limit = int(folder.header.limits["max_count"])
        self._where, self._responses, self._deliveries, self._shocks, self._shown_us = "", 0, 0, 0, -1_000_000
        self._calls = 0
        self._rewrites = sys.stderr.isatty()

    def take(self, item: object) -> None:
        """Count an item of the journal."""
        match type(item).__name__:
            case "BeginComponent":
                self._where = str(item.name)  # type: ignore[attr-defined]
            case "BeginTrial":
                self._where = f"trial {item.trial}"  # type: ignore[attr-defined]
            case "LeverPressed":
                self._responses += 1
            case "Delivered":
                self._deliveries += 1
            case "ShockEnded":
                self._shocks += 1
            case "CallHeard":
                self._calls += 1
            case "SoundLost" if item.n_samples:  # type: ignore[attr-defined]
                self.clear()
                lost = f"{item.n_samples} samples of sound were lost ({item.cause})"  # type: ignore[attr-defined]
                say(f"warning: {lost}; that time is silent\n")
            case "MicrophoneLost" | "MicrophoneRestored" as what:
                self.clear()
                word = "is back"
                if what == "MicrophoneLost":
                    word = f"is LOST ({item.cause}); nothing is heard, it is looked for"  # type: ignore[attr-defined]
                bell = "\a" if self._rewrites else ""
                say(f"{bell}warning: the microphone {word}\n")
            case "Disturbed":
                self.clear()
                say(
                    f"warning: the wire to {item.device} is disturbed: {item.n_bytes} bytes made no sense, "  # type: ignore[attr-defined]
                    f"{item.n_requests} requests had no answer in time; responses of that time may be missing\n"  # type: ignore[attr-defined]
                )
            case "LinkLost" | "LinkRestored" as what:
                self.clear()
                word = "is LOST; looking for it" if what == "LinkLost" else "is back; its trial counts as interrupted"
                bell = "\a" if self._rewrites else ""
                say(f"{bell}warning: the link to {item.device} {word}\n")  # type: ignore[attr-defined]

    def show(self, now_us: int) -> None:
        """Rewrite the line, twice a second."""
        if self._rewrites and now_us - self._shown_us >= 500_000:
            self._shown_us = now_us
            minutes, seconds = divmod(now_us // 1_000_000, 60)
            calls = f"  calls {self._calls}" if self._calls else ""
            say(
                f"\r\033[K{minutes:3d}:{seconds:02d}  {self._where}  responses {self._responses}  "
                f"deliveries {self._deliveries}  shocks {self._shocks}/{self._limit}{calls}  (Ctrl-C ends the session)"
            )

    def clear(self) -> None:
        """Leave the terminal's line empty."""
        if self._rewrites:
            say("\r\033[K")
