"""`behavior rescore`: scores made again from journals and sound, or from sampled channels that have no journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput, BehaviorError, Failure

if TYPE_CHECKING:
    from behavior.scoring.archive import Item, Outcome
    from behavior.scoring.score import Score

Result = dict[str, object]


def rescore(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Sessions, recordings, or folders that hold some.")
    ],
    channels: Annotated[
        Path | None, typer.Option(help="Channel map: the paths are recordings (WAV, NPY, CSV) of sampled channels.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for all that is made; by default a session's own, and rescored/ for recordings."),
    ] = None,
    profile: Annotated[str, typer.Option(help="What to look for in recordings without a session.")] = "rat",
    jobs: Annotated[int, typer.Option(min=1, help="So many at a time, each in a process of its own.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do it, as in tcp://host:8786.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what is as it was when it was worked out.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare only; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score sessions again, search recordings, and say what differs from the scores that stand."""
    if channels is not None:
        report(_scored_recordings(paths, channels, out, check=check), as_json=as_json)
    elif check:
        report(_compared_sessions(paths), as_json=as_json)
    else:
        from behavior.app.archive import work_out_archive

        outcomes = work_out_archive(paths, out=out, jobs=jobs, scheduler=scheduler, profile=profile, again=again)
        report([_result(item, outcome) for item, outcome in outcomes], as_json=as_json)


def _scored_recordings(paths: Sequence[Path], channels: Path, out: Path | None, *, check: bool) -> list[Result]:
    from behavior.app.progress import Progress

    results: list[Result] = []
    places = score_folders(paths, out)
    with Progress("recordings", len(places)) as progress:
        for path, place in places.items():
            results.append(_scored_recording(path, channels, place, check=check))
            progress.step(path.name)
    return results


def _compared_sessions(paths: Sequence[Path]) -> list[Result]:
    from behavior.app.progress import Progress
    from behavior.session.folder import find_sessions

    folders, results = list(find_sessions(*paths)), []
    with Progress("sessions", len(folders)) as progress:
        for folder in folders:
            results.append(_rescored(folder.path))
            progress.step(folder.name)
    return results


def _result(item: Item, outcome: Outcome) -> Result:
    if outcome.state == "failed":
        return {"session": item.name, "error": outcome.error}
    made = {} if outcome.state == "cached" or item.place == item.path else {"score": str(item.place)}
    return {
        "session": item.name,
        "differences": list(outcome.differences),
        "problems": list(outcome.problems),
        "cached": outcome.state == "cached",
        **made,
    }


def report(results: Sequence[Result], *, as_json: bool) -> None:
    """Print what came of each.

    Raises
    ------
    Failure
        Some could not be scored.
    """
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    else:
        for result in results:
            _say(result)
    if failed := [str(result["session"]) for result in results if "error" in result]:
        named = ", ".join(failed[:5]) + (f" and {len(failed) - 5} more" if len(failed) > 5 else "")
        raise Failure(f"{len(failed)} of {len(results)} could not be scored: {named}; see above")


def score_folders(recordings: Sequence[Path], out: Path | None) -> dict[Path, Path]:
    """Where the score of each recording goes: `box.npy` to `box_score`.

    Raises
    ------
    BadInput
        Two would go to one place, or a recording is a folder.
    """
    places: dict[Path, Path] = {}
    for path in dict.fromkeys(recordings):
        if path.is_dir():
            raise BadInput(f"{path}: this is a folder; with --channels, name recordings")
        place = (path.parent if out is None else out) / f"{path.stem}_score"
        if place in places.values():
            raise BadInput(f"{path}: its score would go to {place}, as another's; score the two apart with --out")
        places[path] = place
    return places


def _rescored(path: Path) -> Result:
    """Score one session and compare; a session that cannot be scored holds up no other."""
    from behavior.scoring.finish import find_calls
    from behavior.scoring.rescore import rescore as rescored
    from behavior.session.folder import SessionFolder

    folder = SessionFolder(path)
    try:
        found = [call for one in find_calls(folder) for call in one.calls] if folder.sound_paths else None
        return _compared(folder.name, _standing(path), rescored(folder, calls=found))
    except BehaviorError as error:
        return {"session": folder.name, "error": str(error)}


def _scored_recording(path: Path, channels: Path, place: Path, *, check: bool) -> Result:
    """Score one recording and compare; what is wrong with the map is wrong for all and ends it."""
    from behavior.config.read import read
    from behavior.scoring.finish import finish_recording
    from behavior.scoring.signals import SignalMap, score_signals

    plan = read(channels, SignalMap)
    try:
        old = _standing(place)
        new = score_signals(path, plan) if check else finish_recording(path, channels, place)
    except BehaviorError as error:
        return {"session": path.name, "error": str(error)}
    return {**_compared(path.name, old, new), **({} if check else {"score": str(place)})}


def _standing(folder: Path) -> Score | None:
    """The score that stands in a folder."""
    from behavior.scoring.score import SCORE_FILE, read_score

    return read_score(folder) if (folder / SCORE_FILE).exists() else None


def _compared(name: str, old: Score | None, new: Score) -> Result:
    from behavior.scoring.rescore import differences

    changed = differences(old, new) if old else ["there was no score"]
    return {"session": name, "differences": changed, "problems": list(new.problems)}


def _say(result: Result) -> None:
    if "error" in result:
        typer.echo(f"ERROR    {result['session']}: {result['error']}")
        return
    changed, problems = result["differences"], result["problems"]
    assert isinstance(changed, list)
    assert isinstance(problems, list)
    word = "differs " if changed else "the same"
    written = [f"written to {result['score']}"] if "score" in result else []
    if result.get("cached"):
        word = "as it was"
    typer.echo("; ".join([f"{word} {result['session']}", *changed, *problems, *written]))
