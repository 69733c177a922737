"""`behavior agreement`: calls beside what a person marked, or one rater beside another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.formats.calls import CallTable
    from behavior.scoring.agreement import Agreement, Marked, Matched

Events = dict[str, list["Marked"]]


def agreement(
    truth: Annotated[Path, typer.Argument(help="What is true: a person's annotations, or the first rater's.")],
    calls: Annotated[Path, typer.Argument(help="What was found: a table of calls, or the second rater's.")],
    tolerance_ms: Annotated[float, typer.Option(help="How far onsets may be apart, ms.", min=0)] = 10.0,
    overlap: Annotated[float, typer.Option(help="Least intersection over union of the times.", min=0, max=1)] = 0.5,
    band: Annotated[bool, typer.Option("--band", help="Two calls with bands must also share frequency.")] = False,
    recording: Annotated[
        list[str] | None, typer.Option(help="A recording without calls that TRUTH does not name; may be repeated.")
    ] = None,
    by_recording: Annotated[bool, typer.Option("--by-recording", help="Also for each recording.")] = False,
    label_column: Annotated[str | None, typer.Option(help="Which column of TRUTH is the label.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Precision, recall, F1, split and merged calls, and errors of edges; between raters too."""
    from behavior.formats.catalogue import sniff
    from behavior.scoring.agreement import Tolerances
    from behavior.scoring.agreement import agreement as agreement_of

    tables: list[CallTable] = [sniff(path, holds="calls").read(path) for path in (truth, calls)]
    if label_column is not None:
        tables[0] = tables[0].labelled_by(label_column)
    true, found = by_recordings(tables[0], tables[1], recording or [], truth=truth, calls=calls)
    by = Tolerances(tolerance_ms / 1e3, overlap, band)
    results = {"all": agreement_of(true, found, by)}
    if by_recording:
        results |= {name: agreement_of({name: true[name]}, {name: found.get(name, [])}, by) for name in sorted(true)}
    if as_json:
        shown = {name: _plain(one, len(true) if name == "all" else 1) for name, one in results.items()}
        typer.echo(json.dumps(shown, indent=1, allow_nan=False))
        return
    for name, one in results.items():
        _say(name, one, by_ms=tolerance_ms, overlap=overlap, n=len(true) if name == "all" else None)


def by_recordings(
    truth_table: CallTable, call_table: CallTable, known: Sequence[str], *, truth: Path, calls: Path
) -> tuple[Events, Events]:
    """Both tables' calls by recording, by name without folder and extension.

    Parameters
    ----------
    truth_table, call_table : what is true, what was found
    known : further recordings without calls
    truth, calls : name the files in errors

    Raises
    ------
    BadInput
        Calls lie in recordings that the truth does not know, or one table names recordings and the other does not.
    """
    true, found = _grouped(truth_table), _grouped(call_table)
    for name in known:
        true.setdefault(_stem(name), [])
    for one, other in ((true, found), (found, true)):
        if set(one) == {""} and other and "" not in other:
            if len(other) > 1:
                path = truth if one is true else calls
                raise BadInput(f"{path}: does not name its recording, and the other table has {len(other)}; add `file`")
            one[next(iter(other))] = one.pop("")
    if stray := sorted(name for name in found if name not in true):
        raise BadInput(
            f"{calls}: has calls in {', '.join(stray[:5])}, which {truth} does not know; if there are truly no calls "
            "in it, say so with --recording"
        )
    return true, found


def _grouped(table: CallTable) -> Events:
    from behavior.scoring.agreement import Marked

    groups: Events = {_stem(name): [] for name in table.silent}
    for row in table.accepted:
        one = Marked(row.onset_s, row.offset_s, row.low_hz, row.high_hz, row.label)
        groups.setdefault(_stem(row.file), []).append(one)
    return groups


def _stem(name: str) -> str:
    return Path(name.replace("\\", "/")).stem


def _plain(one: Agreement, n_recordings: int) -> dict[str, Any]:
    from behavior.scoring.agreement import cohens_kappa, fraction_agreement

    labels = one.labels
    comparable = bool(set(labels[0]) & set(labels[1]))  # of two vocabularies, nothing can be said
    return {
        "n_recordings": n_recordings,
        "n_true": one.overlap.n_true,
        "n_found": one.overlap.n_found,
        **{name: _criterion(getattr(one, name)) for name in ("overlap", "onset", "iou")},
        "n_split": one.n_split,
        "n_merged": one.n_merged,
        "onset_error_ms": _spread_ms(one.onset_errors_s),
        "offset_error_ms": _spread_ms(one.offset_errors_s),
        "n_labelled_pairs": len(labels[0]),
        "fraction_label_agreement": fraction_agreement(*labels) if comparable else None,
        "label_kappa": cohens_kappa(*labels) if comparable else None,
    }


def _criterion(matched: Matched) -> Mapping[str, float | int | None]:
    return {
        "n_paired": matched.n_paired,
        "n_false": matched.n_found - matched.n_paired,
        "n_missed": matched.n_true - matched.n_paired,
        "precision": matched.precision,
        "recall": matched.recall,
        "f1": matched.f1,
    }


def _spread_ms(errors_s: Sequence[float]) -> dict[str, float] | None:
    """Median error, median size of it, and the range of the middle 90 %."""
    if not errors_s:
        return None
    import numpy as np

    ms = np.asarray(errors_s) * 1e3
    low, middle, high = np.quantile(ms, [0.05, 0.5, 0.95])
    return {
        "median": float(middle),
        "median_absolute": float(np.median(np.abs(ms))),
        "from_5_percent": float(low),
        "to_95_percent": float(high),
    }


def _say(name: str, one: Agreement, *, by_ms: float, overlap: float, n: int | None) -> None:
    where = f"{n} recording{'' if n == 1 else 's'}" if n is not None else name
    typer.echo(f"{where}: {one.overlap.n_true} true, {one.overlap.n_found} found")
    typer.echo(f"{'':34}precision  recall     F1")
    criteria = (
        ("overlap at all", one.overlap),
        (f"onset within {by_ms:g} ms", one.onset),
        (f"intersection / union >= {overlap:g}", one.iou),
    )
    for what, matched in criteria:
        figures = "".join(f"{_shown(value):>8} " for value in (matched.precision, matched.recall, matched.f1))
        typer.echo(f"  {what:32}{figures}  {matched.n_paired} paired")
    plain = _plain(one, 1)
    typer.echo(f"  {one.n_split} true calls split, {one.n_merged} found calls merge several")
    for edge in ("onset", "offset"):
        if spread := plain[f"{edge}_error_ms"]:
            low, high = spread["from_5_percent"], spread["to_95_percent"]
            typer.echo(f"  {edge} error {spread['median']:+.1f} ms in the middle, {low:+.1f} to {high:+.1f} ms in 90 %")
    if plain["n_labelled_pairs"]:
        fraction, kappa = plain["fraction_label_agreement"], plain["label_kappa"]
        typer.echo(
            f"  labels of {plain['n_labelled_pairs']} pairs: {100 * fraction:.0f} % alike, kappa {_shown(kappa)}"
        )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
