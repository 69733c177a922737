"""`behavior verify`: does a session hold, and does a dataset?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from behavior.model.errors import BehaviorError, Failure


def verify(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Sessions, or folders that hold some.")],
    head: Annotated[
        str | None, typer.Option(help="Digest of an entry of the audit log that was put on record elsewhere.")
    ] = None,
    own_code: Annotated[
        bool,
        typer.Option(
            "--trust-paradigm-files", help="Run the Python files that sessions name as their paradigm, to replay them."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check that nothing was changed, that a replay gives every command again, and that the audit log holds."""
    from behavior.formats.imported import decoded_again
    from behavior.session.folder import find_sessions
    from behavior.session.verify import verify as verified
    from behavior.study.audit import AUDIT_FILE

    datasets = [folder for folder in folders if (folder / AUDIT_FILE).is_file()]
    bare = [folder for folder in datasets if next(folder.rglob("header.json"), None) is None]
    results: list[dict[str, object]] = []
    for folder in find_sessions(*(place for place in folders if place not in bare)):
        try:
            found = verified(folder, decoded_again, own_code=own_code)
            result = {"session": folder.name, "holds": True, "n_lines": found.n_lines, "n_commands": found.n_commands}
            result["remarks"] = list(found.remarks)
        except BehaviorError as error:
            result = {"session": folder.name, "holds": False, "why": str(error)}
        results.append(result)
        if not as_json:
            typer.echo(_line(result))
    checked = [_dataset(folder, head) for folder in datasets]
    if as_json:
        typer.echo(json.dumps([*results, *checked], indent=2))
    else:
        for one in checked:
            _say(one)
    if wrong := [str(result["session"]) for result in results if not result["holds"]]:
        raise Failure(f"{len(wrong)} of {len(results)} sessions do not hold: {', '.join(wrong)}; see above")
    if wrong := [str(one["dataset"]) for one in checked if not one["holds"]]:
        raise Failure(f"{', '.join(wrong)} does not hold against its audit log; see above")


def _dataset(folder: Path, head: str | None) -> dict[str, object]:
    from behavior.study.verify import verify_dataset

    found = verify_dataset(folder, head=head)
    return {
        "dataset": str(folder),
        "holds": not found.problems,
        "problems": list(found.problems),
        "remarks": list(found.remarks),
        "n_entries": found.n_entries,
        "head": found.head,
    }


def _say(one: dict[str, object]) -> None:
    problems, remarks = one["problems"], one["remarks"]
    assert isinstance(problems, list)
    assert isinstance(remarks, list)
    for problem in problems:
        typer.echo(f"WRONG  {problem}")
    for remark in remarks:
        typer.echo(f"note   {remark}")
    if not problems:
        typer.echo(f"holds  audit log of {one['dataset']}: {one['n_entries']} entries up to {one['head']}")


def _line(result: dict[str, object]) -> str:
    if not result["holds"]:
        return f"WRONG  {result['why']}"
    remarks = result["remarks"]
    assert isinstance(remarks, list)
    tail = f"; {'; '.join(remarks)}" if remarks else ""
    return f"holds  {result['session']}: {result['n_lines']} lines, {result['n_commands']} commands reproduced{tail}"
