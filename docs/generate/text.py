"""What the pages share: where things are, tables in Markdown, and what a class says of itself."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parent
MADE = "<!-- Made by `python docs/generate`. Do not edit. -->"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(_cell(one) for one in line) + " |\n" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())


def spoken(record: type) -> dict[str, str]:
    """The string after each attribute of a class."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    except (OSError, TypeError):
        return {}
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for one, after in zip(tree.body, tree.body[1:], strict=False):
        match one, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(inspect.cleandoc(text).split())
    return found
