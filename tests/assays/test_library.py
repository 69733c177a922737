"""The figures of the source documents: qualifiers kept, contradictions shown, one's own results beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.assays.library import Figure, Library, disagreements, merged, read_library
from behavior.model.errors import BadFile

LIBRARY = read_library()


def figure(**more):
    return Figure.model_validate(
        {"compound": "a", "quantity": "Ki", "target": "D2", "source": "s", "unit": "nM"} | more
    )


@pytest.mark.parametrize(
    ("compound", "quantity", "target", "shown"),
    [
        ("ipsapirone", "Ki", "5-HT1A", "10 nM"),
        ("ipsapirone", "Ki", "5-HT3", "> 1000 nM"),
        ("ipsapirone", "Ki", "D3", "> 10,000 nM"),
        ("alnespirone", "Kd", "5-HT1A", "0.36 nM"),
        ("paroxetine", "Ki", "SERT", "0.1 nM"),
        ("fluvoxamine", "Ki", "SERT", "6.2 nM"),
        ("ipsapirone", "half_life", "plasma", "~ 100 min"),
        ("1-PP", "half_life", "plasma", "140–200 min"),
        ("1-PP", "cmax", "plasma", "0.9 nmol/ml"),
        ("ipsapirone", "ed50", "passive avoidance", "0.5 mg/kg"),
        ("ipsapirone", "ed50", "foot-shock-induced aggression", "2.2 mg/kg"),
        ("ipsapirone", "ed50", "dorsal raphe firing", "125 µg/kg"),
    ],
)
def test_what_the_documents_give(compound, quantity, target, shown):
    found = LIBRARY.find(compounds=[compound], quantities=[quantity], targets=[target])
    assert shown in {str(one.stated) for one in found}


def test_every_figure_has_a_source_and_no_two_are_the_same():
    assert len(LIBRARY.figures) > 40
    assert len(set(LIBRARY.figures)) == len(LIBRARY.figures)
    assert all(one.source and one.compound in one.about for one in LIBRARY.figures)


def test_the_documents_contradiction_on_d2_is_found():
    found = disagreements(LIBRARY.find(targets=["D2"]))
    assert len(found) == 1
    assert "> 10,000 nM" in str(found[0]) and "moderate to high affinity" in str(found[0])


def test_a_kd_beside_a_ki_is_pointed_at():
    found = [str(one) for one in disagreements(LIBRARY.find(targets=["5-HT1A"]))]
    assert any("Kd 0.36 nM" in one and "do not rank" in one for one in found)


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        ({"value": 10.0}, {"value": 12.0}, ""),
        ({"value": 10.0}, {"value": 100.0}, "they differ 10-fold"),
        ({"value": 10.0}, {"value": 0.1, "unit": "uM"}, "they differ 10-fold"),
        ({"value": 10.0}, {"value": 10.0, "unit": "ng/ml"}, "they are in units of different kinds"),
        ({"value": 10.0}, {"value": 30.0}, ""),
        ({"value": 10.0}, {"value": 31.0}, "they differ 3.1-fold"),
        ({"value": 140.0, "high": 200.0}, {"value": 1000.0}, "they differ 5-fold"),
        ({"value": 50.0, "qualifier": "<="}, {"value": 100.0, "qualifier": "<"}, ""),
        ({"value": 10.0}, {"value": 100.0, "qualifier": ">"}, "the bound excludes the other figure"),
        ({"value": 1000.0}, {"value": 100.0, "qualifier": ">"}, ""),
        ({"value": 1000.0}, {"value": 100.0, "qualifier": "<"}, "the bound excludes the other figure"),
        ({"value": 50.0, "qualifier": ">"}, {"value": 100.0, "qualifier": ">"}, ""),
        ({"value": 140.0, "high": 200.0}, {"value": 150.0}, ""),
        ({"words": "weak"}, {"words": "Weak"}, ""),
        ({"words": "weak"}, {"words": "strong"}, "they say different words"),
        ({"words": "weak"}, {"value": 1.0}, "one gives words where the other gives a number or bound"),
    ],
)
def test_how_two_figures_differ(first, second, how):
    found = disagreements([figure(**first), figure(**second, source="t")])
    assert [one.how for one in found] == ([how] if how else [])


def test_figures_of_different_things_do_not_disagree():
    assert not disagreements([figure(value=1.0), figure(value=100.0, target="D3")])
    assert not disagreements([figure(value=1.0, dose=1.0), figure(value=100.0, dose=2.0)])


def test_a_figure_must_say_something(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[[figures]]\ncompound = "a"\nquantity = "Ki"\nsource = "s"\n[[figures]]\ncompound = "b"\n')
    with pytest.raises(BadFile) as caught:
        read_library(path)
    text = str(caught.value)
    assert "neither value nor words" in text and "figures.2.quantity: is missing" in text


def test_a_figure_says_what_it_is_about_in_one_phrase():
    assert figure(value=10.0).about == "a, Ki, D2"
    assert figure(value=2.0, dose=1.0, dose_unit="mg/kg", route="p.o.").about == "a, Ki, D2, 1 mg/kg p.o."
    assert figure(value=2.0, target="").about == "a, Ki"


@pytest.mark.parametrize(
    ("more", "n"),
    [
        ({}, 3),
        ({"compounds": ["A"]}, 2),
        ({"quantities": ["KI"]}, 2),
        ({"targets": ["d3"]}, 1),
        ({"compounds": ["a"], "quantities": ["ed50"]}, 1),
        ({"compounds": []}, 0),
        ({"compounds": ["a", "b"], "targets": ["D2"]}, 2),
    ],
)
def test_figures_are_found_whatever_the_case(more, n):
    figures = (figure(value=1.0), figure(value=2.0, quantity="ed50"), figure(value=3.0, compound="b", target="D3"))
    assert len(Library(figures=figures).find(**more)) == n


def test_figures_that_say_the_same_are_one_with_all_sources_and_the_others_stay():
    found = merged([figure(value=1.0), figure(value=2.0), figure(value=1.0, source="t"), figure(value=1.0, source="s")])
    assert [(one.value, one.source) for one in found] == [(1.0, "s, t"), (2.0, "s")]


@given(
    st.lists(
        st.tuples(st.floats(0.1, 1000), st.sampled_from(["", ">", "<", "~", ">=", "<="]), st.sampled_from(["s", "t"])),
        max_size=6,
    )
)
def test_whether_two_figures_disagree_does_not_depend_on_their_order(said):
    figures = [figure(value=value, qualifier=sign, source=source) for value, sign, source in said]
    there, back = disagreements(figures), disagreements(figures[::-1])
    assert len(there) == len(back)
    assert {frozenset((one.first.value, one.second.value)) for one in there} == {
        frozenset((one.first.value, one.second.value)) for one in back
    }
    assert sorted(one.how for one in there) == sorted(one.how for one in back)
