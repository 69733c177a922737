"""The figures that `tests/bench/gather.py` kept."""

from __future__ import annotations

import json

from generate.text import HERE, MADE, table


def measured_page() -> str:
    """The figures that `tests/bench/gather.py` kept."""
    kept = json.loads((HERE / "measured.json").read_text(encoding="utf-8"))
    ratios, plain = [], []
    for bench in kept.values():
        where = f"`{bench['command']}`, {bench['on']}"
        for one in bench["figures"]:
            if one["unit"] == "times":
                ratios.append((one["what"], one["value"], one["against"], where))
            else:
                plain.append((one["what"], f"{one['value']} {one['unit']}", where))
    machines = {(one["n_processors"], one["python"]) for one in kept.values()}
    loads = sorted(one["load"] for one in kept.values() if one["load"] is not None)
    said = "; ".join(f"{n} processors, Python {python}" for n, python in sorted(machines))
    return (
        f"# What was measured\n\n{MADE}\n\n`python tests/bench/gather.py` measures anew on your machine; a figure "
        f"stands with the command that gives it. Here:\n{said}, shared with others (load {loads[0]:g} to "
        f"{loads[-1]:g}).\n\n## Ratios\n\nCPU time, or waiting, against something known in the same run, so that the "
        "machine matters less.\n\n"
        + table(("", "times", "of", "by"), ratios)
        + "\n## Others\n\n"
        + table(("", "", "by"), plain)
        + "\nFurther figures stand where they belong: [calls](../explanations/what-counts-as-a-call.md), "
        "[latency](../explanations/clocks-and-timing.md),\n[error rates](../explanations/which-statistics-and-why.md), "
        "[eight microphones](../how-to/record-ultrasound.md), [the board](../how-to/watch-chambers.md).\n"
    )
