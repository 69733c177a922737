"""The summary of a recording that belongs to no session: all its calls by type, and the measures of 22-kHz calling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import fsum

from behavior.model.calls import Call
from behavior.scoring.calling import Heard, bins, calling
from behavior.scoring.score import Row

NON_CALLER_BELOW_S = 30.0


def summary_of(
    file: str, calls: Sequence[Call], duration_s: float, non_caller_below_s: float = NON_CALLER_BELOW_S
) -> tuple[Row, tuple[Row, ...]]:
    """Measures of a whole recording, and of each of its minutes.

    Parameters
    ----------
    file : its name
    calls : found in it
    duration_s : how long it is
    non_caller_below_s : with less 22-kHz calling than this the animal counts as a non-caller, s; that says something of
        an animal only where it was given no drug

    Returns
    -------
    row, minutes : `n_calls` and `calling_time_s` are of all calls, what begins with `usv22_` of 22-kHz calls as
        `scoring.calling` counts them
    """
    heard = [Heard(call.onset_s, call.offset_s, call.peak_hz) for call in calls]
    window_s = (0.0, duration_s)
    of_22khz = calling(heard, window_s)
    types = Counter(call.call_type for call in calls)
    row: Row = {
        "file": file,
        "duration_s": duration_s,
        "n_calls": len(calls),
        "calling_time_s": fsum(call.duration_s for call in calls),
        "latency_first_call_s": min((call.onset_s for call in calls), default=None),
        "types": "; ".join(f"{name} {n}" for name, n in sorted(types.items())),
        **{
            f"usv22_{name}": value
            for name, value in of_22khz.items()
            if name not in ("window_s", "unheard_s", "gated_s")
        },
    }
    time_s = of_22khz["calling_time_s"]
    row["non_caller"] = isinstance(time_s, int | float) and time_s < non_caller_below_s
    minutes = bins(heard, window_s)
    return row, tuple({"file": file, **{k: v for k, v in one.items() if k != "gated_s"}} for one in minutes)
