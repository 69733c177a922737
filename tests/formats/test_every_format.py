"""What holds for every format: its name, how it is told from others, there and back, and errors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from behavior.formats import hdf5
from behavior.formats.catalogue import all_formats, find_format, format_to_write, sniff
from behavior.formats.format import HEAD, AnyFormat
from behavior.model.errors import BadInput
from fuzz.of_formats import forked

HOLD_THE_TIME = ("nwb", "deepsqueak")
"""HDF5 and Excel files hold the time at which they were made."""


def each(formats: Iterable[AnyFormat]) -> pytest.MarkDecorator:
    """A test of each of these formats."""
    named = {one.name: one for one in formats}
    return pytest.mark.parametrize("one", named.values(), ids=named)


@pytest.fixture(autouse=True)
def _no_new_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads HDF5 is forked, for time; `test_hdf5.py` has the real one."""
    monkeypatch.setattr(hdf5, "_asked", forked)


FORMATS = each(all_formats())
TIMELESS = each(one for one in all_formats() if one.name not in HOLD_THE_TIME)
FILES = each(one for one in all_formats() if not one.is_folder)


def written(one: AnyFormat, folder: Path) -> Path:
    """The format's example, in a file of its first extension."""
    path = folder / ("example" if one.is_folder else f"example{one.extensions[0]}")
    one.write(path, one.example())
    return path


@FORMATS
def test_a_format_has_a_plain_name_and_extensions(one: AnyFormat) -> None:
    assert one.name == one.name.lower()
    assert one.name.replace("-", "").isalnum()
    assert one.label
    assert all(extension.startswith((".", "_") if not one.is_folder else "/") for extension in one.extensions)
    assert find_format(one.name) is one


@FORMATS
def test_its_example_comes_back_as_it_was(one: AnyFormat, tmp_path: Path) -> None:
    assert one.read(written(one, tmp_path)) == one.example()


@FORMATS
def test_its_example_is_told_from_all_other_formats(one: AnyFormat, tmp_path: Path) -> None:
    assert sniff(written(one, tmp_path)) is one


@TIMELESS
def test_equal_values_give_equal_files(one: AnyFormat, tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        path = written(one, tmp_path / name)
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        contents.append({file.relative_to(path.parent): file.read_bytes() for file in files})
    assert contents[0] == contents[1]


@FORMATS
def test_nothing_that_is_there_is_overwritten(one: AnyFormat, tmp_path: Path) -> None:
    path = tmp_path / ("there" if one.is_folder else f"there{one.extensions[0]}")
    if one.is_folder:
        path.mkdir()
        (path / "mine").write_text("precious")
    else:
        path.write_text("precious")
    with pytest.raises(BadInput, match="is there already"):
        one.write(path, one.example())
    assert (path / "mine" if one.is_folder else path).read_text() == "precious"


@FILES
def test_a_file_in_a_folder_that_is_not_there_is_one_sentence(one: AnyFormat, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        one.write(tmp_path / "nowhere" / f"x{one.extensions[0]}", one.example())


@FORMATS
@pytest.mark.parametrize(
    "content",
    [b"Dear diary,\ntoday I fed the rats.\n", bytes(range(256)) * 40, "Käse\tmit Löchern\n".encode("cp1252")],
    ids=["a diary", "every byte", "Windows-1252"],
)
def test_what_is_none_is_one_sentence(one: AnyFormat, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"other{one.extensions[0]}".replace("/", "")
    if one.is_folder:
        path.mkdir()
        (path / "notes.txt").write_bytes(content)
    else:
        path.write_bytes(content)
    assert not one.sniff(path, b"" if one.is_folder else content[:HEAD])
    with pytest.raises(BadInput) as raised:
        one.read(path)
    assert str(path) in str(raised.value)
    assert "; " in str(raised.value)


@FORMATS
def test_a_file_that_is_not_there_is_one_sentence(one: AnyFormat, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such"):
        one.read(tmp_path / "nowhere")


@FORMATS
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_give_a_value_or_one_sentence(one: AnyFormat, tmp_path: Path, data: st.DataObject) -> None:
    place = tmp_path / "fuzz"
    place.mkdir(exist_ok=True)
    path = place / "example" if one.is_folder else place / f"example{one.extensions[0]}"
    if not path.exists():
        one.write(path, one.example())
    file = path if path.is_file() else data.draw(st.sampled_from(sorted(f for f in path.rglob("*") if f.is_file())))
    whole = file.read_bytes()
    broken = data.draw(st.one_of(cuts(whole), changes(whole), st.binary(max_size=60)))
    try:
        file.write_bytes(broken)
        head = b"" if one.is_folder else broken[:HEAD]
        assert one.sniff(path, head) in (True, False)
        one.read(path)
    except BadInput as error:
        assert str(error)
    finally:
        file.write_bytes(whole)


def cuts(whole: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(0, len(whole)).map(lambda at: whole[:at])


@st.composite
def changes(draw: st.DrawFn, whole: bytes) -> bytes:
    at = draw(st.integers(0, max(0, len(whole) - 1)))
    return whole[:at] + draw(st.binary(min_size=1, max_size=4)) + whole[at + draw(st.integers(0, 8)) :]


def test_an_unknown_name_lists_the_formats() -> None:
    with pytest.raises(BadInput, match=r"choose one of .*audacity.*raven"):
        find_format("word-perfect")


def test_a_file_that_is_none_of_them_says_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague,\n")
    with pytest.raises(BadInput, match=r"letter.txt: this file is none of .*audacity.*raven.*--from"):
        sniff(path)


def test_a_name_that_several_formats_have_asks_which() -> None:
    with pytest.raises(BadInput, match="audacity, raven; say which with --to"):
        format_to_write(Path("calls.txt"), "calls")
    assert format_to_write(Path("x.selections.txt"), "calls").name == "raven"
    assert format_to_write(Path("x.labels.txt"), "calls").name == "audacity"


def test_a_name_that_no_format_has_says_so() -> None:
    with pytest.raises(BadInput, match="the name does not tell the format; say --to"):
        format_to_write(Path("calls.docx"), "calls")


@FILES
def test_an_empty_file_is_one_sentence_or_has_nothing_in_it(one: AnyFormat, tmp_path: Path) -> None:
    path = tmp_path / f"empty{one.extensions[0]}"
    path.touch()
    assert not one.sniff(path, b"")
    try:
        assert one.read(path).rows == ()
    except BadInput as error:
        assert "; " in str(error)


@pytest.mark.parametrize("other", all_formats(), ids=[other.name for other in all_formats()])
def test_a_file_of_one_format_read_as_another_is_a_value_or_one_sentence(other: AnyFormat, tmp_path: Path) -> None:
    for one in all_formats():
        (tmp_path / one.name).mkdir()
        path = written(one, tmp_path / one.name)
        if one is other:
            continue
        assert not other.sniff(path, b"" if path.is_dir() else path.read_bytes()[:HEAD])
        try:
            other.read(path)
        except BadInput as error:
            assert "; " in str(error), (one.name, other.name)


@settings(max_examples=150)
@given(content=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_any_file_is_one_format_or_one_sentence(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(content)
    try:
        one = sniff(path)
    except BadInput as error:
        assert "is none of" in str(error) or "could be" in str(error)
    else:
        assert one.sniff(path, content)
