"""The accuracy table of the detector, with and without the session's event log.

    python tests/bench/usv_accuracy.py [--shared ../shared] [--out table.md]

F1 (precision / recall) for any overlap, onsets within 10 ms, and an intersection over union of at least a half, by the
scorer that comes with the recordings; false calls a minute where there is no call. Then the shock boxes of
`tests/usv/apparatus.py`, made independently of the detector, at five sample rates.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from behavior.usv.detect import detect_file
from behavior.usv.gate import KnownEvent, read_events
from behavior.usv.profile import load_profile

TREE = Path(__file__).resolve().parents[2]
SETS = (
    ("mouse", "mouse", "mouse_courtship", "*.wav"),
    ("rat, 50 kHz", "rat", "rat_50khz", "rat50_semi.flac"),
    ("rat, 50 kHz, 10 dB more noise", "rat", "rat_50khz", "*plus10dB.flac"),
    ("rat, 22 kHz, quiet", "rat", "rat_shock_box", "rat22_quiet.flac"),
    ("rat, 22 kHz, steady tones", "rat", "rat_shock_box", "rat22_tones.flac"),
    ("rat, shock box", "rat", "rat_shock_box", "rat22_shock.flac"),
)
EMPTY = ("shock_only.flac", "empty_box.flac")
LOGGED = ("shock", "lever", "feeder")
"""What a session's journal knows; squeals and scratching it does not."""
CRITERIA = ("overlap", "onset10", "iou50")


def scorer(shared: Path) -> Any:
    """The module that comes with the recordings."""
    spec = importlib.util.spec_from_file_location("score_usv", shared / "tools" / "score_usv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def log_of(path: Path) -> Path:
    """Where the event log of a recording would be."""
    return path.with_name(f"{path.stem}_artefacts.csv")


def log(path: Path) -> list[KnownEvent]:
    """What the session's journal would know of a recording."""
    return [event for event in read_events(log_of(path)) if event.kind in LOGGED]


def scored(score: Any, paths: Sequence[Path], profile: str, *, known: bool) -> dict[str, Any]:
    """The scores of all recordings of a set together."""
    truth = {path.stem: list[Any]() for path in paths}
    for row in score.read(paths[0].with_name("truth.csv")):
        if row[0] in truth and row[1] is not None:
            truth[row[0]].append(row[1:5])
    calls = {}
    for path in paths:
        events: Sequence[KnownEvent] = log(path) if known else ()
        found = detect_file(path, load_profile(profile), events=events).calls
        calls[path.stem] = [(call.onset_s, call.offset_s, None, None) for call in found]
    result: dict[str, Any] = score.score(truth, calls)
    return result


def rows(shared: Path) -> Iterator[list[str]]:
    """The lines of the table, for each set without and, where there is one, with the event log."""
    score, data = scorer(shared), shared / "data" / "usv"
    for name, profile, folder, pattern in SETS:
        paths = sorted((data / folder).glob(pattern))
        for known in (False, True) if all(log_of(path).exists() for path in paths) else (False,):
            result = scored(score, paths, profile, known=known)
            cells = [f"{s['f1']:.3f} ({s['precision']:.2f} / {s['recall']:.2f})" for s in (result[c] for c in CRITERIA)]
            yield [name, "yes" if known else "no", *cells, ""]
    for name in EMPTY:
        path = data / "rat_shock_box" / name
        for known in (False, True) if log_of(path).exists() else (False,):
            found = detect_file(path, load_profile("rat"), events=log(path) if known else ())
            minutes = found.n_samples / found.sample_rate_hz / 60
            yield [path.stem, "yes" if known else "no", "", "", "", f"{len(found.calls) / minutes:.1f}"]


def boxes() -> Iterator[list[str]]:
    """The same for the boxes that were made independently."""
    sys.path.insert(0, str(TREE / "tests"))
    from usv.test_other_noises import DURATION_S, RATES, false_calls, scores

    minutes = len(RATES) * DURATION_S / 60
    for known in (False, True):
        cells = list[str]()
        for least in (0.0, 0.5):
            precision, recall = scores(least, journal=known)
            cells.append(f"{2 * precision * recall / (precision + recall):.3f} ({precision:.2f} / {recall:.2f})")
        false = f"{sum(false_calls(journal=known)) / minutes:.1f}"
        yield ["independent boxes, 192 to 500 kHz", "yes" if known else "no", cells[0], "", cells[1], false]


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=TREE.parent / "shared")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    head = ["recordings", "event log", "overlap", "onset ±10 ms", "IoU ≥ 0.5", "false calls a minute, without calls"]
    table = [head, ["---"] * len(head), *(rows(options.shared) if options.shared.is_dir() else ()), *boxes()]
    text = "".join("| " + " | ".join(row) + " |\n" for row in table)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
