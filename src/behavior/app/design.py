"""`behavior design`: from a study file to a blind allocation, a plan, dosing sheets and a sealed key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from behavior.config.study import Study
    from behavior.study.blinding import Design
    from behavior.study.subjects import Animal


def design(
    study: Annotated[str, typer.Argument(help="Study file, or the name of a shipped one.")],
    out: Annotated[Path, typer.Option(help="New folder for the design; sessions go into it too.")],
    subjects: Annotated[
        Path | None,
        typer.Option(help="Table of the animals (CSV: subject, weight_g, cage, …); by default the study's."),
    ] = None,
    preparer: Annotated[
        Path | None,
        typer.Option(help="Where the preparer's sheet goes, which names true doses; OUT-preparer.csv by default."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the allocation; drawn, and sealed, where absent.")] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="Holds the key's passphrase; asked otherwise.")] = None,
    by: Annotated[str | None, typer.Option(help="Who designs, for the audit log; by default who is logged in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Allocate animals to doses by chance, balanced and blind: plan, dosing sheets, sealed key."""
    from behavior.app.passphrase import passphrase, who_is_it
    from behavior.config import read
    from behavior.config.shipped import find
    from behavior.config.study import Study
    from behavior.study.designed import sheet, write_design
    from behavior.study.dosing import write_rows

    path = find(study, "configs", "studies")
    described = read(path, Study)
    if described.key is not None:
        raise BadInput(f"{path}: is designed already; its sessions go into {path.parent}")
    animals = animals_of(described, path, subjects)
    made = designed(described, animals, seed=seed)
    to_preparer = preparer or out.with_name(f"{out.name}-preparer.csv")
    if to_preparer.exists():
        raise BadInput(f"{to_preparer}: is there already and nothing is ever overwritten; name another with --preparer")
    if out.resolve() in to_preparer.resolve().parents and described.blind:
        raise BadInput(f"{to_preparer}: names true doses and may not lie in the dataset; name another with --preparer")
    secret = passphrase(passphrase_file, new=True) if described.blind else None
    text = path.read_text(encoding="utf-8")
    write_design(made, text, animals, out, passphrase=secret, who=who_is_it(by))
    write_rows(sheet(described, made.administrations, animals, preparer=True), to_preparer, private=True)
    if as_json:
        typer.echo(json.dumps(as_record(made, out, to_preparer), indent=2))
    else:
        say(made, out, to_preparer)


def animals_of(study: Study, path: Path, given: Path | None) -> Sequence[Animal]:
    """The animals: of a table that was named, of the study's own, or numbered ones."""
    from behavior.study.subjects import invented, read_subjects

    if given is not None:
        return read_subjects(given)
    if study.subjects is not None:
        return read_subjects(path.parent / study.subjects)
    typer.echo(
        "warning: there is no table of animals, so that they are numbered and nothing is balanced by weight or cage; "
        "name one with --subjects",
        err=True,
    )
    return invented(study)


def designed(study: Study, animals: Sequence[Animal], *, seed: int | None) -> Design:
    """Dry-run every stage of a study, and design it."""
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.simulate.study import laid_out
    from behavior.study.blinding import secret_seed
    from behavior.study.dosing import check_volumes

    check_volumes(study)
    rig = read(find(study.rig, "configs", "rigs"), Rig)
    return laid_out(study, rig, animals, seed=secret_seed(seed, blind=study.blind))


def as_record(made: Design, out: Path, to_preparer: Path) -> dict[str, Any]:
    """What was designed, for a script: nothing of who gets what."""
    arms = []
    for arm in made.study.arms:
        rows = [row for row in made.rows if row.arm == arm.name]
        days = sorted({row.starts_at[:10] for row in rows})
        arms.append(
            {
                "arm": arm.name,
                "experimental_unit": arm.experimental_unit,
                "n_units": len(made.units[arm.name]),
                "n_sessions": len(rows),
                "n_days": len(days),
                "first_day": days[0],
                "last_day": days[-1],
            }
        )
    return {"dataset": out.as_posix(), "preparer": to_preparer.as_posix(), "blind": made.study.blind, "arms": arms}


def say(made: Design, out: Path, to_preparer: Path) -> None:
    """What was designed, without a word of who gets what."""
    for arm in made.study.arms:
        rows = [row for row in made.rows if row.arm == arm.name]
        days = sorted({row.starts_at[:10] for row in rows})
        n_units, what = (
            len(made.units[arm.name]),
            arm.experimental_unit if arm.n_units == 1 else f"{arm.experimental_unit}s",
        )
        typer.echo(f"{arm.name}: {n_units} {what}, {len(rows)} sessions on {len(days)} days, {days[0]} to {days[-1]}")
        if arm.design == "within":
            from behavior.study.design import subjects_for_balance

            least = subjects_for_balance(len(arm.doses_mg_kg))
            if n_units % least:
                typer.echo(
                    f"warning: arm {arm.name}: orders of {len(arm.doses_mg_kg)} doses are balanced with {least} units "
                    f"or a multiple, there are {n_units}",
                    err=True,
                )
    typer.echo(f"Plan and injector's sheet: {out}")
    typer.echo(f"Preparer's sheet, which names true doses: {to_preparer}. Hand it over, and keep no copy.")
    if made.study.blind:
        typer.echo("The doses are sealed. Whoever loses the passphrase loses them: nobody else can open the key.")
