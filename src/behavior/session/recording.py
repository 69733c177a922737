"""What records the chamber's sound, as a session sees it."""

from __future__ import annotations

from typing import Protocol

from behavior.model.events import RecordingEnded, RecordingStarted


class Recorder(Protocol):
    """A microphone with somewhere to write to."""

    def start(self, at_us: int) -> RecordingStarted:
        """Begin to record; `at_us` is when the command came, the event says when the first sample was taken."""

    def stop(self, at_us: int) -> RecordingEnded:
        """End the recording and close its file."""
