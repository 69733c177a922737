"""Printed values: bounds stay bounds, ranges stay ranges, words stay words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.assays.quantity import (
    Quantity,
    daily_dose,
    fold,
    number_list,
    parse,
    pki,
    shortest,
    times_a_day,
)
from behavior.assays.units import FAMILIES, factor, family_of, shown, spelled
from behavior.model.errors import BadInput


@pytest.mark.parametrize(
    ("text", "value", "high", "qualifier", "unit", "kind"),
    [
        ("10 nM", 10, None, "", "nM", None),
        ("> 10,000 nM", 10_000, None, ">", "nM", None),
        (">1000", 1000, None, ">", None, None),
        ("≥ 2 µM", 2, None, ">=", "uM", None),
        ("< .05", 0.05, None, "<", None, None),
        ("~100 min", 100, None, "~", "min", None),
        ("ca. 100 min", 100, None, "~", "min", None),
        ("approximately 2 h", 2, None, "~", "h", None),
        ("140-200 min", 140, 200, "", "min", None),
        ("140–200", 140, 200, "", None, None),
        ("140 to 200 min", 140, 200, "", "min", None),
        ("Kd = 0.36 nM", 0.36, None, "", "nM", "Kd"),
        ("0.36 nM (Kd)", 0.36, None, "", "nM", "Kd"),
        ("pKi 8.0", 8, None, "", None, "pKi"),
        ("1e-3 M", 0.001, None, "", "M", None),
        ("2.2 mg/kg", 2.2, None, "", "mg_kg", None),
        ("Modest activity at high concentrations", None, None, "", None, None),
        ("", None, None, "", None, None),
        ("10,5 nM", None, None, "", None, None),
        ("10,0000 nM", None, None, "", None, None),
        ("140-200,5 min", None, None, "", None, None),
        ("1.2.3", None, None, "", None, None),
        ("5, 10 nM", None, None, "", None, None),
    ],
)
def test_what_a_printed_value_says(text, value, high, qualifier, unit, kind):
    found = parse(text)
    assert (found.value, found.high, found.qualifier, found.unit, found.kind) == (value, high, qualifier, unit, kind)


def test_an_error_after_plus_minus_is_kept_and_converted():
    assert parse("10 ± 2 nM").error == 2
    assert parse("0.01 ± 0.002 uM").into("nM").error == pytest.approx(2)


@given(
    st.floats(1e-3, 1e6),
    st.sampled_from(["", ">", "<", "~", ">=", "<="]),
    st.sampled_from([None, "nM", "uM", "min", "mg_kg"]),
)
def test_what_is_shown_reads_back_as_the_same(value, qualifier, unit):
    value = float(shortest(value).replace(",", ""))
    shown_text = str(Quantity("", value, qualifier=qualifier, unit=unit))
    again = parse(shown_text)
    assert (again.value, again.qualifier, again.unit) == (value, qualifier, unit)


def test_words_have_no_number_and_no_ratio():
    words = parse("modest activity")
    assert pki(words) is None
    assert fold(words, parse("10 nM")) is None
    assert str(words) == "modest activity"


@pytest.mark.parametrize(
    ("numerator", "denominator", "shown_ratio"),
    [
        ("> 10,000 nM", "10 nM", "> 1000"),
        ("10 nM", "> 10,000 nM", "< 0.001"),
        ("1 uM", "10 nM", "100"),
        ("~100", "10", "~ 10"),
        ("> 100", "< 10", "> 10"),
        (">= 100", "10", ">= 10"),
    ],
)
def test_a_ratio_keeps_the_qualifier(numerator, denominator, shown_ratio):
    assert str(fold(parse(numerator), parse(denominator))) == shown_ratio


def test_two_bounds_that_pull_apart_leave_no_ratio():
    assert fold(parse("> 100"), parse("> 10")) is None
    assert fold(parse("< 100"), parse("< 10")) is None


def test_a_mass_is_never_taken_for_an_amount():
    with pytest.raises(BadInput, match=r"10 ng/ml.*cannot be turned into nM"):
        parse("10 ng/ml").into("nM")


def test_pki_is_of_the_molar_value():
    assert pki(parse("10 nM")) == pytest.approx(8)
    assert pki(parse("0.01 µM")) == pytest.approx(8)
    assert pki(Quantity("0", 0.0, unit="nM")) is None


@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_conversion_there_and_back_is_one(family, data):
    units = st.sampled_from(sorted(FAMILIES[family]))
    one, other = data.draw(units), data.draw(units)
    assert factor(one, other) * factor(other, one) == pytest.approx(1)
    assert family_of(spelled(shown(one))) == family


def test_millimolar_is_not_molar():
    assert factor(spelled("mM"), spelled("M")) == pytest.approx(1e-3)
    assert spelled("µM") == "uM"
    assert spelled("fmol/mg protein") == "fmol_mg_protein"


def test_schedules():
    assert daily_dose("5 or 10 mg/kg twice daily") == (10, 20)
    assert daily_dose("0.03–0.06 mg/kg b.i.d.") == (0.06, 0.12)
    assert daily_dose("orally") is None
    assert times_a_day("10 mg/kg") == 1
    assert number_list("0.1, 0.3 and 1,000 mg/kg") == (0.1, 0.3, 1000)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.36, "0.36"),
        (9.999499, "9.999"),
        (1234.5, "1234"),
        (10_000, "10,000"),
        (9999.7, "10,000"),
        (-9999.7, "-10,000"),
        (0.99996, "1"),
        (1e-6, "1e-06"),
        (-2.5, "-2.5"),
    ],
)
def test_the_shortest_form_of_a_number(number, text):
    assert shortest(number) == text


@given(st.floats(1e-3, 1e6))
def test_the_shortest_form_is_near(number):
    assert math.isclose(float(shortest(number).replace(",", "")), number, rel_tol=6e-4)


_bounded = st.builds(
    lambda value, sign: Quantity("", value, qualifier=sign, unit="nM"),
    st.floats(1e-3, 1e6),
    st.sampled_from(["", ">", "<", "~", ">=", "<="]),
)


def allowed(quantity: Quantity, value: float) -> bool:
    """Whether a true value agrees with what a quantity says of it."""
    if quantity.qualifier.startswith(">"):
        return value >= quantity.value
    if quantity.qualifier.startswith("<"):
        return value <= quantity.value
    return value == quantity.value


@given(_bounded, _bounded, st.floats(1e-2, 1e2), st.floats(1e-2, 1e2))
def test_a_ratio_never_says_more_than_its_two_quantities(one, other, above, below):
    """Whatever true values agree with the two, their ratio agrees with the ratio that was given."""
    first = one.value * (1 if one.qualifier in ("", "~") else above)
    second = other.value * (1 if other.qualifier in ("", "~") else below)
    ratio = fold(one, other)
    if allowed(one, first) and allowed(other, second) and ratio is not None:
        slack = Quantity("", ratio.value * (1 - 1e-9 if ratio.qualifier.startswith(">") else 1 + 1e-9))
        if ratio.qualifier.startswith(">"):
            assert first / second >= slack.value
        elif ratio.qualifier.startswith("<"):
            assert first / second <= slack.value
        else:
            assert first / second == pytest.approx(ratio.value)


@given(_bounded, st.sampled_from(["uM", "pM", "nmol/l", "µmol/l", "M"]))
def test_a_quantity_there_and_back_is_itself(quantity, unit):
    back = quantity.into(unit).into("nM")
    assert (back.value, back.qualifier, back.unit) == (pytest.approx(quantity.value), quantity.qualifier, "nM")


def test_a_ratio_with_a_range_gives_none():
    assert fold(parse("140-200"), parse("10")) is None
    assert fold(parse("10"), parse("140-200")) is None


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("uM", "µM"),
        ("mg_kg", "mg/kg"),
        ("ug_kg", "µg/kg"),
        ("ml_min_kg", "ml/min/kg"),
        ("fmol_mg_protein", "fmol/mg protein"),
        ("nmol_ml_x_min", "nmol/ml · min"),
        ("%_x_min", "% · min"),
        ("1_min", "1/min"),
        ("mol_mol", "mol/mol"),
        ("", ""),
    ],
)
def test_units_as_on_an_axis(unit, text):
    assert shown(unit) == text


@pytest.mark.parametrize("unit", [unit for family in FAMILIES.values() for unit in family])
def test_every_unit_is_its_own_spelling_in_whatever_way_it_is_written(unit):
    for text in (unit, shown(unit), f" {unit} ", shown(unit).replace("µ", "μ")):
        assert spelled(text) == unit, text
    if unit not in ("M", "mM"):
        assert spelled(unit.upper()) == unit or unit.upper() == "MM"


@pytest.mark.parametrize(
    ("one", "other", "by"),
    [
        ("h", "min", 60),
        ("d", "h", 24),
        ("s", "min", 1 / 60),
        ("mg_l", "ng_ml", 1000),
        ("g_l", "mg_ml", 1),
        ("ug_l", "ng_ml", 1),
        ("nmol_ml", "uM", 1),
        ("pmol_ml", "nM", 1),
        ("mM", "umol_l", 1000),
        ("mg_kg", "ug_kg", 1000),
        ("g", "mg", 1000),
        ("umol_kg", "nmol_kg", 1000),
        ("fmol_mg", "fmol_mg", 1),
    ],
)
def test_factors_by_hand(one, other, by):
    assert factor(one, other) == pytest.approx(by)


@pytest.mark.parametrize(("one", "other"), [("mg_l", "nM"), ("mg", "mg_kg"), ("h", "mg"), ("fmol_mg", "pmol_mg")])
def test_units_of_different_kinds_do_not_convert(one, other):
    with pytest.raises(BadInput, match="cannot be turned into"):
        factor(one, other)
