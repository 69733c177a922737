"""`behavior assay`: tables in, a report out, templates, and one sentence for what cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from behavior.app.assay import AssayKind, assay, write_template
from behavior.assays.kinds import KINDS
from behavior.model.errors import BadInput

app = typer.Typer()
app.command()(assay)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def failed(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, BadInput), result.output
    return str(result.exception)


def test_the_command_knows_every_kind() -> None:
    assert [kind.value for kind in AssayKind] == list(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_template_is_written_and_runs(kind: str, tmp_path: Path) -> None:
    written = run(kind, "--template", "--out", tmp_path / "mine")
    assert written.exit_code == 0
    assert written.stdout.split() == [str(tmp_path / "mine" / f"{kind}.{end}") for end in ("csv", "toml")]
    done = run(kind, tmp_path / "mine" / f"{kind}.csv", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.exception
    assert done.stdout.strip() == str(tmp_path / "out" / "report.html")
    assert (tmp_path / "out" / "endpoints.csv").is_file()


def test_a_template_overwrites_nothing(tmp_path: Path) -> None:
    write_template("firing", tmp_path)
    assert "is not overwritten" in failed("firing", "--template", "--out", tmp_path)


def test_without_out_the_report_goes_beside_the_table_under_a_free_name(tmp_path: Path) -> None:
    table, _ = write_template("firing", tmp_path)
    assert run("firing", table).stdout.strip() == str(tmp_path / "firing-report" / "report.html")
    assert run("firing", table).stdout.strip() == str(tmp_path / "firing-report-2" / "report.html")


def test_json_is_the_results(tmp_path: Path) -> None:
    table, _ = write_template("kinetics", tmp_path)
    done = run("kinetics", table, "--out", tmp_path / "out", "--json")
    results = json.loads(done.stdout)
    assert results["assay"] == "kinetics" and results["endpoints"]
    assert (tmp_path / "out" / "results.json").read_text(encoding="utf-8") == done.stdout


def test_named_settings_and_published_figures_are_used(tmp_path: Path) -> None:
    table, settings = write_template("firing", tmp_path)
    other = tmp_path / "other.toml"
    other.write_text(settings.read_text(encoding="utf-8").replace("criterion_percent = 50", "criterion_percent = 30"))
    library = tmp_path / "library.toml"
    library.write_text(
        '[[figures]]\ncompound = "ipsapirone"\nquantity = "ed50"\ntarget = "x firing"\nvalue = 1.0\nunit = '
        '"ug/kg"\nsource = "me"\n'
    )
    done = run("firing", table, "--settings", other, "--published", library, "--out", tmp_path / "out", "--json")
    results = json.loads(done.stdout)
    assert results["settings"]["criterion_percent"] == 30
    assert [one["source"] for one in results["published"]] == ["me"]
    assert results["provenance"]["published_figures"] == "library.toml"


def test_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    assert "which table?" in failed("firing")
    assert "no such file" in failed("firing", tmp_path / "none.csv")
    table, settings = write_template("binding", tmp_path)
    settings.unlink()
    assert "binding needs settings (targets)" in failed("binding", table)
    assert "leave out --template" in failed("binding", table, "--template")
    settings.write_text("slop = 1\n")
    assert "slop: is not known here" in failed("binding", table)


def test_warnings_go_to_standard_error_and_the_page_to_standard_output(tmp_path: Path) -> None:
    table, _ = write_template("binding", tmp_path)
    done = run("binding", table)
    assert "warning: ipsapirone at D2" in done.stderr
    assert "Ki, ipsapirone, D2: > 4000 nM" in done.stderr
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("library", "says"),
    [
        (None, "no such file"),
        ("[[figures]]\ncompound = 1\n", "figures.1.compound"),
        ("figures = [", "published.toml"),
    ],
    ids=["absent", "wrong", "not TOML"],
)
def test_a_library_that_cannot_be_used_is_named(tmp_path: Path, library: str | None, says: str) -> None:
    table, _ = write_template("firing", tmp_path)
    path = tmp_path / "published.toml"
    if library is not None:
        path.write_text(library)
    message = failed("firing", table, "--published", path)
    assert says in message and "published.toml" in message
    assert not (tmp_path / "firing-report").exists()


def test_a_bad_table_leaves_no_folder_behind(tmp_path: Path) -> None:
    table, _ = write_template("kinetics", tmp_path)
    table.write_text(table.read_text(encoding="utf-8").replace(",0,", ",zero,", 1), encoding="utf-8")
    assert "line 2: time (min) is 'zero'" in failed("kinetics", table, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_template_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    message = failed("firing", "--template", "--out", tmp_path / "file")
    assert "cannot be written to" in message and "--out" in message


def test_json_alone_goes_to_standard_output(tmp_path: Path) -> None:
    table, _ = write_template("binding", tmp_path)
    done = run("binding", table, "--json")
    results = json.loads(done.stdout)
    assert results["warnings"] and done.stderr == ""


def test_the_help_names_every_kind() -> None:
    text = " ".join(run("--help").stdout.split())
    assert all(kind in text for kind in KINDS)
