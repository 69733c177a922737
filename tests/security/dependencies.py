"""What is installed with `behavior`, by extra, with version and licence: `python tests/security/dependencies.py`.

Fails where a package is outside the bounds of `pyproject.toml`, has no upper bound there, or names no licence. It needs
no network, and so knows nothing of vulnerabilities.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def asked_for() -> dict[str, list[Requirement]]:
    """What the project asks for, by extra; the empty one is what everybody gets."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {name: [Requirement(text) for text in texts] for name, texts in groups.items()}


def drawn_in(requirement: Requirement, seen: set[str]) -> Iterator[Distribution]:
    """A package and all that it needs, each once."""
    name = requirement.name.lower().replace("_", "-")
    if name in seen or name == "behavior":
        return
    seen.add(name)
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return
    yield found
    for text in found.requires or ():
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            yield from drawn_in(needed, seen)


def licence(found: Distribution) -> str:
    """As its metadata say, in a few words; empty if they say nothing."""
    about = found.metadata
    classifiers = [one for one in about.get_all("Classifier") or () if one.startswith("License ::")]
    classified = ", ".join(one.rpartition(" :: ")[2] for one in classifiers)
    text = about.get("License-Expression") or classified or (about.get("License") or "").partition("\n")[0]
    return text.strip()[:60] or _of_a_file(found)


def _of_a_file(found: Distribution) -> str:
    names = [str(path) for path in found.files or () if "licen" in path.name.lower() or "copying" in path.name.lower()]
    return f"see {names[0]}" if names else ""


def problems() -> Iterator[str]:
    """What is wrong with what is installed."""
    for extra, requirements in asked_for().items():
        for one in (one for one in requirements if one.name != "behavior"):
            if not any(bound.operator in ("<", "<=", "==", "~=") for bound in one.specifier):
                yield f"{one.name}: has no upper bound in pyproject.toml"
            try:
                version = distribution(one.name).version
            except PackageNotFoundError:
                if not extra:
                    yield f"{one.name}: is not installed"
                continue
            if not one.specifier.contains(version, prereleases=True):
                yield f"{one.name}: {version} is installed, and {one.specifier} is asked for"


def main() -> int:
    """Print the list, and what is wrong."""
    seen: set[str] = set()
    wrong = list(problems())
    for extra, requirements in asked_for().items():
        if extra == "test":
            continue
        print(f"\n{extra or 'behavior'}")
        for found in (found for one in requirements for found in drawn_in(one, seen)):
            said = licence(found)
            print(f"  {found.metadata['Name']:28} {found.version:14} {said}")
            if not said:
                wrong.append(f"{found.metadata['Name']}: names no licence")
    print(f"\n{len(seen)} packages", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
