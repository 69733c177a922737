"""`behavior selftest`: does this machine keep what the package promises?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from behavior.app.selftest.finding import Finding

SUFFIXES = (".txt", ".html", ".json")


def selftest(
    data: Annotated[Path, typer.Option(help="Folder whose disk is tried: where sessions are kept.")] = Path(),
    out: Annotated[
        Path | None, typer.Option(help="Also write the page: a new file, .txt, .html or .json.", show_default=False)
    ] = None,
    listen: Annotated[bool, typer.Option(help="Measure microphones' sample rates; what is heard is not kept.")] = True,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Leave the names of user, computer and folders in the page.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Try this machine: packages, ports, clock, disk, sound, simulated sessions with faults. For bug reports."""
    from behavior.app.selftest.page import as_json as json_of
    from behavior.app.selftest.page import as_text, cleaned, page_of, private

    if out is not None:
        new_page(out)
    words = [] if with_names else private()
    findings = []
    for name, part in all_parts(data, listens=listen):
        findings.append(cleaned(tried(name, part), words))
        if not as_json:
            typer.echo(as_text(findings[-1]))
    if as_json:
        typer.echo(json_of(findings))
    if out is not None:
        try:
            with out.open("x", encoding="utf-8", newline="\n") as file:
                file.write(page_of(findings, out.suffix))
        except OSError as error:
            raise BadInput(f"{out}: cannot be written ({error.strerror}); name another file") from None
    if wrong := [one.part for one in findings if one.state == "WRONG"]:
        raise Failure(f"{len(wrong)} of {len(findings)} parts are wrong here: {', '.join(wrong)}; see above")


def new_page(out: Path) -> None:
    """Look whether a page of this name can be made.

    Raises
    ------
    BadInput
        It is of no kind that there is, or something is there already.
    """
    if out.suffix not in SUFFIXES:
        raise BadInput(f"{out}: a page is one of {', '.join(SUFFIXES)}; name it so")
    if out.exists():
        raise BadInput(f"{out}: is there already and is never overwritten; name another file")


def all_parts(data: Path, *, listens: bool) -> Iterator[tuple[str, Callable[[], Finding]]]:
    """Each part of the test by its name, in order."""
    from behavior.app.selftest import machine
    from behavior.app.selftest.detection import detection
    from behavior.app.selftest.sessions import simulated_sessions

    yield from machine.parts(data, listens=listens)
    yield "calls", detection
    yield "simulated sessions", simulated_sessions


def tried(name: str, part: Callable[[], Finding]) -> Finding:
    """What a part found; a part that breaks is wrong, and the others are tried all the same."""
    from behavior.app.selftest.finding import Finding

    try:
        return part()
    except Exception as error:  # noqa: BLE001 — a test of a strange machine ends in no traceback
        return Finding(name, "WRONG", (f"this part of the test itself failed ({type(error).__name__}: {error})",))
