from __future__ import annotations

import pytest

from behavior.model.errors import BadInput
from behavior.usv.profile import load_profile

SHIPPED = ("rat", "rat-22khz", "rat-50khz", "mouse")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_profiles_bear_their_names_and_can_be_met(name):
    profile = load_profile(name)
    assert profile.name == name
    assert 0 < profile.low_hz < profile.high_hz <= 125_000
    assert profile.support_evidence <= profile.confirm_evidence
    assert profile.join_s <= profile.join_22khz_s
    assert profile.longest_s < profile.floor_s * (1 - profile.floor_quantile), "a call must never become the floor"


def test_together_the_two_rat_profiles_cover_what_the_one_does():
    whole, low, high = (load_profile(name) for name in SHIPPED[:3])
    assert low.low_hz == whole.low_hz
    assert high.low_hz <= low.high_hz
    assert high.high_hz == whole.high_hz


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("low_hz = 50_000\nhigh_hz = 40_000", "high_hz must be more than low_hz"),
        ("low_hz = 20_000\nhigh_hz = 40_000\nconfirm_db = 3.0", "confirm_db must not be less than hold_db"),
        ("low_hz = 20_000\nhigh_hz = 40_000\nlongest_s = 0.004", "longest_s must be more than shortest_s"),
        ("low_hz = 20_000\nhigh_hz = 40_000\nfloor_quantile = 1.0", "floor_quantile"),
        ("low_hz = 0\nhigh_hz = 40_000", "low_hz"),
        ("low_hz = 20_000", "high_hz"),
        ("low_hz = 20_000\nhigh_hz = 40_000\nloudness = 3", "loudness"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused_with_its_field(tmp_path, lines, problem):
    path = tmp_path / "own.toml"
    path.write_text(f'name = "own"\n{lines}\n')
    with pytest.raises(BadInput, match=problem):
        load_profile(str(path))
