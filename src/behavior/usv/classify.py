"""Call types by stated rules."""

from __future__ import annotations


def call_type(mean_hz: float, duration_s: float, bandwidth_hz: float) -> str:
    """The type of a call."""
    if mean_hz < 33_000:
        return "22-kHz long" if duration_s >= 0.3 else "22-kHz short"
    return "50-kHz flat" if bandwidth_hz < 5_000 else "50-kHz FM"
