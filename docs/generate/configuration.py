"""Every key of every TOML file that people write, from the records that read them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from generate.text import MADE, first_paragraph, spoken, table


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
            parts.append(f"### {heading(title, record)}\n\n{first_paragraph(record.__doc__ or '')}\n")
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
