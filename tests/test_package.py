"""The package as a whole: quick to start, layered, and complete once it is built into a wheel."""

from __future__ import annotations

import ast
import re
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app.commands import behavior
from conftest import ROOT

SOURCE = ROOT / "src" / "behavior"
HEAVY = (
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "matplotlib",
    "statsmodels",
    "librosa",
    "soundfile",
    "serial",
    "harp",
    "starlette",
    "uvicorn",
    "jinja2",
    "cryptography",
)
PURE = ("core.py", "guard.py", "replay.py", "box.py", "schedules.py")


@pytest.mark.parametrize(
    "command", ["", "demo", "run", "simulate", "verify", "detect", "rescore", "summarize", "dashboard"]
)
def test_help_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['behavior', *{command.split()!r}, '--help']\n"
        "from behavior.app.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Usage:" in done.stdout


def test_help_takes_at_most_three_times_what_python_with_typer_takes() -> None:
    def cpu_s(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    ours = min(cpu_s("from behavior.app.cli import main; main()") for _ in range(3))
    bare = min(cpu_s("import typer; typer.run(lambda: None)") for _ in range(3))
    assert ours <= 3 * bare


def test_version_and_no_arguments() -> None:
    assert re.fullmatch(r"behavior \d+\.\d+\.\d+\n", behavior("--version").out)
    assert "Usage:" in behavior().out + behavior().err


def test_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


def pure_files() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if path.name in PURE or path.parent.name == "paradigms"]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: path.name)
def test_pure_code_has_no_clock_no_chance_of_its_own_and_no_async_generator(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    imported = {alias.name.split(".")[0] for node in imports for alias in node.names}
    imported |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"time", "datetime", "asyncio", "threading", "socket", "os"}
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]:
        assert not any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function)), function.name


def test_every_module_and_public_function_is_documented() -> None:
    undocumented = []
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
        undocumented += [
            f"{path.relative_to(SOURCE)}: {getattr(node, 'name', 'module')}"
            for node in [tree, *(node for node in public if not node.name.startswith("_"))]
            if ast.get_docstring(node) is None
        ]
    assert undocumented == []


def test_nothing_of_one_machine_and_no_stub_is_left() -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git: apt-get install git")
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False)
    if listed.returncode:
        pytest.skip("needs the git checkout: the source distribution has no list of files")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yml", ".c", ".h", ".html", ".css"} and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<![\w.])/(work|root|home/[a-z]+)/", text), name
            assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError\(\))", text), name


def test_the_wheel_carries_the_data_and_runs_without_the_source(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], capture_output=True, text=True, check=False)
    if "No module named 'hatchling'" in done.stderr or "Cannot import 'hatchling" in done.stderr:
        pytest.skip("needs hatchling to build a wheel without a network: pip install hatchling")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for path in [*(ROOT / "configs").rglob("*.toml"), *(ROOT / "hardware").rglob("*.yml")]:
        assert f"behavior/_data/{path.relative_to(ROOT).as_posix()}" in names
    for path in (*(SOURCE / "app/dashboard/static").iterdir(), *(SOURCE / "app/dashboard/templates").iterdir()):
        assert f"behavior/{path.relative_to(SOURCE).as_posix()}" in names
    assert not [name for name in names if name.endswith((".nbi", ".nbc", ".flac"))]
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import behavior; print(behavior.__file__)\n"
        "from behavior.app.cli import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "installed", "simulate", "sample", "--out", tmp_path / "data"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) in run.stdout.splitlines()[0]
