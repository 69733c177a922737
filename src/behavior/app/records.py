"""`behavior record`, `behavior exclude` and `behavior dosing`: what people write down, with who, when and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.config.study import Study

By = Annotated[str | None, typer.Option(help="Who says so, for the audit log; by default who is logged in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Folder = Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of the study.")]


def study_of(dataset: Path) -> Study | None:
    """The study of a dataset, if it has one.

    Raises
    ------
    BadInput
        There is no such folder.
    """
    from behavior.config import read
    from behavior.config.study import Study
    from behavior.study.dataset import STUDY_FILE

    if not dataset.is_dir():
        raise BadInput(f"{dataset}: there is no such folder; name the folder of a study")
    return read(dataset / STUDY_FILE, Study) if (dataset / STUDY_FILE).is_file() else None


def designed_study(dataset: Path) -> Study:
    """The study of a dataset that has one.

    Raises
    ------
    BadInput
        It has none.
    """
    study = study_of(dataset)
    if study is None:
        raise BadInput(f"{dataset}: has no study.toml; name a folder that `behavior design` made")
    return study


def exclude(
    dataset: Folder,
    about: Annotated[str, typer.Argument(metavar="SESSION|SUBJECT", help="Path of a session in it, or a subject.")],
    reason: Annotated[str, typer.Option(help="What was seen.")] = "",
    rule: Annotated[str, typer.Option(help="Name of a rule of the study file (a priori), or another in words.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take an exclusion back.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Leave a session or a subject out of the analysis, with reason and rule, for the record."""
    from behavior.app.passphrase import who_is_it
    from behavior.session.folder import find_sessions
    from behavior.study import exclusions
    from behavior.study.plan import PLAN_FILE, read_plan

    study, who = study_of(dataset), who_is_it(by)
    if undo:
        exclusions.include(dataset, about, reason=reason, who=who)
        if as_json:
            typer.echo(json.dumps({"about": about, "excluded": False, "reason": reason, "who": who}, indent=2))
        else:
            typer.echo(f"{about} is back in the analysis")
        return
    begun = next(dataset.rglob("header.json"), None) is not None
    folders = list(find_sessions(dataset)) if begun else []
    planned = read_plan(dataset / PLAN_FILE) if (dataset / PLAN_FILE).is_file() else ()
    known = [
        *(folder.path.relative_to(dataset).as_posix() for folder in folders),
        *(folder.header.subject for folder in folders),
        *(row.subject for row in planned),
    ]
    made = exclusions.exclude(dataset, about, known=known, study=study, rule=rule, reason=reason, who=who)
    if as_json:
        told = {"about": about, "excluded": True, "rule": made.rule, "a_priori": made.a_priori, "reason": made.reason}
        when = {"who": made.who, "at": made.at, "after_unblinding": made.after_unblinding}
        typer.echo(json.dumps(told | when, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{about}: {made}")
    if not made.a_priori:
        named = ", ".join(one.name for one in study.exclusion_rules) if study else ""
        typer.echo(
            f"warning: {rule!r} is no rule of the study file ({named or 'it names none'}); the report says post hoc",
            err=True,
        )


def record(
    dataset: Folder,
    sheet: Annotated[Path, typer.Argument(help="A filled-in sheet (CSV): injector's, preparations, animals, bottles.")],
    reason: Annotated[str, typer.Option(help="Why values that are on record are changed.")] = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Put a filled-in sheet on record: administrations, preparations, animals or bottle weights."""
    from behavior.app.passphrase import who_is_it
    from behavior.study.audit import read_audit
    from behavior.study.dosing import codes_of
    from behavior.study.records import record_sheet

    study = study_of(dataset)
    blind = study is not None and study.key is not None and read_audit(dataset).trusted().unblinded is None
    n = record_sheet(dataset, sheet, blind=blind, codes=codes_of(dataset), who=who_is_it(by), reason=reason)
    if as_json:
        typer.echo(json.dumps({"dataset": dataset.as_posix(), "sheet": sheet.as_posix(), "n_new": n}, indent=2))
        return
    typer.echo(f"{n} values on record" if n else "nothing is new: every value of it is on record")


def dosing(
    dataset: Folder,
    out: Annotated[Path, typer.Option(help="New CSV file for the sheet.")],
    date: Annotated[str | None, typer.Option(help="Only what is given on this day, as in 2026-03-02.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights of the day (CSV: subject, weight_g).")] = None,
    preparer: Annotated[
        bool, typer.Option("--preparer", help="The preparer's sheet, which names true doses; opens the key.")
    ] = False,
    passphrase_file: Annotated[Path | None, typer.Option(help="Holds the key's passphrase; asked otherwise.")] = None,
    by: By = None,
) -> None:
    """Make a dosing sheet again, with the weights of the day: the injector's, or the preparer's."""
    from behavior.app.passphrase import passphrase, who_is_it
    from behavior.study.blinding import KEY_FILE
    from behavior.study.dosing import INJECTOR_FILE, read_injector, reweighed, write_rows
    from behavior.study.subjects import SUBJECTS_FILE, read_subjects
    from behavior.study.unblind import opened

    study = designed_study(dataset)
    of_the_day = {one.subject: one.weight_g for one in read_subjects(weights)} if weights else {}
    if not preparer:
        rows = reweighed(read_injector(dataset / INJECTOR_FILE), study, of_the_day)
    else:
        from behavior.study.designed import sheet
        from behavior.study.dosing import with_weights

        if not (dataset / KEY_FILE).is_file():
            raise BadInput(f"{dataset}: has no sealed key; the doses of an open design stand in its plan")
        if dataset.resolve() in out.resolve().parents:
            raise BadInput(f"{out}: names true doses and may not lie in the dataset; name another place with --out")
        if out.exists():
            raise BadInput(f"{out}: is there already and nothing is ever overwritten; name another file")
        why = f"preparer's sheet{f' of {date}' if date else ''}"
        key = opened(dataset, passphrase(passphrase_file), study, who=who_is_it(by), reason=why)
        animals = with_weights(read_subjects(dataset / SUBJECTS_FILE), of_the_day)
        rows = sheet(study, key.administrations, list(animals.values()), preparer=True)
    rows = [row for row in rows if date is None or str(row["at"])[:10] == date]
    if not rows:
        raise BadInput(f"--date {date}: nothing is given on this day; see the plan")
    write_rows(rows, out, private=preparer)
    typer.echo(f"{len(rows)} rows in {out}")
