"""Unblinding locks first, is on record, and labels what comes after; records that do not hold are never unblinded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from behavior.config import read
from behavior.config.study import Study
from behavior.model.errors import BadInput, Failure
from behavior.session.folder import find_sessions
from behavior.study.audit import append, read_audit
from behavior.study.blinding import Key
from behavior.study.dataset import read_dataset
from behavior.study.evidence import SCORES, digests, register, register_score
from behavior.study.exclusions import exclude, include
from behavior.study.unblind import LOCKED, NOT_OPENED, OPENED, changes_after, unblind
from behavior.study.verify import verify_dataset
from study.designs import GROUPS, KINDS, PASSPHRASE, designed, run_all, write_designed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = write_designed(tmp_path / "data")
    run_all(data)
    for session in find_sessions(data):
        register(data, session, who="engine")
    return data


def opened(folder: Path, passphrase: str = PASSPHRASE) -> Key:
    return unblind(folder, passphrase, read(folder / "study.toml", Study), who="statistician", reason="all scored")


def leave_out(folder: Path, about: str, rule: str = "sick", reason: str = "lost 12 %") -> None:
    study = read(folder / "study.toml", Study)
    known = [one.header.subject for one in find_sessions(folder)]
    known += [one.path.relative_to(folder).as_posix() for one in find_sessions(folder)]
    exclude(folder, about, known=known, study=study, rule=rule, reason=reason, who="me")


def change_score(session: Path) -> None:
    score = json.loads((session / "score.json").read_text())
    score["session"]["punished_rate_per_min"] += 1
    (session / "score.json").write_text(json.dumps(score))


def test_before_it_nobody_knows_a_dose_and_after_it_everybody_does(folder: Path) -> None:
    before = read_dataset(folder)
    assert before.blinded
    assert before.sessions["dose_mg_kg"].isna().all()
    assert before.sessions["compound"].isna().all()
    opened(folder)
    after = read_dataset(folder)
    assert not after.blinded
    doses = {one.code: one.dose_mg_kg for one in designed().administrations}
    assert after.sessions["dose_mg_kg"].tolist() == [doses[code] for code in after.sessions["blind_code"]]
    assert after.sessions["left_out"].eq("").all()
    assert after.warnings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_design_is_joined_session_by_session(tmp_path: Path, kind: str) -> None:
    folder = write_designed(tmp_path / "data", KINDS[kind])
    run_all(folder)
    opened(folder)
    made, sessions = designed(KINDS[kind]), read_dataset(folder).sessions
    under = {one.code: one for one in made.administrations}
    tests = sessions[sessions["stage"] == "test"]
    assert len(tests) == len([row for row in made.rows if row.stage == "test"])
    assert tests["dose_mg_kg"].tolist() == [under[code].dose_mg_kg for code in tests["blind_code"]]
    assert tests["unit"].tolist() == [under[code].unit for code in tests["blind_code"]]
    if kind == "within":
        assert sorted(set(tests["period"])) == [1, 2, 3]


def test_groups_are_arms_of_their_own_and_preparations_are_no_tests(tmp_path: Path) -> None:
    folder = write_designed(tmp_path / "data", GROUPS)
    run_all(folder)
    opened(folder)
    found = read_dataset(folder)
    assert found.study is not None
    assert [arm.name for arm in found.study.arms] == ["conflict.helpless", "conflict.naive"]
    assert found.study.arms[1].doses_mg_kg == (0.0,)
    tests = found.analysed
    assert set(tests["arm"]) == {"conflict.helpless", "conflict.naive"}
    induced = found.sessions[found.sessions["stage"] == "induction"]
    assert set(induced["left_out"]) == {"it is of the stage induction, which prepares for the test"}
    assert not any("induction" in warning for warning in found.warnings), "nothing is wrong with a preparation"


def test_scores_and_exclusions_are_locked_before_the_key_is_opened(folder: Path) -> None:
    leave_out(folder, "W03")
    opened(folder)
    log = read_audit(folder).trusted()
    actions = [entry.action for entry in log.entries]
    assert actions[-2:] == [LOCKED, "unblinded"]
    locked, unblinded = log.entries[-2:]
    assert len(locked.new["sessions"]) == 12
    assert all(one["score"]["score.json"] and one["raw"]["journal.jsonl"] for one in locked.new["sessions"].values())
    assert [one["about"] for one in locked.new["exclusions"]] == ["W03"]
    assert (unblinded.who, unblinded.reason, unblinded.new["locked"]) == ("statistician", "all scored", locked.digest)


def test_a_wrong_passphrase_shows_nothing_and_is_on_record(folder: Path) -> None:
    with pytest.raises(BadInput, match="the passphrase is wrong"):
        opened(folder, "wrong horse battery")
    assert not (folder / "key.json").exists()
    assert read_dataset(folder).blinded
    last = read_audit(folder).trusted().entries[-1]
    assert (last.action, "the passphrase is wrong" in last.reason) == (NOT_OPENED, True)
    opened(folder)


def test_it_is_done_once_and_a_lost_key_can_be_opened_again(folder: Path) -> None:
    opened(folder)
    with pytest.raises(BadInput, match="was unblinded by statistician at"):
        opened(folder)
    before = (folder / "key.json").read_bytes()
    (folder / "key.json").unlink()
    with pytest.raises(BadInput, match="the opened key is missing; open it again with `behavior unblind`"):
        read_dataset(folder)
    opened(folder)
    assert (folder / "key.json").read_bytes() == before
    assert read_audit(folder).entries[-1].action == OPENED


def test_an_edited_opened_key_is_never_believed(folder: Path) -> None:
    opened(folder)
    text = (folder / "key.json").read_text()
    (folder / "key.json").write_text(text.replace('"dose_mg_kg": 1.0', '"dose_mg_kg": 3.0', 1))
    with pytest.raises(BadInput, match=r"is not the key that was opened \(SHA-256 differs\)"):
        read_dataset(folder)
    assert any("is not the key that was opened" in problem for problem in verify_dataset(folder).problems)


def test_a_key_that_lies_open_without_an_unblinding_is_refused(folder: Path) -> None:
    (folder / "key.json").write_text("{}")
    with pytest.raises(BadInput, match="this study was not unblinded, yet its key lies open"):
        read_dataset(folder)


def test_nothing_is_unblinded_while_a_raw_file_is_not_the_one_on_record(folder: Path) -> None:
    journal = next(folder.glob("sub-W05/ses-*/journal.jsonl"))
    journal.write_bytes(journal.read_bytes().replace(b"left", b"rght", 1))
    with pytest.raises(BadInput, match=r"nothing is unblinded while records do not hold: sub-W05/.*journal\.jsonl"):
        opened(folder)
    assert not (folder / "key.json").exists()


def test_nothing_is_unblinded_while_the_log_does_not_hold(folder: Path) -> None:
    log = folder / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"who":"engine"', b'"who":"nobody"', 1))
    with pytest.raises(Failure, match=r"does not hold: line \d+ was changed"):
        opened(folder)


def test_what_is_changed_afterwards_is_labelled(folder: Path) -> None:
    leave_out(folder, "W01")
    opened(folder)
    leave_out(folder, "W02", rule="it looked odd", reason="an outlier")
    session = next(folder.glob("sub-W03/ses-*"))
    before = digests(session, SCORES)
    change_score(session)
    register_score(folder, session, before, who="me", reason="rescored")
    found = read_dataset(folder)
    left = found.sessions.set_index("subject")["left_out"]
    assert left["W01"] == "excluded by the rule sick (a priori): lost 12 %"
    assert left["W02"] == "excluded by the rule it looked odd (post hoc, after unblinding): an outlier"
    assert any("sub-W03" in warning and "not the one that was locked" in warning for warning in found.warnings)
    said = " ".join(found.changes_after_unblinding)
    assert "W02: excluded after unblinding" in said
    assert "scored again after unblinding" in said
    assert verify_dataset(folder).problems == (), "what is on record is no tampering"
    include(folder, "W02", reason="it was no outlier", who="me")
    assert "taken back in after unblinding" in " ".join(changes_after(read_audit(folder)))
    assert read_dataset(folder).sessions.set_index("subject")["left_out"]["W02"] == ""


def test_a_session_under_a_code_that_the_key_does_not_hold_is_left_out(folder: Path) -> None:
    header = next(folder.glob("sub-W04/ses-*/header.json"))
    opened(folder)
    text = header.read_text()
    code = json.loads(text)["treatment"]["blind_code"]
    header.write_text(text.replace(code, "ZZZZ"))
    found = read_dataset(folder)
    assert "its code ZZZZ is not in the key" in set(found.sessions["left_out"])


def test_opening_for_a_purpose_is_on_record_and_does_not_unblind(folder: Path) -> None:
    from behavior.study.unblind import opened as opened_for

    opened_for(folder, PASSPHRASE, read(folder / "study.toml", Study), who="preparer", reason="sheet of day 1")
    last = read_audit(folder).entries[-1]
    assert (last.action, last.who, last.reason) == (OPENED, "preparer", "sheet of day 1")
    assert read_dataset(folder).blinded


# -- exclusions -------------------------------------------------------------------------------------------------------


def test_a_rule_is_a_priori_only_if_the_study_file_named_it(folder: Path) -> None:
    leave_out(folder, "W01", rule="sick")
    leave_out(folder, "W02", rule="Sick")
    said = {one.about: one.a_priori for one in read_dataset(folder).exclusions}
    assert said == {"W01": True, "W02": False}


@pytest.mark.parametrize(
    ("about", "rule", "reason", "sentence"),
    [
        ("W99", "sick", "x", "W99: is no session or subject of this dataset; is it W0"),
        ("W01", "", "x", "an exclusion needs both"),
        ("W01", "sick", "  ", "an exclusion needs both"),
    ],
)
def test_an_exclusion_without_subject_rule_or_reason_is_refused(
    folder: Path, about: str, rule: str, reason: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        leave_out(folder, about, rule, reason)
    assert read_dataset(folder).exclusions == ()


def test_nobody_is_excluded_twice_or_taken_back_unexcluded(folder: Path) -> None:
    leave_out(folder, "W01")
    with pytest.raises(BadInput, match="W01: is excluded already"):
        leave_out(folder, "W01")
    with pytest.raises(BadInput, match="W02: is not excluded"):
        include(folder, "W02", reason="x", who="me")
    with pytest.raises(BadInput, match="say why the exclusion is taken back"):
        include(folder, "W01", reason="", who="me")


def test_one_session_can_be_excluded_and_the_others_stay(folder: Path) -> None:
    session = next(folder.glob("sub-W01/ses-*")).relative_to(folder).as_posix()
    leave_out(folder, session)
    found = read_dataset(folder)
    assert found.sessions.set_index("session")["left_out"].ne("").sum() == 1
    assert len(found.analysed) == 11


# -- verify -----------------------------------------------------------------------------------------------------------


def test_a_dataset_as_it_was_left_holds(folder: Path) -> None:
    found = verify_dataset(folder)
    assert (found.problems, found.remarks) == ((), ())
    assert found.head == read_audit(folder).head
    assert verify_dataset(folder, head=read_audit(folder).entries[3].digest).problems == ()


def rewrite_journal_and_footer(session: Path) -> None:
    """What a careful forger does: the journal, its digest in the footer, and in the score."""
    import hashlib

    journal = session / "journal.jsonl"
    old = hashlib.sha256(journal.read_bytes()).hexdigest()
    journal.write_bytes(journal.read_bytes().replace(b'"left"', b'"rght"', 1))
    new = hashlib.sha256(journal.read_bytes()).hexdigest()
    for name in ("footer.json", "score.json"):
        (session / name).write_text((session / name).read_text().replace(old, new))


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (lambda s: (s / "header.json").write_bytes(b"{}"), "the raw file header.json is not"),
        (lambda s: (s / "footer.json").unlink(), "the raw file footer.json is gone"),
        (rewrite_journal_and_footer, "the raw file journal.jsonl is not the one on record"),
        (change_score, "the score score.json is not the one on record"),
        (lambda s: (s / "components.csv").write_text("component,n\n"), "the score components.csv is not"),
        (lambda s: (s / "calls.csv").write_text("x\n"), "the score calls.csv was added"),
        (lambda s: s.rename(s.with_name("ses-elsewhere")), "is on record in the audit log and not in the dataset"),
        (lambda s: (s.parents[1] / "plan.csv").write_text("x"), "plan.csv: is not the one that"),
        (lambda s: (s.parents[1] / "key.sealed").unlink(), "key.sealed: is gone"),
        (lambda s: (s.parents[1] / "subjects.csv").write_text(""), "subjects.csv: is not the one"),
        (lambda s: (s.parents[1] / "audit.jsonl").write_bytes(
            (s.parents[1] / "audit.jsonl").read_bytes()[:-40]), "audit.jsonl: line"),
    ],
)  # fmt: skip
def test_tampering_is_found_and_named(folder: Path, tamper, problem: str) -> None:
    tamper(next(folder.glob("sub-W06/ses-*")))
    assert any(problem in said for said in verify_dataset(folder).problems), verify_dataset(folder).problems


def test_a_log_whose_end_was_cut_is_found_by_a_digest_from_elsewhere(folder: Path) -> None:
    append(folder, "noted", "inconvenient", who="me")
    head, log = read_audit(folder).head, folder / "audit.jsonl"
    log.write_bytes(b"".join(line + b"\n" for line in log.read_bytes().splitlines()[:-1]))
    assert verify_dataset(folder).problems == (), "a chain alone cannot tell"
    assert "its end was cut, or it was written anew" in verify_dataset(folder, head=head).problems[0]


def test_a_session_that_nobody_put_on_record_is_a_remark(tmp_path: Path) -> None:
    folder = write_designed(tmp_path / "data")
    run_all(folder)
    found = verify_dataset(folder)
    assert found.problems == ()
    assert len(found.remarks) == 12
    assert "is not on record in the audit log" in found.remarks[0]
