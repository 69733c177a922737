"""The summary of a recording: all its calls by type and in bouts, and the measures of 22-kHz calling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from statistics import median

from behavior.model.calls import Call
from behavior.usv.bouts import BOUT_GAP_S, Bout, Criteria, Heard, Row, bins, bouts, calling, intercall_s

NON_CALLER_BELOW_S = 30.0
BOUT_COLUMNS = ("file", "bout", "begin_s", "end_s", "duration_s", "n_calls", "calling_time_s")


@dataclass(frozen=True, slots=True)
class Summary:
    """A recording in tables.

    Attributes
    ----------
    whole : one row. `n_calls`, `calling_time_s`, bouts and intervals are of all calls, what begins with `usv22_` of
        22-kHz calls as `usv.bouts` counts them
    minutes : 22-kHz calling in each minute
    bouts : of all calls, each with its begin, end, calls and calling time
    """

    whole: Row
    minutes: tuple[Row, ...]
    bouts: tuple[Row, ...]

    @property
    def sentence(self) -> str:
        """The essentials, for a person."""
        row, latency_s = self.whole, self.whole["latency_first_call_s"]
        flag = "; a non-caller, if it was given no drug" if row["non_caller"] else ""
        if not row["n_calls"]:
            return f"no call{flag}"
        return (
            f"{row['calling_time_s']:.2f} s of calling in {row['n_bouts']} bout{'' if row['n_bouts'] == 1 else 's'}, "
            f"the first after {latency_s:.2f} s; 22-kHz calling {row['usv22_calling_time_s']:.2f} s in "
            f"{row['usv22_n_calls']} calls{flag}"
        )


def summary_of(
    file: str,
    calls: Sequence[Call],
    duration_s: float,
    *,
    non_caller_below_s: float = NON_CALLER_BELOW_S,
    bout_gap_s: float = BOUT_GAP_S,
) -> Summary:
    """Measures of a whole recording, of each of its minutes and of each bout.

    Parameters
    ----------
    file : its name
    calls : found in it
    duration_s : how long it is
    non_caller_below_s : with less 22-kHz calling than this the animal counts as a non-caller, s; that says something of
        an animal only where it was given no drug, and nothing where the recording is shorter than that (None)
    bout_gap_s : longest interval within a bout
    """
    calls = sorted(calls, key=lambda call: call.onset_s)
    heard = [Heard(call.onset_s, call.offset_s, call.peak_hz) for call in calls]
    criteria, window_s = Criteria(bout_gap_s=bout_gap_s), (0.0, duration_s)
    of_22khz = calling(heard, window_s, criteria)
    found, intervals_s = bouts(calls, bout_gap_s), intercall_s(calls)
    types = Counter(call.call_type for call in calls)
    time_s = of_22khz["calling_time_s"]
    whole: Row = {
        "file": file,
        "duration_s": duration_s,
        "n_calls": len(calls),
        "calling_time_s": fsum(call.duration_s for call in calls),
        "calls_per_min": 60 * len(calls) / duration_s if duration_s else None,
        "latency_first_call_s": calls[0].onset_s if calls else None,
        "n_bouts": len(found),
        "mean_bout_s": fsum(bout.duration_s for bout in found) / len(found) if found else None,
        "median_intercall_interval_s": median(intervals_s) if intervals_s else None,
        "types": "; ".join(f"{name} {n}" for name, n in sorted(types.items())),
        **{
            f"usv22_{name}": value
            for name, value in of_22khz.items()
            if name not in ("window_s", "unheard_s", "gated_s")
        },
        "non_caller": _non_caller(float(time_s or 0.0), duration_s, non_caller_below_s),
    }
    minutes = ({k: v for k, v in one.items() if k != "gated_s"} for one in bins(heard, window_s, criteria))
    return Summary(
        whole,
        tuple({"file": file, **one} for one in minutes),
        tuple(
            dict(zip(BOUT_COLUMNS, (file, number, *_figures(bout)), strict=True))
            for number, bout in enumerate(found, start=1)
        ),
    )


def _non_caller(calling_s: float, duration_s: float, below_s: float) -> bool | None:
    return None if duration_s < below_s else calling_s < below_s


def _figures(bout: Bout) -> tuple[float, float, float, int, float]:
    return bout.begin_s, bout.end_s, bout.duration_s, bout.n_calls, bout.calling_time_s
