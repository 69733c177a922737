"""`behavior summarize` as a person uses it, without another process for each question."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from behavior.app.assay import write_template
from behavior.app.summarize import endpoints_of, free_name, summarize, summarized
from behavior.assays.kinds import analyse
from behavior.assays.report import write_report as write_assay
from behavior.model.errors import BadFile, BadInput
from study.datasets import given, write_conflict, write_session

RATES = {0.0: [1.0, 2.0, 3.0], 1.0: [2.0, 3.0, 4.0]}


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(summarize)
    return app


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_conflict(tmp_path / "data", RATES)


def test_the_path_of_the_report_is_all_that_is_printed(command: typer.Typer, dataset: Path) -> None:
    done = CliRunner().invoke(command, [str(dataset)])
    assert done.exit_code == 0
    assert done.stdout == f"{dataset / 'summary' / 'report.html'}\n"
    assert done.stderr == "6 sessions summarized\n"
    assert (dataset / "summary" / "report.html").is_file()


def test_a_second_summary_takes_the_next_name(command: typer.Typer, dataset: Path) -> None:
    first, second = (CliRunner().invoke(command, [str(dataset)]).stdout for _ in range(2))
    assert second == first.replace("/summary/", "/summary-2/")
    reports = [Path(text.strip()).read_bytes() for text in (first, second)]
    assert reports[0] == reports[1]


def test_warnings_and_what_was_left_out_go_to_standard_error(command: typer.Typer, dataset: Path) -> None:
    next((dataset / "sub-R05").glob("ses-*/footer.json")).unlink()
    done = CliRunner().invoke(command, [str(dataset)])
    assert done.stderr.splitlines()[0].startswith("warning: sub-R05/")
    assert done.stderr.splitlines()[-1] == "5 sessions summarized, 1 left out"


def test_json_holds_the_report_and_every_dose(command: typer.Typer, dataset: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(command, [str(dataset), "--json", "--out", str(tmp_path / "out")])
    found = json.loads(done.stdout)
    assert found["report"] == str(tmp_path / "out" / "report.html")
    assert (found["n_sessions"], found["n_analysed"], found["blinded"]) == (6, 6, False)
    first = found["per_dose"][0]
    assert (first["endpoint"], first["dose_mg_kg"], first["n"], first["mean"]) == ("punished_rate_per_min", 0, 3, 2)
    assert first["p_adjusted"] is None
    assert 0 < found["per_dose"][1]["p_adjusted"] < 1
    assert "endpoints" not in found, "they are those beside assays"
    assert not (tmp_path / "out" / "tables" / "endpoints.csv").exists()
    assert "companion assays" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_what_cannot_be_used_is_refused_before_anything_is_written(
    command: typer.Typer, tmp_path: Path, option: list[str]
) -> None:
    done = CliRunner().invoke(command, [str(tmp_path / "nowhere"), *option])
    assert isinstance(done.exception, BadInput)
    (tmp_path / "empty").mkdir()
    assert isinstance(CliRunner().invoke(command, [str(tmp_path / "empty"), *option]).exception, BadInput)
    assert list((tmp_path / "empty").iterdir()) == []


def test_an_out_that_is_there_is_refused(command: typer.Typer, dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", dataset):
        assert isinstance(CliRunner().invoke(command, [str(dataset), "--out", str(out)]).exception, BadInput)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_bad_study_file_is_refused(command: typer.Typer, dataset: Path) -> None:
    (dataset / "study.toml").write_text("name = ")
    assert isinstance(CliRunner().invoke(command, [str(dataset)]).exception, BadFile)


def test_another_command_may_ask_for_a_summary(dataset: Path, tmp_path: Path) -> None:
    assert summarized(dataset, tmp_path / "out") == tmp_path / "out" / "report.html"


def test_free_names_are_counted_on(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        names.append(free_name(tmp_path / "summary"))
        names[-1].touch() if names[1:] else names[-1].mkdir()  # files count as folders do
    assert [name.name for name in names] == ["summary", "summary-2", "summary-3"]


# -- beside companion assays ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def assays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Finished assays of two kinds."""
    folder = tmp_path_factory.mktemp("assays")
    return {
        kind: write_assay(analyse(kind, write_template(kind, folder)[0]), folder / f"my-{kind}").parent
        for kind in ("binding", "firing")
    }


def test_assays_stand_beside_the_behavioral_endpoints(
    command: typer.Typer, dataset: Path, assays: dict[str, Path], tmp_path: Path
) -> None:
    options = [text for folder in assays.values() for text in ("--assay", str(folder))]
    done = CliRunner().invoke(command, [str(dataset), "--out", str(tmp_path / "out"), *options, "--json"])
    assert done.exit_code == 0, done.exception
    rows = json.loads(done.stdout)["endpoints"]
    assert list(dict.fromkeys(row["source"] for row in rows)) == ["behavior", "my-binding", "my-firing"]
    ki = next(row for row in rows if row["endpoint"] == "Ki" and "target=D2" in row["of"])
    assert (ki["qualifier"], ki["value"], ki["unit"], ki["low"]) == (">", 4000, "nM", None)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Beside companion assays" in page and "&gt; 4000 nM" in page
    assert any(row["unit"] == "ug_kg" for row in rows), "in tables as it is written"
    beside = page.partition("Beside companion assays")[2].partition("</section>")[0]
    assert "µg/kg" in beside and "_kg" not in beside, "on the page as it is read"


def test_what_is_no_finished_assay_is_refused_before_anything_is_written(
    command: typer.Typer, dataset: Path, assays: dict[str, Path], tmp_path: Path
) -> None:
    done = CliRunner().invoke(command, [str(dataset), "--assay", str(tmp_path)])
    assert isinstance(done.exception, BadInput)
    assert "holds no endpoints.csv; run `behavior assay" in str(done.exception)
    assert not (dataset / "summary").exists()
    twin = tmp_path / assays["firing"].name
    twin.mkdir()
    with pytest.raises(BadInput, match="two folders are called my-firing; rename one"):
        endpoints_of([assays["firing"], twin])
    assert endpoints_of([]) == {}


def test_a_blinded_study_gets_quality_control_and_no_statistics(command: typer.Typer, tmp_path: Path) -> None:
    coded = given(None, compound=None, vehicle=None, blind_code="K1")
    write_session(tmp_path / "data", "R1", None, {"punished_rate_per_min": 1.0}, treatment=coded)
    done = CliRunner().invoke(command, [str(tmp_path / "data")])
    assert done.stdout == f"{tmp_path / 'data' / 'summary' / 'quality.html'}\n"
    assert done.stderr.splitlines()[-1] == "1 sessions checked, for the study is blinded"
    assert not (tmp_path / "data" / "summary" / "report.html").exists()
    found = json.loads(CliRunner().invoke(command, [str(tmp_path / "data"), "--json"]).stdout)
    assert (found["blinded"], found["per_dose"]) == (True, [])


def test_methods_and_absolute_ed50s_can_be_chosen(command: typer.Typer, dataset: Path) -> None:
    chosen = ["--method", "punished_rate_per_min=welch", "--absolute-ed50", "punished_rate_per_min=200"]
    rows = json.loads(CliRunner().invoke(command, [str(dataset), "--json", *chosen]).stdout)["per_dose"]
    methods = {row["endpoint"]: row["method"] for row in rows}
    assert methods["punished_rate_per_min"] == "welch"
    assert methods["unpunished_rate_per_min"] == "dunnett"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--method", "n_failures"], "--method n_failures: has no =; write such as --method n_failures=gee"),
        (["--method", "guess=gee"], "'guess' is no measure; choose one of punished_rate_per_min"),
        (["--method", "n_failures=tobit"], "n_failures cannot be compared so; choose one of quasi_binomial, gee"),
        (["--absolute-ed50", "n_calls=half"], "is no percentage of vehicle; write such as n_calls=50"),
        (["--absolute-ed50", "n_calls=-5"], "is no percentage of vehicle"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_before_anything_is_read(
    command: typer.Typer, dataset: Path, option: list[str], sentence: str
) -> None:
    done = CliRunner().invoke(command, [str(dataset), *option])
    assert isinstance(done.exception, BadInput)
    assert sentence in str(done.exception)
    assert not (dataset / "summary").exists()
