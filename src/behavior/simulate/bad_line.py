"""A bad line: bytes that are lost, spoiled or doubled on their way, by a seeded chance."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from behavior.simulate.twin import Faults


class BadLine:
    """Spoils bytes.

    Parameters
    ----------
    seed : of the chance by which it does
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def spoiled(self, data: bytes, faults: Faults) -> bytes:
        """What is left of bytes."""
        if not faults.spoils_bytes:
            return data
        arrived = bytearray()
        for byte in data:
            if self._chance.random() < faults.lost:
                continue
            other = byte ^ self._chance.randrange(1, 256) if self._chance.random() < faults.corrupted else byte
            arrived += bytes((other,)) * (2 if self._chance.random() < faults.duplicated else 1)
        return bytes(arrived)
