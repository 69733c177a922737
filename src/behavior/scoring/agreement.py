"""How far two raters, or a detector and a rater, agree on the same events.

On events that both judged: fraction and kappa (Cohen 1960, Educ Psychol Meas 20:37). On events that each marked for
himself: an event of one is paired with at most one of the other, so that as many as possible are paired and, of all
ways to do so, their overlap is largest; neither order nor a greedy choice changes a figure. Three criteria, each on its
own: the two share time at all; their onsets differ by no more than a tolerance; intersection over union of their times
is at least a threshold. Precision is paired / found, recall paired / true, F1 their harmonic mean; None where nothing
was found, or nothing is true.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from behavior.model.errors import BadInput


def fraction_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Share of events that two raters judged alike.

    Raises
    ------
    BadInput
        They did not judge the same number of events, or none.
    """
    if len(first) != len(second) or not first:
        raise BadInput(
            f"two raters must have judged the same events, at least one ({len(first)} and {len(second)} here); "
            "check both lists"
        )
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement beyond what chance would give: (observed - expected) / (1 - expected).

    Returns
    -------
    float or None
        1 for raters that agree throughout, 0 for what chance gives; None where both used one and the same category
        throughout, so that chance alone gives full agreement.

    Raises
    ------
    BadInput
        As `fraction_agreement`.

    Examples
    --------
    >>> round(cohens_kappa([1, 1, 0, 0], [1, 0, 0, 0]), 9)
    0.5
    """
    observed = fraction_agreement(first, second)
    n, one, other = len(first), Counter(first), Counter(second)
    by_chance = sum(one[category] * other[category] for category in one) / n**2
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


# -- events that each marked for himself ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marked:
    """An event that somebody marked, in s of its recording; the band is None where none was marked."""

    onset_s: float
    offset_s: float
    low_hz: float | None = None
    high_hz: float | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """When two marked events are one.

    Attributes
    ----------
    onset_s : how far onsets may be apart
    overlap : least intersection over union of the times
    band : two events with bands must also share frequency
    """

    onset_s: float = 0.010
    overlap: float = 0.5
    band: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """How many events are paired by one criterion."""

    n_true: int
    n_found: int
    n_paired: int

    @property
    def precision(self) -> float | None:
        """Paired / found."""
        return self.n_paired / self.n_found if self.n_found else None

    @property
    def recall(self) -> float | None:
        """Paired / true."""
        return self.n_paired / self.n_true if self.n_true else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return 2 * self.n_paired / (self.n_true + self.n_found) if self.n_true and self.n_found else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two sets of marked events agree.

    Attributes
    ----------
    overlap, onset, iou : by the three criteria
    n_split : true events that several found ones share time with
    n_merged : found events that several true ones share time with
    pairs : true and found, paired by intersection over union
    """

    overlap: Matched
    onset: Matched
    iou: Matched
    n_split: int
    n_merged: int
    pairs: tuple[tuple[Marked, Marked], ...]

    @property
    def onset_errors_s(self) -> tuple[float, ...]:
        """Found minus true onset of each pair."""
        return tuple(found.onset_s - true.onset_s for true, found in self.pairs)

    @property
    def offset_errors_s(self) -> tuple[float, ...]:
        """Found minus true offset of each pair."""
        return tuple(found.offset_s - true.offset_s for true, found in self.pairs)

    @property
    def labels(self) -> tuple[list[str], list[str]]:
        """True and found labels of the pairs in which both have one."""
        both = [(true.label, found.label) for true, found in self.pairs if true.label and found.label]
        return [true for true, _ in both], [found for _, found in both]


def agreement(
    true: Mapping[str, Sequence[Marked]], found: Mapping[str, Sequence[Marked]], tolerances: Tolerances | None = None
) -> Agreement:
    """How far two sets of marked events agree, over all recordings.

    Parameters
    ----------
    true, found : events by recording; a recording without events is an empty list
    tolerances : when two are one
    """
    by = tolerances or Tolerances()
    n = {"overlap": 0, "onset": 0, "iou": 0, "split": 0, "merged": 0}
    pairs: list[tuple[Marked, Marked]] = []
    for name in sorted(true.keys() | found.keys()):
        ours, theirs = list(true.get(name, ())), list(found.get(name, ()))
        shared = _edges(ours, theirs, by, lambda one, other: _shared_s(one, other) > 0)
        near = _edges(ours, theirs, by, lambda one, other: abs(one.onset_s - other.onset_s) <= by.onset_s)
        alike = _edges(ours, theirs, by, lambda one, other: _iou(one, other) >= by.overlap)
        n["overlap"] += len(_paired(shared, ours, theirs))
        n["onset"] += len(_paired(near, ours, theirs))
        best = _paired(alike, ours, theirs)
        pairs += [(ours[i], theirs[j]) for i, j in best]
        n["iou"] += len(best)
        n["split"] += sum(times > 1 for times in Counter(i for i, _ in shared).values())
        n["merged"] += sum(times > 1 for times in Counter(j for _, j in shared).values())
    n_true, n_found = (sum(map(len, events.values())) for events in (true, found))
    overlap, onset, iou = (Matched(n_true, n_found, n[key]) for key in ("overlap", "onset", "iou"))
    return Agreement(overlap, onset, iou, n["split"], n["merged"], tuple(pairs))


def _shared_s(one: Marked, other: Marked) -> float:
    return min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s)


def _iou(one: Marked, other: Marked) -> float:
    union_s = max(one.offset_s, other.offset_s) - min(one.onset_s, other.onset_s)
    return max(0.0, _shared_s(one, other)) / union_s if union_s > 0 else 1.0


def _share_band(one: Marked, other: Marked) -> bool:
    if one.low_hz is None or one.high_hz is None or other.low_hz is None or other.high_hz is None:
        return True
    return min(one.high_hz, other.high_hz) >= max(one.low_hz, other.low_hz)


def _edges(
    true: Sequence[Marked], found: Sequence[Marked], by: Tolerances, fits: Callable[[Marked, Marked], bool]
) -> list[tuple[int, int]]:
    """Which could be paired, by index."""
    order = sorted(range(len(found)), key=lambda j: found[j].onset_s)
    onsets_s = [found[j].onset_s for j in order]
    longest_s = max((one.offset_s - one.onset_s for one in found), default=0.0)
    edges: list[tuple[int, int]] = []
    for i, one in enumerate(true):
        for k in range(bisect_left(onsets_s, one.onset_s - longest_s - by.onset_s), len(order)):
            other = found[order[k]]
            if other.onset_s > one.offset_s + by.onset_s:
                break
            if fits(one, other) and (not by.band or _share_band(one, other)):
                edges.append((i, order[k]))
    return edges


def _paired(edges: Sequence[tuple[int, int]], true: Sequence[Marked], found: Sequence[Marked]) -> list[tuple[int, int]]:
    """As many pairs as can be and, of all ways to do so, those with the largest overlap."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    pairs: list[tuple[int, int]] = []
    for group in _groups(edges):
        rows, columns = (sorted({edge[side] for edge in group}) for side in (0, 1))
        worth = np.zeros((len(rows), len(columns)))
        for i, j in group:
            worth[rows.index(i), columns.index(j)] = len(group) + 1 + _iou(true[i], found[j])
        chosen = linear_sum_assignment(worth, maximize=True)
        pairs += [(rows[a], columns[b]) for a, b in zip(*chosen, strict=True) if worth[a, b]]
    return sorted(pairs)


def _groups(edges: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Edges that hang together."""
    group_of: dict[tuple[int, int], list[tuple[int, int]]] = {}  # by side and index
    for edge in edges:
        left, right = (0, edge[0]), (1, edge[1])
        one, other = group_of.get(left), group_of.get(right)
        if one is None or other is None or one is other:
            merged = one if one is not None else other if other is not None else []
        else:
            merged = one
            one += other
            for i, j in other:
                group_of[0, i] = group_of[1, j] = one
        merged.append(edge)
        group_of[left] = group_of[right] = merged
    return list({id(group): group for group in group_of.values()}.values())
