"""Simulated assays: the truth comes back, equal seeds give equal bytes, the sample data are these."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from behavior.assays.kinds import KINDS, analyse
from behavior.assays.table import read_rows
from behavior.simulate.assays import (
    SAMPLE_BMAX,
    SAMPLE_EFFECTS,
    SAMPLE_KI_NM,
    CompetitionTruth,
    OralTruth,
    SaturationTruth,
    competition,
    exposure,
    firing,
    microdialysis,
    oral_kinetics,
    sample_truth,
    saturation,
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


SIMULATED = {
    "binding": lambda: competition(rng(), CompetitionTruth({"a": 10.0})),
    "saturation": lambda: saturation(rng(), SaturationTruth(), n_animals=2),
    "microdialysis": lambda: microdialysis(rng(), {0.0: 0.0, 1.0: 0.5}, region="r", fraction_missing=0.2),
    "firing": lambda: firing(rng(), n_neurons=3),
    "kinetics": lambda: oral_kinetics(rng(), OralTruth(), n_animals=2),
    "exposure": lambda: exposure(rng(), n_animals=3),
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_simulated_are_tables_of_their_assay(kind):
    rows = SIMULATED[kind]()
    header = list(rows[0])
    assert all(list(row) == header for row in rows)
    text = "\n".join([",".join(header), *(",".join(str(cell) for cell in row.values()) for row in rows)])
    table = read_rows(text, KINDS[kind].columns_for(header))
    assert len(table.frame) == len(rows)
    assert [str(row) for row in SIMULATED[kind]()] == [str(row) for row in rows]


def test_half_of_the_window_is_displaced_at_the_ic50_and_nothing_without_affinity():
    truth = CompetitionTruth({"a": 10.0, "none": math.inf}, ligand_nm=3.0, kd_nm=1.0, cv_tube=0.0)
    rows = competition(rng(), truth, n_experiments=1, n_replicates=400, concentrations_nm=(40.0,))
    for compound, mean in (("a", (2150 + 150) / 2), ("none", 2150)):
        counts = [row["bound_dpm"] for row in rows if row["compound"] == compound]
        assert np.mean(counts) == pytest.approx(mean, abs=4 * math.sqrt(mean / 400))
        assert np.var(counts, ddof=1) == pytest.approx(mean, rel=0.4), "counts are Poisson"


def test_experiments_differ_as_they_are_told_to():
    truth = CompetitionTruth({"a": 10.0}, cv_tube=0.0, cv_between_experiments=0.5, total=1e7, nonspecific=0.0)
    rows = competition(rng(), truth, n_experiments=300, n_replicates=1, concentrations_nm=(10.0,))
    counts = np.array([row["bound_dpm"] for row in rows if row["compound"] == "a"]) / 1e7
    log_ki = np.log(10.0 * counts / (1 - counts) / (1 + truth.ligand_nm / truth.kd_nm))
    assert log_ki.mean() == pytest.approx(math.log(10), abs=4 * 0.5 / math.sqrt(300))
    assert log_ki.std(ddof=1) == pytest.approx(0.5, rel=0.2)


def test_saturation_tubes_are_about_their_curve_and_animals_are_numbered():
    truth = SaturationTruth(bmax=200, kd_nm=2.0, nonspecific_slope=5.0, sd_tube=1.0)
    rows = saturation(rng(), truth, n_animals=50, n_replicates=4, free_nm=(2.0,), first_animal=7)
    assert np.mean([row["total_fmol_mg"] for row in rows]) == pytest.approx(100 + 10, abs=0.3)
    assert np.mean([row["nonspecific_fmol_mg"] for row in rows]) == pytest.approx(10, abs=0.2)
    assert [rows[0]["subject"], rows[-1]["subject"]] == ["R07", "R56"]


def test_as_many_dialysate_samples_are_lost_as_is_asked_for():
    rows = microdialysis(rng(), {0.0: 0.0}, region="r", n_animals=200, fraction_missing=0.3)
    lost = np.mean([row["conc_nM"] == "" for row in rows])
    assert lost == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / len(rows)))
    assert [row["time_min"] for row in rows if row["subject"] == "M01"] == list(range(-60, 181, 20))


def test_spikes_are_poisson_about_the_neurons_own_curve():
    rows = firing(rng(), n_neurons=400, sd_log_ed50=0.0, doses=(110.0,))
    pairs = {}
    for row in rows:
        pairs.setdefault(row["neuron"], []).append(row["spikes"])
    base, half = np.array(list(pairs.values()), dtype=float).T
    assert half.sum() / base.sum() == pytest.approx(0.5, abs=0.02)
    assert np.mean((half - base / 2) ** 2 / (half + base / 4)) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(
    ("absorbed", "parent", "metabolite"),
    [(8, 100, 165), (8, 100, 100), (100, 100, 100), (100, 100, 20), (30, 10, 30)],
)
def test_areas_and_residence_times_hold_where_rates_are_equal(absorbed, parent, metabolite):
    truth = OralTruth(
        half_life_min=parent,
        metabolite_half_life_min=metabolite,
        absorption_half_life_min=absorbed,
        sd_log_half_life=0,
        sd_log_auc=0,
        cv_sample=0,
        limit=1e-9,
        auc_ratio=0.5,
    )
    times = np.concatenate([np.arange(0, 400, 0.5), np.arange(400, 6000, 5.0)])
    rows = oral_kinetics(rng(), truth, n_animals=1, times_min=times.tolist())
    steps = {"ipsapirone": (absorbed, parent), "1-PP": (absorbed, parent, metabolite)}
    for analyte, share in (("ipsapirone", 1.0), ("1-PP", 0.5)):
        texts = [row["conc_nmol_ml"] for row in rows if row["analyte"] == analyte]
        levels = np.array([0.0 if text.startswith("<") else float(text) for text in texts])
        assert np.trapezoid(levels, times) == pytest.approx(truth.auc * share, rel=0.005)
        # the mean residence time is the sum of those of the steps
        residence = np.trapezoid(times * levels, times) / np.trapezoid(levels, times)
        assert residence == pytest.approx(sum(steps[analyte]) / math.log(2), rel=0.005)


def test_samples_below_the_limit_say_so_and_none_above_it():
    rows = oral_kinetics(rng(), OralTruth(limit=0.5), n_animals=3)
    levels = [row["conc_nmol_ml"] for row in rows]
    assert "<0.5" in levels
    assert all(level == "<0.5" or float(level) >= 0.4999 for level in levels)


def test_the_readme_states_every_table_and_what_was_there_is_replaced(tmp_path):
    (tmp_path / "binding.csv").write_text("old")
    *_, readme = write_samples(tmp_path, seed=3)
    text = readme.read_text(encoding="utf-8")
    assert "seed 3" in text and "say nothing about any drug" in text
    assert [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")] == [f"{k}.csv" for k in KINDS]
    assert not (tmp_path / "binding.csv").read_text(encoding="utf-8").startswith("old")


def test_the_stated_truth_is_that_of_the_constants():
    said = dict(sample_truth())
    assert all(f"{value:g}" in said["binding"] for value in SAMPLE_KI_NM.values())
    assert all(region in said["saturation"] for region in SAMPLE_BMAX)
    assert "nucleus accumbens: 0.1 mg/kg -30 %, 0.3 mg/kg +0 %" in said["microdialysis"]
    assert "half-lives 100 min (ipsapirone) and 165 min" in said["kinetics"]
