"""Bytes to messages: every trap of the line and of the packages that we know."""

from __future__ import annotations

import numpy as np
import pytest
from harp.protocol import HarpMessage, MessageType, PayloadType
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.devices.harp import LONGEST, Framing, Message, read_frame, write_frame
from behavior.devices.registers import device_map
from devices.dialogue import frame

KIND = "operant_chamber"
MAP = device_map(KIND)
REGISTERS = st.sampled_from(["Inputs", "OutputState", "Delivered", "DeliveryCount"])


def messages(*chunks: bytes, gap_us: int = 1_000) -> list[Message]:
    """What chunks that arrive one after another mean."""
    framing, found = Framing(MAP), list[Message]()
    for place, chunk in enumerate(chunks):
        found += framing.feed(chunk, place * gap_us)
    return found


def test_a_message_has_kind_name_value_and_integer_time() -> None:
    (message,) = messages(frame(KIND, "event Delivered", 7, at_us=12_345_984))
    assert message == Message("event", False, "Delivered", 7, 12_345_984)


@settings(deadline=None)
@given(st.lists(st.tuples(REGISTERS, st.integers(0, 15), st.integers(0, 10**6)), max_size=8), st.data())
def test_chunks_do_not_matter(said: list[tuple[str, int, int]], data: st.DataObject) -> None:
    stream = b"".join(frame(KIND, f"event {name}", value, at_us=ticks * 32) for name, value, ticks in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [(one.name, int(one.value), one.device_us) for one in messages(*chunks)] == [
        (name, value, ticks * 32) for name, value, ticks in said
    ]


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_survived(data: bytes) -> None:
    framing = Framing(MAP)
    framing.feed(data, 0)
    framing.unstall(100_000)
    after = b"".join(frame(KIND, "event Delivered", number, at_us=320) for number in range(40))  # more than one frame
    found = framing.feed(after, 200_000) + framing.unstall(300_000)
    assert [int(one.value) for one in found if one.name == "Delivered"][-1] == 39


@pytest.mark.parametrize("length", [60, 200, 255])
def test_a_damaged_length_holds_nothing_up_for_long(length: int) -> None:
    spoiled = bytearray(frame(KIND, "event Inputs", 1, at_us=320))
    spoiled[1] = length
    framing = Framing(MAP)
    assert framing.feed(bytes(spoiled), 0) == []
    behind = b"".join(frame(KIND, "event Delivered", number, at_us=640) for number in (1, 2))
    assert framing.feed(behind, 1_000) == []
    assert framing.unstall(40_000) == []
    assert [one.value for one in framing.unstall(51_000)] == [1, 2]
    assert [one.value for one in framing.feed(frame(KIND, "event Delivered", 3, at_us=960), 52_000)] == [3]


def test_what_comes_after_a_stall_frees_it_too() -> None:
    spoiled = bytearray(frame(KIND, "event Inputs", 1, at_us=320))
    spoiled[1] = 255
    framing = Framing(MAP)
    framing.feed(bytes(spoiled) + frame(KIND, "event Delivered", 1, at_us=640), 0)
    found = framing.feed(frame(KIND, "event Delivered", 2, at_us=960), 60_000)
    assert [one.value for one in found] == [1, 2]


def test_half_a_message_whose_other_half_is_late_is_not_lost() -> None:
    whole = frame(KIND, "event Delivered", 1, at_us=320)
    framing = Framing(MAP)
    assert framing.feed(whole[:7], 0) == []
    assert framing.unstall(900_000) == []
    assert [one.value for one in framing.feed(whole[7:], 1_000_000)] == [1]


@pytest.mark.parametrize("noise", [b"\x00", b"\x01", b"\xff", b"\x01\xff", bytes(range(256))], ids=repr)
def test_a_noisy_line_is_neither_kept_nor_searched_again_and_again(noise: bytes) -> None:
    """What a loose plug sends for an hour is not in memory afterwards, and a message behind it is found."""
    framing = Framing(MAP)
    for now_us in range(0, 200_000, 1000):
        framing.feed(noise * 64, now_us)
    assert len(framing._waiting) <= LONGEST
    framing.unstall(1_000_000)
    held, framing._new_framer = framing._new_framer, None  # type: ignore[assignment]
    framing.unstall(1_100_000)  # nothing came since: there is nothing to search
    framing._new_framer = held
    found = framing.feed(bytes(LONGEST), 2_000_000) + framing.feed(
        frame(KIND, "event Delivered", 1, at_us=320), 2_000_001
    )
    assert [one.name for one in found + framing.unstall(3_000_000)] == ["Delivered"]


def test_one_tick_too_many_is_the_next_second() -> None:
    """The official package can write 31250 ticks, where there are only 31249."""
    (message,) = messages(frame(KIND, "event Inputs", 1, at_us=1_999_999))
    assert message.device_us == 2_000_000


def test_an_error_reply_has_no_value() -> None:
    (message,) = messages(frame(KIND, "write OutputState", 0xFFFF, at_us=320, refused=True))
    assert (message.kind, message.refused, message.name, message.value) == ("write", True, "OutputState", None)


@pytest.mark.parametrize("useless", [
    HarpMessage(MessageType.Event, 32, PayloadType.U8, b"\1").bytes,
    HarpMessage(MessageType.Event, 200, PayloadType.U8, b"\1", timestamp=1.0).bytes,
    HarpMessage(MessageType.Event, 32, PayloadType.U16, b"\1\0", timestamp=1.0).bytes,
    HarpMessage(MessageType.Event, 32, PayloadType.U8, b"\1\0", timestamp=1.0).bytes,
], ids=["no time", "no such register", "wrong type", "wrong length"])  # fmt: skip
def test_what_no_register_explains_is_counted_and_passed_over(useless: bytes) -> None:
    framing = Framing(MAP)
    found = framing.feed(useless + frame(KIND, "event Delivered", 1, at_us=320), 0)
    assert [one.name for one in found] == ["Delivered"]
    assert framing.n_unusable == 1


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", ["operant_chamber", "shuttle_box", "shock_controller"])
def test_a_message_that_comes_alone_is_what_the_packages_make_of_it(kind: str, data: st.DataObject) -> None:
    """Whole, spoiled, cut or lengthened: alone it takes the short way, behind half a message the long one."""
    registers = device_map(kind)
    register = data.draw(st.sampled_from(list(registers.by_address.values())), label="register")
    payload = data.draw(st.binary(min_size=register.n_bytes, max_size=register.n_bytes), label="payload")
    head = data.draw(st.sampled_from([1, 2, 3, 9, 10, 11]))
    type_byte = 0x10 | (register.n_bytes // register.length)
    body = bytes([head, 10 + len(payload), register.address, 0xFF, type_byte, 7, 0, 0, 0, 5, 0]) + payload
    said = bytearray(body + bytes([sum(body) & 0xFF]))
    if data.draw(st.booleans(), label="spoiled"):
        said[data.draw(st.integers(0, len(said) - 1))] ^= data.draw(st.integers(1, 255))
    alone, officially = Framing(registers), Framing(registers)
    short = alone.feed(bytes(said), 0)
    official = [*officially.feed(bytes(said[:1]), 0), *officially.feed(bytes(said[1:]), 0)]
    assert [comparable(one) for one in short] == [comparable(one) for one in official]
    assert alone.n_unusable == officially.n_unusable


def comparable(one: Message) -> tuple[object, ...]:
    """Whatever class the packages chose for its value."""
    array = getattr(one.value, "payload_array", one.value)
    value = array.tolist() if isinstance(array, np.ndarray | np.generic) else array
    return one.kind, one.refused, one.name, value, one.device_us


def test_frames_are_the_official_ones() -> None:
    register = MAP["ToneFrequency"]
    assert read_frame(register) == HarpMessage(MessageType.Read, 36, PayloadType.U16).bytes
    assert write_frame(register, 440) == HarpMessage(MessageType.Write, 36, PayloadType.U16, b"\xb8\x01").bytes


@pytest.mark.parametrize(("name", "value"), [
    ("ToneFrequency", 99), ("ToneFrequency", 20_001), ("ToneFrequency", 440.5), ("HostWatchdog", 0),
    ("OutputState", 0x40), ("OutputState", -1),
])  # fmt: skip
def test_what_a_register_does_not_take_is_not_written(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        write_frame(MAP[name], value)
