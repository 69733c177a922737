"""How other people's devices are described, and each way of describing them wrongly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from behavior.config import read, read_text
from behavior.config.dialect import Dialect
from behavior.config.rig import Rig
from behavior.config.shipped import shipped
from behavior.config.wiring import NEEDS
from behavior.model.errors import BadFile

RIG = """
name = "r"
[[chambers]]
name = "A"
[[chambers.devices]]
name = "box"
kind = "harp_behavior"
usb_serial = "FT1"
board = { levers.left = { input = "DIPort0", output = "DOPort0" }, cues = { house_light = "Led0" } }
[[chambers.devices]]
name = "shocker"
kind = "ttl_shocker"
shocker = { pulse_timed_by = "box", trigger = "DO0", set_ma = 0.4 }
"""
PARALLEL = 'pulse_timed_by = "box", trigger = "DO0", data = ["DO1", "DO2"]'


def test_a_rig_of_other_peoples_devices_is_read() -> None:
    chamber = read_text(RIG, Rig).chamber("A")
    box, shocker = chamber.devices
    assert (box.has_port, box.identity) == (True, "USB serial number FT1")
    assert not shocker.has_port
    assert chamber.timed_by(box) is shocker
    assert [chamber.gives_shocks(device) for device in chamber.devices] == [False, True]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('pulse_timed_by = "box", ', "", "shocker.pulse_timed_by is missing: it cannot end its own pulse"),
        ('pulse_timed_by = "box"', 'pulse_timed_by = "host"', "a pulse is ended by a device, never by the computer"),
        ('trigger = "DO0", ', "", "shocker.trigger is missing: name the line of 'box' that opens its gate"),
        (", set_ma = 0.4", "", "shocker.set_ma is missing: say what current was set by hand"),
        ('"DO0"', '"DOPort0"', "line DOPort0 of 'box' is used twice; give each thing a line of its own"),
        ('"Led0"', '"DOPort0"', "line DOPort0 is used twice; give each thing a line of its own"),
        ('usb_serial = "FT1"', "", "nothing says which device 'box' is; add uid, usb_serial or device_name"),
        ('kind = "ttl_shocker"', 'kind = "parallel_shocker"', "shocker.data is missing: name the lines"),
        ('"ttl_shocker"', '"line_shocker"\nusb_serial = "U"', "shocker.dialect is missing: say what it speaks"),
        (
            '"ttl_shocker"',
            '"operant_chamber"\nuid = "00112233445566778899aabbccddeeff"',
            "shocker is of a ttl_shocker or parallel_shocker or line_shocker, and 'shocker' is of kind operant_chamber",
        ),
        ("set_ma = 0.4", 'set_ma = 0.4, dialect = "sgc"', "shocker.dialect is not of a ttl_shocker; leave it out"),
        ('kind = "harp_behavior"', 'kind = "operant_chamber"', "board is of a harp_behavior, and 'box' is of kind"),
        ("set_ma = 0.4", "set_ma = 3.5", "must be 3.0 or less (is 3.5)"),
        (
            'name = "shocker"',
            'name = "ours"\nkind = "shock_controller"\nuid = "00112233445566778899aabbccddeeff"\n'
            '[[chambers.devices]]\nname = "shocker"',
            "both 'ours' and 'shocker' would give the shocks; leave one out",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "missing" in value else None,
)
def test_what_is_wrong_with_a_shocker_is_said(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_text(RIG.replace(old, new, 1), Rig, file="rig.toml")
    assert problem in str(caught.value)


def test_a_controller_that_times_another_has_its_own_gate_line() -> None:
    ours = RIG.replace('kind = "harp_behavior"', 'kind = "shock_controller"').replace(
        'board = { levers.left = { input = "DIPort0", output = "DOPort0" }, cues = { house_light = "Led0" } }', ""
    )
    with pytest.raises(BadFile, match="lines are of a harp_behavior, and 'box' is a shock_controller"):
        read_text(ours, Rig)
    chamber = read_text(ours.replace('trigger = "DO0", ', ""), Rig).chamber("A")
    assert [chamber.gives_shocks(device) for device in chamber.devices] == [False, True]


def test_a_box_that_only_measures_times_nothing() -> None:
    text = RIG.replace('kind = "harp_behavior"', 'kind = "operant_chamber"').replace("board = {", "#")
    with pytest.raises(BadFile, match="pulse_timed_by names 'box', a operant_chamber, which cannot time pulses"):
        read_text(text, Rig)


def test_two_devices_of_one_usb_serial_number() -> None:
    second = RIG.split("[[chambers]]")[1].replace('name = "A"', 'name = "B"')
    with pytest.raises(BadFile, match="two chambers are both 'FT1'"):
        read_text(f"{RIG}\n[[chambers]]{second}", Rig)


def test_data_lines_may_read_a_gate_and_a_current_on_one_input() -> None:
    text = RIG.replace('"ttl_shocker"', '"parallel_shocker"').replace(
        'pulse_timed_by = "box", trigger = "DO0", set_ma = 0.4',
        f'{PARALLEL}, delivered = {{ input = "DI3", active = "low" }}, gate = {{ input = "DI3" }}',
    )
    assert read_text(text, Rig).chamber("A").devices[1].shocker.step_ma == 0.02


def test_every_kind_says_what_it_needs() -> None:
    assert set(NEEDS) == {"ttl_shocker", "parallel_shocker", "line_shocker"}


# ---- dialects

SPOKEN = """
name = "toy"
source = "nowhere"
baud = 9600
frame = { start = "<", end = ">" }
limits = { max_ma = 1.0, step_ma = 0.1 }
set_current = { send = "C{steps}", reply = "OK{steps}" }
"""


@pytest.mark.parametrize("path", sorted(shipped("configs", "shockers").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_dialect_can_be_read(path: object) -> None:
    dialect = read(path, Dialect)  # type: ignore[arg-type]
    assert dialect.name and dialect.source


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('stop = { send = "{volts}" }', "{volts} is no value; it must be one of ma, ma_mid, ua, steps, code, ms, s"),
        ('stop = { send = "{ma:.2q}" }', "'{ma:.2q}' cannot be filled in"),
        ('stop = { send = "{" }', "cannot be filled in"),
        ('stop = { send = "{m.3f}" }', "{m.3f} is no value"),
        ('stop = { send = "{ma.__class__}" }', "{ma.__class__} is no value"),
        ('stop = { send = "{ma[0]}" }', "{ma[0]} is no value"),
        ('stop = { send = "{}" }', "{} is no value"),
        ('stop = { send = "{ua:999999999}" }', "more than 99 characters wide"),
        ('stop = { send = "{ua:{s}}" }', "cannot be filled in"),
        ('pulse = { send = "P" }', "a pulse needs set_duration, or limits.fixed_s; else nobody knows how long it is"),
        ('report = { pattern = "(" }', "'(' is no regular expression"),
        ('report = { pattern = "x" }', "'x' has no group called bits, ua or ma"),
        ('codes = { half = "A" }', "codes: 'half' is no current in mA"),
        ("foo = 1", "foo: is not known here"),
    ],
)
def test_what_is_wrong_with_a_dialect_is_said(more: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_text(f"{more}\n{SPOKEN}", Dialect, file="toy.toml")
    assert problem in str(caught.value)


def test_codes_must_be_there_for_who_sends_them() -> None:
    with pytest.raises(BadFile, match=r"set_current sends \{code\}, and there are no codes"):
        read_text(SPOKEN.replace("C{steps}", "{code}"), Dialect)


def test_only_ascii_frames() -> None:
    with pytest.raises(BadFile, match="start, end and mark must be ASCII"):
        read_text(SPOKEN.replace('"<"', '"§"'), Dialect)


def test_a_dialect_without_a_pulse_does_not_end_it() -> None:
    assert not read_text(SPOKEN, Dialect).ends_its_own_pulse
    assert read(shipped("configs", "shockers", "sgc.toml"), Dialect).ends_its_own_pulse


# ---- the examples of the documentation


def toml_blocks(page: str) -> list[str]:
    text = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)


def test_the_rig_of_the_how_to_can_be_read() -> None:
    of_the_rig = [block for block in toml_blocks("connect-a-chamber.md") if "[[faults]]" not in block]
    rig = read_text("\n".join(of_the_rig), Rig, file="how-to")
    assert [chamber.name for chamber in rig.chambers] == ["A", "B"]
    assert {device.kind for chamber in rig.chambers for device in chamber.devices} >= {"harp_behavior", "ttl_shocker"}


def test_the_dialect_of_the_how_to_can_be_read() -> None:
    text, _ = toml_blocks("add-a-line-shocker.md")
    assert read_text(text, Dialect, file="how-to").ends_its_own_pulse
