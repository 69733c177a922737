"""The animals of a study, a table that people keep: `subject` and `weight_g`, and what else is known of each.

Columns `cage`, `pair` and `arm` matter to the allocation. The rest (`sex`, `strain`, `date_of_birth`, `litter`,
`supplier`, `habituated_on`, `handled_days`, `surgery_on`, `probe_verified`, …) is kept as it stands; a column that is
there and empty for an animal is told in the report.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import fmean

from behavior.config.study import Arm, Study
from behavior.model.errors import BadFile, BadInput, Problem

SUBJECTS_FILE = "subjects.csv"
NEEDED = ("subject", "weight_g")
WEIGHT_SPREAD = 0.04
"""SD of the weights of simulated animals, as a share of their mean."""
OF_ALLOCATION = ("cage", "pair", "arm")


@dataclass(frozen=True, slots=True)
class Animal:
    """One animal. `cage`, `pair` and `arm` are empty where the table does not say."""

    subject: str
    weight_g: float
    cage: str = ""
    pair: str = ""
    arm: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    """All columns, as text."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a dose is allocated to: an animal, a pair or a cage of animals."""

    name: str
    animals: tuple[Animal, ...]

    @property
    def weight_g(self) -> float:
        """Mean weight."""
        return fmean(animal.weight_g for animal in self.animals)

    @property
    def cage(self) -> str:
        """Of its animals; several, joined, where they live apart."""
        return "+".join(dict.fromkeys(animal.cage for animal in self.animals))


def read_subjects(path: Path) -> tuple[Animal, ...]:
    """Read the table of animals.

    Raises
    ------
    BadFile
        It cannot be used; every problem at once, with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            columns = [(name or "").strip() for name in table.fieldnames or ()]
            rows = [(table.line_num, row) for row in table]
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such table of animals; mend `subjects` in the study file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(path, [Problem("", f"cannot be read ({error}); save it as CSV in UTF-8")]) from None
    wrong = [Problem(name, "this column is missing; add it") for name in NEEDED if name not in columns]
    if "weight" in columns and "weight_g" not in columns:
        wrong = [Problem("weight", "has no unit; call the column weight_g, in g")]
    if wrong:
        raise BadFile(path, wrong)
    animals: dict[str, Animal] = {}
    problems = [problem for number, row in rows for problem in _take(number, row, animals)]
    if not rows:
        problems.append(Problem("", "names no animal; add a row for each"))
    if problems:
        raise BadFile(path, problems)
    return tuple(animals.values())


def _take(number: int, row: dict[str, str], animals: dict[str, Animal]) -> Iterator[Problem]:
    """Add a row's animal; yields what is wrong with it."""
    text = {(name or "").strip(): (value or "").strip() for name, value in row.items() if isinstance(value, str | None)}
    if None in row:
        yield Problem(f"line {number}", "has more cells than there are columns; put text with commas in quotes")
    subject = text["subject"]
    if not subject:
        yield Problem(f"line {number}, subject", "is empty; fill it in")
        return
    try:
        weight_g = float(text["weight_g"])
    except ValueError:
        weight_g = float("nan")
    if not 0 < weight_g < float("inf"):
        said = repr(text["weight_g"])
        yield Problem(f"line {number}, weight_g", f"must be one weight in g, more than 0 (is {said})")
        return
    known = animals.get(subject)
    if known is None:
        animals[subject] = Animal(
            subject, weight_g, text.get("cage", ""), text.get("pair", ""), text.get("arm", ""), text
        )
    elif known.weight_g != weight_g:
        yield Problem(
            f"line {number}, weight_g", f"{subject} has two weights, {known.weight_g:g} and {weight_g:g} g; keep one"
        )
    elif known.arm != text.get("arm", ""):
        yield Problem(
            f"line {number}, arm", f"{subject} stands in two groups, {known.arm!r} and {text['arm']!r}; keep one"
        )
    else:
        yield Problem(f"line {number}, subject", f"{subject} stands twice; keep one row an animal")


def invented(study: Study) -> tuple[Animal, ...]:
    """Animals of a study that has no table of them yet: numbered, all of the mean weight, in cages of their own."""
    return tuple(_invented(name, study.animals.weight_g) for name in _numbers(study))


def simulated(study: Study, seed: int) -> tuple[Animal, ...]:
    """Animals as a breeder might send them: numbered arm by arm, weights with an SD of 4 %, in cages of their own."""
    names = iter(_numbers(study))
    animals = []
    for arm in study.arms:
        random, mean_g = Random(f"{seed}/{arm.name}/weights"), study.animals.weight_g
        animals += [
            _invented(next(names), round(random.gauss(mean_g, WEIGHT_SPREAD * mean_g), 0), arm.name)
            for _ in range(arm.n_units * arm.n_animals)
        ]
    return tuple(animals)


def _numbers(study: Study) -> list[str]:
    n = sum(arm.n_units * arm.n_animals for arm in study.arms)
    width = max(2, len(str(n)))
    return [f"R{number:0{width}d}" for number in range(1, n + 1)]


def _invented(name: str, weight_g: float, arm: str = "") -> Animal:
    return Animal(name, weight_g, arm=arm, fields={"subject": name, "weight_g": f"{weight_g:g}"})


def units_of(study: Study, animals: Iterable[Animal], random: Random) -> dict[str, list[Unit]]:
    """The experimental units of each arm, by the arm's name.

    Animals whose table names no arm are dealt to the arms by chance.

    Raises
    ------
    BadInput
        There are too few or too many, or an arm, a pair or a cage does not come out.
    """
    everyone = list(animals)
    names = [arm.name for arm in study.arms]
    if unknown := sorted({animal.arm for animal in everyone} - {"", *names}):
        raise BadInput(f"{SUBJECTS_FILE}: arm {unknown[0]!r} is not in the study, which has {', '.join(names)}")
    needed = sum(arm.n_units * arm.n_animals for arm in study.arms)
    if len(everyone) != needed:
        more = len(everyone) > needed
        raise BadInput(
            f"the study needs {needed} animals and the table names {len(everyone)}; "
            f"{'take spare ones out of it' if more else 'add the others'}, or change n_per_dose"
        )
    kept = next(
        (column for column in ("cage", "pair") if any(arm.experimental_unit == column for arm in study.arms)), ""
    )
    pool = _clusters([animal for animal in everyone if not animal.arm], kept, random)
    units: dict[str, list[Unit]] = {}
    for arm in study.arms:
        mine = _clusters([animal for animal in everyone if animal.arm == arm.name], kept, random)
        while pool and sum(map(len, mine)) < arm.n_units * arm.n_animals:
            mine.append(pool.pop())
        own = [animal for cluster in mine for animal in cluster]
        if len(own) != arm.n_units * arm.n_animals:
            raise BadInput(
                f"arm {arm.name}: {len(own)} animals come to it whole cages or pairs at a time, and it needs "
                f"{arm.n_units * arm.n_animals}; name each animal's arm in the table"
            )
        units[arm.name] = list(_grouped(arm, own, random))
    return units


def _clusters(animals: list[Animal], kept: str, random: Random) -> list[list[Animal]]:
    """Animals that stay together (of a cage, or a pair), in an order of chance."""
    together: dict[str, list[Animal]] = {}
    for animal in animals:
        together.setdefault((getattr(animal, kept) if kept else "") or f"\0{animal.subject}", []).append(animal)
    found = list(together.values())
    return random.sample(found, len(found))


def _grouped(arm: Arm, animals: list[Animal], random: Random) -> Iterator[Unit]:
    if arm.experimental_unit == "animal":
        yield from (Unit(animal.subject, (animal,)) for animal in animals)
        return
    size, column = arm.n_animals, arm.experimental_unit
    named = [animal for animal in animals if getattr(animal, column)]
    if not named:  # as the table does not say: animals of like weight go together
        in_order = sorted(animals, key=lambda animal: (animal.weight_g, animal.subject))
        members = [in_order[first : first + size] for first in range(0, len(in_order), size)]
    else:
        by_name: dict[str, list[Animal]] = {}
        for animal in animals:
            by_name.setdefault(getattr(animal, column), []).append(animal)
        for name, some in by_name.items():
            if len(some) != size:
                what = f"{column} {name!r} has {len(some)} animals" if name else f"{len(some)} animals have no {column}"
                raise BadInput(f"arm {arm.name}: {what}, and each {column} has {size}; mend the table of animals")
        members = list(by_name.values())
    for some in members:
        yield Unit(_name(arm, some), tuple(some))


def _name(arm: Arm, animals: list[Animal]) -> str:
    """A cage is called as in the table; a pair by its animals, as its sessions are."""
    if arm.experimental_unit == "cage" and animals[0].cage:
        return animals[0].cage
    return "+".join(animal.subject for animal in animals)
