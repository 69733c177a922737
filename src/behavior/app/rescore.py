"""`behavior rescore`: scores made again from journals and sound, or from sampled channels that have no journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput, BehaviorError, Failure

if TYPE_CHECKING:
    from behavior.scoring.score import Score

Result = dict[str, object]


def rescore(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Sessions, or folders that hold some.")],
    channels: Annotated[
        Path | None, typer.Option(help="Channel map: the paths are recordings (WAV, NPY, CSV) of sampled channels.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --channels: folder for the scores; by default beside each recording.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare only; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Score sessions again and say what differs from the scores that stand."""
    from behavior.app.progress import Progress
    from behavior.session.folder import find_sessions

    if channels is None and out is not None:
        raise BadInput("--out is for recordings with --channels; a session's score stands in its own folder")
    results: list[Result] = []
    if channels is None:
        folders = list(find_sessions(*paths))
        with Progress("sessions", len(folders)) as progress:
            for folder in folders:
                results.append(_rescored(folder.path, check=check))
                progress.step(folder.name)
    else:
        places = score_folders(paths, out)
        with Progress("recordings", len(places)) as progress:
            for path, place in places.items():
                results.append(_scored_recording(path, channels, place, check=check))
                progress.step(path.name)
    report(results, as_json=as_json)


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
        raise Failure(f"{len(failed)} of {len(results)} sessions could not be scored: {', '.join(failed)}; see above")


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


def _rescored(path: Path, *, check: bool) -> Result:
    """Score one session and compare; a session that cannot be scored holds up no other."""
    from behavior.app.passphrase import who_is_it
    from behavior.scoring.finish import find_calls, finish_session
    from behavior.scoring.rescore import rescore as rescored
    from behavior.session.folder import SessionFolder
    from behavior.study.audit import find_log
    from behavior.study.evidence import SCORES, digests, register_score

    folder = SessionFolder(path)
    try:
        old, before = _standing(path), digests(path, SCORES)
        if check:
            found = [call for one in find_calls(folder) for call in one.calls] if folder.sound_paths else None
            new = rescored(folder, calls=found)
        else:
            new = finish_session(folder)
            if (dataset := find_log(path)) is not None:
                register_score(dataset, path, before, who=who_is_it(None), reason="rescored")
    except BehaviorError as error:
        return {"session": folder.name, "error": str(error)}
    return _compared(folder.name, old, new)


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
    written = [f"score in {result['score']}"] if "score" in result else []
    typer.echo("; ".join([f"{word} {result['session']}", *changed, *problems, *written]))
