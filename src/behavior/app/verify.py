"""`behavior verify`: does a session hold?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from behavior.model.errors import BehaviorError, Failure


def verify(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Sessions, or folders that hold some.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check that nothing was changed, and that a replay gives every command again."""
    from behavior.formats.imported import decoded_again
    from behavior.session.folder import find_sessions
    from behavior.session.verify import verify as verified

    results: list[dict[str, object]] = []
    for folder in find_sessions(*folders):
        try:
            found = verified(folder, decoded_again)
            result = {"session": folder.name, "holds": True, "n_lines": found.n_lines, "n_commands": found.n_commands}
            result["remarks"] = list(found.remarks)
        except BehaviorError as error:
            result = {"session": folder.name, "holds": False, "why": str(error)}
        results.append(result)
        if not as_json:
            typer.echo(_line(result))
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    if wrong := [str(result["session"]) for result in results if not result["holds"]]:
        raise Failure(f"{len(wrong)} of {len(results)} sessions do not hold: {', '.join(wrong)}; see above")


def _line(result: dict[str, object]) -> str:
    if not result["holds"]:
        return f"WRONG  {result['why']}"
    remarks = result["remarks"]
    assert isinstance(remarks, list)
    tail = f"; {'; '.join(remarks)}" if remarks else ""
    return f"holds  {result['session']}: {result['n_lines']} lines, {result['n_commands']} commands reproduced{tail}"
