"""`behavior power`: how many rats?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.simulate.power import ArmPower

SIZES = "4,6,8,10,12,16"


def power(
    study: Annotated[str, typer.Argument(help="Study file, or the name of a shipped one.")],
    n: Annotated[str, typer.Option("--n", help="Units a dose to try, with commas.")] = SIZES,
    arm: Annotated[str | None, typer.Option(help="Only this arm.")] = None,
    aim: Annotated[float, typer.Option(min=0.1, max=0.99, help="The power that is aimed at.")] = 0.8,
    pool: Annotated[int, typer.Option(min=8, max=5000, help="Units a dose that are simulated.")] = 60,
    draws: Annotated[int, typer.Option(min=20, max=100_000, help="Studies that are drawn of each size.")] = 200,
    seed: Annotated[int, typer.Option(help="Of everything that chance decides.")] = 1,
    record: Annotated[
        Path | None, typer.Option(help="Folder of a study, whose audit log the answer goes into (ARRIVE item 2).")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who says so, for the audit log; by default who is logged in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Answer "how many rats?": simulate the study with the simulated rat, and by formula where there is one."""
    from behavior.app.progress import Progress
    from behavior.config import read
    from behavior.config.shipped import find
    from behavior.config.study import Study
    from behavior.simulate.power import arms_with_power
    from behavior.simulate.power import power as power_of

    arms = [one for one in arms_with_power(read(find(study, "configs", "studies"), Study)) if arm in (None, one.name)]
    if not arms:
        raise BadInput(f"--arm {arm}: no arm of this name compares doses; see the study file")
    if record is not None and not record.is_dir():
        raise BadInput(f"{record}: there is no such folder; name the folder of a study")
    sizes = numbers(n)
    found = []
    for one in arms:
        total = pool * len(one.doses_mg_kg) + draws * len(set(sizes))
        with Progress(f"units and studies of arm {one.name}", total) as progress:
            found.append(power_of(one, sizes, seed=seed, aim=aim, pool=pool, draws=draws, step=progress.step))
    if record is not None:
        put_on_record(record, found, aim, by)
    if as_json:
        typer.echo(json.dumps([asdict(one) | {"least_n": one.least(aim)} for one in found], indent=1))
        return
    for result in found:
        say(result, aim)


SAMPLE_SIZE = "sample size"
"""The audit log's word for how numbers of animals were decided."""


def put_on_record(dataset: Path, found: list[ArmPower], aim: float, by: str | None) -> None:
    """Log how many units a dose each arm needs, as the report's ARRIVE item 2 prints it."""
    from behavior.app.passphrase import who_is_it
    from behavior.study.audit import append

    for one in found:
        least = one.least(aim)
        simulated = f"from {least} a dose" if least else f"with none of {', '.join(str(p.n) for p in one.found)} a dose"
        planned = next((f" The planned {p.n} have {p.power:.0%}." for p in one.found if p.n == one.planned), "")
        formula = f"; by formula {one.formula_n:.1f} a dose ({one.formula})" if one.formula_n is not None else ""
        said = (
            f"{one.arm}: {aim:.0%} power on {one.measure} {simulated}, by simulated studies and {one.test or 'no test'}"
            f"{formula}.{planned}"
        )
        new = {"planned": one.planned, "aim": aim, "least_n": least, "formula_n": one.formula_n}
        append(dataset, SAMPLE_SIZE, one.arm, who=who_is_it(by), new=new, reason=said)


def numbers(text: str) -> list[int]:
    """Numbers of units, as in `4,6,8`.

    Raises
    ------
    BadInput
        It is none.
    """
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(f"--n: must be whole numbers with commas, as in 4,6,8 (is {text!r})") from None
    if one := next((value for value in found if value < 2), None):
        raise BadInput(f"--n: {one} unit a dose has no spread; take 2 or more")
    return found


def say(found: ArmPower, aim: float) -> None:
    """An arm's result as a table."""
    typer.echo(f"{found.arm}: {found.measure}, by {found.test or 'no test that could be made'}")
    doses = [dose for dose, _ in found.found[0].by_dose]
    typer.echo("  n a dose  power [95 %]        " + "  ".join(f"{dose:g} mg/kg".rjust(10) for dose in doses))
    for one in found.found:
        shares = "  ".join(f"{share:10.0%}" for _, share in one.by_dose)
        planned = "  planned" if one.n == found.planned else ""
        untested = f"  ({one.n_untested} studies could not be tested)" if one.n_untested else ""
        typer.echo(f"  {one.n:8d}  {one.power:4.0%} [{one.lo:4.0%}, {one.hi:4.0%}]  {shares}{planned}{untested}")
    least = found.least(aim)
    typer.echo(f"  {aim:.0%} power: {f'from {least} a dose' if least else 'with none of these numbers'}, simulated")
    by_formula = f"{found.formula_n:.1f} a dose" if found.formula_n is not None else "no number"
    typer.echo(f"  by formula: {by_formula} ({found.formula})")
