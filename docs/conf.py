"""How Sphinx makes the manual: `sphinx-build -W docs OUT`. Nothing is loaded from elsewhere, now or by its pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "behavior"
copyright = "the behavior developers"  # noqa: A001 — Sphinx's name for it
extensions = ["myst_parser"]
exclude_patterns = ["generate", "_build"]
source_suffix = {".md": "markdown"}
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]  # what a reader has to fill in stands as … in TOML
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_title = "behavior"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"light_css_variables": {"font-stack": "system-ui, sans-serif"}}

ROOT = Path(__file__).resolve().parent.parent


def leave_the_manual(app: Sphinx, docname: str, source: list[str]) -> None:
    """Links to files outside of the manual become links to where the source is read (`source_url`), or plain words.

    The pages are also read in the repository, where such links lead to the file.
    """
    import re

    here = (ROOT / "docs" / docname).parent

    def outside(link: re.Match[str]) -> str:
        words, target = link[1], link[2].partition("#")[0]
        path = (here / target).resolve()
        if (target.endswith(".md") and path.is_relative_to(ROOT / "docs")) or "://" in target or not target:
            return link[0]
        if path.is_relative_to(ROOT / "docs") and path.is_file():
            return link[0]
        if not path.exists():
            raise FileNotFoundError(f"docs/{docname}.md links to {target}, and there is no such file")
        return f"{words} (`{path.relative_to(ROOT).as_posix()}`)"

    source[0] = re.sub(r"(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)", outside, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Take part in reading."""
    app.connect("source-read", leave_the_manual)
    return {"parallel_read_safe": True}
