"""The page of a saturation assay: missing tubes, pooled tissue, groups against control, published densities."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.model.errors import BadInput

FREE = (0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12)
HEAD = "region,group,subject,free_nM,total_fmol_mg,nonspecific_fmol_mg\n"


def animal(group, bmax, subject="", *, kd=1.1, missing=(), region="cortex"):
    text = ""
    for i, x in enumerate(FREE):
        total = "" if i in missing else round(bmax * x / (kd + x) + 6 * x + (0.5 if i % 2 else -0.5), 4)
        text += f"{region},{group},{subject},{x},{total},{6 * x}\n"
    return text


CONTROLS = "".join(animal("control", 220 * k, f"c{i}") for i, k in enumerate((1, 1.1, 0.95)))
TREATED = "".join(animal("10 mg/kg", 150 * k, f"d{i}") for i, k in enumerate((1, 1.1, 0.95)))


def table(result, name):
    return next(one.frame for one in result.tables if one.name == name)


def endpoint(result, name, group):
    return next(one for one in result.endpoints if one.endpoint == name and group in one.of)


@pytest.mark.parametrize("how", ["measured", "fitted"])
def test_a_lost_tube_of_pooled_tissue_costs_that_tube_and_no_test(written, how):
    whole, lost = (
        written("saturation", HEAD + animal("control", 220, missing=gone) + animal("drug", 150), f'nonspecific="{how}"')
        for gone in ((), (2,))
    )
    assert not any("not compared" in flag for flag in lost.flags)
    assert table(lost, "comparisons")["n"].tolist() == table(whole, "comparisons")["n"].tolist()
    ratio, without = (endpoint(result, "Bmax ratio to control", "drug") for result in (whole, lost))
    assert without.value == pytest.approx(ratio.value, rel=0.01)
    for drawing in lost.drawings:
        drawing.draw()


def test_means_of_animals_are_geometric_and_so_is_dunnetts_ratio(written):
    result = written("saturation", HEAD + CONTROLS + TREATED)
    curves = table(result, "curves").set_index("subject")["bmax"]
    middle = {group: np.exp(np.log(curves.filter(like=group)).mean()) for group in "cd"}
    bmax = endpoint(result, "Bmax", "control")
    assert bmax.value == pytest.approx(middle["c"]) and (bmax.n, bmax.n_of) == (3, "animals")
    ratio = endpoint(result, "Bmax ratio to control", "10 mg/kg")
    assert ratio.value == pytest.approx(middle["d"] / middle["c"])


def test_with_one_group_against_control_dunnett_is_the_pooled_t_test(written):
    from scipy import stats

    result = written("saturation", HEAD + CONTROLS + TREATED)
    curves = table(result, "curves").set_index("subject")["bmax"]
    logs = [np.log(curves.filter(like=group)) for group in "dc"]
    known = stats.ttest_ind(*logs)
    own = table(result, "comparisons").query("parameter == 'Bmax'").iloc[0]
    assert own["p"] == pytest.approx(known.pvalue, rel=1e-4)
    limits = np.exp(known.confidence_interval(0.95))
    assert (own["low"], own["high"]) == pytest.approx(tuple(limits), rel=1e-4)


def test_one_animal_keeps_the_limits_of_its_curve_and_is_not_called_a_population(written):
    result = written("saturation", HEAD + animal("control", 220, "c1"))
    bmax = endpoint(result, "Bmax", "control")
    assert (bmax.n, bmax.n_of, bmax.method) == (8, "tubes of one animal", "profile limits of the curve")
    assert not table(result, "comparisons").shape[0]


def test_groups_of_one_animal_each_are_not_compared_and_the_reason_is_said(written):
    result = written("saturation", HEAD + animal("control", 220, "c1") + animal("drug", 150, "d1"))
    assert any(flag.startswith("cortex: groups not compared (") for flag in result.flags)


def test_an_animal_without_a_curve_is_named_and_the_others_stay(written):
    result = written("saturation", HEAD + CONTROLS + animal("control", -50, "bad"))
    assert any(flag.startswith("cortex, control, bad: no curve (specific binding is negative") for flag in result.flags)
    assert endpoint(result, "Bmax", "control").n == 3


def test_curves_that_do_not_saturate_are_flagged(written):
    result = written("saturation", HEAD + animal("control", 2000, "c1", kd=60.0))
    assert any("the highest concentration (12) does not saturate (Kd " in flag for flag in result.flags)


FIGURE = """[[figures]]
compound = "z"
quantity = "receptor_density"
target = "cortex, 5-HT1A"
words = "{words}"
source = "me"
{dose}
"""


@pytest.mark.parametrize(
    ("treated", "words", "dose", "relation"),
    [
        (TREATED, "reduced", "", "agrees"),
        (TREATED, "increased", "", "differs"),
        (TREATED, "reduced", 'dose = 10.0\ndose_unit = "mg/kg"', "agrees"),
        (CONTROLS.replace("control", "10 mg/kg").replace(",c", ",e"), "reduced", "", "not seen here"),
        (CONTROLS.replace("control", "10 mg/kg").replace(",c", ",e"), "unchanged", "", "as far as the limits go"),
        (TREATED, "unchanged", "", "differs"),
    ],
)
def test_densities_beside_published_ones_with_and_without_a_dose(written, treated, words, dose, relation):
    noisy = treated.replace("220.", "219.")
    published = FIGURE.format(words=words, dose=dose)
    result = written("saturation", HEAD + CONTROLS + noisy, 'compound = "z"\n', published)
    (one,) = result.published
    assert one.relation == relation
    assert one.published == (f"10 mg/kg: {words}" if dose else words)


def test_the_figure_of_the_groups_own_dose_is_taken_before_that_of_another(written):
    published = FIGURE.format(words="unchanged", dose='dose = 1.0\ndose_unit = "mg/kg"')
    published += FIGURE.format(words="reduced", dose='dose = 10.0\ndose_unit = "mg/kg"')
    result = written("saturation", HEAD + CONTROLS + TREATED, 'compound = "z"\n', published)
    assert [one.published for one in result.published] == ["10 mg/kg: reduced"]


def test_other_regions_and_targets_do_not_stand_beside(written):
    published = FIGURE.format(words="reduced", dose="")
    elsewhere = HEAD + (CONTROLS + TREATED).replace("cortex", "striatum")
    assert written("saturation", elsewhere, 'compound = "z"\n', published).published == ()
    other = written("saturation", HEAD + CONTROLS + TREATED, 'compound = "z"\ntarget = "D2"\n', published)
    assert other.published == ()


@pytest.mark.parametrize("specific", [lambda x: 10 * x, lambda x: 100 + 0 * x], ids=["never saturates", "flat"])
def test_data_without_a_curve_get_a_sentence(written, specific):
    rows = "".join(f"cortex,control,,{x},{specific(x) + 6 * x},{6 * x}\n" for x in FREE)
    with pytest.raises(BadInput, match=r"no curve could be fitted: cortex, control: no curve \("):
        written("saturation", HEAD + rows)
