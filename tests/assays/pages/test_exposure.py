"""The page of exposure beside effect: what each dose has, what is missing, occupancy, relations."""

from __future__ import annotations

import math

import pytest

from behavior.model.errors import BadInput

HEAD = "subject,dose_mg_kg,conc_nM,effect\n"
ROWS = "".join(
    f"s{dose}{i},{dose},{'' if dose == 0 else dose * (20 + i)},{100 - 8 * dose + i}\n"
    for dose in (0, 1, 3, 10)
    for i in range(4)
)


def endpoint(result, name, of=""):
    return next(one for one in result.endpoints if one.endpoint == name and of in one.of)


def test_concentrations_are_geometric_and_effects_arithmetic_means(written):
    result = written("exposure", HEAD + ROWS)
    conc = endpoint(result, "concentration", "dose=3 mg/kg")
    assert conc.value == pytest.approx(3 * (20 * 21 * 22 * 23) ** 0.25) and conc.n == 4
    assert endpoint(result, "effect", "dose=3 mg/kg").value == pytest.approx(100 - 24 + 1.5)
    with pytest.raises(StopIteration):
        endpoint(result, "concentration", "dose=0")


def test_the_exponent_of_the_power_model_is_1_here_and_its_limits_say_so(written):
    result = written("exposure", HEAD + ROWS)
    slope = endpoint(result, "dose proportionality exponent")
    assert slope.low < 1 < slope.high and slope.value == pytest.approx(1)
    assert not any("not proportional" in flag for flag in result.flags)
    bent = "".join(f"s{dose}{i},{dose},{dose**1.5 * (20 + i)},1\n" for dose in (0.3, 1, 3, 10) for i in range(4))
    flags = written("exposure", HEAD + bent).flags
    assert any(flag.startswith("exposure is not proportional to dose: exponent 1.5 [") for flag in flags)
    assert any(flag.startswith("there is no vehicle group (dose 0)") for flag in flags)


@pytest.mark.parametrize(("unit", "by"), [("nM", 1.0), ("uM", 1e-3), ("nmol_ml", 1e-3), ("pM", 1e3)])
def test_expected_occupancy_is_the_same_in_every_molar_unit(written, unit, by):
    rows = [line.split(",") for line in ROWS.splitlines()]
    scaled = "".join(
        ",".join([*row[:2], f"{float(row[2]) * by:.10g}" if row[2] else "", row[3]]) + "\n" for row in rows
    )
    result = written(
        "exposure", HEAD.replace("conc_nM", f"conc_{unit}") + scaled, "ki_nM = 10\nfraction_unbound = 0.1\n"
    )
    unbound = 0.1 * 10 * (20 * 21 * 22 * 23) ** 0.25
    assert endpoint(result, "expected occupancy", "dose=10").value == pytest.approx(unbound / (unbound + 10))


def test_an_affinity_without_the_unbound_fraction_is_refused(written):
    with pytest.raises(BadInput, match="ki_nM without fraction_unbound"):
        written("exposure", HEAD + ROWS, "ki_nM = 10\n")


def test_a_dose_below_quantification_is_said_and_has_no_mean(report_of, written):
    text = HEAD + ROWS.replace("s12,1,22", "s12,1,<25")
    result = written("exposure", text)
    assert endpoint(result, "concentration", "dose=1 mg/kg").text == "1 of 4 below quantification"
    assert any("dose 1: 1 of 4 concentrations are below quantification" in flag for flag in result.flags)
    assert "1 of 4 below quantification" in report_of("exposure", text)


@pytest.mark.parametrize(
    "text",
    [
        "subject,dose_mg_kg,effect\na,0,1\nb,1,2\n",
        "subject,dose_mg_kg,conc_nM\na,1,1\nb,3,3.1\nc,10,9\n",
        HEAD + "a,0,0,1\nb,1,BLQ,2\nc,3,BLQ,3\n",
        HEAD + "a,0,,5\n",
        HEAD + "".join(f"s{d},{d},{d or ''},{d}\n" for d in (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)),
    ],
    ids=["effect only", "concentration only", "none quantified", "one animal", "many doses"],
)
def test_whatever_a_study_has_the_report_is_drawn(report_of, text):
    assert "Figure 1" in report_of("exposure", text)


def test_the_rank_correlation_leaves_vehicle_animals_out(written):
    from scipy import stats

    rows = HEAD + ROWS.replace("s00,0,,", "s00,0,0,")
    one = endpoint(written("exposure", rows), "rank correlation of effect with concentration")
    given = [line.split(",") for line in ROWS.splitlines() if line.split(",")[2]]
    known = stats.spearmanr([float(row[2]) for row in given], [float(row[3]) for row in given])
    assert (one.value, one.n) == (pytest.approx(known.statistic), 12)


def test_the_effect_is_called_by_its_own_name(written):
    result = written("exposure", HEAD + ROWS, 'effect = "calling time (s)"\n')
    assert endpoint(result, "calling time (s)", "dose=0").value == pytest.approx(101.5)
    assert math.isfinite(endpoint(result, "calling time (s)", "dose=0").high)
