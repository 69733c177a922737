"""Words that the tests of the assays' pages share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from behavior.assays.kinds import Analysis, analyse
from behavior.assays.report import write_report
from behavior.assays.result import AssayResult

Written = Callable[..., AssayResult]


@pytest.fixture
def analysed(tmp_path: Path) -> Callable[..., Analysis]:
    """Write a table, settings beside it and a library of published figures, and analyse it."""

    def from_text(name: str, table: str, settings: str | None = None, published: str | None = None) -> Analysis:
        path = tmp_path / f"{name}.csv"
        path.write_text(table, encoding="utf-8")
        path.with_suffix(".toml").unlink(missing_ok=True)
        if settings is not None:
            path.with_suffix(".toml").write_text(settings, encoding="utf-8")
        library = None
        if published is not None:
            library = tmp_path / "published.toml"
            library.write_text(published, encoding="utf-8")
        return analyse(name, path, library=library)

    return from_text


@pytest.fixture
def written(analysed: Callable[..., Analysis]) -> Written:
    """The result of an analysis from text."""
    return lambda *texts: analysed(*texts).result


@pytest.fixture
def report_of(analysed: Callable[..., Analysis], tmp_path: Path) -> Callable[..., str]:
    """The page of an analysis from text, written with all of its figures."""

    def page(*texts: str | None) -> str:
        return write_report(analysed(*texts), tmp_path / "report").read_text(encoding="utf-8")

    return page
