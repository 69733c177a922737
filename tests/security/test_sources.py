"""Nothing evaluates, unpickles or runs what it reads: the sources are walked, and what may run code is named here."""

from __future__ import annotations

import ast
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from behavior.model.errors import BadInput, BehaviorError
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.rescore import rescore
from behavior.scoring.signals import read_blocks
from behavior.session.folder import SessionFolder
from behavior.session.verify import verify
from conftest import ROOT
from session.recorded import record, signed_anew

SOURCE = ROOT / "src" / "behavior"
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load",
    "marshal.loads", "shelve.open", "dill.load", "dill.loads", "joblib.load", "cloudpickle.loads",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen", "np.load", "numpy.load",
    "pd.read_pickle", "pd.eval", "ast.literal_eval", "tarfile.open", "shutil.unpack_archive",
}  # fmt: skip
FORBIDDEN_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "imp",
    "code",
    "xmlrpc",
}
RUNS_CODE = {"paradigms/catalogue.py": "exec_module"}
"""The one place that runs a Python file: a lab's own paradigm, for whoever named it."""
STARTS_PROCESSES = {"app/squad.py", "app/dashboard/start.py", "audio/portaudio.py", "formats/hdf5.py"}
IMPORTS_BY_NAME = {
    "app/selftest/machine.py",
    "paradigms/catalogue.py",
    "formats/catalogue.py",
    "formats/extras.py",
    "scoring/score.py",
}
FILES = sorted(SOURCE.rglob("*.py"))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def called(node: ast.AST) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_source_calls_nothing_that_turns_data_into_code(path: Path) -> None:
    for node in nodes(path):
        assert called(node) not in FORBIDDEN_CALLS, f"line {getattr(node, 'lineno', 0)}: {called(node)}"
        if isinstance(node, ast.Call):
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            assert given.get("shell") != "True" and given.get("allow_pickle") != "True"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {name.partition(".")[0] for name in names} & FORBIDDEN_MODULES, names


def test_code_is_run_processes_are_started_and_modules_chosen_in_known_places_only() -> None:
    running, starting, choosing = set(), set(), set()
    for path in FILES:
        for node in nodes(path):
            what = called(node)
            running |= {name_of(path)} if what.endswith("exec_module") else set()
            starting |= {name_of(path)} if what.startswith("subprocess.") else set()
            choosing |= {name_of(path)} if what.endswith("import_module") else set()
    assert running == set(RUNS_CODE)
    assert starting <= STARTS_PROCESSES, "a new place that starts processes: look at what it passes, then name it here"
    assert choosing <= IMPORTS_BY_NAME, "a new place that imports by name: look at where the name comes from"


def test_the_walk_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import pickle\nx = eval(input())\n")
    assert "eval" in [called(node) for node in nodes(tmp_path / "bad.py")]


# -- code that lies beside the data -----------------------------------------------------------------------------------


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A Python file that tells when it was run."""
    path = tmp_path / "evil.py"
    path.write_text(f"open({str(tmp_path / 'it-ran')!r}, 'w').close()\n")
    return path


@pytest.mark.parametrize("key", ["paradigm", "paradigm_file"])
def test_a_session_from_elsewhere_runs_nothing_when_it_is_verified_or_rescored(
    tmp_path: Path, evil: Path, key: str
) -> None:
    path = record(tmp_path / "data").path
    header = json.loads((path / "header.json").read_bytes()) | {key: str(evil)}
    (path / "header.json").write_text(json.dumps(header))
    signed_anew(path)
    for read in (verify, rescore):
        try:
            found: Any = read(SessionFolder(path))
        except BehaviorError as error:
            assert "runs no code" in str(error)
        else:
            assert read is rescore or "--trust-paradigm-files" in " ".join(found.remarks)
    damaged = (path / "journal.jsonl").read_bytes().replace(b'"seq":3', b'"seq":4', 1)
    (path / "journal.jsonl").write_bytes(damaged)
    rescore(SessionFolder(path))
    assert not (tmp_path / "it-ran").exists()


def test_only_who_names_a_file_runs_it(tmp_path: Path, evil: Path) -> None:
    with pytest.raises(BadInput, match="is a Python file, and what only reads runs no code"):
        find_paradigm(str(evil))
    with pytest.raises(BadInput, match="an `async def evil"):
        find_paradigm(str(evil), own_code=True)
    assert (tmp_path / "it-ran").exists()


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


def test_an_array_of_python_objects_is_not_unpickled(tmp_path: Path) -> None:
    import numpy as np

    np.save(tmp_path / "x.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    (tmp_path / "y.npy").write_bytes(pickle.dumps(Bomb()))
    np.savez(tmp_path / "z", a=np.zeros((2, 2)))
    (tmp_path / "z.npz").rename(tmp_path / "z.npy")
    for name in "xyz":
        with pytest.raises(BadInput, match="is not a NumPy array of numbers"):
            read_blocks(tmp_path / f"{name}.npy", 1000.0)
