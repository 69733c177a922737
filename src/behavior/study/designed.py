"""A designed study as a folder, into which its sessions will go.

    DATASET/
        study.toml          the study file, and below it the digests of the sealed key and of the plan
        subjects.csv        the animals as they were at the design
        plan.csv            who is run when and where, under which code
        injector.csv        dosing sheet: code and volume
        parameters/*.toml   what each stage of each arm runs
        key.sealed          the doses and the seed, encrypted; not with an open design
        audit.jsonl         the log

The preparer's sheet names true doses: it is written elsewhere, for nobody else to read.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from behavior.config.study import Study
from behavior.config.write import toml
from behavior.model.errors import BadInput
from behavior.study.audit import append, append_all
from behavior.study.blinding import KEY_FILE, Administration, Design, stages_of
from behavior.study.dataset import STUDY_FILE
from behavior.study.dosing import INJECTOR_FILE, Row, check_volumes, injector_rows, preparer_rows, write_rows
from behavior.study.plan import PLAN_FILE, write_plan
from behavior.study.records import RECORD
from behavior.study.seal import seal
from behavior.study.subjects import NEEDED, SUBJECTS_FILE, Animal

MARK = "\n# Written by `behavior design`: what the sealed key and the plan were. Nothing below is to be edited.\n"
DESIGNED = "designed"


def parameters_file(arm: str, stage: str, group: str) -> str:
    """Where the parameters of a stage's sessions stand in a dataset.

    >>> parameters_file("escape", "induction", "not-shocked")
    'parameters/escape-induction-not-shocked.toml'
    """
    return f"parameters/{'-'.join(part for part in (arm, stage, group) if part)}.toml"


def write_design(
    design: Design, study_text: str, animals: Sequence[Animal], out: Path, *, passphrase: str | None, who: str
) -> None:
    """Write a design into a new folder.

    Parameters
    ----------
    design : from `blinding.design`
    study_text : the study file as it stands
    animals : as in the design
    out : new, or empty
    passphrase : seals the key; None for an open design
    who : designs, for the audit log

    Raises
    ------
    BadInput
        The folder holds something already, or cannot be made; or an arm names no volume.
    """
    check_volumes(design.study)
    new_folder(out)
    text = study_text if study_text.endswith("\n") else study_text + "\n"
    try:
        write_plan(design.rows, out / PLAN_FILE)
        (out / SUBJECTS_FILE).write_text(_subjects_text(animals), encoding="utf-8", newline="")
        (out / "parameters").mkdir()
        for arm in design.study.arms:
            for stage in stages_of(arm):
                for group in [one.name for one in arm.groups] or [""]:
                    path = out / parameters_file(arm.name, stage, group)
                    path.write_text(toml(arm.parameters_at(stage, group)), encoding="utf-8", newline="\n")
        plan_sha256 = _sha256((out / PLAN_FILE).read_bytes())
        if passphrase is not None:
            key = design.key(study_sha256=_sha256(text.encode()), plan_sha256=plan_sha256)
            sealed = seal(key.encoded(), passphrase)
            (out / KEY_FILE).write_bytes(sealed)
            text += f'{MARK}[key]\nsha256 = "{_sha256(sealed)}"\nplan_sha256 = "{plan_sha256}"\n'
        (out / STUDY_FILE).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BadInput(f"{out}: cannot be written to ({error.strerror}); free the disk and design again") from None
    write_rows(sheet(design.study, design.administrations, animals), out / INJECTOR_FILE)
    files = [STUDY_FILE, SUBJECTS_FILE, PLAN_FILE, *([KEY_FILE] if passphrase is not None else [])]
    files += [path.relative_to(out).as_posix() for path in sorted((out / "parameters").iterdir())]
    new = {name: _sha256((out / name).read_bytes()) for name in files}
    append(out, DESIGNED, STUDY_FILE, who=who, new=new)
    about = [(animal.subject, {k: v for k, v in animal.fields.items() if v and k not in NEEDED}) for animal in animals]
    append_all(out, [(f"{RECORD}animals", name, None, fields) for name, fields in about if fields], who=who)


def new_folder(out: Path) -> None:
    """Make a dataset's folder.

    Raises
    ------
    BadInput
        Something is there already, or it cannot be made.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: is there already and nothing is ever overwritten; name a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written to ({error.strerror}); name a folder that you may write to") from None


def sheet(
    study: Study, given: Sequence[Administration], animals: Sequence[Animal], *, preparer: bool = False
) -> list[Row]:
    """The injector's sheet of all arms, or the preparer's."""
    known = {animal.subject: animal for animal in animals}
    rows_of = preparer_rows if preparer else injector_rows
    rows = [row for arm in study.arms for row in rows_of(arm, [one for one in given if one.arm == arm.name], known)]
    return sorted(rows, key=lambda row: str(row["at"]))


def _subjects_text(animals: Sequence[Animal]) -> str:
    columns = list(dict.fromkeys(name for animal in animals for name in animal.fields))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(animal.fields for animal in animals)
    return stream.getvalue()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
