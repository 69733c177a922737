"""TOML that nobody would write: nested, endless, huge. Each is one sentence, and none takes the computer with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.config import read, read_text
from behavior.config.read import _TOO_DEEP, MOST_CHARACTERS
from behavior.config.rig import Rig
from behavior.config.study import Study
from behavior.devices.registers import read_device_map
from behavior.model.errors import BadFile, BadInput

HOSTILE = {
    "nested lists": ("x = " + "[" * 50_000, "nested too deeply"),
    "nested tables": ("x = " + "{a = " * 50_000, "nested too deeply"),
    "a key of ten thousand parts": (".".join("a" * 10_000) + " = 1", "a key of more than 64 parts"),
    "a table of ten thousand parts": ("[" + ".".join("a" * 10_000) + "]", "a key of more than 64 parts"),
    "a number of five thousand digits": (f"x = {'9' * 5000}", "thousands of digits"),
    "one amid lines that are no TOML": (f"= 3\nx = {'9' * 5000}", "thousands of digits"),
    "more than anybody writes": ("#" * (MOST_CHARACTERS + 1), "more than any file that people write"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_in_a_sentence(name: str) -> None:
    text, why = HOSTILE[name]
    with pytest.raises(BadFile, match=why) as caught:
        read_text(text, Study, file="x.toml")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["a" * 10**6, "a " * 10**6, " " * 10**6, ("a." * 63 + "!") * 10**3], ids=range(4))
def test_what_looks_for_deep_keys_reads_a_text_once(text: str) -> None:
    """It would take hours if it began anew at each letter."""
    assert _TOO_DEEP.search(text) is None


def test_ordinary_text_with_dots_is_no_deep_key() -> None:
    assert _TOO_DEEP.search('title = "a. b. c. and so on ... up to version 1.2.3.4"') is None
    assert _TOO_DEEP.search(".".join("a" * 65) + " = 1") is not None


def test_what_a_sentence_quotes_is_short() -> None:
    with pytest.raises(BadFile) as caught:
        read_text(f'name = {list(range(3000))}\n"{"k" * 3000}" = 1\n"\\u001B[2J" = 2', Study, file="x.toml")
    assert len(str(caught.value)) < 2000
    assert "\x1b" not in str(caught.value)


def test_a_thousand_wrong_entries_are_counted_and_not_compared_with_each_other() -> None:
    entry = '[[chambers]]\nname = "A"\n'
    with pytest.raises(BadFile, match=r"\d+ problems") as caught:
        read_text(entry * 1000, Rig, file="x.toml")
    assert len(caught.value.problems) >= 1000 and str(caught.value).count("\n") <= 101


@pytest.mark.parametrize(
    "text",
    [b"[" * 300, b"&a [*a, *a]\n" * 50, b"device: !!python/object/apply:os.system [id]\n", b"\xff\xfe", b"", b"- 1\n"],
    ids=["nested", "aliases", "a Python object", "no text", "nothing", "a list"],
)
def test_a_device_description_that_is_none(text: bytes) -> None:
    with pytest.raises(BadFile, match="is not a Harp device description"):
        read_device_map("fuzz", text)


def test_a_limit_of_a_register_that_is_no_number(tmp_path: Path) -> None:
    from conftest import ROOT

    text = (ROOT / "hardware" / "shock_controller" / "device.yml").read_bytes()
    assert b"maxValue" in text
    hostile = text.replace(b"maxValue: ", b"maxValue: .inf # ", 1)
    with pytest.raises(BadInput):
        read_device_map("fuzz", hostile)
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="byte 0 is not UTF-8"):
        read(tmp_path / "x.toml", Study)
