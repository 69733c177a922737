"""The page of a microdialysis study: units, regions, doses against vehicle, published directions."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.model.errors import BadFile, BadInput

HEAD = "region,analyte,subject,dose_mg_kg,time_min,conc_nM\n"
TIMES = (-40, -20, 0, 20, 40, 60)
WIGGLE = (0.00, 0.05, -0.05, 0.02, -0.03, 0.04)


def animal(subject, dose, effect, *, region="NAc", base=1.0, times=TIMES, shift=0):
    rows = ""
    for i, at in enumerate(times):
        level = base * (1 + WIGGLE[(i + shift) % 6] + (effect if at > 0 else 0))
        rows += f"{region},DA,{subject},{dose},{at},{level:.6g}\n"
    return rows


def group(dose, effect, first, **more):
    return "".join(animal(f"s{first + i}", dose, effect, shift=i, base=1 + 0.2 * i, **more) for i in range(4))


STUDY = group(0, 0.0, 1) + group(1, -0.4, 11) + group(3, 0.6, 21)


def table(result, name):
    return next(one.frame for one in result.tables if one.name == name)


def directions(result):
    return {one.of.split("dose=")[1]: one.text for one in result.endpoints if one.endpoint == "area_against_vehicle"}


def test_areas_directions_and_shape_by_dose(written):
    result = written("microdialysis", HEAD + STUDY)
    assert directions(result) == {"1 mg/kg": "decrease", "3 mg/kg": "increase"}
    (shape,) = [one for one in result.endpoints if one.endpoint == "shape"]
    assert shape.text == "biphasic (decrease then increase)"
    assert any("no single ED50 describes it" in flag and "decrease from 1 mg/kg" in flag for flag in result.flags)


def test_dunnett_on_the_animals_areas_agrees_with_scipys(written):
    from scipy import stats

    result = written("microdialysis", HEAD + STUDY)
    areas = table(result, "animals").groupby("dose")["auc"].apply(list)
    known = stats.dunnett(areas[1.0], areas[3.0], control=areas[0.0], rng=np.random.default_rng(1))
    limits = known.confidence_interval(0.95)
    doses = table(result, "doses").set_index("dose")
    assert doses["p_dunnett"][[1.0, 3.0]].tolist() == pytest.approx(known.pvalue, abs=2e-4)
    assert doses["low"][[1.0, 3.0]].tolist() == pytest.approx(limits.low, rel=5e-3)
    assert doses["high"][[1.0, 3.0]].tolist() == pytest.approx(limits.high, rel=5e-3)


@pytest.mark.parametrize(("unit", "by"), [("h", 1 / 60), ("s", 60)])
def test_times_in_another_unit_give_the_same_areas(written, unit, by):
    plain = written("microdialysis", HEAD + STUDY)
    rows = [line.split(",") for line in STUDY.splitlines()]
    other = "".join(",".join([*row[:4], f"{float(row[4]) * by!r}", row[5]]) + "\n" for row in rows)
    scaled = written("microdialysis", HEAD.replace("time_min", f"time_{unit}") + other)
    assert table(scaled, "animals")["auc"].tolist() == pytest.approx(table(plain, "animals")["auc"].tolist())


def test_the_unit_of_the_samples_does_not_matter(written):
    plain = written("microdialysis", HEAD + STUDY)
    other = written("microdialysis", HEAD.replace("conc_nM", "conc_pg_per_sample") + STUDY)
    assert [one.shown() for one in other.endpoints] == [one.shown() for one in plain.endpoints]


def test_means_of_each_time_are_of_the_percents_and_not_of_the_levels(written):
    result = written("microdialysis", HEAD + animal("a", 0, 0.0, base=1) + animal("b", 0, 0.5, base=100))
    course = table(result, "percent_of_baseline").set_index("time_min")
    assert course["percent_mean"][20.0] == pytest.approx((102 + 152) / 2, abs=0.01)
    assert course["n"].tolist() == [2] * 6


def test_regions_that_answer_differently_are_said(written):
    other = group(0, 0.0, 31, region="striatum") + group(1, 0.4, 41, region="striatum")
    result = written("microdialysis", HEAD + STUDY + other)
    (flag,) = [flag for flag in result.flags if flag.startswith("regions differ over doses in mg/kg")]
    assert "NAc: biphasic (decrease then increase)" in flag and "striatum: monotone increase" in flag


@pytest.mark.parametrize("until", ["0", "-20.0"])
def test_an_area_must_end_after_the_injection(written, until):
    with pytest.raises(BadFile, match="auc_to_min: must be more than 0"):
        written("microdialysis", HEAD + STUDY, f"auc_to_min = {until}")


def test_the_area_to_a_stated_time_is_that_of_the_samples_up_to_it(written):
    cut = "".join(line + "\n" for line in STUDY.splitlines() if int(line.split(",")[4]) <= 40)
    stated, short = written("microdialysis", HEAD + STUDY, "auc_to_min = 40"), written("microdialysis", HEAD + cut)
    assert table(stated, "animals")["auc"].tolist() == pytest.approx(table(short, "animals")["auc"].tolist())
    assert "from 0 to 40 min" in stated.methods[1]


def test_all_regions_problems_come_at_once(written):
    wrong = animal("x", 0, 0, region="A", times=(0, -20, 20, 40)) + animal("y", 0, 0, region="B", times=(20, 40, 60))
    with pytest.raises(BadFile) as caught:
        written("microdialysis", HEAD + STUDY + wrong + "C,DA,z,0,0,1\nC,DA,z,1,20,1\n")
    said = [problem.what for problem in caught.value.problems]
    assert [one.split(":")[0] for one in said] == ["A, DA, x", "B, DA", "C, DA, z"]
    assert "two doses (0, 1)" in said[2]


def test_half_of_an_unknown_limit_is_refused_and_zero_is_taken(written):
    text = HEAD + STUDY.replace("s1,0,20,1.02", "s1,0,20,BLQ")
    with pytest.raises(BadInput, match="half the limit was asked for"):
        written("microdialysis", text, 'below_limit = "half"')
    zero, missing = (written("microdialysis", text, f'below_limit = "{rule}"') for rule in ("zero", "missing"))
    first = [table(result, "animals")["auc"][0] for result in (zero, missing)]
    assert first[0] < first[1] - 1000


FIGURE = """[[figures]]
compound = "x"
quantity = "DA_direction"
target = "NAc"
words = "{words}"
dose = {dose}
dose_unit = "{unit}"
source = "me"
"""


@pytest.mark.parametrize(
    ("dose", "unit", "words", "relation"),
    [
        (1.0, "mg/kg", "decreased", "agrees"),
        (1.0, "mg/kg", "unchanged", "differs"),
        (3.0, "mg/kg", "see text", "not comparable"),
        (1.0, "mM", "decrease", None),
        (2.0, "mg/kg", "decrease", None),
    ],
)
def test_published_directions_stand_beside_their_own_dose_only(written, dose, unit, words, relation):
    published = FIGURE.format(dose=dose, unit=unit, words=words)
    result = written("microdialysis", HEAD + STUDY, 'compound = "x"\n', published)
    assert [one.relation for one in result.published] == ([relation] if relation else [])


def test_one_animal_a_dose_is_described_and_drawn_but_not_tested(report_of, written):
    text = HEAD + animal("a", 0, 0.0) + animal("b", 1, 0.5)
    (one,) = written("microdialysis", text).endpoints
    assert one.text.startswith("not given: ")
    assert "doses not compared" in report_of("microdialysis", text)
