"""A study from its file to its unblinding, as a person types it; and what is said when something is wrong."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from behavior.app.cli import main
from behavior.app.squad import starts_of
from behavior.model.errors import BadInput
from behavior.study import seal
from behavior.study.audit import read_audit
from behavior.study.dataset import read_dataset
from behavior.study.plan import read_plan
from behavior.summary.per_dose import summarize_arms
from behavior.summary.records_text import arrive
from study.designs import ARM, GROUPS, HEAD, PASSPHRASE, run_all

Said = Callable[..., tuple[int, str, str]]
QUICK = ARM.replace("doses_mg_kg = [0, 1, 3]", "doses_mg_kg = [0, 3]").replace("n_per_dose = 4", "n_per_dose = 2")
QUICK = QUICK.replace('paradigm = "geller_seifter"', 'paradigm = "geller_seifter"\nparameters = { n_cycles = 1 }')
TWO = "n_per_dose = 2\n"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Said:
    """Run `behavior ARGUMENTS`: its exit code, and what it printed."""
    monkeypatch.setattr(seal, "COST", seal.LEAST_COST)
    monkeypatch.setenv("BEHAVIOR_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["behavior", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def write_study(text: str = QUICK, head: str = HEAD) -> Path:
    path = Path("mine.toml")
    path.write_text(head + text)
    return path


def test_from_a_study_file_to_its_report_and_nobody_sees_a_dose_before(said: Said, tmp_path: Path) -> None:
    code, out, err = said("design", write_study(), "--out", "data", "--by", "planner")
    assert code == 0, err
    assert "conflict: 4 animals, 4 sessions on 1 days" in out
    assert "there is no table of animals" in err
    preparer = tmp_path / "data-preparer.csv"
    assert preparer.stat().st_mode & 0o077 == 0, "the preparer's sheet is for nobody else to read"
    code, out, err = said("simulate", "data", "--seed", "3", "--by", "planner")
    assert code == 0, err
    headers = [json.loads(path.read_text()) for path in (tmp_path / "data").rglob("header.json")]
    assert len(headers) == 4
    for header in headers:
        assert header["treatment"]["blind_code"]
        assert header["treatment"]["dose_mg_kg"] is header["treatment"]["compound"] is None
    code, out, err = said("summarize", "data")
    assert code == 0, err
    assert "quality.html" in out
    page = (tmp_path / "data" / "summary" / "quality.html").read_text()
    assert "mg/kg" not in page
    assert "ipsapirone" not in page.lower()
    code, out, err = said("unblind", "data", "--by", "statistician", "--reason", "all scored")
    assert code == 0, err
    assert "Locked the scores of 4 sessions and 0 exclusions." in out
    sessions = read_dataset(tmp_path / "data").analysed
    doses = dict(zip(sessions["blind_code"], sessions["dose_mg_kg"], strict=True))
    with preparer.open(newline="") as file:
        assert doses == {row["blind_code"]: float(row["dose_mg_kg"]) for row in csv.DictReader(file)}
    code, out, err = said("verify", "data")
    assert code == 0, err
    assert "holds  audit log of data" in out
    assert [entry.who for entry in read_audit(tmp_path / "data").of("key opened", "unblinded")] == [
        "planner", "statistician",
    ]  # fmt: skip


def test_equal_seeds_simulate_a_design_alike(said: Said, tmp_path: Path) -> None:
    """The animals' chance comes from the seed of the simulation, their doses from the key."""
    seed = 2**70
    for name in ("one", "two"):
        assert said("design", write_study(), "--out", name, "--seed", seed)[0] == 0
        assert said("simulate", name, "--seed", 3)[0] == 0
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("journal.jsonl")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 4
    score = next(Path("one").rglob("score.json"))
    score.write_text(score.read_text().replace('"duration_s": ', '"duration_s": 1'))
    code, out, _ = said("verify", "one")
    assert (code, "the score score.json is not the one on record" in out) == (1, True)
    assert said("rescore", "one", "--again")[0] == 0
    assert said("verify", "one")[0] == 0, "the score that was made again is on record"
    assert list(read_audit(Path("one")).of("scored")) == [], "it is the one that was on record before"


def test_what_is_there_is_never_designed_over(said: Said) -> None:
    said("design", write_study(), "--out", "data")
    assert said("design", "mine.toml", "--out", "data")[0] == 2
    code, _, err = said("design", "mine.toml", "--out", "other", "--preparer", "data-preparer.csv")
    assert (code, "nothing is ever overwritten" in err) == (2, True)
    assert not Path("other").exists()
    code, _, err = said("design", "data/study.toml", "--out", "again")
    assert (code, "is designed already" in err) == (2, True)
    code, _, err = said("design", "mine.toml", "--out", "third", "--preparer", "third/preparer.csv")
    assert (code, "names true doses and may not lie in the dataset" in err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("doses_mg_kg = [0, 3]", "doses = [0, 3]", "arms.1: doses has no unit; write doses_mg_kg"),
        ("doses_mg_kg = [0, 3]", 'doses_mg_kg = [0, "3 mg"]', "arms.1.doses_mg_kg.2"),
        ("n_per_dose = 2", "n_per_dose = 1", "arms.1.n_per_dose: must be 2 or more (is 1)"),
        ("n_per_dose = 2", 'n_per_dose = 2\ndesign = "within"', "washout_days is missing"),
        ("n_per_dose = 2", "n_per_dose = 2\nwashout_days = 3", "washout_days is for design = 'within'"),
        ("n_per_dose = 2", "n_per_dose = 2\ndays = [3, 1]", "days must rise"),
        ("n_per_dose = 2", 'n_per_dose = 2\nexperimental_unit = "cage"', "animals_per_unit is missing"),
        ("n_per_dose = 2", "n_per_dose = 2\nwater_mg_per_ml = [0]", "one concentration for each of doses_mg_kg"),
        ("n_per_dose = 2", "n_per_dose = 2\nwater_mg_per_ml = [0.5, 0.1]", "must be 0 for the vehicle"),
        ("n_per_dose = 2", "n_per_dose = 2\nwater_mg_per_ml = [0, 0.1]", "a bottle is the cage's"),
        ("n_per_dose = 2", TWO + 'groups = [{ name = "a", doses_mg_kg = [7] }]', "among those of the arm"),
        ("n_per_dose = 2", TWO + 'groups = [{ name = "a", doses_mg_kg = [0] }]', "a dose that no group is given"),
        ("n_per_dose = 2", TWO + 'stages = [{ name = "test", paradigm = "x" }]', "may be called 'test'"),
        ("n_per_dose = 2", TWO + 'stages = [{ name = "late", paradigm = "x", days = [9] }]', "before the first test"),
        ("volume_ml_kg = 2", "", "volume_ml_kg is missing"),
        ("n_per_dose = 2", 'n_per_dose = 2\nchambers = ["Z"]', "Z"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_study_file_is_said_before_anything_is_written(
    said: Said, old: str, new: str, sentence: str
) -> None:
    assert old in QUICK
    code, _, err = said("design", write_study(QUICK.replace(old, new)), "--out", "data")
    assert (code, sentence in err) == (2, True), err
    assert not Path("data").exists()


def test_two_weights_and_a_subject_in_two_groups_are_said_at_once(said: Said) -> None:
    Path("animals.csv").write_text("subject,weight_g,arm\nR1,280,\nR1,290,\nR2,300,conflict\nR2,300,other\n")
    code, _, err = said("design", write_study(), "--out", "data", "--subjects", "animals.csv")
    assert code == 2
    assert "R1 has two weights, 280 and 290 g" in err
    assert "R2 stands in two groups, 'conflict' and 'other'" in err


def test_a_seed_that_can_be_guessed_is_refused(said: Said) -> None:
    code, _, err = said("design", write_study(), "--out", "data", "--seed", 7)
    assert (code, "who tries a few seeds finds the doses" in err) == (2, True)
    assert said("design", write_study(head=HEAD + "blind = false\n"), "--out", "data", "--seed", 7)[0] == 0


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "the key needs its passphrase; set BEHAVIOR_PASSPHRASE"),
        ("", "the passphrase is empty"),
        ("short", "5 letters is soon guessed"),
    ],
)
def test_a_passphrase_must_be_there_and_long_enough(
    said: Said, monkeypatch: pytest.MonkeyPatch, value: str | None, sentence: str
) -> None:
    monkeypatch.delenv("BEHAVIOR_PASSPHRASE") if value is None else monkeypatch.setenv("BEHAVIOR_PASSPHRASE", value)
    code, _, err = said("design", write_study(), "--out", "data")
    assert (code, sentence in err) == (2, True), err


def test_a_passphrase_can_stand_in_a_file(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BEHAVIOR_PASSPHRASE")
    Path("secret").write_text(f"{PASSPHRASE}\r\nand a remark\n")
    assert said("design", write_study(), "--out", "data", "--passphrase-file", "secret")[0] == 0
    run_all(Path("data"))
    assert said("unblind", "data", "--passphrase-file", "secret")[0] == 0
    code, _, err = said("design", write_study(), "--out", "two", "--passphrase-file", "nowhere")
    assert (code, "the passphrase cannot be read" in err) == (2, True)


def test_what_cannot_be_unblinded(said: Said) -> None:
    code, _, err = said("unblind", "nowhere")
    assert (code, "there is no such folder" in err) == (2, True)
    said("design", write_study(), "--out", "data")
    code, _, err = said("unblind", "data")
    assert code == 2, "no session yet"
    run_all(Path("data"))
    key = Path("data/key.sealed").read_bytes()
    Path("data/key.sealed").unlink()
    code, _, err = said("unblind", "data")
    assert (code, "the sealed key is missing" in err) == (2, True)
    Path("data/key.sealed").write_bytes(key + b" ")
    code, _, err = said("unblind", "data")
    assert (code, "is not the key that was sealed" in err) == (2, True)


def test_a_design_is_simulated_once_and_into_its_own_folder(said: Said) -> None:
    said("design", write_study(), "--out", "data")
    code, _, err = said("simulate", "data", "--out", "other")
    assert (code, "leave it out" in err) == (2, True)
    run_all(Path("data"))
    code, _, err = said("simulate", "data")
    assert (code, "has sessions already" in err) == (2, True)
    code, _, err = said("simulate", "mine.toml")
    assert (code, "say --out" in err) == (2, True)


# -- exclusions, records, sheets --------------------------------------------------------------------------------------


def test_an_exclusion_is_made_and_taken_back(said: Said) -> None:
    said("design", write_study(), "--out", "data")
    run_all(Path("data"))
    code, out, _ = said("exclude", "data", "R01", "--rule", "sick", "--reason", "lost 12 %", "--by", "vet")
    assert (code, out) == (0, "R01: excluded by the rule sick (a priori): lost 12 %\n")
    code, _, err = said("exclude", "data", "R02", "--rule", "odd", "--reason", "an outlier")
    assert (code, "'odd' is no rule of the study file (sick)" in err) == (0, True)
    assert said("exclude", "data", "R02", "--undo", "--reason", "it was none")[0] == 0
    code, _, err = said("exclude", "data", "R03")
    assert (code, "an exclusion needs both" in err) == (2, True)
    log = [(entry.action, entry.about) for entry in read_audit(Path("data")).of("excluded", "included")]
    assert log == [("excluded", "R01"), ("excluded", "R02"), ("included", "R02")]


def test_a_filled_in_sheet_is_put_on_record_and_changed_only_with_a_reason(said: Said) -> None:
    said("design", write_study(), "--out", "data")
    with Path("data/injector.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {"given_volume_ml": row["volume_ml"], "given_at": "09:05", "given_by": "AB"}
    write(rows, "filled.csv")
    code, out, err = said("record", "data", "filled.csv", "--by", "AB")
    assert code == 0, err
    assert out == f"{4 * 10} values on record\n"
    assert said("record", "data", "filled.csv")[1] == "nothing is new: every value of it is on record\n"
    rows[0]["given_at"] = "09:15"
    write(rows, "changed.csv")
    code, _, err = said("record", "data", "changed.csv")
    assert (code, "given_at is '09:05' on record and '09:15' here; say why: --reason" in err) == (2, True)
    assert said("record", "data", "changed.csv", "--reason", "misread the clock", "--by", "AB")[0] == 0
    last = read_audit(Path("data")).entries[-1]
    assert (last.old, last.new, last.reason) == ({"given_at": "09:05"}, {"given_at": "09:15"}, "misread the clock")


def write(rows: list[dict[str, str]], name: str) -> None:
    with Path(name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_sheet_with_the_weights_of_the_day(said: Said) -> None:
    said("design", write_study(), "--out", "data")
    Path("today.csv").write_text("subject,weight_g\nR01,300\n")
    assert (
        said("dosing", "data", "--out", "today-injector.csv", "--weights", "today.csv", "--date", "2026-03-02")[0] == 0
    )
    with Path("today-injector.csv").open(newline="") as file:
        volumes = {row["subject"]: row["volume_ml"] for row in csv.DictReader(file)}
    assert volumes == {"R01": "0.6", "R02": "0.56", "R03": "0.56", "R04": "0.56"}
    assert said("dosing", "data", "--out", "prep.csv", "--weights", "today.csv", "--preparer")[0] == 0
    with Path("prep.csv").open(newline="") as file:
        assert {"0.56", "0.6"} == {row["volume_ml"] for row in csv.DictReader(file)}
    assert next(read_audit(Path("data")).of("key opened")).reason == "preparer's sheet"
    for arguments, sentence in (
        (["--out", "data/prep.csv", "--preparer"], "names true doses and may not lie in the dataset"),
        (["--out", "prep.csv", "--preparer"], "is there already"),
        (["--out", "x.csv", "--date", "2027-01-01"], "nothing is given on this day"),
    ):
        code, _, err = said("dosing", "data", *arguments)
        assert (code, sentence in err) == (2, True), err
    Path("today.csv").write_text("subject,weight_g\nR99,300\n")
    code, _, err = said("dosing", "data", "--out", "x.csv", "--weights", "today.csv")
    assert (code, "R99 is no animal of this study" in err) == (2, True)


# -- the plan feeds a squad -------------------------------------------------------------------------------------------


def test_the_squads_of_a_plan_are_those_of_one_start_and_go_on_where_they_were_left(said: Said) -> None:
    said("design", write_study(GROUPS), "--out", "data")
    plan, data = Path("data/plan.csv"), Path("data")

    def squad(date: str | None = None, at: str | None = None, chambers: tuple[str, ...] = ()):
        return starts_of(plan, None, chambers, date=date, at=at, dataset=data)

    rows = read_plan(plan)
    first = squad("2026-03-02")
    assert [start.subject for start in first] == [row.subject for row in rows if row.starts_at == rows[0].starts_at]
    assert {start.paradigm for start in first} == {"helplessness_induction"}
    assert {(start.dose_mg_kg, start.vehicle, start.blind_code) for start in first} == {(0.0, "none", None)}
    assert first[0].parameters is not None
    times = sorted({row.starts_at[11:16] for row in rows if row.starts_at[:10] == "2026-03-02"})
    starts = [start for at in times for start in squad("2026-03-02", at)]
    naive = next(start for start in starts if "naive" in (start.parameters or ""))
    assert 'group = "no shock"' in Path(str(naive.parameters)).read_text()
    second_day = squad("2026-03-03")
    assert {start.paradigm for start in second_day} == {"geller_seifter"}
    assert all(start.blind_code and start.dose_mg_kg is None and start.compound is None for start in second_day)
    assert {(start.study, start.arm, start.day) for start in second_day} == {("designed", "conflict", 2)}
    with pytest.raises(BadInput, match="plans nothing on 2026-04-01; it has days from 2026-03-02"):
        squad("2026-04-01")
    with pytest.raises(BadInput, match="plans nothing at 03:00 on 2026-03-02; it has 09:00"):
        squad("2026-03-02", "03:00")
    with pytest.raises(BadInput, match="plans nothing for chamber Z"):
        squad("2026-03-02", chambers=("Z",))
    run_all(data)
    with pytest.raises(BadInput, match="every session of 2026-03-02 was run"):
        squad("2026-03-02")


def test_a_plan_and_a_squad_are_two_things(said: Said) -> None:
    for arguments, sentence in (
        (["--plan", "x.toml"], "is a squad file, which --squad takes"),
        (["--plan", "plan.csv", "--squad", "x.toml"], "--plan and --squad: say one of them"),
        (["--squad", "x.toml", "--date", "2026-03-02"], "choose a squad of a --plan"),
    ):
        code, _, err = said("run", "simulated", *arguments)
        assert (code, sentence in err) == (2, True), err


def test_answers_for_scripts_tell_what_was_done_and_no_dose(said: Said) -> None:
    code, out, err = said("design", write_study(), "--out", "data", "--by", "planner", "--json")
    assert code == 0, err
    (arm,) = (made := json.loads(out))["arms"]
    assert (made["dataset"], made["preparer"], made["blind"]) == ("data", "data-preparer.csv", True)
    assert (arm["arm"], arm["n_units"], arm["n_sessions"], arm["n_days"]) == ("conflict", 4, 4, 1)
    assert "mg_kg" not in out and "seed" not in out
    Path("vials.csv").write_text(
        "preparation,batch,compound,vehicle,prepared_at\nP1,B1,ipsapirone,saline,2026-03-02T08:00:00+00:00\n"
    )
    code, out, err = said("record", "data", "vials.csv", "--by", "AB", "--json")
    assert code == 0, err
    assert json.loads(out)["sheet"] == "vials.csv" and json.loads(out)["n_new"] > 0
    code, out, err = said("exclude", "data", "R01", "--rule", "sick", "--reason", "lost 30 g", "--by", "AB", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told.pop("at")
    assert told == {
        "about": "R01", "excluded": True, "rule": "sick", "a_priori": True, "reason": "lost 30 g", "who": "AB",
        "after_unblinding": False,
    }  # fmt: skip
    code, out, _ = said("exclude", "data", "R01", "--undo", "--reason", "the scale was wrong", "--by", "AB", "--json")
    assert (code, json.loads(out)["excluded"]) == (0, False)
    run_all(Path("data"))
    code, out, err = said("unblind", "data", "--by", "AB", "--reason", "all scored", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["n_sessions"], told["n_exclusions"], told["n_codes"], len(told["audit_head"])) == (4, 0, 4, 64)


def test_a_planned_animal_is_excluded_before_any_session(said: Said) -> None:
    said("design", write_study(), "--out", "data", "--by", "planner")
    code, out, err = said("exclude", "data", "R02", "--rule", "sick", "--reason", "died in the cage", "--by", "AB")
    assert code == 0, err
    assert out.startswith("R02: excluded by the rule sick (a priori): died in the cage")
    code, _, err = said("exclude", "data", "R99", "--rule", "sick", "--reason", "x", "--by", "AB")
    assert (code, "is no session or subject of this dataset" in err) == (2, True)


def test_the_answer_to_how_many_rats_goes_on_record_and_into_the_report(said: Said) -> None:
    said("design", write_study(), "--out", "data", "--by", "planner")
    asked = ("power", "mine.toml", "--n", "2,3", "--pool", 8, "--draws", 20, "--record")
    code, _, err = said(*asked, "nowhere")
    assert (code, "there is no such folder" in err) == (2, True)
    code, _, err = said(*asked, "data", "--by", "planner")
    assert code == 0, err
    run_all(Path("data"))
    said("unblind", "data", "--by", "AB", "--reason", "all scored")
    dataset = read_dataset(Path("data"))
    (entry,) = dataset.audit.of("sample size")
    assert (entry.about, entry.who, entry.new["planned"]) == ("conflict", "planner", 2)
    assert entry.reason.startswith("conflict: 80% power on punished_rate_per_min ")
    item = arrive(dataset, summarize_arms(dataset))[1]
    assert entry.reason in item.said and item.missing == ""


def test_yoked_groups_are_refused_with_the_way_to_plan_them(said: Said) -> None:
    text = GROUPS.replace('group = "no shock"', 'group = "yoked"')
    code, _, err = said("design", write_study(text), "--out", "data")
    assert (code, "a yoked rat gets its master's shocks, and there are none yet" in err) == (2, True), err
    assert "`behavior run --master FOLDER`" in err
    assert not Path("data").exists()
