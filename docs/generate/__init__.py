"""Makes the pages of the reference that follow from the code.

    python docs/generate            # writes docs/reference/*.md and docs/images/architecture.svg
    python docs/generate --check    # exit code 1 and the names of the files that are not up to date

Commands come from the command line itself, configuration keys from the records that read them, the journal's lines and
the headers from their structs, columns from the scores of a short session of every paradigm and the meanings beside the
tables (`columns.py` of each room), the picture of the architecture from
`.importlinter` and the imports that there are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from generate.architecture import architecture_page, architecture_svg
from generate.columns import columns_page
from generate.commands import commands_page
from generate.configuration import configuration_page
from generate.journal import journal_page
from generate.measured import measured_page
from generate.text import HERE

PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands_page,
    "reference/configuration.md": configuration_page,
    "reference/journal.md": journal_page,
    "reference/columns.md": columns_page,
    "reference/architecture.md": architecture_page,
    "reference/measured.md": measured_page,
    "images/architecture.svg": architecture_svg,
}


def main() -> int:
    """Write the pages, or say which are not up to date."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--check", action="store_true")
    check, late = asked.parse_args().check, []
    for name, make in PAGES.items():
        path, text = HERE / name, make()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        late.append(name)
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    if late:
        print(f"{'not up to date' if check else 'written'}: {', '.join(late)}")
    return 1 if check and late else 0
