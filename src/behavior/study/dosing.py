"""Dosing sheets: the preparer's tells what to weigh in, the injector's what to give, and never what it is.

Every dose is given in the same volume for the weight, so that neither the volume nor the syringe tells the dose. The
injector's sheet has empty columns for what really happened; filled in, `behavior record` takes it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from behavior.config.study import Arm, Study
from behavior.model.errors import BadInput
from behavior.study.blinding import Administration
from behavior.study.subjects import Animal

INJECTOR_FILE = "injector.csv"
TO_FILL_IN = ("given_volume_ml", "given_at", "given_by", "deviation")
BOTTLE_TO_FILL_IN = ("start_g", "end_g", "spill_g", "given_by", "deviation")
Row = dict[str, Any]


def volume_ml(weight_g: float, ml_per_kg: float) -> float:
    """What is given, to a hundredth of a millilitre.

    >>> volume_ml(283, 2)
    0.57
    """
    return round(weight_g / 1000 * ml_per_kg, 2)


def check_volumes(study: Study) -> None:
    """Refuse a study whose sheets could not say how much to give.

    Raises
    ------
    BadInput
        An arm names no volume.
    """
    for arm in study.arms:
        if arm.volume_ml_kg is None and not arm.water_mg_per_ml:
            raise BadInput(f"arm {arm.name}: volume_ml_kg is missing; the dosing sheet needs it, equal for every dose")


def injector_rows(arm: Arm, given: Iterable[Administration], animals: Mapping[str, Animal]) -> list[Row]:
    """A row for each animal and administration, in order of time: code, volume, and what is to be filled in."""
    rows: list[Row] = []
    for one in sorted(given, key=lambda one: (one.at, one.code)):
        if arm.water_mg_per_ml:
            bottle = {"blind_code": one.code, "unit": one.unit, "n_animals": len(one.subjects), "at": one.at}
            weight_g = sum(animals[name].weight_g for name in one.subjects) / len(one.subjects)
            rows.append(
                bottle | {"until": one.until, "body_weight_g": round(weight_g, 1)} | dict.fromkeys(BOTTLE_TO_FILL_IN)
            )
            continue
        for subject in one.subjects:
            weight_g = animals[subject].weight_g
            sheet = {"blind_code": one.code, "subject": subject, "arm": one.arm, "at": one.at, "weight_g": weight_g}
            volume = volume_ml(weight_g, arm.volume_ml_kg or 0.0)
            rows.append(
                sheet
                | {"volume_ml": volume, "route": one.route, "precedes": arm.treated_stage}
                | dict.fromkeys(TO_FILL_IN)
            )
    return rows


def preparer_rows(arm: Arm, given: Iterable[Administration], animals: Mapping[str, Animal]) -> list[Row]:
    """A row for each administration, in order of time: what is under the code, and how it is made."""
    water = dict(zip(arm.doses_mg_kg, arm.water_mg_per_ml, strict=False))
    rows: list[Row] = []
    for one in sorted(given, key=lambda one: (one.at, one.code)):
        base = {
            "blind_code": one.code, "arm": one.arm, "at": one.at, "compound": one.compound if one.dose_mg_kg else "",
            "dose_mg_kg": one.dose_mg_kg, "vehicle": one.vehicle, "salt_factor": arm.salt_factor,
        }  # fmt: skip
        if water:
            rows.append(base | {"salt_mg_per_ml": _rounded(water[one.dose_mg_kg] * arm.salt_factor)})
            continue
        ml = sum(volume_ml(animals[subject].weight_g, arm.volume_ml_kg or 0.0) for subject in one.subjects)
        mg_per_ml = one.dose_mg_kg * arm.salt_factor / (arm.volume_ml_kg or 1.0)
        rows.append(
            base
            | {"salt_mg_per_ml": _rounded(mg_per_ml), "volume_ml": round(ml, 2), "salt_mg": _rounded(mg_per_ml * ml)}
        )
    return rows


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def with_weights(animals: Iterable[Animal], weights: Mapping[str, float]) -> dict[str, Animal]:
    """Animals by name, with the weights of the day where there are some.

    Raises
    ------
    BadInput
        A weight is of nobody in the study.
    """
    known = {animal.subject: animal for animal in animals}
    if unknown := [name for name in weights if name not in known]:
        raise BadInput(f"weights: {unknown[0]} is no animal of this study; check the name")
    return {name: replace(one, weight_g=weights.get(name, one.weight_g)) for name, one in known.items()}


def read_injector(path: Path) -> list[Row]:
    """The rows of an injector's sheet.

    Raises
    ------
    BadInput
        There is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: the injector's sheet cannot be read ({error}); restore it from a copy") from None


def codes_of(dataset: Path) -> list[str]:
    """The codes of a designed study; none of another."""
    path = dataset / INJECTOR_FILE
    return [str(row["blind_code"]) for row in read_injector(path)] if path.is_file() else []


def reweighed(rows: Iterable[Row], study: Study, weights: Mapping[str, float]) -> list[Row]:
    """An injector's sheet with the weights of the day, and the volumes that follow."""
    ml_per_kg = {arm.name: arm.volume_ml_kg or 0.0 for arm in study.arms}
    out, left = [], dict(weights)
    for row in rows:
        subject = str(row.get("subject"))
        if subject in weights:
            left.pop(subject, None)
            weight_g = weights[subject]
            row = row | {"weight_g": weight_g, "volume_ml": volume_ml(weight_g, ml_per_kg[row["arm"]])}
        out.append(row)
    if left:
        raise BadInput(f"weights: {next(iter(left))} is no animal of this study; check the name")
    return out


def write_rows(rows: Sequence[Row], path: Path, *, private: bool = False) -> None:
    """Write a sheet as CSV, never over another; `private`: for nobody else on this machine to read.

    Raises
    ------
    BadInput
        It is there already, or cannot be written.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            if private:
                path.chmod(0o600)
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except FileExistsError:
        raise BadInput(f"{path}: is there already and nothing is ever overwritten; name another file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); name another place") from None
