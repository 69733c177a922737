"""The page that a self-test makes, as text, HTML or JSON, without what is private.

Private is who and where: the name of the user and of the computer, the home folder, and the folder in which the command
was given. They are replaced by words wherever they stand, unless they are asked for.
"""

from __future__ import annotations

import getpass
import json
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from behavior.app.selftest.finding import Finding

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "td{padding:.4rem .8rem;border-top:1px solid #ddd;vertical-align:top}td:first-child{white-space:nowrap}"
    ".good{color:#1a7f37}.note{color:#9a6700}.WRONG{color:#cf222e;font-weight:bold}pre{overflow-x:auto;font-size:12px}"
)


def private() -> list[tuple[str, str]]:
    """What stands for this person and place, and the word for it; longest first."""
    found = {str(Path.cwd()): "HERE"}
    names: tuple[tuple[Callable[[], object], str], ...] = (
        (Path.home, "HOME"), (getpass.getuser, "USER"), (socket.gethostname, "HOST"),
    )  # fmt: skip
    for ask, word in names:
        try:
            found.setdefault(str(ask()), word)
        except (RuntimeError, KeyError, OSError, ImportError):
            continue
    return sorted(((text, word) for text, word in found.items() if len(text) > 1), key=lambda one: -len(one[0]))


def without(text: str, words: Sequence[tuple[str, str]]) -> str:
    """A text in which each of these stands by its word; names only where they stand alone."""
    for hidden, word in words:
        alone = (
            re.escape(hidden) if {"/", "\\"} & set(hidden) else rf"(?<![A-Za-z0-9]){re.escape(hidden)}(?![A-Za-z0-9])"
        )
        text = re.sub(alone, word, text)
    return text


def cleaned(finding: Finding, words: Sequence[tuple[str, str]]) -> Finding:
    """A finding without what is private."""
    return Finding(
        finding.part,
        finding.state,
        tuple(without(one, words) for one in finding.says),
        _cleaned(finding.figures, words),
    )


def _cleaned(value: Any, words: Sequence[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        return without(value, words)
    if isinstance(value, dict):
        return {key: _cleaned(one, words) for key, one in value.items()}
    return [_cleaned(one, words) for one in value] if isinstance(value, list | tuple) else value


def as_text(finding: Finding) -> str:
    """A part, for a person."""
    first, *rest = finding.says
    return "\n".join([f"{finding.state:5}  {finding.part}: {first}", *(f"       {line}" for line in rest)])


def as_json(findings: Sequence[Finding]) -> str:
    """All parts, for a program."""
    return json.dumps([asdict(one) for one in findings], indent=1)


def as_html(findings: Sequence[Finding]) -> str:
    """All parts, on a page that needs nothing else."""
    rows = "".join(
        f'<tr><td class="{one.state}">{one.state}</td><td>{escape(one.part)}</td>'
        f"<td>{'<br>'.join(escape(line) for line in one.says)}</td></tr>\n"
        for one in findings
    )
    head = f'<meta charset="utf-8"><title>behavior selftest</title><style>{STYLE}</style>'
    body = (
        f"<h1>behavior selftest</h1>\n<table>\n{rows}</table>\n<h2>Figures</h2>\n<pre>{escape(as_json(findings))}</pre>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def page_of(findings: Sequence[Finding], suffix: str) -> str:
    """The page that a file of this name holds."""
    if suffix == ".html":
        return as_html(findings)
    return as_json(findings) + "\n" if suffix == ".json" else "".join(as_text(one) + "\n" for one in findings)
