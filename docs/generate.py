"""Makes the pages of the reference that follow from the code.

    python docs/generate.py            # writes docs/reference/*.md and docs/images/architecture.svg
    python docs/generate.py --check    # exit code 1 and the names of the files that are not up to date

Commands come from the command line itself, configuration keys from the records that read them, the journal's lines and
the headers from their structs, columns from the scores of a short session of every paradigm and the meanings in
`docs/columns.toml`, the picture of the architecture from `.importlinter` and the imports that there are.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import re
import sys
import textwrap
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MADE = "<!-- Made by `python docs/generate.py`. Do not edit. -->"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(_cell(one) for one in line) + " |\n" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


# ---- commands


def commands_page() -> str:
    """Every command with its arguments and options, as the command line has them."""
    from behavior.app import cli

    parts = [
        f"# Commands\n\n{MADE}\n\n`behavior COMMAND --help` says the same. Exit code 0: done; 1: something failed or "
        "does not hold; 2: what was\ngiven cannot be used. Errors are one sentence: what, where, what to do next. No "
        "command writes over anything without being\ntold to.\n"
    ]
    for info in cli.app.registered_commands:
        assert info.callback is not None
        name = info.name or info.callback.__name__.replace("_", "-")
        given = list(parameters(info.callback))
        words = [one for one, *_ in given if not one.startswith("-")]
        usage = " ".join(["behavior", name, "[OPTIONS]", *words])
        says = _first_paragraph(info.callback.__doc__ or "")
        parts.append(f"## behavior {name}\n\n{says}\n\n```\n{usage}\n```\n")
        rows = [(" ".join(filter(None, (f"`{one}`", kind))), said, default) for one, kind, said, default in given]
        parts.append(table(("", "", "default"), rows) if rows else "")
    return "\n".join(part for part in parts if part)


def _first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())


def parameters(command: Callable[..., object]) -> Iterator[tuple[str, str, str, str]]:
    """Each argument and option of a command: its name, what it holds, its help, its default."""
    from typer.models import ArgumentInfo, ParameterInfo

    hints = inspect.get_annotations(command, eval_str=True)
    for name, parameter in inspect.signature(command).parameters.items():
        holds, *more = get_args(hints[name])
        (info,) = (one for one in more if isinstance(one, ParameterInfo))
        plain = {one for one in (holds, *get_args(holds)) if one is not type(None)}
        needed = parameter.default is inspect.Parameter.empty
        unsaid = needed or parameter.default in (None, False, "") or info.show_default is False
        default = "" if unsaid else parameter.default
        said = (info.help or "") + (" **Needed.**" if needed and not isinstance(info, ArgumentInfo) else "")
        shown = "" if default == "" else f"`{default.as_posix() if isinstance(default, Path) else default}`"
        if isinstance(info, ArgumentInfo):
            word = info.metavar or name.upper() + ("..." if list in map(get_origin, (holds, *get_args(holds))) else "")
            yield word if needed else f"[{word}]", "", said, shown
        elif bool in plain:
            both = f"--{name.replace('_', '-')}/--no-{name.replace('_', '-')}"
            yield ", ".join(info.param_decls or (both,)), "", said, ""
        else:
            decls = ", ".join(info.param_decls or (f"--{name.replace('_', '-')}",))
            yield decls, info.metavar or _option_kind(holds), said, shown


def _option_kind(holds: Any) -> str:
    if get_origin(holds) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(holds))
    if get_origin(holds) in (Union, types.UnionType, list):
        return next(_option_kind(one) for one in get_args(holds) if one is not type(None))
    return {Path: "PATH", str: "TEXT", int: "INTEGER", float: "NUMBER"}.get(holds, "TEXT")


# ---- configuration


def configuration_page() -> str:
    """Every key of every TOML file that people write."""
    parts = [
        f"# Configuration files\n\n{MADE}\n\nAll are TOML. An unknown key is an error, and so is a value out of range; "
        "all errors of a file are said at once, each\nwith its key. Times of day have a time zone. Units stand in the "
        "names.\n"
    ]
    for title, says, records in files():
        parts.append(f"## {title}\n\n{says}\n")
        done: list[type] = []
        waiting = list(records)
        while waiting:
            record = waiting.pop(0)
            if record in done:
                continue
            done.append(record)
            waiting[:0] = [one for one in inner_records(record) if one not in done]
            parts.append(f"### {heading(title, record)}\n\n{_first_paragraph(record.__doc__ or '')}\n")
            rows = [(f"`{name}`", *_key(field), said) for name, field, said in keys(record)]
            parts.append(table(("key", "holds", "default", ""), rows))
    return "\n".join(parts)


def files() -> Iterator[tuple[str, str, list[type]]]:
    """Each kind of file: title, where it is named, its records."""
    from behavior.assays import settings
    from behavior.config.calibration import Calibration
    from behavior.config.dialect import Dialect
    from behavior.config.rig import Rig
    from behavior.config.squad import SquadFile
    from behavior.config.study import Study
    from behavior.formats.profile import Profile
    from behavior.paradigms.catalogue import find_paradigm, our_paradigms
    from behavior.scoring.progress import TrainingPlan
    from behavior.scoring.signals import SignalMap
    from behavior.simulate.faults import MishapFile
    from behavior.usv.calibration import Calibration as Microphone
    from behavior.usv.profile import DetectorProfile

    yield "Rig", "`behavior run RIG`, `behavior devices RIG`; shipped ones in `configs/rigs`.", [Rig]
    yield "Study", "`behavior design STUDY`, `behavior simulate STUDY`; shipped ones in `configs/studies`.", [Study]
    names = sorted(our_paradigms())
    yield (
        "Paradigm parameters", "`behavior run --paradigm NAME --parameters FILE`, and `parameters` of a study's arms; "
        "shipped ones in `configs/paradigms`.", [find_paradigm(name).parameters for name in names],
    )  # fmt: skip
    yield "Squad", "`behavior run --squad FILE`: which chambers start together.", [SquadFile]
    yield (
        "Detector profile",
        "`behavior detect --profile FILE`; shipped ones in `configs/detectors`.",
        [DetectorProfile],
    )
    yield "Microphone calibration", "`behavior detect --calibration FILE`.", [Microphone]
    yield "Shocker's line", "`dialect` of a rig's `line_shocker`; shipped ones in `configs/shockers`.", [Dialect]
    yield "Shocker calibration", "Written by `behavior bench` into `calibration/` beside the rig file.", [Calibration]
    yield "Decoder profile", "`behavior convert --profile FILE`; shipped ones in `configs/medpc`.", [Profile]
    yield "Channel map", "`behavior rescore RECORDING --channels FILE`.", [SignalMap]
    yield "Mishaps", "`behavior run RIG --simulate --fault FILE`: what goes wrong in a simulated chamber.", [MishapFile]
    yield "Training plan", "`behavior propose DATASET`; shipped ones in `configs/training`.", [TrainingPlan]
    kinds = sorted(
        (one for one in vars(settings).values() if isinstance(one, type) and one.__name__.endswith("Settings")),
        key=lambda one: one.__name__,
    )
    yield (
        "Assay settings",
        "Beside an assay's table, of the same name; `behavior assay KIND --template` writes one.",
        kinds,
    )


def heading(title: str, record: type) -> str:
    """A heading that no other part of the page has."""
    return f"{title}: {record.__name__.removesuffix('Parameters') or record.__name__}"


def keys(record: Any) -> Iterator[tuple[str, Any, str]]:
    """Each key of a record with what its class says of it, those of its bases too."""
    said: dict[str, str] = {}
    for base in reversed(record.__mro__):
        if base.__module__.startswith("behavior."):
            said |= spoken(base)
    for name, field in record.model_fields.items():
        yield name, field, said.get(name, "")


def spoken(record: type) -> dict[str, str]:
    """The string after each attribute of a class."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    except (OSError, TypeError):
        return {}
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for one, after in zip(tree.body, tree.body[1:], strict=False):
        match one, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(inspect.cleandoc(text).split())
    return found


def _key(field: Any) -> tuple[str, str]:
    bounds = " ".join(filter(None, (_bound(one) for one in field.metadata)))
    what = f"{words(field.annotation)}{f', {bounds}' if bounds else ''}"
    if field.is_required():
        return what, "**needed**"
    default = field.get_default(call_default_factory=True)
    return what, _default(default)


def _default(value: Any) -> str:
    from pydantic import BaseModel

    if value is None or value == () or value == {} or value == "":
        return ""
    if isinstance(value, BaseModel):
        given = {key: one for key, one in value.model_dump(mode="json").items() if key in value.model_fields_set}
        return f"`{_toml(given)}`" if given else "its own"
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return f"{len(value)}, see the paradigm"
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple | frozenset | set):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bound(one: Any) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "at least", "max_length": "at most"}
    said = [f"{sign} {getattr(one, key):g}" for key, sign in signs.items() if getattr(one, key, None) is not None]
    parts = [part.replace("at least 1", "not empty") for part in said]
    inner = [_bound(more) for more in getattr(one, "metadata", ())]
    return " ".join(filter(None, [*parts, *inner]))


NAMES = {
    str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "", dict: "table",
    Any: "anything",
}  # fmt: skip


def words(annotation: Any) -> str:
    """What a key holds, in words."""
    from pydantic import BaseModel

    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        bounds = " ".join(filter(None, (_bound(one) for one in inside[1:])))
        return f"{words(inside[0])}{f', {bounds}' if bounds else ''}"
    if origin is Literal:
        return " or ".join(f"`{_toml(one)}`" for one in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(filter(None, map(words, inside))))
    if origin in (tuple, list, frozenset, set) or (origin is not None and issubclass(origin, typing.Sequence)):
        fixed = origin is tuple and inside[-1] is not Ellipsis
        return f"[{', '.join(map(words, inside))}]" if fixed else f"list of {words(inside[0])}"
    if origin is not None and issubclass(origin, typing.Mapping):
        return f"table of {words(inside[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"table {annotation.__name__}"
    return (
        NAMES[annotation]
        if annotation in NAMES
        else getattr(annotation, "__name__", str(annotation)).removesuffix("Datetime").lower()
    )


def inner_records(record: Any) -> list[type]:
    """The records that a record holds, in order."""
    found: dict[type, None] = {}
    for field in record.model_fields.values():
        found |= dict.fromkeys(_records_in(field.annotation))
    return list(found)


def _records_in(annotation: Any) -> Iterator[type]:
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _records_in(one)


# ---- journal


def journal_page() -> str:
    """The lines of a journal, its header and its footer."""
    from behavior.model import commands, events, session

    parts = [
        f"# Journal, header and footer\n\n{MADE}\n\n`journal.jsonl` is JSON, a line each. Every line has `kind` "
        "(below), `host_us` (when the host wrote it), `seq`\n(its number from 0), `after` (the checksum of the line "
        "before; the first has that of `header.json`) and, last, `crc`\n(CRC-32 of all before it). An event is "
        "written before the core sees it, a command before it is sent. Times are\nmicroseconds of session time; which "
        "clock that is, [clocks and timing](../explanations/clocks-and-timing.md) says.\n",
        "## Events: what happened\n",
        *(_struct(one) for one in _structs(events, events.Event)),
        "## Commands: what was to be done\n\nA command carries no time: it was given at the latest input before it.\n",
        *(_struct(one) for one in _structs(commands, commands.Command)),
        "## header.json\n\nWritten once, before the first line, and never changed.\n",
        *(_struct(one) for one in (session.SessionHeader, session.DeviceIdentity, session.Imported)),
        "## footer.json\n\nWritten when the session has ended.\n",
        *(_struct(one) for one in (session.SessionFooter, session.ClockRecord)),
    ]
    return "\n".join(parts)


def _structs(module: Any, base: type) -> list[type]:
    found = [
        one for one in vars(module).values() if isinstance(one, type) and issubclass(one, base) and one is not base
    ]
    return [one for one in found if one.__module__ == module.__name__]


def _struct(one: Any) -> str:
    import msgspec

    said = spoken(one)
    fields = msgspec.structs.fields(one)
    kinds = typing.get_type_hints(one)
    rows = [
        (
            f"`{field.name}`",
            _json_kind(kinds[field.name]),
            "" if field.required else "optional",
            said.get(field.name, ""),
        )
        for field in fields
    ]
    doc = inspect.cleandoc(one.__doc__ or "")
    text = " ".join(doc.split())
    return f"### {one.__name__}\n\n{text}\n\n" + (table(("field", "", "", ""), rows) if rows else "")


def _json_kind(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(filter(None, (_json_kind(one) for one in inside)))
    if origin in (tuple, list):
        return f"list of {_json_kind(inside[0])}"
    if origin is dict:
        return f"object of {_json_kind(inside[1])}"
    plain = {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Any: "anything"}
    return plain.get(annotation, "" if "Unset" in str(annotation) else getattr(annotation, "__name__", str(annotation)))


# ---- columns


def columns_page() -> str:
    """Every column of every table, with its meaning."""
    meanings = tomllib.loads((HERE / "columns.toml").read_text(encoding="utf-8"))
    parts = [
        f"# Columns\n\n{MADE}\n\nTables are CSV: UTF-8, commas, a header line, points in numbers, lines that end in "
        "LF. An empty cell is a missing\nvalue, never a zero. Units stand in the names; `n_` is a count, `fraction_` a "
        "share from 0 to 1.\n"
    ]
    for title, says, group, columns in tables():
        rows = [(f"`{name}`", meaning(name, group, meanings)) for name in columns]
        parts.append(f"## {title}\n\n{says}\n\n" + table(("column", ""), rows))
    return "\n".join(parts)


def meaning(name: str, group: str, meanings: dict[str, dict[str, str]]) -> str:
    """What a column of a table means.

    Raises
    ------
    SystemExit
        Nobody has said so.
    """
    from behavior.model.measures import MEASURES

    for place in (meanings.get(group, {}), meanings["anywhere"]):
        if name in place:
            return place[name]
        for key in place:
            if key.endswith("_") and name.startswith(key):
                return place[key]
    if name in MEASURES:
        return MEASURES[name].label
    raise SystemExit(f"docs/columns.toml: says nothing of {name} in {group}; add it")


def tables() -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Each table: title, what a row is, which meanings, and its columns."""
    from behavior.model.calls import CALL_COLUMNS
    from behavior.scoring.archive import MANIFEST_COLUMNS
    from behavior.scoring.score import RESPONSE_COLUMNS
    from behavior.study.bottles import COLUMNS as INTAKE
    from behavior.study.dataset import DESCRIPTION
    from behavior.study.plan import PLAN_COLUMNS
    from behavior.summary.beside import COLUMNS as ENDPOINTS
    from behavior.usv.table import REJECTED_COLUMNS

    yield "calls.csv", "A row a call, of `behavior detect` and in a session's folder.", "calls", CALL_COLUMNS
    yield "rejected.csv", "A row for each sound that was taken for no call.", "rejected", REJECTED_COLUMNS
    yield "responses.csv", "A row a response, in a session's folder.", "responses", RESPONSE_COLUMNS
    for paradigm, (session, rows) in scored().items():
        yield (
            f"{paradigm}: score.json", "`session`: a value a measure. [How they are worked out]"
            "(../explanations/how-sessions-are-scored.md)", "session", session,
        )  # fmt: skip
        for name, columns in rows.items():
            if columns:
                yield f"{paradigm}: {name}.csv", f"A row for each of its {name}.", "rows", columns
    yield (
        "summary: sessions.csv", "A row a session; then the measures of its paradigm, and what else its score holds. "
        "Those of components, trials, bins and calls begin with `session`, `subject`, `arm`, `dose_mg_kg`, `left_out`.",
        "sessions", DESCRIPTION,
    )  # fmt: skip
    yield "summary: per_dose.csv", "A row an endpoint and dose.", "per_dose", PER_DOSE
    yield "summary: units.csv", "A row a unit, dose and endpoint, as the tests saw it.", "units", UNITS
    yield "summary: models.csv", "Figures of each model, for `analysis.R`.", "models", MODELS
    yield "summary: endpoints.csv", "A row an endpoint, of behavior and of assays.", "endpoints", ENDPOINTS
    yield "plan.csv", "A row a session that is planned.", "plan", PLAN_COLUMNS
    yield "intake.csv", "A row a weighed bottle.", "intake", INTAKE
    yield "rescored/manifest.csv", "A row an item of an archive.", "manifest", MANIFEST_COLUMNS


PER_DOSE = (
    "arm compound endpoint primary dose_mg_kg n_planned n_run n_left_out n_missing n_censored n mean sem sd ci_lo "
    "ci_hi median q1 q3 min max fraction_of_vehicle unit method test scale difference difference_lo difference_hi p "
    "p_adjusted p_welch hedges_g hedges_g_lo hedges_g_hi cliffs_delta cliffs_delta_lo cliffs_delta_hi motor_control "
    "motor_control_mean motor_control_sem motor_control_fraction_of_vehicle"
).split()
UNITS = "arm endpoint subject dose_mg_kg period response censored cut_off events trials exposure_s".split()
MODELS = "arm endpoint method quantity value".split()
"""Of tables that only a summary has; the tests hold them to one."""


def scored() -> dict[str, tuple[dict[str, None], dict[str, dict[str, None]]]]:
    """By paradigm the measures of a session, and the columns of each table of its parts, from short sessions."""
    sys.path.insert(0, str(ROOT / "tests"))
    from behavior.scoring.score import score_items
    from paradigms.short import WAYS, way

    found: dict[str, tuple[dict[str, None], dict[str, dict[str, None]]]] = {}
    for name in WAYS:
        one = way(name)
        score = score_items(one.paradigm.name, one.journal(), one.parameters)
        session, rows = found.setdefault(one.paradigm.name, ({}, {}))
        session.update(dict.fromkeys(key for key in score.session))
        for row in score.rows:
            rows.setdefault(score.rows_name, {}).update(dict.fromkeys(row))
    return found


# ---- architecture


def layers() -> list[list[str]]:
    """The rooms as `.importlinter` has them, from the top."""
    text = (ROOT / ".importlinter").read_text(encoding="utf-8")
    block = re.search(r"^layers =\n((?:    .+\n)+)", text, re.MULTILINE)
    if block is None:
        raise SystemExit(".importlinter: has no layers")
    return [[room.strip().removeprefix("behavior.") for room in line.split("|")] for line in block[1].splitlines()]


def imports() -> dict[str, set[str]]:
    """Which rooms each room imports from, by its source; what is only for type checking is left out."""
    found: dict[str, set[str]] = {}
    for room in (room for layer in layers() for room in layer):
        used = found.setdefault(room, set())
        for path in sorted((ROOT / "src" / "behavior" / room).rglob("*.py")):
            used |= set(_imported(ast.parse(path.read_text(encoding="utf-8"))))
        used.discard(room)
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    skipped = {
        id(one) for branch in ast.walk(tree) if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for one in ast.walk(branch)
    }  # fmt: skip
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and id(one) not in skipped and (one.module or "").startswith("behavior."):
            yield (one.module or "").split(".")[1]


def room_says(room: str) -> str:
    """The first sentence of a room's docstring."""
    text = (ROOT / "src" / "behavior" / room / "__init__.py").read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text)) or ""
    return re.split(r"(?<=\.)\s", " ".join(doc.split()))[0].rstrip(".")


WIDTH, BOX_H, GAP, MARGIN, LANE = 960, 54, 28, 70, 14


def architecture_svg() -> str:
    """The rooms from top to bottom, with an arrow for each import from a room to one further down."""
    rows = layers()
    place: dict[str, tuple[int, float, float]] = {}
    for k, row in enumerate(rows):
        w = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        place |= {room: (k, MARGIN + j * (w + GAP), w) for j, room in enumerate(row)}
    edges = [(room, used) for room in place for used in place if used in _next_only(room)]
    short = [edge for edge in edges if place[edge[1]][0] == place[edge[0]][0] + 1]
    height = 20 + len(rows) * (BOX_H + GAP)
    style = (
        "text{font:13px system-ui,sans-serif;fill:#1f2933}.name{font-weight:600}rect{fill:#eef3f8;stroke:#7b94ac}"
        "path{fill:none;stroke:#7b94ac;stroke-width:1.3;marker-end:url(#tip)}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>The rooms of the package; imports run downwards only</title>",
        f"<style>{style}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" style="fill:#7b94ac;stroke:none;marker-end:none"/></marker></defs>',
        f'<rect x="0" y="0" width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
        *(_down(place[one], place[other]) for one, other in short),
        *_around([(place[one], place[other]) for one, other in edges if (one, other) not in short]),
        *(_box(room, x, _top(k), w) for room, (k, x, w) in place.items()),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _next_only(room: str) -> set[str]:
    """Of what a room imports, what none of the others that it imports does: the rest would only be lines."""
    used = imports_once()
    return {one for one in used[room] if not any(one in used[other] for other in used[room] if other != one)}


_imports: dict[str, set[str]] = {}


def imports_once() -> dict[str, set[str]]:
    """As `imports`, read once."""
    if not _imports:
        _imports.update(imports())
    return _imports


def _top(k: int) -> int:
    return 20 + k * (BOX_H + GAP)


def _box(room: str, x: float, y: float, w: float) -> str:
    says = textwrap.shorten(room_says(room), int((w - 20) / 6.8), placeholder=" …")
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{BOX_H}" rx="6"/>'
        f'<text class="name" x="{x + 10:.0f}" y="{y + 21:.0f}">{room}</text>'
        f'<text x="{x + 10:.0f}" y="{y + 41:.0f}">{_escaped(says)}</text>'
    )


def _down(start: tuple[int, float, float], end: tuple[int, float, float]) -> str:
    """An arrow to the layer below, in the middle of what both boxes share."""
    left, right = max(start[1], end[1]), min(start[1] + start[2], end[1] + end[2])
    x1 = x2 = (left + right) / 2
    if right - left < GAP:
        x1, x2 = (min(max(x, one[1] + 20), one[1] + one[2] - 20) for one in (start, end) for x in [(left + right) / 2])
    return f'<path d="M{x1:.0f} {_top(start[0]) + BOX_H}L{x2:.0f} {_top(end[0])}"/>'


def _around(edges: Iterable[tuple[tuple[int, float, float], tuple[int, float, float]]]) -> Iterator[str]:
    """Arrows past layers, each in a lane of its own beside the boxes, on the nearer side."""
    taken = {-1: 0, 1: 0}
    for start, end in edges:
        side = -1 if end[1] + end[2] / 2 < WIDTH / 2 - 1 else 1
        lane = taken[side] = taken[side] + 1
        edge = (MARGIN, WIDTH - MARGIN)[side > 0]
        x = edge + side * lane * LANE
        y1, y2 = _top(start[0]) + BOX_H / 2 + 4 * lane, _top(end[0]) + BOX_H / 2 - 4 * lane
        yield f'<path d="M{edge} {y1:.0f}H{x}V{y2:.0f}H{edge}"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def architecture_page() -> str:
    """The rooms, what each says of itself, and which others it imports."""
    order = [room for layer in layers() for room in layer]
    used = imports_once()
    rows = [
        (f"`{room}`", room_says(room), ", ".join(f"`{one}`" for one in order if one in used[room])) for room in order
    ]
    pure = re.search(
        r"\[importlinter:contract:pure\]\nname = (.+)\n", (ROOT / ".importlinter").read_text(encoding="utf-8")
    )
    return (
        f"# Architecture\n\n{MADE}\n\n"
        "![The rooms of the package from app at the top to model at the bottom](../images/architecture.svg)\n\n"
        "Imports run downwards only; `lint-imports` holds it in every change. An arrow leads to what a room imports "
        "and has not through another.\nRooms side by side know nothing of each other.\n\n"
        + table(("room", "", "imports"), rows)
        + f"\nA second contract: {(pure[1] if pure else '')[:1].lower()}{(pure[1] if pure else '')[1:]}.\n\n"
        "[Where does logic go?](../explanations/where-does-logic-go.md) · [Decisions](../decisions/README.md)\n"
    )


# ---- measured


def measured_page() -> str:
    """The figures that `tests/bench/gather.py` kept."""
    kept = json.loads((HERE / "measured.json").read_text(encoding="utf-8"))
    ratios, plain = [], []
    for bench in kept.values():
        where = f"`{bench['command']}`, {bench['on']}"
        for one in bench["figures"]:
            if one["unit"] == "times":
                ratios.append((one["what"], one["value"], one["against"], where))
            else:
                plain.append((one["what"], f"{one['value']} {one['unit']}", where))
    machines = {(one["n_processors"], one["python"]) for one in kept.values()}
    loads = sorted(one["load"] for one in kept.values() if one["load"] is not None)
    said = "; ".join(f"{n} processors, Python {python}" for n, python in sorted(machines))
    return (
        f"# What was measured\n\n{MADE}\n\n`python tests/bench/gather.py` measures anew on your machine; a figure "
        f"stands with the command that gives it. Here:\n{said}, shared with others (load {loads[0]:g} to "
        f"{loads[-1]:g}).\n\n## Ratios\n\nCPU time, or waiting, against something known in the same run, so that the "
        "machine matters less.\n\n"
        + table(("", "times", "of", "by"), ratios)
        + "\n## Others\n\n"
        + table(("", "", "by"), plain)
        + "\nFurther figures stand where they belong: [calls](../explanations/what-counts-as-a-call.md), "
        "[latency](../explanations/clocks-and-timing.md),\n[error rates](../explanations/which-statistics-and-why.md), "
        "[eight microphones](../how-to/record-ultrasound.md), [the board](../how-to/watch-chambers.md).\n"
    )


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands_page,
    "reference/configuration.md": configuration_page,
    "reference/journal.md": journal_page,
    "reference/columns.md": columns_page,
    "reference/architecture.md": architecture_page,
    "reference/measured.md": measured_page,
    "images/architecture.svg": architecture_svg,
}


def main() -> int:
    """Write the pages, or say which are not up to date."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--check", action="store_true")
    check, late = asked.parse_args().check, []
    for name, make in PAGES.items():
        path, text = HERE / name, make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        late.append(name)
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    if late:
        print(f"{'not up to date' if check else 'written'}: {', '.join(late)}")
    return 1 if check and late else 0


if __name__ == "__main__":
    sys.exit(main())
