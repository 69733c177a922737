"""Only the passphrase opens what was sealed, and any change is noticed."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.study import seal as sealing
from behavior.study.seal import seal, unseal

GOOD = "correct horse battery"
REAL_COST = sealing.COST


@pytest.fixture(scope="module")
def sealed() -> bytes:
    before, sealing.COST = sealing.COST, sealing.LEAST_COST
    try:
        return seal(b"the doses", GOOD)
    finally:
        sealing.COST = before


@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=30))
@settings(max_examples=25, suppress_health_check=[])
def test_what_is_sealed_is_opened_by_its_passphrase(plain: bytes, passphrase: str) -> None:
    before, sealing.COST = sealing.COST, sealing.LEAST_COST
    try:
        assert unseal(seal(plain, passphrase), passphrase, file="k") == plain
    finally:
        sealing.COST = before


def test_nothing_of_it_can_be_read_and_equal_contents_look_different(sealed: bytes) -> None:
    assert b"doses" not in sealed
    assert base64.b64encode(b"the doses")[:8] not in sealed
    assert seal(b"the doses", GOOD) != seal(b"the doses", GOOD)


@pytest.mark.parametrize("wrong", ["Correct horse battery", "correct horse batter", "correct horse battery ", ""])
def test_a_wrong_passphrase_is_a_sentence(sealed: bytes, wrong: str) -> None:
    with pytest.raises(
        BadInput, match=r"key\.sealed: cannot be opened: the passphrase is wrong, or the key was changed"
    ):
        unseal(sealed, wrong, file="key.sealed")


@pytest.mark.parametrize("field", ["salt", "nonce", "sealed"])
@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_bit_anywhere_is_noticed(sealed: bytes, field: str, place: int) -> None:
    head = json.loads(sealed)
    data = bytearray(base64.b64decode(head[field]))
    data[place] ^= 1
    head[field] = base64.b64encode(bytes(data)).decode()
    with pytest.raises(BadInput, match="the passphrase is wrong, or the key was changed"):
        unseal(json.dumps(head).encode(), GOOD, file="k")


@pytest.mark.parametrize(
    "change",
    [{"n": 3000}, {"n": 2**30}, {"n": "many"}, {"format": "other/1"}, {"salt": "?"}, {"nonce": "AAAA"}, {"sealed": 1}],
    ids=str,
)
def test_what_is_no_sealed_key_is_refused_before_any_work(sealed: bytes, change: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="is no sealed key of this version"):
        unseal(json.dumps(json.loads(sealed) | change).encode(), GOOD, file="k")
    for junk in (b"", b"{", b"[]", b"\xff", b"null"):
        with pytest.raises(BadInput, match="is no sealed key of this version"):
            unseal(junk, GOOD, file="k")


def test_the_cost_is_bound_to_the_key(sealed: bytes) -> None:
    """A key whose cost was lowered does not open with a key derived more cheaply."""
    head = json.loads(sealed) | {"r": 8, "n": sealing.LEAST_COST * 2}
    with pytest.raises(BadInput, match="cannot be opened"):
        unseal(json.dumps(head).encode(), GOOD, file="k")


def test_a_passphrase_that_is_soon_guessed_is_refused() -> None:
    with pytest.raises(BadInput, match="a passphrase of 7 letters is soon guessed; choose one of 8 or more"):
        seal(b"x", "secrets")


def test_a_real_key_costs_a_guesser_memory() -> None:
    assert REAL_COST * 8 * 128 >= 128 * 2**20
