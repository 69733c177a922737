"""The page templates of this room, their styles, and how they write numbers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from behavior.summary import wording
from behavior.summary.names import dose_text, plain

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@cache
def pages() -> tuple[Environment, str]:
    """The templates, and the style sheet that goes into each page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("behavior.summary", "pages"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "number": wording.number, "interval": wording.interval, "effect": wording.effect, "plain": plain,
        "p": wording.p_cell, "marked": marked, "dose": dose_text, "quartiles": wording.quartiles,
    }  # fmt: skip
    styles, _, _ = environment.loader.get_source(environment, "report.css") if environment.loader else ("", None, None)
    return environment, styles


def marked(text: str) -> Markup:
    """Text as text, with what stands between backticks as code."""
    import re

    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
