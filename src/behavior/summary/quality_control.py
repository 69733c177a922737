"""What may be seen before a study is unblinded: whether the sessions are sound, and nothing of what a treatment did.

No dose, compound, arm or group stands on the page, in its tables or in its order; warnings that speak of one are
counted and withheld. Of a measure only how many sessions have it is told, so that nobody learns to tell codes apart by
their results. The same dataset gives the same bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.model.errors import BadInput, Failure
from behavior.model.measures import MEASURES

if TYPE_CHECKING:
    import pandas as pd

    from behavior.study.dataset import Dataset

PAGE = "quality.html"
TABLE = "quality.csv"
SHOWN = (
    "session", "subject", "paradigm", "day", "blind_code", "weight_g", "rig", "chamber", "started_at", "duration_s",
    "end_reason", "n_shocks", "n_deliveries", "n_responses", "left_out", "journal_sha256", "score_sha256",
)  # fmt: skip
"""The columns of the session table that tell nothing of the treatment."""

_TREATMENT = re.compile(r"\b(dose|doses|mg/kg|ml/kg|compound|vehicle|arm|group|allocation)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Soundness:
    """The sessions of a paradigm, on a day where the study has days: how many ran, ended early, can be analysed."""

    paradigm: str
    day: int | None
    n_run: int
    n_subjects: int
    n_left_out: int
    reasons: tuple[str, ...]
    n_by_measure: tuple[tuple[str, int, int], ...]
    """Label of a measure, sessions that have it, sessions that can be analysed and lack it."""


@dataclass(frozen=True, slots=True)
class QualityControl:
    """What the page says. `n_withheld` warnings speak of treatments and wait for the unblinding."""

    parts: tuple[Soundness, ...]
    warnings: tuple[str, ...]
    n_withheld: int
    n_sessions: int
    n_analysed: int


def quality_control(dataset: Dataset) -> QualityControl:
    """Whether the sessions of a dataset are sound, whatever was given to whom."""
    sessions = dataset.sessions
    keys = [sessions["paradigm"].fillna(""), sessions["day"].fillna(-1)]
    known = _treatments(dataset)
    parts = tuple(
        _soundness(str(paradigm), None if day < 0 else int(day), here, dataset.measures, known)
        for (paradigm, day), here in sessions.groupby(keys, sort=True)
    )
    told = tuple(warning for warning in dataset.warnings if not _tells(warning, known))
    return QualityControl(parts, told, len(dataset.warnings) - len(told), len(sessions), len(dataset.analysed))


def write_quality_control(dataset: Dataset, out: Path) -> Path:
    """Write `quality.html` and `quality.csv` into a folder that is not there yet, or is empty.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    BadInput
        The folder holds something already, or cannot be made.
    """
    found, table = quality_control(dataset), quality_table(dataset)
    make_folder(out)
    try:
        table.to_csv(out / TABLE, index=False, lineterminator="\n", encoding="utf-8")
        (out / PAGE).write_text(_page(dataset, found, table), encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failure(f"{out}: the page cannot be written ({error.strerror}); free the disk and run again") from None
    return out / PAGE


def make_folder(out: Path) -> None:
    """Make the folder of a report.

    Raises
    ------
    BadInput
        It holds something already, or cannot be made.
    """
    if out.is_dir() and any(out.iterdir()):
        raise BadInput(f"{out}: holds something already and is not overwritten; name another folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out}: cannot be made ({error.strerror}); name another folder with --out") from None


def quality_table(dataset: Dataset) -> pd.DataFrame:
    """Every session, in order of subject and start, with what is known of it that tells nothing of its treatment."""
    sessions, known = dataset.sessions, _treatments(dataset)
    table = sessions[[name for name in SHOWN if name in sessions]].sort_values(["subject", "started_at", "session"])
    return table.assign(left_out=[_untelling(said, known) for said in table["left_out"]]).reset_index(drop=True)


def _soundness(
    paradigm: str, day: int | None, here: pd.DataFrame, measures: tuple[str, ...], known: frozenset[str]
) -> Soundness:
    analysed = here[here["left_out"] == ""]
    counts = Counter(_untelling(said, known) for said in here["left_out"] if said)
    defined = [name for name in measures if here[name].notna().any()]
    return Soundness(
        paradigm=paradigm,
        day=day,
        n_run=len(here),
        n_subjects=int(here["subject"].nunique()),
        n_left_out=len(here) - len(analysed),
        reasons=tuple(f"{reason}: {n}" for reason, n in sorted(counts.items())),
        n_by_measure=tuple(
            (MEASURES[name].label, int(analysed[name].notna().sum()), int(analysed[name].isna().sum()))
            for name in defined
        ),
    )


def _untelling(reason: str, known: frozenset[str]) -> str:
    return "its records do not fit the study" if _tells(reason, known) else reason


def _treatments(dataset: Dataset) -> frozenset[str]:
    """Words that would give a treatment away: names of arms and compounds."""
    columns = [dataset.sessions[name].dropna() for name in ("arm", "compound")]
    arms = dataset.study.arms if dataset.study is not None else ()
    return frozenset(str(word).lower() for words in columns for word in words) | {arm.name.lower() for arm in arms}


def _tells(sentence: str, known: frozenset[str]) -> bool:
    return bool(_TREATMENT.search(sentence)) or any(word in sentence.lower() for word in known if word)


def _page(dataset: Dataset, found: QualityControl, table: pd.DataFrame) -> str:
    from behavior.summary.wording import software_versions
    from behavior.summary.writing import pages

    environment, styles = pages()
    rows: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return environment.get_template("quality.html").render(
        styles=styles,
        title=dataset.study.title if dataset.study else f"Sessions in {dataset.path.name}",
        simulated=bool(dataset.sessions["simulated"].any()),
        found=found,
        sessions=rows,
        versions=software_versions(),
    )
