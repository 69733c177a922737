"""The page of a kinetics study: by animal and sparse, doses, metabolites, and what is below quantification."""

from __future__ import annotations

import math

import numpy as np
import pytest

from behavior.model.errors import BadFile, BadInput

TIMES = (0.5, 1, 2, 4, 6, 8, 12)
PAIR = 'parent = "p"\nmetabolites = ["m", "k"]\n'


def profile(subject, *, analyte="p", dose="10", rate=0.25, top=10.0, times=TIMES):
    return "".join(f"{subject},{analyte},{dose},{t},{top * math.exp(-rate * t):.8g}\n" for t in times)


HEAD = "subject,analyte,dose_mg_kg,time_h,conc_mg_l\n"


def table(result, name):
    return next(one.frame for one in result.tables if one.name == name)


def endpoint(result, name, of=""):
    return next(one for one in result.endpoints if one.endpoint == name and of in one.of)


def test_a_one_compartment_bolus_gives_back_its_textbook_constants(written):
    """C0 = D / V, CL = k V, t1/2 = ln 2 / k, Vss = Vz = V and MRT = 1 / k: here V = 1 l/kg, k = 0.25 per h."""
    text = HEAD + profile("a") + profile("b", dose="20", top=20.0)
    result = written("kinetics", text, 'route = "iv_bolus"\nmain_trapezoid = "linup_logdown"\n')
    wanted = {"clearance": 250, "v_z": 1000, "v_ss": 1000, "half_life": math.log(2) / 0.25}
    for name, value in wanted.items():
        assert endpoint(result, name).value == pytest.approx(value, rel=1e-5), name
    summary = table(result, "summary").set_index("measure")
    assert summary["mean"]["mean_residence_time"] == pytest.approx(4, rel=1e-5)
    assert summary["unit"][["clearance", "v_z", "half_life"]].tolist() == ["ml_h_kg", "ml_kg", "h"]
    assert (summary["n"] == 2).all()


@pytest.mark.parametrize("unit", ["h", "min", "s"])
def test_the_unit_of_time_is_that_of_the_table_throughout(written, unit):
    by = {"h": 1, "min": 60, "s": 3600}[unit]
    text = HEAD.replace("time_h", f"time_{unit}") + profile("a", rate=0.25 / by, times=[by * t for t in TIMES])
    half = endpoint(written("kinetics", text), "half_life")
    assert (half.value, half.unit) == (pytest.approx(by * math.log(2) / 0.25), unit)


@pytest.mark.parametrize(
    ("dose", "why"),
    [("0", "a, p: no clearance from a dose of 0"), ("", "a, p: no clearance: no dose in its rows")],
)
def test_an_animal_without_a_dose_has_no_clearance_and_does_not_spoil_the_others(written, dose, why):
    result = written("kinetics", HEAD + profile("a", dose=dose) + profile("b") + profile("c"))
    assert why in result.flags
    one = endpoint(result, "clearance_over_f")
    assert (one.n, math.isfinite(one.value)) == (2, True)
    assert endpoint(result, "half_life").n == 3


def test_two_doses_of_one_animal_give_no_clearance(written):
    text = HEAD + profile("a").replace("a,p,10,12", "a,p,5,12") + profile("b")
    assert "a, p: no clearance: several doses in its rows" in written("kinetics", text).flags


def test_one_quantifiable_sample_has_no_area_to_average(written):
    single = "".join(f"a,p,10,{t},{level}\n" for t, level in zip(TIMES, (5, *["BLQ"] * 6), strict=True))
    result = written("kinetics", HEAD + single + profile("b"))
    area = endpoint(result, "auc_last_lin")
    assert area.value is None and "values above 0" in area.text
    assert any(flag.startswith("a, p: no half-life, 0 quantifiable samples after tmax") for flag in result.flags)


def test_a_metabolite_without_a_molar_mass_costs_its_own_ratio_only(written):
    text = HEAD + "".join(
        profile(animal, analyte=name, top=top) for animal in "ab" for name, top in (("p", 10), ("m", 5), ("k", 2))
    )
    result = written("kinetics", text, PAIR + "[molar_mass_g_mol]\np = 400\nm = 200\n")
    assert [one.of for one in result.endpoints if one.endpoint == "auc_ratio_infinity"] == ["analyte=m, over p"]
    assert endpoint(result, "auc_ratio_infinity").value == pytest.approx((5 / 200) / (10 / 400))
    assert [flag for flag in result.flags if "counts molecules" in flag] == [
        next(flag for flag in result.flags if flag.startswith("k: a metabolite/parent ratio counts molecules"))
    ]


def test_a_parent_without_an_area_gives_no_ratio_and_no_division_by_0(written):
    text = HEAD.replace("mg_l", "nM") + "a,p,10,0.5,3\n" + "".join(f"a,p,10,{t},BLQ\n" for t in TIMES[1:])
    text += profile("a", analyte="m") + profile("b", analyte="m", top=4.0) + profile("b", analyte="p", top=8.0)
    result = written("kinetics", text, PAIR)
    assert endpoint(result, "auc_ratio_last", "analyte=m").n == 1
    assert endpoint(result, "auc_ratio_last", "analyte=m").value == pytest.approx(0.5)


def test_ratios_are_within_animals_and_averaged_on_the_logarithm(written):
    text = HEAD.replace("mg_l", "nM")
    for animal, parent, metabolite in (("a", 10, 5), ("b", 10, 20)):
        text += profile(animal, analyte="p", top=parent) + profile(animal, analyte="m", top=metabolite)
    one = endpoint(written("kinetics", text, PAIR), "auc_ratio_infinity")
    assert one.value == pytest.approx(1) and one.low * one.high == pytest.approx(1)


def test_a_metabolite_that_its_parent_still_feeds_is_flagged(written):
    text = HEAD + profile("a", analyte="p", rate=0.1) + profile("a", analyte="m", rate=0.25)
    assert any(flag.startswith("m: its half-life may be too long") for flag in written("kinetics", text, PAIR).flags)
    quick = HEAD + profile("a", analyte="p", rate=1.0) + profile("a", analyte="m", rate=0.25)
    assert not any("may be too long" in flag for flag in written("kinetics", quick, PAIR).flags)


def test_equal_complaints_of_many_animals_are_one_line(written):
    short = "".join(profile(name, times=(0.5, 1, 1.5, 2)) for name in "abc")
    flags = written("kinetics", HEAD + short).flags
    assert len([flag for flag in flags if "spans" in flag]) == 1
    assert any(flag.startswith("3 animals (a, p …): the terminal slope spans 0.4 half-lives") for flag in flags)
    assert any("of the area to infinity is extrapolated (limit 20%)" in flag for flag in flags)


def test_all_profiles_out_of_order_are_said_at_once(written):
    wrong = profile("a", times=(2, 1, 4, 6)) + profile("b") + profile("c", times=(1, 1, 4, 6))
    with pytest.raises(BadFile) as caught:
        written("kinetics", HEAD + wrong, 'design = "by_animal"')
    assert [problem.what.split(":")[0] for problem in caught.value.problems] == ["a, p", "c, p"]


def test_half_the_limit_needs_the_limit(written):
    text = HEAD + profile("a").replace("a,p,10,0.5,8.824969", "a,p,10,0.5,BLQ")
    with pytest.raises(BadInput, match="write such cells as <limit"):
        written("kinetics", text, 'below_before = "half"\n')
    known = written("kinetics", text.replace("BLQ", "<0.2"), 'below_before = "half"\n')
    zero = written("kinetics", text.replace("BLQ", "<0.2"))
    step = endpoint(known, "auc_last_lin").value - endpoint(zero, "auc_last_lin").value
    assert step == pytest.approx(0.1 * 0.5 / 2)


# --- sparse designs ---------------------------------------------------------------------------------------------------


def sparse(levels, analyte="p"):
    return "".join(
        f"r{analyte}{at}{i},{analyte},10,{at},{level}\n"
        for at, group in levels.items()
        for i, level in enumerate(group)
    )


LEVELS = {1: (8.0, 9.0, 10.0), 2: (7.0, 6.0, 8.0), 4: (4.0, 3.0, 5.0), 8: (1.0, 1.5, 2.0)}


def test_a_sparse_area_is_the_trapezoid_of_the_means_with_bailers_limits(written):
    from scipy import stats

    area = endpoint(written("kinetics", HEAD + sparse(LEVELS)), "auc_last_lin")
    weights = np.array([0.5, 1.5, 3.0, 2.0])
    means = np.array([np.mean(group) for group in LEVELS.values()])
    pieces = weights**2 * [np.var(group, ddof=1) / 3 for group in LEVELS.values()]
    se, df = math.sqrt(pieces.sum()), pieces.sum() ** 2 / (pieces**2 / 2).sum()
    assert area.value == pytest.approx(weights @ means)
    assert area.high - area.value == pytest.approx(stats.t.ppf(0.975, df) * se)


def test_each_analyte_of_a_sparse_design_has_its_own_mean_profile(report_of, written):
    text = HEAD + sparse(LEVELS) + sparse({at: [2 * x for x in group] for at, group in LEVELS.items()}, "m")
    result = written("kinetics", text)
    assert endpoint(result, "cmax", "analyte=m").value == 2 * endpoint(result, "cmax", "analyte=p").value == 18
    assert table(result, "mean_profile")["n"].tolist() == [3] * 8
    assert "Kinetics, sparse design" in report_of("kinetics", text)


def test_an_analyte_that_was_never_found_is_left_out_and_named(written):
    text = HEAD + sparse(LEVELS) + sparse(dict.fromkeys(LEVELS, ("BLQ", "BLQ")), "m")
    result = written("kinetics", text)
    assert "m: every sample is below the limit of quantification (left out)" in result.flags
    assert {one.of for one in result.endpoints} == {"analyte=p"}


def test_the_design_can_be_stated(written):
    text = HEAD + profile("a") + profile("b")
    assert "sparse" in written("kinetics", text, 'design = "sparse"\n').title
    with pytest.raises(BadInput, match="only one animal was sampled at time"):
        written("kinetics", HEAD + profile("a"), 'design = "sparse"\n')
    assert written("kinetics", HEAD + sparse(LEVELS), 'design = "by_animal"\n').title == "Kinetics"
