"""The page of a competition assay: bounds stay bounds in every table, and every assay is drawn."""

from __future__ import annotations

import pytest

from behavior.model.errors import BadFile, BadInput

SETTINGS = "[targets.D2]\nligand_nM = 1\nkd_nM = 1.0\n"
BOTH = SETTINGS + "[targets.D3]\nligand_nM = 3\nkd_nM = 1.0\n"
HEAD = "experiment,target,compound,conc_nM,bound_dpm\n"


def tubes(ic50, *, experiment=1, target="D2", compound="a", concentrations=(0.1, 1, 3, 10, 30, 100, 1000), total=2000):
    where = f"{experiment},{target}"
    text = f"{where},TOTAL,0,{total}\n{where},TOTAL,,{total}\n{where},NSB,,200\n"
    for i, x in enumerate(concentrations):
        text += f"{where},{compound},{x},{200 + (total - 200) / (1 + x / ic50) + 4 * (i % 2)}\n"
    return text


def table(result, name):
    return next(one.frame for one in result.tables if one.name == name)


def test_a_bound_has_no_pki_and_an_affinity_has_its_own(written):
    result = written("binding", HEAD + tubes(20) + tubes(1e6, target="D3"), BOTH)
    rows = table(result, "affinities").set_index("target")
    assert rows["pki"]["D2"] == pytest.approx(8.0, abs=0.01)
    assert rows["qualifier"]["D3"] == ">" and rows["ki_nM"]["D3"] == pytest.approx(250)
    assert rows["pki"].isna().tolist() == [False, True]


def test_selectivity_is_a_bound_where_one_affinity_is_and_names_what_keeps_it_from_being_given(written):
    exact = written("binding", HEAD + tubes(20) + tubes(400, target="D3"), BOTH)
    (ratio,) = [one for one in exact.endpoints if one.endpoint == "selectivity"]
    assert (ratio.of, ratio.value) == ("compound=a, Ki D3 / Ki D2", pytest.approx(100 / 10, rel=0.02))
    bound = written("binding", HEAD + tubes(20) + tubes(1e6, target="D3"), BOTH)
    (ratio,) = [one for one in bound.endpoints if one.endpoint == "selectivity"]
    assert ratio.shown().startswith("> 2")
    both = written("binding", HEAD + tubes(1e6) + tubes(1e6, target="D3"), BOTH)
    (ratio,) = [one for one in both.endpoints if one.endpoint == "selectivity"]
    assert ratio.shown() == "two bounds in opposite directions: no ratio"
    against = tubes(1e6, target="D3") + tubes(0.001, target="D3", experiment=2)
    words = written("binding", HEAD + tubes(20) + against, BOTH)
    (ratio,) = [one for one in words.endpoints if one.endpoint == "selectivity"]
    assert ratio.shown() == "experiments contradict each other: no ratio"


@pytest.mark.parametrize(
    "text",
    [
        tubes(1e6),
        tubes(1e6) + tubes(0.001, experiment=2),
        tubes(20) + tubes(1e6, compound="b"),
        tubes(20, concentrations=(0, 0.1, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)),
    ],
    ids=["only a bound", "contradiction", "curve and bound", "zero and many"],
)
def test_whatever_the_compounds_do_the_report_is_drawn(report_of, text):
    assert "Figure 2" in report_of("binding", HEAD + text, SETTINGS)


def test_the_held_plateau_is_the_mean_of_the_nonspecific_tubes(written):
    text = HEAD + tubes(20) + "1,D2,NSB,,240\n"
    free, held = (written("binding", text, more + SETTINGS) for more in ("", "hold_bottom = true\n"))
    assert table(held, "curves")["bottom"].tolist() == [220.0]
    assert table(free, "curves")["bottom"][0] < 215
    assert "lower plateau held" in held.methods[0] and "both plateaus free" in free.methods[0]


def test_every_experiments_problems_come_at_once(written):
    with pytest.raises(BadFile) as caught:
        written(
            "binding",
            HEAD + tubes(20, total=100) + tubes(20, experiment=2) + tubes(9, experiment=3, total=50),
            SETTINGS,
        )
    assert [problem.what.split(":")[0] for problem in caught.value.problems] == ["experiment 1, D2", "experiment 3, D2"]


def test_an_experiment_without_a_cold_drug(written):
    with pytest.raises(BadInput, match="experiment 1, D2: there is no cold drug in it"):
        written("binding", HEAD + "1,D2,TOTAL,0,2000\n1,D2,NSB,,200\n", SETTINGS)


def test_a_compound_with_too_few_concentrations_is_named_and_the_others_stay(written):
    text = HEAD + tubes(20) + "1,D2,few,1,1900\n1,D2,few,10,1200\n"
    result = written("binding", text, SETTINGS)
    assert any(flag.startswith("few at D2, experiment 1: a curve needs at least three") for flag in result.flags)
    assert table(result, "affinities")["compound"].tolist() == ["a"]


def test_a_blank_count_is_a_lost_tube(written):
    whole, lost = (written("binding", HEAD + tubes(20) + more, SETTINGS) for more in ("", "1,D2,a,10,\n1,D2,NSB,,\n"))
    assert [one.value for one in lost.endpoints] == [one.value for one in whole.endpoints]


def test_several_experiments_are_a_geometric_mean_with_limits_between_them(written):
    text = HEAD + "".join(tubes(ic50, experiment=i) for i, ic50 in enumerate((16, 20, 25), start=1))
    (one,) = written("binding", text, SETTINGS).endpoints
    assert one.value == pytest.approx(10, rel=0.01) and (one.n, one.n_of) == (3, "experiments")
    assert one.low < 8 and one.high > 12.5


def test_errors_of_kd_are_said_and_widen_the_limits(written):
    plain, unsure = (written("binding", HEAD + tubes(20), SETTINGS + more) for more in ("", "kd_se_nM = 0.3\n"))
    assert "the error of Kd carried over" in unsure.methods[1] and "Kd taken as known" in plain.methods[1]
    assert unsure.endpoints[0].high > plain.endpoints[0].high
    assert unsure.endpoints[0].value == plain.endpoints[0].value
