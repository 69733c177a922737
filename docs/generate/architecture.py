"""The rooms of the package and their imports, from `.importlinter` and the imports that there are."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator

from generate.text import MADE, ROOT, table


def layers() -> list[list[str]]:
    """The rooms as `.importlinter` has them, from the top."""
    text = (ROOT / ".importlinter").read_text(encoding="utf-8")
    block = re.search(r"^layers =\n((?:    .+\n)+)", text, re.MULTILINE)
    if block is None:
        raise SystemExit(".importlinter: has no layers")
    return [[room.strip().removeprefix("behavior.") for room in line.split("|")] for line in block[1].splitlines()]


def imports() -> dict[str, set[str]]:
    """Which rooms each room imports from, by its source; what is only for type checking is left out."""
    found: dict[str, set[str]] = {}
    for room in (room for layer in layers() for room in layer):
        used = found.setdefault(room, set())
        for path in sorted((ROOT / "src" / "behavior" / room).rglob("*.py")):
            used |= set(_imported(ast.parse(path.read_text(encoding="utf-8"))))
        used.discard(room)
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    skipped = {
        id(one) for branch in ast.walk(tree) if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for one in ast.walk(branch)
    }  # fmt: skip
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and id(one) not in skipped and (one.module or "").startswith("behavior."):
            yield (one.module or "").split(".")[1]


def room_says(room: str) -> str:
    """The first sentence of a room's docstring."""
    text = (ROOT / "src" / "behavior" / room / "__init__.py").read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text)) or ""
    return re.split(r"(?<=\.)\s", " ".join(doc.split()))[0].rstrip(".")


WIDTH, BOX_H, GAP, MARGIN, LANE = 960, 54, 28, 70, 14


def architecture_svg() -> str:
    """The rooms from top to bottom, with an arrow for each import from a room to one further down."""
    rows = layers()
    place: dict[str, tuple[int, float, float]] = {}
    for k, row in enumerate(rows):
        w = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        place |= {room: (k, MARGIN + j * (w + GAP), w) for j, room in enumerate(row)}
    edges = [(room, used) for room in place for used in place if used in _next_only(room)]
    short = [edge for edge in edges if place[edge[1]][0] == place[edge[0]][0] + 1]
    height = 20 + len(rows) * (BOX_H + GAP)
    style = (
        "text{font:13px system-ui,sans-serif;fill:#1f2933}.name{font-weight:600}rect{fill:#eef3f8;stroke:#7b94ac}"
        "path{fill:none;stroke:#7b94ac;stroke-width:1.3;marker-end:url(#tip)}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>The rooms of the package; imports run downwards only</title>",
        f"<style>{style}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" style="fill:#7b94ac;stroke:none;marker-end:none"/></marker></defs>',
        f'<rect x="0" y="0" width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
        *(_down(place[one], place[other]) for one, other in short),
        *_around([(place[one], place[other]) for one, other in edges if (one, other) not in short]),
        *(_box(room, x, _top(k), w) for room, (k, x, w) in place.items()),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _next_only(room: str) -> set[str]:
    """Of what a room imports, what none of the others that it imports does: the rest would only be lines."""
    used = imports_once()
    return {one for one in used[room] if not any(one in used[other] for other in used[room] if other != one)}


_imports: dict[str, set[str]] = {}


def imports_once() -> dict[str, set[str]]:
    """As `imports`, read once."""
    if not _imports:
        _imports.update(imports())
    return _imports


def _top(k: int) -> int:
    return 20 + k * (BOX_H + GAP)


def _box(room: str, x: float, y: float, w: float) -> str:
    says = textwrap.shorten(room_says(room), int((w - 20) / 6.8), placeholder=" …")
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{BOX_H}" rx="6"/>'
        f'<text class="name" x="{x + 10:.0f}" y="{y + 21:.0f}">{room}</text>'
        f'<text x="{x + 10:.0f}" y="{y + 41:.0f}">{_escaped(says)}</text>'
    )


def _down(start: tuple[int, float, float], end: tuple[int, float, float]) -> str:
    """An arrow to the layer below, in the middle of what both boxes share."""
    left, right = max(start[1], end[1]), min(start[1] + start[2], end[1] + end[2])
    x1 = x2 = (left + right) / 2
    if right - left < GAP:
        x1, x2 = (min(max(x, one[1] + 20), one[1] + one[2] - 20) for one in (start, end) for x in [(left + right) / 2])
    return f'<path d="M{x1:.0f} {_top(start[0]) + BOX_H}L{x2:.0f} {_top(end[0])}"/>'


def _around(edges: Iterable[tuple[tuple[int, float, float], tuple[int, float, float]]]) -> Iterator[str]:
    """Arrows past layers, each in a lane of its own beside the boxes, on the nearer side."""
    taken = {-1: 0, 1: 0}
    for start, end in edges:
        side = -1 if end[1] + end[2] / 2 < WIDTH / 2 - 1 else 1
        lane = taken[side] = taken[side] + 1
        edge = (MARGIN, WIDTH - MARGIN)[side > 0]
        x = edge + side * lane * LANE
        y1, y2 = _top(start[0]) + BOX_H / 2 + 4 * lane, _top(end[0]) + BOX_H / 2 - 4 * lane
        yield f'<path d="M{edge} {y1:.0f}H{x}V{y2:.0f}H{edge}"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def architecture_page() -> str:
    """The rooms, what each says of itself, and which others it imports."""
    order = [room for layer in layers() for room in layer]
    used = imports_once()
    rows = [
        (f"`{room}`", room_says(room), ", ".join(f"`{one}`" for one in order if one in used[room])) for room in order
    ]
    pure = re.search(
        r"\[importlinter:contract:pure\]\nname = (.+)\n", (ROOT / ".importlinter").read_text(encoding="utf-8")
    )
    return (
        f"# Architecture\n\n{MADE}\n\n"
        "![The rooms of the package from app at the top to model at the bottom](../images/architecture.svg)\n\n"
        "Imports run downwards only; `lint-imports` holds it in every change. An arrow leads to what a room imports "
        "and has not through another.\nRooms side by side know nothing of each other.\n\n"
        + table(("room", "", "imports"), rows)
        + f"\nA second contract: {(pure[1] if pure else '')[:1].lower()}{(pure[1] if pure else '')[1:]}.\n\n"
        "[Where does logic go?](../explanations/where-does-logic-go.md) · [Decisions](../decisions/README.md)\n"
    )
