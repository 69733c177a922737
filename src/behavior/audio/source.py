"""Where sound comes from while it is being made: a sound card, or a simulated microphone behind the same few calls.

Rules. A source delivers int16 blocks of shape (n, channels) from a thread of its own, in order; it never waits for
whoever takes them. It says when it knows that something was lost before a block, and it is asked now and then whether
it still runs: several sound systems die without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Int16 = npt.NDArray[np.int16]
Deliver = Callable[[Int16, bool], None]
"""Takes a block, and whether samples were lost before it."""


class Source(Protocol):
    """A microphone that can be opened."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def sample_rate_hz(self) -> int:
        """Samples a second, as asked for."""

    @property
    def channels(self) -> int:
        """Samples of one instant."""

    def open(self, deliver: Deliver) -> None:
        """Begin to deliver.

        Raises
        ------
        BehaviorError
            It is not there, or cannot deliver what is asked of it.
        """

    def trouble(self) -> str:
        """Why it has stopped by itself; empty while it runs."""

    def close(self) -> None:
        """Stop. Does nothing the second time."""


Opener = Callable[..., Source]
"""Makes a source, in the process that is to use it: it can be pickled, which a source need not."""


def as_frames(block: Any, channels: int) -> Int16:
    """A copy of a block, of shape (n, channels)."""
    return np.array(block, np.int16, copy=True).reshape(-1, channels)
