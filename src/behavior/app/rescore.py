"""`behavior rescore`: scores of sessions, made again from their journals and sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from behavior.model.errors import BehaviorError, Failure


def rescore(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Sessions, or folders that hold some.")],
    check: Annotated[bool, typer.Option("--check", help="Compare only; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score sessions again and say what differs from the scores that stand."""
    from behavior.app.progress import Progress
    from behavior.session.folder import find_sessions

    folders = list(find_sessions(*paths))
    results: list[dict[str, object]] = []
    with Progress("sessions", len(folders)) as progress:
        for folder in folders:
            results.append(_rescored(folder.path, check=check))
            progress.step(folder.name)
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    else:
        for result in results:
            _say(result)
    if failed := [str(result["session"]) for result in results if "error" in result]:
        raise Failure(f"{len(failed)} of {len(results)} sessions could not be scored: {', '.join(failed)}; see above")


def _rescored(path: Path, *, check: bool) -> dict[str, object]:
    """Score one session and compare; a session that cannot be scored holds up no other."""
    from behavior.scoring.finish import find_calls, finish_session
    from behavior.scoring.rescore import differences
    from behavior.scoring.rescore import rescore as rescored
    from behavior.scoring.score import read_score
    from behavior.session.folder import SessionFolder

    folder = SessionFolder(path)
    try:
        old = read_score(path) if (path / "score.json").exists() else None
        if check:
            new = rescored(folder, calls=find_calls(folder).calls if folder.sound_path else None)
        else:
            new = finish_session(folder)
    except BehaviorError as error:
        return {"session": folder.name, "error": str(error)}
    changed = differences(old, new) if old else ["there was no score"]
    return {"session": folder.name, "differences": changed, "problems": list(new.problems)}


def _say(result: dict[str, object]) -> None:
    if "error" in result:
        typer.echo(f"ERROR    {result['session']}: {result['error']}")
        return
    changed, problems = result["differences"], result["problems"]
    assert isinstance(changed, list)
    assert isinstance(problems, list)
    word = "differs " if changed else "the same"
    typer.echo("; ".join([f"{word} {result['session']}", *changed, *problems]))
