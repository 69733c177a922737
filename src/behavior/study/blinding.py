"""From a study file to a design: who gets what, under which code, and the key that only a passphrase opens.

Rules.

1.  **A code is one administration's**, never a dose's: knowing what was under one code tells nothing of another.
2.  **True doses and the seed of the allocation are in the key and nowhere else.** With the seed anybody could allocate
    again, so a blind design draws one that cannot be guessed.
3.  Codes, the order of the units and the doses come from chance of their own (`allocate.stream`): none tells another.
4.  The study file holds the digests of the sealed key and of the plan; the key holds those of the study and the plan.
5.  What an animal is prepared with (its group) is seen by whoever runs the box, and is no secret.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from behavior import __version__
from behavior.config.study import TEST, Arm, Study
from behavior.model.decode import Undecodable, decode
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.study.allocate import allocate, stream
from behavior.study.plan import PlannedSession, PlanRow
from behavior.study.schedule import Giving, Minutes, Visit, schedule
from behavior.study.seal import unseal
from behavior.study.subjects import Animal, Unit, units_of

KEY_FILE = "key.sealed"
OPENED_FILE = "key.json"
FORMAT = "behavior-key/1"
LETTERS = "ABCDEFGHJKLMNPQRTUVWXY346789"
"""Of codes: none looks like another."""
LEAST_SECRET = 2**63
"""A smaller seed is soon found by trying."""
UNTREATED = Treatment(dose_mg_kg=0.0, vehicle="none")


class Administration(msgspec.Struct, frozen=True, kw_only=True):
    """What is under a code."""

    code: str
    arm: str
    group: str
    unit: str
    subjects: tuple[str, ...]
    block: int
    day: int
    period: int
    at: str
    until: str | None = None
    compound: str
    dose_mg_kg: float
    vehicle: str
    route: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a sealed key: everything that is hidden until the study is unblinded."""

    format: str = FORMAT
    software: str
    study: str
    study_sha256: str
    plan_sha256: str
    seed: str
    administrations: tuple[Administration, ...]

    def encoded(self) -> bytes:
        """As bytes, the same each time."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def by_code(self) -> dict[str, Administration]:
        """What is under each code."""
        return {one.code: one for one in self.administrations}


@dataclass(frozen=True)
class Design:
    """A study with all its units, sessions and treatments. `rows` are the plan, `visits` go with them."""

    study: Study
    seed: int
    blind: bool
    units: dict[str, list[Unit]]
    administrations: tuple[Administration, ...]
    rows: tuple[PlanRow, ...]

    def key(self, *, study_sha256: str, plan_sha256: str) -> Key:
        """What is to be sealed."""
        return Key(
            software=f"behavior {__version__}", study=self.study.name, study_sha256=study_sha256,
            plan_sha256=plan_sha256, seed=str(self.seed), administrations=self.administrations,
        )  # fmt: skip


def secret_seed(given: int | None, *, blind: bool) -> int:
    """The seed of an allocation: the given one, or one of 128 bits that nobody knows.

    Raises
    ------
    BadInput
        A blind design was given one that could be guessed.
    """
    if given is None:
        return secrets.randbits(128) | LEAST_SECRET
    if blind and abs(given) < LEAST_SECRET:
        raise BadInput(
            f"--seed {given}: who tries a few seeds finds the doses; leave it out, and one is drawn and sealed, "
            "or give one of 20 digits or more that nobody knows"
        )
    return given


def design(
    study: Study,
    animals: Sequence[Animal],
    chambers: Mapping[str, Sequence[str]],
    minutes: Mapping[str, Minutes],
    *,
    seed: int,
) -> Design:
    """Allocate doses, lay sessions into chambers and days, and give a code to each administration.

    Parameters
    ----------
    study : as its file says
    animals : from `read_subjects`
    chambers, minutes : by arm: those used, and how long a session of each stage lasts there
    seed : from `secret_seed`; equal seeds design alike

    Raises
    ------
    BadInput
        Animals, doses and days do not come out.
    """
    units = units_of(study, animals, stream(seed, "arms"))
    codes = _Codes(stream(seed, "codes"))
    administrations: list[Administration] = []
    rows: list[PlanRow] = []
    first = study.start
    for arm in study.arms:
        allocated = allocate(arm, units[arm.name], len(chambers[arm.name]), seed)
        laid = schedule(arm, allocated, chambers[arm.name], first=first, minutes=minutes[arm.name])
        given = [_administration(arm, giving, codes.next()) for giving in laid.givings]
        administrations += given
        rows += [_row(visit, given, blind=study.blind, seed=seed) for visit in laid.visits]
        first += timedelta(days=1 + (laid.visits[-1].starts_at.date() - first.date()).days)
    return Design(study, seed, study.blind, units, tuple(administrations), tuple(rows))


class _Codes:
    """Codes that differ, four letters each."""

    def __init__(self, random: Random) -> None:
        self._random, self._used = random, set[str]()

    def next(self) -> str:
        while True:
            code = "".join(self._random.choice(LETTERS) for _ in range(4))
            if code not in self._used and not code.isdigit():
                self._used.add(code)
                return code


def _administration(arm: Arm, giving: Giving, code: str) -> Administration:
    group, dose_mg_kg = giving.allocated.cells[max(0, giving.period - 1)]
    return Administration(
        code=code,
        arm=arm.name,
        group=group,
        unit=giving.allocated.unit.name,
        subjects=giving.subjects,
        block=giving.allocated.block,
        day=giving.day,
        period=giving.period,
        at=giving.at.isoformat(),
        until=giving.until.isoformat() if giving.until else None,
        compound=arm.compound,
        dose_mg_kg=dose_mg_kg,
        vehicle=arm.vehicle,
        route=arm.route,
    )


def _row(visit: Visit, given: Sequence[Administration], *, blind: bool, seed: int) -> PlanRow:
    """A session's row, under the last treatment before it; without one it is untreated, which is no secret."""
    unit = visit.allocated.unit
    mine = [
        one
        for one in given
        if one.unit == unit.name
        and (visit.subject == unit.name or visit.subject in one.subjects)
        and one.at <= visit.starts_at.isoformat()
    ]
    last = max(mine, key=lambda one: one.at, default=None)
    return PlanRow(
        subject=visit.subject,
        arm=given[0].arm,
        dose_mg_kg=0.0 if last is None else None if blind else last.dose_mg_kg,
        blind_code=last.code if last is not None and blind else None,
        chamber=visit.chamber,
        starts_at=visit.starts_at.isoformat(),
        allocation_seed=None if blind else seed,
        stage=visit.stage,
        group=visit.allocated.cells[0][0],
        unit="" if unit.name == visit.subject else unit.name,
        cage=unit.cage or (unit.name if len(unit.animals) > 1 and visit.subject != unit.name else ""),
        day=visit.day,
        period=visit.period or None,
        untreated="" if last is not None else "yes",
    )


# -- opening ----------------------------------------------------------------------------------------------------------


def open_key(dataset: Path, passphrase: str, study: Study) -> Key:
    """The content of a dataset's sealed key.

    Raises
    ------
    BadInput
        There is none, it is not the one that the study file remembers, or the passphrase is wrong.
    """
    path = dataset / KEY_FILE
    key = read_key(unseal(sealed_bytes(path, study), passphrase, file=path), file=path)
    if key.study != study.name:
        raise BadInput(f"{path}: is the key of the study {key.study}, and this is {study.name}; use its own key")
    return key


def sealed_bytes(path: Path, study: Study) -> bytes:
    """The sealed key as it was when the study was designed, unopened."""
    if study.key is None:
        raise BadInput(
            f"{path.parent}: this study has no sealed key; only what `behavior design` made can be unblinded"
        )
    try:
        sealed = path.read_bytes()
    except OSError:
        raise BadInput(
            f"{path}: the sealed key is missing; restore it from a copy, nothing else knows the doses"
        ) from None
    if hashlib.sha256(sealed).hexdigest() != study.key.sha256:
        raise BadInput(f"{path}: is not the key that was sealed (SHA-256 differs); restore it from a copy")
    return sealed


def read_key(plain: bytes, *, file: object) -> Key:
    """A key from its bytes.

    Raises
    ------
    BadInput
        They are none.
    """
    try:
        key = decode(plain, Key)
    except Undecodable:
        key = None
    if key is None or key.format != FORMAT:
        raise BadInput(f"{file}: holds no key of this version; restore it from a copy")
    return key


def treatment_of(one: Administration, arm: Arm) -> Treatment:
    """What was really given."""
    return Treatment(
        compound=one.compound, dose_mg_kg=one.dose_mg_kg, vehicle=one.vehicle, route=one.route,
        pretreatment_min=arm.pretreatment_min, precedes=arm.precedes,
    )  # fmt: skip


def session_treatment(row: PlanRow, arm: Arm) -> Treatment:
    """What stands in a session's header: the code, or the dose of an open plan."""
    if row.untreated:
        return UNTREATED
    open_plan = row.blind_code is None
    return Treatment(
        compound=arm.compound if open_plan else None, dose_mg_kg=row.dose_mg_kg if open_plan else None,
        vehicle=arm.vehicle, route=arm.route, pretreatment_min=arm.pretreatment_min, precedes=arm.precedes,
        blind_code=row.blind_code,
    )  # fmt: skip


def planned_sessions(
    study: Study, rows: Sequence[PlanRow], animals: Sequence[Animal], key: Key | None, *, seed: int
) -> tuple[PlannedSession, ...]:
    """The sessions of a plan as they can be simulated; `key` tells a simulated animal what it really got.

    Raises
    ------
    BadInput
        A row is of no arm of the study, or its code is not in the key.
    """
    arms, known = {arm.name: arm for arm in study.arms}, {animal.subject: animal for animal in animals}
    under = key.by_code() if key else {}
    chances = {arm: Random(f"{seed}/{arm}/sessions") for arm in arms}
    individuals = {name: Random(f"{seed}/{name}").getrandbits(32) for name in {row.subject for row in rows}}
    planned = []
    for row in rows:
        if row.arm not in arms:
            raise BadInput(f"the plan has the arm {row.arm}, and the study {', '.join(arms)}; restore one of them")
        arm = arms[row.arm]
        if row.blind_code is not None and row.blind_code not in under:
            raise BadInput(f"the plan has the code {row.blind_code}, which is not in the key; restore one of them")
        given = treatment_of(under[row.blind_code], arm) if row.blind_code is not None else None
        weight_g = weight_of(row.subject, known) or study.animals.weight_g
        starts_at = datetime.fromisoformat(row.starts_at)
        session = PlannedSession(
            arm,
            row.subject,
            session_treatment(row, arm),
            weight_g,
            row.chamber,
            starts_at,
            chances[arm.name].getrandbits(32),
        )
        planned.append(
            replace(
                session, stage=row.stage, group=row.group, day=row.day, individual=individuals[row.subject], given=given
            )
        )
    return tuple(planned)


def weight_of(subject: str, animals: Mapping[str, Animal]) -> float | None:
    """What a subject weighs, g; of a pair, named by its animals with `+` between, the mean."""
    if subject in animals:
        return animals[subject].weight_g
    own = [animals[name].weight_g for name in subject.split("+") if name in animals]
    return sum(own) / len(own) if own else None


def stages_of(arm: Arm) -> tuple[str, ...]:
    """Every stage of an arm, the test last."""
    return (*(stage.name for stage in arm.stages), TEST)
