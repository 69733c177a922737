"""Simulated assays: the truth comes back, equal seeds give equal bytes, the sample data are these."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from behavior.assays.kinds import KINDS, analyse
from behavior.simulate.assays import (
    SAMPLE_BMAX,
    SAMPLE_EFFECTS,
    SAMPLE_KI_NM,
    CompetitionTruth,
    OralTruth,
    competition,
    exposure,
    firing,
    microdialysis,
    oral_kinetics,
    sample_truth,
    write_samples,
)

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data" / "assays"


def rng(seed=1):
    return np.random.default_rng(seed)


def test_equal_seeds_give_equal_bytes_and_others_others(tmp_path):
    one, again, other = (write_samples(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in again]
    assert one[0].read_bytes() != (tmp_path / "c" / one[0].name).read_bytes()
    assert len(other) == 2 * len(KINDS) + 1


def test_the_sample_data_are_what_the_script_makes(tmp_path):
    for path in write_samples(tmp_path):
        assert (SAMPLES / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_truth_of_every_sample_is_stated():
    assert {kind for kind, _ in sample_truth()} == set(KINDS)


def found(kind):
    result = analyse(kind, SAMPLES / f"{kind}.csv").result
    return {(one.endpoint, one.of): one for one in result.endpoints}


def test_the_binding_sample_gives_back_its_affinities():
    endpoints = found("binding")
    for (target, compound), true in SAMPLE_KI_NM.items():
        one = endpoints["Ki", f"compound={compound}, target={target}"]
        if one.qualifier:
            assert one.qualifier == ">" and true > one.value
        else:
            assert one.low < true < one.high
    assert endpoints["selectivity", "compound=ipsapirone, Ki D2 / Ki 5-HT1A"].qualifier == ">"


def test_the_saturation_sample_gives_back_the_loss_of_receptors():
    endpoints = found("saturation")
    for region, (_, kept) in SAMPLE_BMAX.items():
        ratio = endpoints["Bmax ratio to control", f"region={region}, group=10 mg/kg twice daily"]
        assert ratio.low < kept < ratio.high
        assert (ratio.high < 1) == (region == "frontal cortex")


def test_the_microdialysis_sample_gives_back_directions_and_shapes():
    endpoints = found("microdialysis")
    for (region, unit), effects in SAMPLE_EFFECTS.items():
        for dose, effect in effects.items():
            if dose:
                shown_dose = f"{dose:g} {unit.replace('_', '/')}"
                one = endpoints["area_against_vehicle", f"region={region}, analyte=dopamine, dose={shown_dose}"]
                wanted = "no significant change" if abs(effect) < 0.1 else "increase" if effect > 0 else "decrease"
                assert one.text == wanted
    shapes = [one.text for (name, _), one in endpoints.items() if name == "shape"]
    assert shapes == ["biphasic (decrease then increase)", "monotone increase", "monotone increase"]


def test_the_firing_kinetics_and_exposure_samples_give_back_theirs():
    ed50 = found("firing")["ED50", "ipsapirone, dorsal raphe"]
    assert ed50.low < 110 < ed50.high
    half = found("kinetics")["half_life", "analyte=ipsapirone"]
    assert half.value == pytest.approx(100, rel=0.1)
    slope = found("exposure")["dose proportionality exponent", "concentration over dose"]
    assert slope.low < 1 < slope.high


def test_counts_without_drug_are_the_window():
    rows = competition(rng(), CompetitionTruth({"a": 10.0}, cv_tube=0.0), n_experiments=50)
    for label, mean in (("TOTAL", 2150), ("NSB", 150)):
        counts = [row["bound_dpm"] for row in rows if row["compound"] == label]
        assert np.mean(counts) == pytest.approx(mean, abs=4 * math.sqrt(mean / len(counts)))


def test_areas_of_parent_and_metabolite_are_the_truth():
    truth = OralTruth(sd_log_half_life=0, sd_log_auc=0, cv_sample=0, limit=0)
    times = np.concatenate([np.arange(0, 200, 0.5), np.arange(200, 3000, 5.0)])
    rows = oral_kinetics(rng(), truth, n_animals=1, times_min=times.tolist())
    for analyte in ("ipsapirone", "1-PP"):
        levels = [float(row["conc_nmol_ml"]) for row in rows if row["analyte"] == analyte]
        assert np.trapezoid(levels, times) == pytest.approx(truth.auc, rel=0.005)


def test_an_effect_is_largest_after_an_hour():
    rows = microdialysis(rng(), {0.0: 0.0, 1.0: -0.5}, region="r", n_animals=200, cv_sample=0.01)
    level = {
        (dose, at): np.mean([float(r["conc_nM"]) for r in rows if (r["dose"], r["time_min"]) == (dose, at)])
        for dose in ("0", "1")
        for at in (0, 60, 180)
    }
    assert level["1", 60] / level["1", 0] == pytest.approx(0.5, abs=0.03)
    assert level["0", 60] / level["0", 0] == pytest.approx(1, abs=0.01)
    assert level["1", 60] < level["1", 180]


def test_neurons_fall_silent_and_calls_stop():
    rows = firing(rng(), n_neurons=100)
    by_dose = {
        dose: np.mean([r["spikes"] for r in rows if r["cum_dose_ug_kg"] == dose]) for dose in ("0", "125", "500")
    }
    assert by_dose["0"] > by_dose["125"] > by_dose["500"]
    effects = exposure(rng(), n_animals=100)
    high = np.mean([float(r["effect"]) for r in effects if r["dose_mg_kg"] == "10"])
    assert high == pytest.approx(146 / (1 + 1.2 / 0.15), abs=6)
    assert {r["conc_nmol_ml"] for r in effects if r["dose_mg_kg"] == "0"} == {""}
