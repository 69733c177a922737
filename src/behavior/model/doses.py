"""What an animal was given."""

from __future__ import annotations

import msgspec


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """One administration. The vehicle alone is `dose_mg_kg = 0`, with the vehicle's name.

    A blinded session carries `blind_code` and neither compound nor dose.
    """

    compound: str | None = None
    dose_mg_kg: float | None = None
    vehicle: str | None = None
    route: str | None = None
    pretreatment_min: float | None = None
    precedes: str | None = None
    """The stage that it was given before, such as training, retention or test: acquisition and retrieval differ."""
    blind_code: str | None = None
