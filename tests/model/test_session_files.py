"""Header and footer: what one version writes another reads, and what is missing is said, never assumed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.doses import Treatment
from behavior.model.session import SESSION_FORMAT, DeviceIdentity, SessionFooter, SessionHeader
from session.recorded import header_of

HEADER = msgspec.to_builtins(header_of())
REQUIRED = [field.name for field in msgspec.structs.fields(SessionHeader) if field.required]


@given(
    st.builds(
        Treatment,
        compound=st.none() | st.text(),
        dose_mg_kg=st.none() | st.floats(0, 1e6),
        vehicle=st.none() | st.text(),
        pretreatment_min=st.none() | st.floats(0, 1e6),
        blind_code=st.none() | st.text(),
    ),
    st.lists(st.builds(DeviceIdentity, name=st.text(), kind=st.text(), uid=st.text(), firmware=st.text()), max_size=2),
    st.integers(0, 2**63),
)
def test_a_header_is_read_as_it_was_written(treatment: Treatment, devices: list[DeviceIdentity], seed: int) -> None:
    header = header_of(treatment=treatment, devices=tuple(devices), seed=seed)
    assert msgspec.json.decode(msgspec.json.encode(header), type=SessionHeader) == header


@pytest.mark.parametrize("name", REQUIRED)
def test_a_header_without_what_every_session_has_is_none(name: str) -> None:
    lacking = {key: value for key, value in HEADER.items() if key != name}
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(lacking, SessionHeader)


def test_who_ran_what_on_whom_is_required_and_nothing_of_a_dose_is_assumed() -> None:
    assert {"subject", "experimenter", "treatment", "paradigm", "parameters", "limits", "seed"} <= set(REQUIRED)
    assert set(msgspec.structs.asdict(Treatment()).values()) == {None}


def test_what_a_later_version_adds_does_not_hide_what_this_one_knows() -> None:
    assert msgspec.convert(HEADER | {"humidity": 0.5}, SessionHeader) == header_of()
    assert header_of().format == SESSION_FORMAT


FOOTER: dict[str, Any] = {
    "ended_at": "2026-03-02T09:04:00+00:00", "reason": "completed", "duration_s": 1.0, "n_lines": 3,
    "last_crc": "00000000", "journal_sha256": "0" * 64, "n_shocks": 0, "shock_s": 0.0, "n_deliveries": 0,
    "n_responses": 1,
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [("n_lines", "three"), ("duration_s", None), ("reason", 1)])
def test_a_footer_with_a_value_of_another_kind_is_refused(name: str, value: object) -> None:
    assert msgspec.convert(FOOTER, SessionFooter).reason == "completed"
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(FOOTER | {name: value}, SessionFooter)
