"""One's own results beside published ones: ratios, ranges, bounds, words, and units that cannot be compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.assays.library import Figure, Library
from behavior.assays.pages.published import disagreements_of, numbers_beside, words_beside
from behavior.assays.quantity import Quantity, parse


def figure(text: str = "", **more) -> Figure:
    stated = parse(text)
    content = {"compound": "a", "quantity": "Ki", "source": "s", "value": stated.value, "high": stated.high}
    content |= {"unit": stated.unit or "", "qualifier": stated.qualifier, "words": "" if text else "words"}
    return Figure.model_validate(content | more)


def relation(own: str, published: str) -> str:
    (one,) = numbers_beside(parse(own), "Ki", [figure(published)])
    return one.relation


@pytest.mark.parametrize(
    ("own", "published", "wanted"),
    [
        ("20 nM", "10 nM", "own / published 2"),
        ("0.02 uM", "10 nM", "own / published 2"),
        ("> 5 uM", "10 nM", "own / published > 500"),
        ("10 nM", "> 10,000 nM", "own / published < 0.001"),
        ("> 4000 nM", "> 10,000 nM", "two bounds: neither confirms nor contradicts"),
        ("10 nM", "10 ng/ml", "not comparable: units of different kinds"),
        ("100 uM", "140-200 min", "not comparable: units of different kinds"),
        ("150 min", "140-200 min", "within the range"),
        ("2.5 h", "140-200 min", "within the range"),
        ("2 h", "140-200 min", "outside the range"),
        ("140 min", "140-200 min", "within the range"),
        ("201 min", "140-200 min", "outside the range"),
        ("> 150 min", "140-200 min", "a bound that does not exclude the range"),
        ("> 250 min", "140-200 min", "outside the range"),
        ("< 150 min", "140-200 min", "a bound that does not exclude the range"),
        ("< 2 h", "140-200 min", "outside the range"),
        ("~ 150 min", "140-200 min", "within the range"),
    ],
)
def test_how_ones_own_number_stands_to_a_published_one(own, published, wanted):
    assert relation(own, published) == wanted


def test_words_on_either_side_are_not_compared_with_numbers():
    (published_words,) = numbers_beside(parse("10 nM"), "Ki", [figure(words="modest", value=None)])
    assert (published_words.relation, published_words.published) == ("not comparable", "modest")
    (own_words,) = numbers_beside(Quantity("experiments contradict each other"), "Ki", [figure("10 nM")])
    assert own_words.relation == "not comparable"


@given(st.floats(0.01, 1000), st.floats(0.01, 1000), st.sampled_from(["nM", "uM", "pM", "nmol/l"]))
def test_the_unit_in_which_the_own_result_is_given_does_not_change_the_relation(own, published, unit):
    here = Quantity("", own, unit="nM")
    (plain,) = numbers_beside(here, "Ki", [figure(value=published, unit="nM")])
    (other,) = numbers_beside(here.into(unit), "Ki", [figure(value=published, unit="nM")])
    ratios = [float(one.relation.removeprefix("own / published ").replace(",", "")) for one in (plain, other)]
    assert ratios[0] == pytest.approx(ratios[1], rel=2e-3)
    assert ratios[0] == pytest.approx(own / published, rel=6e-3)


def test_the_same_figure_of_two_sources_is_one_line_with_both():
    rows = numbers_beside(parse("10 nM"), "Ki", [figure("5 nM"), figure("5 nM", source="t"), figure("6 nM")])
    assert [row.source for row in rows] == ["s, t", "s"]


@pytest.mark.parametrize(
    ("own", "words", "wanted"),
    [
        ("increase", "Increased by half", "agrees"),
        ("increase", "decrease", "differs"),
        ("no significant change", "unchanged", "agrees"),
        ("no significant change", "No effect", "agrees"),
        ("decrease", "reduced", "agrees"),
        ("decrease", "no significant change", "differs"),
        ("decrease", "see figure 3", "not comparable"),
    ],
)
def test_directions_are_compared_by_what_the_words_mean(own, words, wanted):
    (one,) = words_beside(own, "accumbens", [figure(words=words, value=None, quantity="direction")])
    assert one.relation == wanted


def test_contradictions_are_those_of_the_compounds_at_hand_and_said_once():
    library = Library(
        figures=tuple(
            figure(f"{value} nM", compound=name, source=source)
            for name, value, source in (("a", 1, "s"), ("a", 100, "t"), ("a", 100, "u"), ("b", 1, "s"), ("b", 50, "t"))
        )
    )
    (one,) = disagreements_of(library, ["a", "a"], ["Ki"])
    assert "differ 100-fold" in one and "(t, u)" in one
    assert len(disagreements_of(library, ["a", "b"], ["Ki"])) == 2
    assert disagreements_of(library, ["a"], ["Kd"]) == ()
    assert disagreements_of(library, [], ["Ki"]) == ()
