import os
import subprocess
import sys
from pathlib import Path

import pytest

from behavior.audio import jit


def test_a_folder_that_cannot_be_made_is_not_writable(tmp_path):
    assert jit._writable(tmp_path / "new")
    (tmp_path / "file").write_text("")
    assert not jit._writable(tmp_path / "file" / "below")


def test_without_a_writable_place_a_folder_of_the_process_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (tmp_path / "file").write_text("")
    jit._ensure_cache((tmp_path / "file" / "a", tmp_path))
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(jit.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    jit._ensure_cache((tmp_path / "file" / "a", tmp_path / "file" / "b"))
    kept = Path(os.environ.pop("NUMBA_CACHE_DIR"))
    assert kept.stat().st_mode & 0o777 == 0o700
    jit._ensure_cache((tmp_path / "file" / "a",))
    assert Path(os.environ["NUMBA_CACHE_DIR"]) == kept, "the next process finds what was kept"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users' folders for temporary files are their own on Windows")
@pytest.mark.parametrize("spoilt", ["open to others", "a link", "somebody else's", "a file"])
def test_code_is_not_taken_from_a_folder_that_others_could_have_written_to(tmp_path, monkeypatch, spoilt):
    place = tmp_path / f"behavior-compiled-{os.getuid()}"
    assert jit._of_this_user(tmp_path) == str(place)
    if spoilt == "open to others":
        place.chmod(0o770)
    elif spoilt == "a link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    elif spoilt == "a file":
        place.rmdir()
        place.write_text("")
    else:
        uid = os.getuid()
        place.rename(tmp_path / f"behavior-compiled-{uid + 1}")
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    assert jit._of_this_user(tmp_path) is None
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(jit.tempfile, "tempdir", str(tmp_path))
    jit._ensure_cache(())
    assert "behavior-numba-" in os.environ["NUMBA_CACHE_DIR"], "one of this process instead"


def test_a_folder_that_a_person_set_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    jit._ensure_cache(())
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path)


@pytest.mark.parametrize("module", ["behavior.app.detect", "behavior.usv.profile", "behavior.audio.read"])
def test_what_the_command_line_imports_leaves_numba_out(module):
    code = f"import sys, {module}; sys.exit('numba' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_became_of_kernels_is_known(monkeypatch):
    from behavior.audio import fft  # noqa: F401 — has some

    assert jit.kept().folder.name == "__pycache__" or "NUMBA_CACHE_DIR" in os.environ
    monkeypatch.setattr(jit, "_kernels", [])
    assert jit.kept() == jit.Kept(None, False, 0, 0)


def test_kernels_are_compiled_once_where_they_can_be_kept_and_each_time_where_they_cannot(tmp_path):
    """What holds in a read-only container without a home, too: everything works."""
    (tmp_path / "twice.py").write_text(
        "from behavior.audio import jit\n@jit.kernel\ndef twice(x):\n    return 2 * x\n"
        "assert twice(3) == 6\nkept = jit.kept()\nprint(kept.lasts, kept.n_loaded, kept.n_compiled)\n"
    )
    code = "from pathlib import Path; import behavior.audio.jit as jit; import twice"
    nowhere = f"import os; os.environ['NUMBA_CACHE_DIR'] = {str(tmp_path)!r} + '/behavior-numba-1'; {code}"
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    said = [
        subprocess.run([sys.executable, "-c", one], env=environment, capture_output=True, text=True, check=True).stdout
        for one in (code, code, nowhere)
    ]
    assert said == ["True 0 1\n", "True 1 0\n", "False 0 1\n"]


def test_a_user_without_a_home_has_a_place_all_the_same(monkeypatch):
    def unknown(self):
        raise RuntimeError("Could not determine home directory.")

    assert len(jit._usual()) == 2
    monkeypatch.setattr(Path, "expanduser", unknown)
    assert jit._usual() == (Path(jit.__file__).parent / "__pycache__",)


def test_kernels_are_compiled_anew_when_a_part_in_another_file_is_another(tmp_path, monkeypatch):
    """The kernel's own file is the same to the second and the byte, as in a wheel of another release."""
    package = tmp_path / "behavior" / "audio"
    package.mkdir(parents=True)
    here = Path(jit.__file__).parent
    (tmp_path / "behavior" / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "jit.py").write_bytes((here / "jit.py").read_bytes())
    whole = (
        "from behavior.audio import jit\nfrom behavior.audio.piece import more\n@jit.kernel\ndef twice(x):\n"
        "    return 2 * more(x)\nprint(twice(3), jit.kept().n_compiled)\n"
    )
    (package / "whole.py").write_text(whole)
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment["PYTHONPATH"] = str(tmp_path)

    def said(added):
        source = f"from behavior.audio import jit\n@jit.part\ndef more(x):\n    return x + {added}\n"
        (package / "piece.py").write_text(source)
        os.utime(package / "piece.py", (1_580_601_600, 1_580_601_600))
        os.utime(package / "whole.py", (1_580_601_600, 1_580_601_600))
        done = subprocess.run(
            [sys.executable, "-B", "-c", "import behavior.audio.whole"], env=environment, cwd=tmp_path,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.split()

    assert [said(1), said(1), said(4)] == [["8", "1"], ["8", "0"], ["14", "1"]]


def test_the_sources_of_a_kernel_are_its_file_and_what_that_imports():
    from behavior.usv import search

    names = {source.name for source in jit._sources_of(Path(search.__file__))}
    assert {"search.py", "ridges.py", "decibel.py", "lanes.py", "jit.py"} <= names
    assert "detect.py" not in names
