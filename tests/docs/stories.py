"""What the readers of each page have before they begin, what they type when asked, and what they have at the end.

A page's commands are run in order in one folder, as they are printed: `…` in the name of a file stands for whatever is
there, and `*` is what a shell makes of it. What a story adds to a command makes it shorter, and says so.
"""

from __future__ import annotations

import csv
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from behavior.audio.write import RecordingWriter
from behavior.session.folder import SessionFolder
from behavior.simulate.acoustics import PlannedCall, Soundscape
from docs import boxes
from docs.pages import ROOT
from docs.person import STUCK_S, Deed, Person

WEIGHTS_G = 280.0
PASSPHRASE = {"BEHAVIOR_PASSPHRASE": "correct horse battery"}


@dataclass(frozen=True)
class Story:
    """A page that is run.

    Attributes
    ----------
    made : what is there at the end
    prepare : what its readers have, in the folder that we are in
    there : what is connected or set meanwhile; gives the environment of commands
    shorter : what is added to a command (by how it begins), because without it takes long
    """

    made: str
    prepare: Callable[[], None] = lambda: None
    there: Callable[[], AbstractContextManager[Mapping[str, str]]] = lambda: nullcontext({})
    shorter: Mapping[str, str] = field(default_factory=dict)


# ---- what is there before


def study() -> None:
    """A finished study, as `data` and as an archive."""
    shutil.copytree(ROOT / "sample_data" / "study", "data")
    Path("ARCHIVE").symlink_to("data")


def nights() -> None:
    """Two recordings with two calls each, and what a person marked in the first: one late, one that is none."""
    calls = [PlannedCall(0.5, 0.8), PlannedCall(1.8, 0.7)]
    for night in (1, 2):
        with RecordingWriter(Path(f"night{night}.wav"), 250_000, 1) as writer:
            for block in Soundscape(250_000, 3.0, night, calls).blocks():
                writer.write(block)
    rows = ["1\t0.5\t1.3\t18000\t30000", "2\t1.815\t2.5\t18000\t30000", "3\t2.7\t2.9\t18000\t30000"]
    head = "Selection\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
    Path("night1.selections.txt").write_text("\n".join([head, *rows, ""]), encoding="utf-8")


def a_box() -> None:
    """A rig file, and the record of its bench."""
    Path(boxes.RIG).write_text(boxes.room_2(), encoding="utf-8")
    boxes.calibrated()


def screens() -> None:
    """Something to look at, and something to start."""
    study()
    a_box()


def animals() -> None:
    """The tables that a study wants of its animals, of the day, and of what was prepared."""
    names = [f"R{k:02}" for k in range(1, 25)]
    table("animals.csv", ["subject", "weight_g", "cage"], [(n, WEIGHTS_G + 2 * k, k // 4) for k, n in enumerate(names)])
    table("today.csv", ["subject", "weight_g"], [(name, WEIGHTS_G + 3) for name in names])
    what = ["preparation", "compound", "batch", "vehicle", "prepared_at", "expires_at", "prepared_by"]
    when = ("2026-03-02T08:00", "2026-03-03T08:00")
    table("preparations.csv", what, [("P1", "ipsapirone", "B7", "saline", *when, "CD")])


def table(name: str, columns: list[str], rows: list[tuple[object, ...]]) -> None:
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def cut() -> None:
    """A session whose computer has died: the program is killed in its midst."""
    start = (
        "behavior run simulated --chamber A --paradigm geller_seifter --subject R07 --experimenter AB --weight-g 291 "
        "--dose-mg-kg 0 --vehicle saline --simulate"
    )
    Person(Path.cwd(), {r"Session: (\S+)": lambda person, found: begun(Path(found[1])) and person.kill()}).run(
        start.split()
    )
    assert [one.footer for one in map(SessionFolder, Path("data").glob("sub-R07/ses-*"))] == [None]


# ---- what is done


def begun(folder: Path, kinds: bytes = b"BeginComponent|SetLever|BeginTrial") -> bool:
    """Wait until a session has begun to do something: the line is on the disk."""
    until_s = time.monotonic() + STUCK_S
    while time.monotonic() < until_s:
        journal = folder / "journal.jsonl"
        if journal.exists() and re.search(rb'"(%s)"' % kinds, journal.read_bytes()):
            return True
        time.sleep(0.02)
    raise AssertionError(f"{folder}: the session did not begin")


def stop_the_session(person: Person, found: re.Match[str]) -> None:
    """Ctrl-C, once it has begun."""
    begun(person.here / found[1])
    person.interrupt()


def stop_what_goes_on(person: Person, found: re.Match[str]) -> None:
    """Ctrl-C, once the gap is on the disk."""
    (folder,) = (person.here / "data").glob("sub-R07/ses-*")
    begun(folder, b"Resumed")
    person.interrupt()


def look(person: Person, found: re.Match[str]) -> None:
    """Open the page, then end its server."""
    import httpx

    with httpx.Client(follow_redirects=True) as browser:
        answer = browser.get(found[1])
    assert answer.status_code == 200, answer.text
    assert "<title>" in answer.text
    person.interrupt()


def read_meter(person: Person, found: re.Match[str]) -> None:
    """The meter shows what was asked for."""
    person.type(f"{found[1]} mA")


def who_is_planned(person: Person, found: re.Match[str]) -> None:
    """The animal that the plan names for this chamber at the first squad."""
    with (person.here / "data" / "plan.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["starts_at"])
    person.type(next(row["subject"] for row in rows if row["chamber"] == found[1]))


def stop_the_squad(person: Person, found: re.Match[str]) -> None:
    """Once every chamber that was confirmed has begun: stop all; the supervisor waits for their ends."""
    folders = sorted({Path(one) for one in re.findall(r"Session: (\S+)", person.screen)})
    if len(folders) == 2:
        for folder in folders:
            begun(person.here / folder)
        person.type("stop")


SESSION: dict[str, str | Deed] = {
    r"Blind code: ": "K7Q",
    r"Treated at[^\n]*: \Z": "00:00",
    r"Subject: ": "R07",
    r"Experimenter: ": "AB",
    r"Weight g: ": "291",
    r"(?m)^Session: (\S+)$": stop_the_session,
}
SQUAD: dict[str, str | Deed] = {
    r"Chamber (\w+): subject[^:\n]*: ": who_is_planned,
    r"Experimenter: ": "AB",
    r"Weight g: ": "283",
    r"Treated at[^\n]*: \Z": "00:00",
    r"\w+: Session: (\S+)\n": stop_the_squad,
}
BENCH: dict[str, str | Deed] = {
    r"Person: ": "AB",
    r"Meter: ": "Fluke 87V no 123",
    r"\? \[y/N\]: ": "y",
    r"What did the meter show at ([\d.]+) mA\?[^\n]*: ": read_meter,
}
SCREEN: dict[str, str | Deed] = {
    r"(?m)^(?:Screens|Review) of [^\n]*?: (http://127\.0\.0\.1\S*|http://localhost\S*)$": look
}
RESUME: dict[str, str | Deed] = {r"(?m)^Interrupted ": stop_what_goes_on}


def deeds(words: list[str]) -> dict[str, str | Deed] | None:
    """What a person does at a command; None where nobody has to be there."""
    match words[1]:
        case "run":
            return SQUAD if "--plan" in words else SESSION
        case "resume":
            return RESUME
        case "bench" if "--simulate" not in words:
            return BENCH
        case "dashboard" | "review":
            return SCREEN
    return None


def filled_in() -> None:
    """The injector's sheet with what was given, once the study is designed."""
    if Path("data/injector.csv").is_file() and not Path("filled-injector.csv").exists():
        with Path("data/injector.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            row |= {
                "given_volume_ml": row["volume_ml"],
                "given_at": "2026-03-02T09:00",
                "given_by": "AB",
                "deviation": "",
            }
        table("filled-injector.csv", list(rows[0]), [tuple(row.values()) for row in rows])


def passphrase() -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext(PASSPHRASE)


STORIES: dict[str, Story] = {
    "docs/explanations/threat-model.md": Story(""),
    "docs/explanations/which-statistics-and-why.md": Story("data/summary/report.html", study),
    "docs/how-to/add-a-line-shocker.md": Story("data/sub-R07/ses-*/score.json"),
    "docs/how-to/compare-calls-with-a-person.md": Story("calls.csv", nights),
    "docs/how-to/connect-a-chamber.md": Story("calibration/shocker-A-*.toml", there=boxes.connected),
    "docs/how-to/design-a-study.md": Story(
        "data/summary/report.html", animals, passphrase, {"behavior power": "--pool 24 --draws 20"}
    ),
    "docs/how-to/detect-calls.md": Story("night.pdf", nights),
    "docs/how-to/report-a-problem.md": Story("page.html"),
    "docs/how-to/rescore-an-archive.md": Story("ARCHIVE/rescored/manifest.csv", study),
    "docs/how-to/resume-after-a-crash.md": Story("data/sub-R07/ses-*/footer.json", cut),
    "docs/how-to/review-calls.md": Story("night1.wav", nights),
    "docs/how-to/run-a-session.md": Story("data/sub-R07/ses-*/score.json", a_box, boxes.connected),
    "docs/how-to/summarize-a-study.md": Story("report/analysis.R", study),
    "docs/how-to/watch-chambers.md": Story("data", screens),
    "docs/how-to/work-on-windows.md": Story("data/sub-R07/ses-*/score.json"),
    "docs/how-to/write-a-paradigm.md": Story("data/sub-R01/ses-*/score.json"),
    "docs/tutorial/companion-assays.md": Story("mine/binding-report/report.html"),
    "docs/tutorial/first-chamber.md": Story("data/sub-DUMMY/ses-*/score.json", there=boxes.connected),
    "docs/tutorial/first-study.md": Story("report/report.html"),
    "docs/tutorial/from-a-med-pc-shelf.md": Story("report/report.html"),
}
"""Every page that has commands, but for those whose commands are all marked as not run."""
WITH_BOXES = [page for page, story in STORIES.items() if story.there is boxes.connected]
