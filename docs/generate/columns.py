"""Every column of every table, with the meanings that stand beside the tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from generate.text import MADE, ROOT, table


def columns_page() -> str:
    """Every column of every table, with its meaning."""
    parts = [
        f"# Columns\n\n{MADE}\n\nTables are CSV: UTF-8, commas, a header line, points in numbers, lines that end in "
        "LF. An empty cell is a missing\nvalue, never a zero. Units stand in the names; `n_` is a count, `fraction_` a "
        "share from 0 to 1.\n"
    ]
    for title, says, group, columns in tables():
        rows = [(f"`{name}`", meaning(name, group)) for name in columns]
        parts.append(f"## {title}\n\n{says}\n\n" + table(("column", ""), rows))
    return "\n".join(parts)


def meanings() -> dict[str, dict[str, str]]:
    """By kind of table, what its columns mean."""
    from behavior.model import columns as model
    from behavior.scoring import columns as scoring
    from behavior.study import columns as study
    from behavior.summary import columns as summary
    from behavior.usv import columns as usv

    return {
        "anywhere": model.ANYWHERE, "calls": model.CALLS, "rejected": usv.REJECTED, "session": scoring.SESSION,
        "rows": scoring.ROWS, "responses": scoring.RESPONSES, "manifest": scoring.MANIFEST,
        "sessions": study.SESSIONS, "plan": study.PLAN, "intake": study.INTAKE, "per_dose": summary.PER_DOSE,
        "units": summary.UNITS, "models": summary.MODELS, "endpoints": summary.ENDPOINTS,
    }  # fmt: skip


def meaning(name: str, group: str) -> str:
    """What a column of a table means.

    Raises
    ------
    SystemExit
        Nobody has said so.
    """
    from behavior.model.measures import MEASURES

    said = meanings()
    for place in (said.get(group, {}), said["anywhere"]):
        if name in place:
            return place[name]
        for key in place:
            if key.endswith("_") and name.startswith(key):
                return place[key]
    if name in MEASURES:
        return MEASURES[name].label
    raise SystemExit(f"nothing says what {name} in {group} means; add it to the columns.py of the room that writes it")


def tables() -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Each table: title, what a row is, which meanings, and its columns."""
    from behavior.model.calls import CALL_COLUMNS
    from behavior.scoring.archive import MANIFEST_COLUMNS
    from behavior.scoring.score import RESPONSE_COLUMNS
    from behavior.study.bottles import COLUMNS as INTAKE
    from behavior.study.dataset import DESCRIPTION
    from behavior.study.plan import PLAN_COLUMNS
    from behavior.summary.beside import COLUMNS as ENDPOINTS
    from behavior.usv.table import REJECTED_COLUMNS

    yield "calls.csv", "A row a call, of `behavior detect` and in a session's folder.", "calls", CALL_COLUMNS
    yield "rejected.csv", "A row for each sound that was taken for no call.", "rejected", REJECTED_COLUMNS
    yield "responses.csv", "A row a response, in a session's folder.", "responses", RESPONSE_COLUMNS
    for paradigm, (session, rows) in scored().items():
        yield (
            f"{paradigm}: score.json", "`session`: a value a measure. [How they are worked out]"
            "(../explanations/how-sessions-are-scored.md)", "session", session,
        )  # fmt: skip
        for name, columns in rows.items():
            if columns:
                yield f"{paradigm}: {name}.csv", f"A row for each of its {name}.", "rows", columns
    yield (
        "summary: sessions.csv", "A row a session; then the measures of its paradigm, and what else its score holds. "
        "Those of components, trials, bins and calls begin with `session`, `subject`, `arm`, `dose_mg_kg`, `left_out`.",
        "sessions", DESCRIPTION,
    )  # fmt: skip
    yield "summary: per_dose.csv", "A row an endpoint and dose.", "per_dose", PER_DOSE
    yield "summary: units.csv", "A row a unit, dose and endpoint, as the tests saw it.", "units", UNITS
    yield "summary: models.csv", "Figures of each model, for `analysis.R`.", "models", MODELS
    yield "summary: endpoints.csv", "A row an endpoint, of behavior and of assays.", "endpoints", ENDPOINTS
    yield "plan.csv", "A row a session that is planned.", "plan", PLAN_COLUMNS
    yield "intake.csv", "A row a weighed bottle.", "intake", INTAKE
    yield "rescored/manifest.csv", "A row an item of an archive.", "manifest", MANIFEST_COLUMNS


PER_DOSE = (
    "arm compound endpoint primary dose_mg_kg n_planned n_run n_left_out n_missing n_censored n mean sem sd ci_lo "
    "ci_hi median q1 q3 min max fraction_of_vehicle unit method test scale difference difference_lo difference_hi p "
    "p_adjusted p_welch hedges_g hedges_g_lo hedges_g_hi cliffs_delta cliffs_delta_lo cliffs_delta_hi motor_control "
    "motor_control_mean motor_control_sem motor_control_fraction_of_vehicle"
).split()
UNITS = "arm endpoint subject dose_mg_kg period response censored cut_off events trials exposure_s".split()
MODELS = "arm endpoint method quantity value".split()
"""Of tables that only a summary has; the tests hold them to one."""


def scored() -> dict[str, tuple[dict[str, None], dict[str, dict[str, None]]]]:
    """By paradigm the measures of a session, and the columns of each table of its parts, from short sessions."""
    sys.path.insert(0, str(ROOT / "tests"))
    from behavior.scoring.score import score_items
    from paradigms.short import WAYS, way

    found: dict[str, tuple[dict[str, None], dict[str, dict[str, None]]]] = {}
    for name in WAYS:
        one = way(name)
        score = score_items(one.paradigm.name, one.journal(), one.parameters)
        session, rows = found.setdefault(one.paradigm.name, ({}, {}))
        session.update(dict.fromkeys(key for key in score.session))
        for row in score.rows:
            rows.setdefault(score.rows_name, {}).update(dict.fromkeys(row))
    return found
