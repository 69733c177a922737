"""Starting a session from the board: the same questions as at the terminal, and nothing preselected.

A session that is started here is `behavior run` in a process of its own, with a file for a terminal: it does not notice
the end of the board. Whatever is wrong with the answers, `behavior run` itself says, and the page shows its sentence.
From a page nobody can name code or files of elsewhere: paradigms go by their name, parameter files and masters lie in
the data folder or come with the package.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from behavior.app.dashboard.blind import Blindness
from behavior.app.dashboard.board import board_of, json_of
from behavior.app.dashboard.chambers import BUSY, Followed
from behavior.app.dashboard.site import NotHere, Site, page, site_of
from behavior.app.system import apart
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

ENTRY = (sys.executable, "-P", "-c", "from behavior.app.cli import main; main()")
LOGS = ".board"
USUAL = "usual"
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is asked.

    Parameters
    ----------
    option : of `behavior run`
    label : on the page
    required : whether it must be answered
    hint : beside it
    """

    option: str
    label: str
    required: bool = False
    hint: str = ""


SUBJECT = (
    Question("subject", "Subject", required=True, hint="read it from the animal, not from a list"),
    Question("experimenter", "Experimenter", required=True),
    Question("weight-g", "Weight, g", required=True, hint="today"),
    Question("free-feeding-g", "Free-feeding weight, g"),
    Question("underweight-allowed-by", "Below 80 % of it allowed by"),
)
BLIND = (Question("blind-code", "Blind code", hint="as on the syringe"),)
OPEN = (
    Question("compound", "Compound"),
    Question("dose-mg-kg", "Dose, mg/kg", hint="0 for the vehicle alone"),
)
GIVEN = (
    Question("vehicle", "Vehicle"),
    Question("route", "Route", hint="as in i.p."),
    Question("injected-at", "Treated at", hint="as in 14:05; needed with a code"),
    Question("pretreatment-min", "Planned pretreatment, min"),
    Question("day", "Day of the study"),
)
PLANNED = (
    Question("deviation", "Not as planned because", hint="only where this page has said that it differs from the plan"),
)
ASKED = (*SUBJECT, *BLIND, *OPEN, *GIVEN, *PLANNED)


@dataclass(frozen=True)
class Starter:
    """What can be started.

    Parameters
    ----------
    rig : as `behavior run` takes it
    chambers : of the rig
    out : dataset folder
    simulated : on simulated chambers
    """

    rig: str
    chambers: tuple[str, ...]
    out: Path
    simulated: bool

    def command(self, chamber: str, answers: dict[str, Any], site: Site) -> list[str]:
        """The command of a session.

        Raises
        ------
        BadInput
            An answer is missing, or names something that a page may not.
        """
        from behavior.paradigms.catalogue import our_paradigms

        if chamber not in self.chambers:
            raise BadInput(f"the rig has no chamber {chamber!r}; choose one of {', '.join(self.chambers)}")
        given = {name: text for name, value in answers.items() if (text := str(value).strip())}
        missing = [one.label for one in ASKED if one.required and one.option not in given]
        if "blind-code" in given and "injected-at" not in given:
            missing.append("Treated at")
        missing += [name.capitalize() for name in ("paradigm", "parameters") if name not in given]
        if missing:
            raise BadInput(f"{', '.join(missing)}: fill in what is missing; nothing is taken from the last session")
        if given["paradigm"] not in our_paradigms():
            raise BadInput("the paradigm is none that the board knows; start a lab's own from the terminal")
        options = {one.option: given[one.option] for one in ASKED if one.option in given}
        options["paradigm"] = given["paradigm"]
        if given["parameters"] != USUAL:
            options["parameters"] = str(_parameters(given["parameters"], site))
        if "master" in given:
            options["master"] = str(site.inside(given["master"]))
        return [
            *ENTRY, "run", self.rig, f"--chamber={chamber}", f"--out={self.out}",
            *(f"--{option}={text}" for option, text in options.items()),
            *(["--simulate"] if self.simulated else []),
        ]  # fmt: skip


def _parameters(name: str, site: Site) -> Path:
    """A shipped preset, or a TOML file of the data folder."""
    if name in presets():
        from behavior.config.shipped import shipped

        return shipped("configs", "paradigms") / f"{name}.toml"
    path = site.inside(name)
    if path.suffix != ".toml" or not path.is_file():
        raise NotHere(f"{name}: is no TOML file of parameters; choose one of the list")
    return path


def presets() -> list[str]:
    """Names of the parameter files that come with the package."""
    from behavior.config.shipped import shipped

    return sorted(path.stem for path in shipped("configs", "paradigms").glob("*.toml"))


def starter_of(request: Request) -> Starter:
    """What can be started here.

    Raises
    ------
    BadInput
        The board was started without a rig.
    """
    starter: Starter | None = request.app.state.starter
    if starter is None:
        raise BadInput("this board starts nothing; give `behavior dashboard` the rig with --rig")
    return starter


async def start_page(request: Request) -> Response:
    """The questions."""
    from behavior.paradigms.catalogue import our_paradigms

    starter, site = starter_of(request), site_of(request)
    chamber = request.path_params["chamber"]
    if chamber not in starter.chambers:
        raise NotHere(f"the rig has no chamber {chamber!r}; choose one of {', '.join(starter.chambers)}")
    own = sorted(path.relative_to(site.data).as_posix() for path in site.data.glob("parameters/*.toml"))
    return page(
        request, "start.html", chamber=chamber, starter=starter, subject=SUBJECT, blind=BLIND, open=OPEN, given=GIVEN,
        planned=PLANNED, paradigms=our_paradigms(), presets=presets(), own=own,
        is_blind=Blindness(site.data).holds(site.data),
    )  # fmt: skip


async def start(request: Request) -> Response:
    """Start a session; answers when it runs, or says why it does not."""
    from starlette.responses import JSONResponse

    starter, site, answers = starter_of(request), site_of(request), await json_of(request)
    chamber = str(answers.pop("chamber", ""))
    starting: set[str] = request.app.state.starting
    free(board_of(request).chambers.live(states=BUSY), starter.rig, chamber, str(answers.get("subject", "")).strip())
    if chamber in starting:
        raise BadInput(f"a session is being started in chamber {chamber}; wait for it")
    command = starter.command(chamber, answers, site)
    starting.add(chamber)
    try:
        session = await begun(command, starter.out, chamber)
    finally:
        starting.discard(chamber)
    return JSONResponse({"said": f"chamber {chamber}: started", "session": str(session)})


def free(running: list[Followed], rig: str, chamber: str, subject: str) -> None:
    """Check that neither the chamber nor the subject is in a session.

    Raises
    ------
    BadInput
        One of them is.
    """
    for one in running:
        header = one.folder.header
        if (header.rig, header.chamber) == (rig, chamber):
            raise BadInput(f"{header.subject} is in chamber {chamber}; stop that session first")
        if header.subject == subject:
            raise BadInput(f"{subject} is in chamber {header.chamber} of {header.rig}; look at the animal again")


async def begun(command: list[str], out: Path, chamber: str) -> Path:
    """The folder of the session that this command began.

    Raises
    ------
    BadInput, Failure
        It began none; what it said.
    """
    process, log = await asyncio.to_thread(_launch, command, out, chamber)
    for _ in range(round(PATIENCE_S / 0.1)):
        said = await asyncio.to_thread(log.read_text, "utf-8", "replace")
        for line in said.splitlines():
            if line.startswith("Session: "):
                _reap(process)
                return Path(line.removeprefix("Session: "))
        if process.poll() is not None:
            sentence = said.strip().rpartition("behavior: ")[2] or f"it ended at once; see {log}"
            raise (BadInput if process.returncode == 2 else Failure)(as_labelled(sentence))
        await asyncio.sleep(0.1)
    process.terminate()
    _reap(process)
    raise Failure(f"chamber {chamber}: no session began within {PATIENCE_S:.0f} s and it was ended; see {log}")


def as_labelled(sentence: str) -> str:
    """A sentence of `behavior run` with its options as the page labels them."""
    for one in sorted(ASKED, key=lambda one: -len(one.option)):
        sentence = re.sub(rf"--{one.option}(?![\w-])", f"“{one.label}”", sentence)
    return sentence


def _launch(command: list[str], out: Path, chamber: str) -> tuple[subprocess.Popen[bytes], Path]:
    try:
        (out / LOGS).mkdir(parents=True, exist_ok=True)
        log = out / LOGS / f"{datetime.now():%Y%m%dT%H%M%S%f}-{chamber}.log"
        with log.open("xb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, **apart()
            )
    except OSError as error:
        raise Failure(f"{out}: the session cannot be started ({error.strerror}); free the disk and try again") from None
    return process, log


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Look after it when it has ended, so that no dead process stays; the board's own end changes nothing for it."""
    import threading

    threading.Thread(target=process.wait, name="reap", daemon=True).start()


def routes() -> list[BaseRoute]:
    """The addresses of starting."""
    from starlette.routing import Route

    return [Route("/start", start, methods=["POST"]), Route("/start/{chamber}", start_page)]
