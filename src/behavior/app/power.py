"""`behavior power`: how many rats?"""

from __future__ import annotations

import json
from dataclasses import asdict
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
    sizes = numbers(n)
    found = []
    for one in arms:
        total = pool * len(one.doses_mg_kg) + draws * len(set(sizes))
        with Progress(f"units and studies of arm {one.name}", total) as progress:
            found.append(power_of(one, sizes, seed=seed, aim=aim, pool=pool, draws=draws, step=progress.step))
    if as_json:
        typer.echo(json.dumps([asdict(one) | {"least_n": one.least(aim)} for one in found], indent=1))
        return
    for result in found:
        say(result, aim)


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
