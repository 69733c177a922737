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
    jit._ensure_cache((tmp_path / "file" / "a", tmp_path / "file" / "b"))
    assert Path(os.environ["NUMBA_CACHE_DIR"]).is_dir()


def test_a_folder_that_a_person_set_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    jit._ensure_cache(())
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path)


@pytest.mark.parametrize("module", ["behavior.app.detect", "behavior.usv.profile", "behavior.audio.read"])
def test_what_the_command_line_imports_leaves_numba_out(module):
    code = f"import sys, {module}; sys.exit('numba' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
