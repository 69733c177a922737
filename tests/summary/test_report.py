"""The report: everything in one file, the same bytes each time, and honest about what is not there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from behavior.model.errors import BadInput
from behavior.study.dataset import read_dataset
from behavior.summary.report import write_report
from study.datasets import STUDY, VOCALIZATION, given, write_conflict, write_session, write_vocalization

CLEAR = {0.0: [19, 20, 21], 0.3: [18, 19, 20], 1.0: [14, 15, 16], 3.0: [8, 9, 10], 10.0: [3, 4, 5], 30.0: [1, 2, 3]}
TIMES = {0.0: [20.0, 15.0, 12.0, 18.0], 1.0: [10.0, 0.0, 8.0, 7.0], 10.0: [0.0, 0.0, 0.5, 0.0]}


class Page(HTMLParser):
    """What stands on a page: its text by element, and whether every element is closed."""

    VOID = {"meta", "br", "img", "link", "path", "use"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.cells: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th") and self.cells:
            self.cells[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if self.cells and {"td", "th"} & set(self.open):
            self.cells[-1][-1] += data

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    folder = tmp_path_factory.mktemp("report")
    report = write_report(read_dataset(write_conflict(folder / "data", CLEAR)), folder / "out")
    return report, Page(report.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def vocal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    folder = tmp_path_factory.mktemp("vocal")
    report = write_report(read_dataset(write_vocalization(folder / "data", TIMES)), folder / "out")
    return report, Page(report.read_text(encoding="utf-8"))


def test_the_page_is_one_wellformed_file_that_asks_for_nothing(written, vocal) -> None:
    for report, page in (written, vocal):
        assert page.misplaced == []
        assert page.open == []
        text = re.sub(r'xmlns(:\w+)?="[^"]*"', "", report.read_text(encoding="utf-8"))
        assert not re.search(r"https?://|@import|<script|<link|src=", text)
        assert "data:" not in text
        ids = [attrs["id"] for _, attrs in page.found if attrs.get("id")]
        assert len(ids) == len(set(ids))


def test_the_per_dose_table_holds_n_mean_percent_interval_and_p(written) -> None:
    _, page = written
    row = next(cells for cells in page.cells if cells[0] == "3 mg/kg" and len(cells) > 6)
    assert [cell.strip() for cell in row[:6]] == ["3 mg/kg", "3", "9.00 ± 0.58", "1.00", "9.00 [8.50, 9.50]", "45"]
    assert row[6].strip().startswith("−11.0 [")
    assert row[7].strip() == "< 0.001"
    heads = next(cells for cells in page.cells if cells[0] == "Dose" and "Mean ± SEM" in cells)
    assert heads[7] == "p, Dunnett"
    assert "Unpunished responses" in heads[-1]


def test_the_ed50_stands_at_the_top_with_interval_and_meaning(written) -> None:
    _, page = written
    top = page.text.split("What was done")[0]
    assert re.search(r"Relative ED50 [0-9.]+ mg/kg, 95 % profile interval \[[0-9.]+, [0-9.]+\]", top)
    assert "(half way from" in top
    assert "Ipsapirone lowered punished responses at 1, 3, 10 and 30 mg/kg" in top
    assert "Ipsapirone did not" not in top


def test_where_there_is_no_ed50_every_reason_is_given(vocal) -> None:
    _, page = vocal
    assert "(To be exact: 2 doses besides the vehicle are too few" in page.text
    assert not re.search(r"ED50 \d", page.text)


def test_a_missing_motor_control_is_said(vocal) -> None:
    assert "None was named: a sedated animal cannot be told from a calm one." in vocal[1].text


def test_censored_latencies_are_marked_and_explained(vocal) -> None:
    _, page = vocal
    assert "(1 censored)" in page.text
    assert "†" in page.text
    assert "Their latencies are censored" in page.text


def test_methods_tell_what_ran_and_nothing_else(written, vocal) -> None:
    conflict, vocalization = (page.text.split("Methods ")[1].split("Warnings")[0] for _, page in (written, vocal))
    assert "Dunnett's two-sided" in conflict
    assert "log-logistic" in conflict
    assert "Kruskal" not in conflict and "censored" not in conflict
    assert "Kruskal" in vocalization and "right-censored" in vocalization
    assert "log-logistic" not in vocalization
    assert "numpy 2" in conflict and "behavior 0" in conflict


def test_flow_warnings_and_digests_stand_on_the_page(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", CLEAR)
    next((path / "sub-R05").glob("ses-*/footer.json")).unlink()
    dataset = read_dataset(path)
    page = Page(write_report(dataset, tmp_path / "out").read_text(encoding="utf-8"))
    row = next(cells for cells in page.cells if cells[0] == "0.3 mg/kg")
    assert row == ["0.3 mg/kg", "3", "3", "2", "nobody closed it (no footer): 1"]
    assert dataset.warnings
    assert all(warning.replace("`", "") in page.text for warning in dataset.warnings)
    assert f"{len(dataset.warnings)} warnings to read" in page.text
    assert all(digest in page.text for digest in dataset.sessions["journal_sha256"].dropna())


def test_a_session_without_a_planned_dose_is_in_the_flow_too(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", CLEAR)
    write_session(path, "X1", 2.0, {"punished_rate_per_min": 3.0})
    page = Page(write_report(read_dataset(path), tmp_path / "out").read_text(encoding="utf-8"))
    row = next(cells for cells in page.cells if cells[0] == "no dose of the plan")
    assert row[1:] == ["0", "1", "0", "2 mg/kg is no dose of arm conflict: 1"]


def test_tables_and_figures_stand_beside_the_page(written) -> None:
    report, _ = written
    table = pd.read_csv(report.parent / "tables" / "per_dose.csv")
    assert len(table) == 18
    assert sorted(path.name for path in (report.parent / "tables").iterdir()) == [
        "components.csv", "models.csv", "per_dose.csv", "prism", "sessions.csv", "units.csv",
    ]  # fmt: skip
    figures = sorted(path.name for path in (report.parent / "figures").iterdir())
    assert "conflict-punished_rate_per_min-dose-response.svg" in figures
    assert "conflict-cumulative-records.png" in figures
    assert "conflict-punished-and-unpunished.svg" in figures
    assert len([name for name in figures if name.endswith(".svg")]) == len(figures) / 2


def test_equal_sessions_give_equal_bytes_wherever_they_are(tmp_path: Path) -> None:
    write_vocalization(tmp_path / "one" / "data", TIMES)
    shutil.copytree(tmp_path / "one" / "data", tmp_path / "two" / "data")
    contents = []
    for place in ("one", "two"):
        out = write_report(read_dataset(tmp_path / place / "data"), tmp_path / place / "out").parent
        contents.append({path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()})
    assert contents[0].keys() == contents[1].keys()
    assert [name for name, data in contents[0].items() if contents[1][name] != data] == []
    assert str(tmp_path).encode() not in contents[0][Path("report.html")]


def test_what_people_wrote_is_text_and_no_markup(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", {0.0: [1.0, 2.0], 1.0: [2.0, 3.0]})
    study = (path / "study.toml").read_text()
    (path / "study.toml").write_text(study.replace("A made-up study", "<script>alert(1)</script> & co"))
    text = write_report(read_dataset(path), tmp_path / "out").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in text


def test_blinded_sessions_give_quality_control_and_no_doses(tmp_path: Path) -> None:
    for k in range(4):
        coded = given(None, compound=None, vehicle=None, blind_code=f"K{k}")
        write_session(tmp_path / "data", f"R{k}", None, {"punished_rate_per_min": 1.0 + k}, treatment=coded)
    (tmp_path / "data" / "study.toml").write_text(STUDY.format(doses=[0, 1], n=2))
    report = write_report(read_dataset(tmp_path / "data"), tmp_path / "out")
    page = Page(report.read_text(encoding="utf-8"))
    assert "Blinded: quality control only" in page.text
    assert "a per-dose summary is made after behavior unblind" in page.text
    assert "K2" in page.text
    assert "No statistics were made." in page.text
    flow = next(cells for cells in page.cells if cells[0].startswith("all, under codes"))
    assert flow[1:] == ["4", "4", "4", "none"]
    assert "Mean ± SEM" not in page.text
    assert not (report.parent / "tables" / "per_dose.csv").exists()
    assert not (report.parent / "figures").exists()


def test_two_arms_stand_in_the_order_of_the_study(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", {0.0: [1.0, 2.0], 1.0: [2.0, 3.0]})
    study = STUDY.format(doses=[0.0, 1.0], n=2) + VOCALIZATION.format(doses=[0.0, 1.0], n=2)
    (path / "study.toml").write_text(study)
    page = Page(write_report(read_dataset(path), tmp_path / "out").read_text(encoding="utf-8"))
    assert [attrs["id"] for tag, attrs in page.found if tag == "section" and "id" in attrs][:2] == [
        "conflict", "vocalization",
    ]  # fmt: skip
    assert "none of its sessions is in the dataset" in page.text


def test_a_folder_that_holds_something_is_never_written_into(tmp_path: Path, written) -> None:
    dataset = read_dataset(write_conflict(tmp_path / "data", {0.0: [1.0, 2.0], 1.0: [2.0, 3.0]}))
    with pytest.raises(BadInput, match="holds something already"):
        write_report(dataset, written[0].parent)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be made"):
        write_report(dataset, tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert write_report(dataset, tmp_path / "empty").exists()


def test_the_page_fits_a_telephone(written, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs Chromium: on Debian, `apt-get install chromium`")
    page = json.dumps(written[0].read_text(encoding="utf-8")).replace("</", "<\\/")
    probe = tmp_path / "probe.html"  # in a frame, for no window of Chromium is as narrow
    probe.write_text(
        '<!doctype html><meta charset="utf-8"><iframe style="width:390px;height:800px" id="f" frameborder="0"></iframe>'
        f"<pre id='w'></pre><script>const f = document.getElementById('f'); f.srcdoc = {page};"
        "f.onload = () => { const root = f.contentDocument.documentElement;"
        " document.getElementById('w').textContent = root.scrollWidth + ' in ' + root.clientWidth }</script>",
        encoding="utf-8",
    )
    done = subprocess.run(
        [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
         f"--user-data-dir={tmp_path / 'chromium'}", "--dump-dom", probe.as_uri()],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    (found,) = re.findall(r'<pre id="w">(\d+) in (\d+)</pre>', done.stdout)
    assert found[0] == found[1]
    assert 350 < int(found[1]) <= 390
