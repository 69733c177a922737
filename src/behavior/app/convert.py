"""`behavior convert`: files of other programs into ours, and ours into theirs.

Rules. What a file is shows in its content, what is asked for in the name of the output, or in `--from` and `--to`.
Nothing is overwritten. What was written is read again, and what the format could not hold is said. Of several sessions
each is on its own: one that cannot be used is said and holds up no other, and the exit code tells.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.model.errors import BadInput, BehaviorError, Failure

if TYPE_CHECKING:
    from behavior.formats.format import AnyFormat
    from behavior.formats.imported import Planned, Source
    from behavior.formats.profile import Profile, System
    from behavior.formats.record import SessionRecord


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file, a session's folder, or a folder of either.")],
    out: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="A new file or folder; a dataset for imported sessions.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="What IN is, where its content does not tell.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="What OUT is to be, where its name does not tell.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Decoder profile for MED-PC or pyControl: a TOML file, a folder of some, or a shipped one."),
    ] = None,
    profile_template: Annotated[
        bool, typer.Option("--profile-template", help="Print a profile to fill in for IN, and stop.")
    ] = False,
    plan: Annotated[
        Path | None, typer.Option(help="plan.csv of the study: who got what on which day (study.toml beside it).")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(help='Imported sessions: of that computer, as in "Europe/Berlin"; no file says it.'),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Call tables: which column is the label, where several could be.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Convert MED-PC, pyControl, Raven, Audacity, DeepSqueak, USVSEG, NWB, Harp, BIDS, CSV and Parquet."""
    if profile_template:
        typer.echo(_template(source, from_), nl=False)
        return
    if out is None:
        raise BadInput("where to? name a new file, or the folder of a dataset, as the second argument")
    done = _Done()
    from behavior.formats.catalogue import find_format

    asked = find_format(to) if to else None
    inputs = list(_inputs(source, from_, done))
    for path, given in inputs:
        if given.holds == "calls":
            _convert_calls(path, given, out, asked, label_column, done)
        elif given.holds == "session":
            place = _place(source, path, out, asked) if len(inputs) > 1 else out
            _convert_session(path, given, place, asked, profile, done)
        else:
            _convert_control(path, given, out, asked, profile, plan, time_zone, done)
    if plan is not None and done.imports is not None:
        _keep_plan(plan, out)
    done.report(as_json=as_json)


_DATASETS = ("behavior", "bids")
"""Formats of which one folder holds many sessions."""


@dataclass
class _Done:
    """What was written, what could not be used, and what a person should know."""

    written: list[dict[str, Any]] = field(default_factory=list)
    failed: list[BehaviorError] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    imports: dict[tuple[str, int], Path] | None = None
    """Sessions of the dataset that were imported before."""

    def report(self, *, as_json: bool) -> None:
        """Print it; the exit code tells that something could not be used."""
        if len(self.failed) == 1 and not self.written:
            raise self.failed[0]
        for error in self.failed:
            typer.echo(f"not converted: {error}", err=True)
        if self.skipped:
            n = len(self.skipped)
            shown = ", ".join([*self.skipped[:3], *(["…"] if n > 3 else [])])
            typer.echo(f"left out {n} other file{'s' if n > 1 else ''}: {shown}", err=True)
        if as_json:
            failures = [str(error) for error in self.failed]
            typer.echo(json.dumps({"written": self.written, "failed": failures, "left_out": self.skipped}, indent=1))
        else:
            for one in self.written:
                typer.echo(f"{one['out']}: {one['what']}")
            for remark, n in Counter(remark for one in self.written for remark in one["remarks"]).items():
                typer.echo(f"{f'in {n} of {len(self.written)}: ' if len(self.written) > 1 else ''}{remark}", err=True)
        if self.failed:
            n = len(self.failed) + len(self.written)
            others = "; the others were" if self.written else ""
            raise BadInput(f"{len(self.failed)} of {n} could not be converted, see above{others}")
        if not self.written:
            raise BadInput("there was nothing to convert; name a file of one of the formats, or a folder with some")

    def add(self, out: Path, what: str, *remarks: str) -> None:
        """One more is written."""
        self.written.append({"out": str(out), "what": what, "remarks": list(remarks)})


def _inputs(source: Path, from_: str | None, done: _Done) -> Iterator[tuple[Path, AnyFormat]]:
    """What there is to convert, each with its format."""
    from behavior.formats.catalogue import all_formats, find_format, sniff
    from behavior.formats.own import session_folders

    wanted, ours = find_format(from_) if from_ else None, find_format("behavior")
    if not source.is_dir() or (wanted is not None and wanted.is_folder and wanted is not ours):
        yield source, wanted or sniff(source)
        return
    sessions = session_folders(source)
    if wanted is None and not sessions and any(one.is_folder and one.sniff(source, b"") for one in all_formats()):
        yield source, sniff(source)
        return
    files = [] if wanted is ours else list(_files(source, sessions, wanted, done))
    if sessions and files and wanted is None:
        raise BadInput(
            f"{source}: holds {len(sessions)} sessions and {len(files)} files of other systems, such as "
            f"{files[0][0].name}; say which with --from behavior or --from {files[0][1].name}"
        )
    if sessions and (wanted is None or wanted is ours):
        yield from ((path, ours) for path in sessions)
    elif wanted is ours:
        yield source, ours
    else:
        yield from files


def _files(
    source: Path, sessions: list[Path], wanted: AnyFormat | None, done: _Done
) -> Iterator[tuple[Path, AnyFormat]]:
    """The files in a folder that hold sessions, but for those in the folders of our own."""
    from behavior.formats.catalogue import first_bytes, sniff

    inside = set(sessions)
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        if inside.intersection(path.parents):
            continue
        try:
            given = wanted if wanted is not None and wanted.sniff(path, first_bytes(path)) else sniff(path)
        except BadInput:
            given = None
        if given is None or given.holds == "calls" or wanted not in (None, given):
            done.skipped.append(path.name)
        else:
            yield path, given


def _place(source: Path, path: Path, out: Path, asked: AnyFormat | None) -> Path:
    """Where one of several sessions goes: a file or folder of its own in OUT, or OUT where that is a dataset."""
    if asked is not None and asked.name in _DATASETS:
        return out
    if asked is None:
        raise BadInput(f"{source}: there are several sessions in it; say --to, and OUT is a folder for them")
    out.mkdir(parents=True, exist_ok=True)
    name = "_".join((path.parent.name, path.name)) if path.is_dir() else path.stem
    return out / (name if asked.is_folder else f"{name}{asked.extensions[0]}")


# -- call tables ------------------------------------------------------------------------------------------------------


def _convert_calls(
    path: Path, given: AnyFormat, out: Path, asked: AnyFormat | None, label_column: str | None, done: _Done
) -> None:
    from behavior.formats.calls import losses
    from behavior.formats.catalogue import format_to_write

    target = asked or format_to_write(out, "calls")
    if target.holds != "calls":
        raise BadInput(f"{path}: is a table of calls, and {target.name} holds a {target.holds}; choose another --to")
    table = given.read(path)
    if label_column is not None:
        table = table.labelled_by(label_column)
    target.write(out, table)
    lost = losses(table, target.read(out))
    what = f"{len(table.rows)} calls, {given.name} to {target.name}"
    done.add(out, what, *([f"{target.name} does not hold {', '.join(lost)}"] if lost else []))


# -- sessions ---------------------------------------------------------------------------------------------------------


def _convert_session(
    path: Path, given: AnyFormat, out: Path, asked: AnyFormat | None, profile: str | None, done: _Done
) -> None:
    from behavior.formats.calls import from_calls
    from behavior.formats.catalogue import format_to_write
    from behavior.formats.encode import encode_session
    from behavior.formats.profile import read_profile

    try:
        record: SessionRecord = given.read(path)
        if asked is not None and asked.name == "medpc":
            if profile is None:
                raise BadInput("to write a MED-PC file, name the profile by which: --profile")
            file, left_out = encode_session(record, read_profile(profile, "medpc")[0])
            asked.write(out, file)
            remarks = [f"no code for {n} x {what}" for what, n in sorted(left_out.items())]
            done.add(out, f"{record.name} to medpc", *remarks)
        elif asked is not None and asked.holds == "calls":
            if record.calls is None:
                raise BadInput(f"{path}: nobody searched this session's sound; there are no calls to convert")
            asked.write(out, from_calls(record.calls))
            done.add(out, f"{len(record.calls)} calls of {record.name} to {asked.name}")
        else:
            target = asked or format_to_write(out, "session")
            if target.holds != "session":
                raise BadInput(f"{path}: is a session, which {target.name} does not hold; choose another --to")
            done.add(out, f"{record.name} to {target.name}", *_write_session(target, out, record))
    except BehaviorError as error:
        done.failed.append(error)


def _write_session(target: AnyFormat, out: Path, record: SessionRecord) -> list[str]:
    """Write a session, and say what of it does not come back."""
    from behavior.formats.record import write_session
    from behavior.formats.rows import kinds_lost

    if target.name == "behavior":
        write_session(out, record)
        return []
    if target.name == "bids":
        from behavior.formats.bids import add, read_table

        back = read_table(add(out, record))
    else:
        target.write(out, record)
        back = target.read(out)
    lost = kinds_lost(record, back)
    remarks = [f"{target.name} does not hold {', '.join(lost)}"] if lost else []
    if target.name == "nwb":
        from behavior.formats.nwb import lacking

        remarks += lacking(record)
    return remarks


# -- files of control systems -----------------------------------------------------------------------------------------


def _convert_control(
    path: Path,
    given: AnyFormat,
    out: Path,
    asked: AnyFormat | None,
    profile: str | None,
    plan: Path | None,
    time_zone: str | None,
    done: _Done,
) -> None:
    from behavior.app.passphrase import who_is_it
    from behavior.formats.imported import import_session, imported_sessions, read_source, record_of
    from behavior.scoring.finish import finish_session
    from behavior.study.audit import find_log
    from behavior.study.evidence import register

    if asked is not None and asked.name == given.name:
        asked.write(out, given.read(path))
        done.add(out, f"{path.name} as it is")
        return
    asked = asked or _by_name(out)
    system: System = "pycontrol" if given.name == "pycontrol" else "medpc"
    try:
        source = read_source(path, system)
        planned = _planned(plan)
    except BehaviorError as error:
        done.failed.append(error)
        return
    for number, session in enumerate(source.sessions, start=1):
        try:
            decoder, file = _profile(profile, source, number)
            if time_zone is not None:
                decoder = decoder.model_copy(update={"time_zone": time_zone})
            record = record_of(source, number, decoder, file, planned)
            if asked is not None and asked.name != "behavior":
                if asked.holds != "session" or len(source.sessions) > 1:
                    raise BadInput(f"{path}: to {asked.name}, convert it to a dataset first, and that to {asked.name}")
                done.add(out, f"{session.name} to {asked.name}", *_write_session(asked, out, record))
                continue
            done.imports = imported_sessions(out) if done.imports is None else done.imports
            folder = import_session(out, source, record, file, done.imports)
            finish_session(folder)
            register(find_log(folder.path) or out, folder, who=who_is_it(None))
            done.add(folder.path, f"{session.name}: {len(record.items)} lines by {file.name}", *folder.header.remarks)
        except Failure:
            raise
        except BehaviorError as error:
            done.failed.append(error)


def _by_name(out: Path) -> AnyFormat | None:
    """The format of sessions that the name of a file asks for; None for the folder of a dataset."""
    from behavior.formats.catalogue import format_to_write

    try:
        return format_to_write(out, "session") if out.suffix and not out.is_dir() else None
    except BadInput:
        return None


def _profile(name: str | None, source: Source, number: int) -> tuple[Profile, Path]:
    from behavior.formats.profile import profile_in, read_profile, shipped_profile

    program = source.sessions[number - 1].program
    if name is not None and not Path(name).is_dir():
        return read_profile(name, source.system)
    found = profile_in(Path(name), program) if name is not None else None
    found = found or shipped_profile(program, source.system)
    if found is None:
        raise BadInput(
            f"{source.path}, {source.sessions[number - 1].name}: no profile is known for the program {program!r}, "
            "and what its numbers mean is never guessed; "
            f"`behavior convert {source.path} --profile-template` prints one to fill in"
        )
    return found


def _keep_plan(plan: Path, dataset: Path) -> None:
    """Put the plan and the study that it belongs to into the dataset, where summaries look for them."""
    for path in (plan, plan.parent / "study.toml"):
        name = "plan.csv" if path is plan else path.name
        if path.is_file() and dataset.is_dir() and not (dataset / name).exists():
            (dataset / name).write_bytes(path.read_bytes())


def _planned(plan: Path | None) -> Planned | None:
    if plan is None:
        return None
    from behavior.config.read import read
    from behavior.config.study import Study
    from behavior.formats.imported import Planned
    from behavior.study.plan import read_plan

    study = read(plan.parent / "study.toml", Study) if (plan.parent / "study.toml").exists() else None
    return Planned(read_plan(plan), study.arms if study else (), study.name if study else None)


def _template(source: Path, from_: str | None) -> str:
    """A profile to fill in for a file's first program."""
    from behavior.formats.catalogue import find_format, sniff
    from behavior.formats.imported import read_source
    from behavior.formats.template import template

    given = find_format(from_) if from_ else sniff(source)
    if given.holds != "control file":
        raise BadInput(f"{source}: is {given.name}, which needs no profile; leave out --profile-template")
    sessions = read_source(source, "pycontrol" if given.name == "pycontrol" else "medpc").sessions
    others = sorted({one.program for one in sessions} - {sessions[0].program})
    if others:
        typer.echo(f"this is for {sessions[0].program!r}; the file also has {', '.join(others)}", err=True)
    return template(sessions[0])
