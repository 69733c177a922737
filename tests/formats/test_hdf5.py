"""HDF5 files from elsewhere: nothing outside is read, no size believed, and no loop of the library holds us."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from behavior.formats import hdf5, nwb
from behavior.formats.hdf5 import Contents, Hdf5, answer, read_apart
from behavior.model.errors import BadInput
from fuzz.of_formats import forked

TEXTS = h5py.string_dtype()


def made(path: Path, add: Callable[[h5py.File], object] = lambda file: None) -> Path:
    with h5py.File(path, "w") as file:
        file["notes"] = "a text"
        file["tables/one/n"] = [1, 2, 3]
        file["tables/one/x"] = [0.5, np.nan, -np.inf]
        file["tables/one/is"] = [True, False, True]
        file.create_dataset("tables/one/word", data=["a", "é", ""], dtype=TEXTS)
        file.create_group("tables/none")
        add(file)
    return path


def wrong(path: Path) -> str:
    code, said = answer(path, "notes", "tables")
    assert code == 1
    return said.decode()


def test_a_text_and_its_tables_are_read_by_another_process(tmp_path: Path) -> None:
    found = read_apart(made(tmp_path / "x.h5"), "notes", "tables")
    assert isinstance(found, Contents)
    assert (found.text, found.tables["none"]) == ("a text", {})
    one = found.tables["one"]
    assert (one["n"], one["is"], one["word"]) == ([1, 2, 3], [True, False, True], ["a", "é", ""])
    assert one["x"][0] == 0.5 and np.isnan(one["x"][1]) and one["x"][2] == -np.inf


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    with Hdf5(made(tmp_path / "x.h5")) as file:
        assert (file.text("general/notes"), file.names("events")) == ("", [])


def declared(file: h5py.File) -> None:
    file.create_dataset("tables/one/many", shape=(10**12,), dtype="f8", chunks=(1024,))


def wide(file: h5py.File) -> None:
    file.create_dataset("tables/one/wide", shape=(1000,), dtype="S1000000", chunks=(1,))


def outside(file: h5py.File) -> None:
    file["tables/one/away"] = h5py.ExternalLink("other.h5", "/secret")


def soft(file: h5py.File) -> None:
    file["tables/one/round"] = h5py.SoftLink("/tables/one")


def kept_elsewhere(file: h5py.File) -> None:
    file.create_dataset("tables/one/raw", shape=(10,), dtype="u1", external=[("secret.bin", 0, 10)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3,), dtype="i8")
    layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(3,))
    file.create_virtual_dataset("tables/one/virtual", layout)


def compound(file: h5py.File) -> None:
    file["tables/one/pairs"] = np.zeros(3, [("a", "i4"), ("b", "f8")])


def square(file: h5py.File) -> None:
    file["tables/one/square"] = np.zeros((3, 3))


def crowd(file: h5py.File) -> None:
    for number in range(hdf5.MOST_MEMBERS + 1):
        file.create_group(f"tables/{number}")


def group_for_text(file: h5py.File) -> None:
    del file["notes"]
    file.create_group("notes")


def number_for_text(file: h5py.File) -> None:
    del file["notes"]
    file["notes"] = 5


def column_for_group(file: h5py.File) -> None:
    file["tables/flat"] = [1, 2]


REFUSED: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "10^12 numbers in a few bytes": (declared, "says that it has 1000000000000 cells"),
    "cells of a megabyte": (wide, "says that it has 1000 cells"),
    "a link to another file": (outside, "link to somewhere else"),
    "a link within": (soft, "link to somewhere else"),
    "data in another file": (kept_elsewhere, "lies in another file"),
    "virtual data": (virtual, "lies in another file"),
    "records in cells": (compound, "neither numbers nor texts"),
    "two dimensions": (square, "is no column"),
    "too many tables": (crowd, "members"),
    "a group where a text is due": (group_for_text, "no single value"),
    "a number where a text is due": (number_for_text, "is no text"),
    "a column where a group is due": (column_for_group, "is no group"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"secret" * 2)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = [47, 11, 4711]
    add, sentence = REFUSED[name]
    assert sentence in wrong(made(tmp_path / "x.h5", add))


def test_one_text_in_many_cells_is_counted_in_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MOST_CHARACTERS", 2_000)
    path = made(tmp_path / "x.h5", lambda file: file.create_dataset("tables/one/w", data=["x" * 30] * 100, dtype=TEXTS))
    assert "more than 2000 characters" in wrong(path)


def looping(path: Path) -> Path:
    """A text of the file says that it has less than no length: the library goes back, and finds it again."""
    data = bytearray(made(path, lambda file: file.create_dataset("general/notes", data="x", dtype=TEXTS)).read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 16 + 8 : heap + 16 + 16] = (2**64 - 16).to_bytes(8, "little")
    path.write_bytes(data)
    return path


def test_a_file_that_holds_the_library_for_ever_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5, "_asked", forked)
    with pytest.raises(BadInput, match="the HDF5 library did not come to an end"):
        nwb.read(looping(tmp_path / "x.nwb"))


def test_the_process_that_reads_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: list[str], **given: Any) -> Any:
        assert given["timeout"] >= 60
        raise subprocess.TimeoutExpired(command, given["timeout"])

    path = made(tmp_path / "x.nwb")
    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(
        BadInput, match=r"x\.nwb: is no NWB file that can be read \(the HDF5 library did not come to an"
    ):
        nwb.read(path)


def test_a_library_that_crashes_takes_nothing_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"]
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **given: run(dead, **given))
    with pytest.raises(BadInput, match="the HDF5 library crashed"):
        nwb.read(made(tmp_path / "x.nwb"))


def test_what_is_no_hdf5_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "_asked", lambda *_: pytest.fail("started"))
    (tmp_path / "x.nwb").write_bytes(b"something else")
    with pytest.raises(BadInput, match="its first bytes are not those of HDF5"):
        nwb.read(tmp_path / "x.nwb")


def test_a_module_beside_the_data_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data from elsewhere may have a file that is called as a module that is needed."""
    (tmp_path / "msgspec.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert read_apart(made(tmp_path / "x.h5"), "notes", "tables").text == "a text"
