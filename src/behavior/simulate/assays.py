"""Simulated companion assays with their truth: what the estimators are judged on, and the tables of
`sample_data/assays`.

Every function takes a numpy generator and returns the rows of a table in the assay's own columns; the truth
is what was passed in. Noise: counts of a binding tube are Poisson with a pipetting error of a few percent;
dialysate and plasma samples are lognormal about the animal's own course; neurons' spikes are Poisson.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from behavior.config.shipped import shipped

Row = dict[str, Any]

HALF_LOG_STEPS_NM = (0.1, 0.316, 1.0, 3.16, 10.0, 31.6, 100.0, 316.0, 1000.0, 3160.0, 10_000.0)
"""The usual concentrations of a competition curve."""


@dataclass(frozen=True, slots=True)
class CompetitionTruth:
    """A competition assay: radioligand, window and each compound's Ki in nM (inf for no affinity)."""

    ki_nm: Mapping[str, float]
    ligand_nm: float = 1.0
    kd_nm: float = 1.1
    total: float = 2150.0
    nonspecific: float = 150.0
    cv_between_experiments: float = 0.0
    cv_tube: float = 0.03


def competition(
    rng: Generator,
    truth: CompetitionTruth,
    *,
    n_experiments: int = 3,
    n_replicates: int = 3,
    concentrations_nm: Sequence[float] = HALF_LOG_STEPS_NM,
    target: str = "5-HT1A",
) -> list[Row]:
    """Tubes of a competition assay; columns experiment, target, compound, conc_nM, bound_dpm."""
    rows: list[Row] = []

    def tube(experiment: int, compound: str, concentration: float | str, mean: float) -> None:
        noisy = rng.poisson(mean * max(rng.normal(1, truth.cv_tube), 0.0))
        rows.append(
            {
                "experiment": experiment,
                "target": target,
                "compound": compound,
                "conc_nM": concentration,
                "bound_dpm": int(noisy),
            }
        )

    for experiment in range(1, n_experiments + 1):
        for label, mean in (("TOTAL", truth.total), ("NSB", truth.nonspecific)):
            for _ in range(2 * n_replicates):
                tube(experiment, label, 0 if label == "TOTAL" else "", mean)
        for compound, ki in truth.ki_nm.items():
            own = ki * math.exp(rng.normal(0, truth.cv_between_experiments))
            ic50 = own * (1 + truth.ligand_nm / truth.kd_nm)
            for concentration in concentrations_nm:
                mean = truth.nonspecific + (truth.total - truth.nonspecific) / (1 + concentration / ic50)
                for _ in range(n_replicates):
                    tube(experiment, compound, f"{concentration:.4g}", mean)
    return rows


@dataclass(frozen=True, slots=True)
class SaturationTruth:
    """A saturation assay of one tissue: mean Bmax and Kd, and how much animals differ (SD of the
    logarithm).
    """

    bmax: float = 220.0
    kd_nm: float = 1.1
    nonspecific_slope: float = 6.0
    sd_log_bmax: float = 0.0
    sd_tube: float = 3.0


def saturation(
    rng: Generator,
    truth: SaturationTruth,
    *,
    region: str = "hippocampus",
    group: str = "control",
    n_animals: int = 1,
    n_replicates: int = 3,
    free_nm: Sequence[float] = (0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 10),
    first_animal: int = 1,
) -> list[Row]:
    """Tubes of a saturation assay; columns region, group, subject, free_nM, total_fmol_mg,
    nonspecific_fmol_mg.
    """
    rows: list[Row] = []
    for animal in range(first_animal, first_animal + n_animals):
        bmax = truth.bmax * math.exp(rng.normal(0, truth.sd_log_bmax))
        for x in free_nm:
            for _ in range(n_replicates):
                other = truth.nonspecific_slope * x
                total = bmax * x / (truth.kd_nm + x) + other
                scale = truth.sd_tube * (0.3 + 0.7 * total / truth.bmax)
                rows.append(
                    {
                        "region": region,
                        "group": group,
                        "subject": f"R{animal:02d}",
                        "free_nM": x,
                        "total_fmol_mg": round(total + rng.normal(0, scale), 2),
                        "nonspecific_fmol_mg": round(other + rng.normal(0, scale / 2), 2),
                    }
                )
    return rows


def microdialysis(
    rng: Generator,
    effect_by_dose: Mapping[float, float],
    *,
    region: str,
    analyte: str = "dopamine",
    dose_unit: str = "mg_kg",
    n_animals: int = 6,
    sample_min: int = 20,
    n_baseline: int = 4,
    last_min: int = 180,
    cv_sample: float = 0.08,
    first_animal: int = 1,
    fraction_missing: float = 0.0,
) -> list[Row]:
    """Dialysate samples; columns region, analyte, subject, dose, dose_unit,
    time_min, conc_nM.

    Parameters
    ----------
    effect_by_dose : largest change of each dose as a fraction of baseline (-0.3 is 30 % down), reached by the
        shape (t / 60) exp(1 - t / 60) within an hour and fading over the next
    """
    rows: list[Row] = []
    animal = first_animal
    for dose, effect in effect_by_dose.items():
        for _ in range(n_animals):
            base = 1.6 * math.exp(rng.normal(0, 0.3))
            own = effect * math.exp(rng.normal(0, 0.15))
            for at in range(-sample_min * (n_baseline - 1), last_min + 1, sample_min):
                change = own * (at / 60) * math.exp(1 - at / 60) if at > 0 else 0.0
                level = base * (1 + change) * math.exp(rng.normal(0, cv_sample))
                missing = rng.random() < fraction_missing
                rows.append(
                    {
                        "region": region,
                        "analyte": analyte,
                        "subject": f"M{animal:02d}",
                        "dose": f"{dose:g}",
                        "dose_unit": dose_unit,
                        "time_min": at,
                        "conc_nM": "" if missing else f"{level:.4g}",
                    }
                )
            animal += 1
    return rows


def firing(
    rng: Generator,
    *,
    ed50: float = 110.0,
    hill: float = 2.0,
    sd_log_ed50: float = 0.25,
    n_neurons: int = 10,
    doses: Sequence[float] = (31.25, 62.5, 125, 250, 500),
    count_s: float = 120.0,
) -> list[Row]:
    """Spike counts under cumulative doses; columns neuron, cum_dose_ug_kg, spikes."""
    rows: list[Row] = []
    for neuron in range(1, n_neurons + 1):
        rate = 1.5 * math.exp(rng.normal(0, 0.3))
        own = ed50 * math.exp(rng.normal(0, sd_log_ed50))
        for dose in (0.0, *doses):
            left = 1 / (1 + (dose / own) ** hill)
            rows.append(
                {
                    "neuron": f"F{neuron:02d}",
                    "cum_dose_ug_kg": f"{dose:g}",
                    "spikes": int(rng.poisson(rate * left * count_s)),
                }
            )
    return rows


@dataclass(frozen=True, slots=True)
class OralTruth:
    """A parent with first-order absorption and elimination, and its metabolite; times in min, concentrations
    in nmol/ml.

    `auc` is that of the parent to infinity; `auc_ratio` metabolite over parent. The animals' half-lives are
    lognormal about `half_life_min` (the population's geometric mean).
    """

    half_life_min: float = 100.0
    metabolite_half_life_min: float = 165.0
    absorption_half_life_min: float = 8.0
    auc: float = 430.0
    auc_ratio: float = 1.0
    sd_log_half_life: float = 0.08
    sd_log_auc: float = 0.2
    cv_sample: float = 0.05
    limit: float = 0.01


def oral_kinetics(
    rng: Generator,
    truth: OralTruth,
    *,
    n_animals: int = 6,
    times_min: Sequence[float] = (0, 10, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 960),
    dose_mg_kg: float = 10.0,
) -> list[Row]:
    """Plasma samples of parent and metabolite; columns subject, analyte, dose_mg_kg, time_min,
    conc_nmol_ml.
    """
    rows: list[Row] = []
    absorption = math.log(2) / truth.absorption_half_life_min
    for animal in range(1, n_animals + 1):
        ke = math.log(2) / (truth.half_life_min * math.exp(rng.normal(0, truth.sd_log_half_life)))
        km = math.log(2) / (truth.metabolite_half_life_min * math.exp(rng.normal(0, truth.sd_log_half_life)))
        ke = _apart(ke, absorption)
        km = _apart(km, absorption, ke)
        auc = truth.auc * math.exp(rng.normal(0, truth.sd_log_auc))
        for analyte in ("ipsapirone", "1-PP"):
            for at in times_min:
                if analyte == "ipsapirone":
                    mean = auc * ke * absorption / (absorption - ke) * (math.exp(-ke * at) - math.exp(-absorption * at))
                else:
                    mean = auc * truth.auc_ratio * _metabolite(at, absorption, ke, km)
                level = mean * math.exp(rng.normal(0, truth.cv_sample))
                text = f"{level:.4g}" if level >= truth.limit else f"<{truth.limit:g}"
                rows.append(
                    {
                        "subject": f"K{animal:02d}",
                        "analyte": analyte,
                        "dose_mg_kg": f"{dose_mg_kg:g}",
                        "time_min": f"{at:g}",
                        "conc_nmol_ml": text,
                    }
                )
    return rows


def _apart(rate: float, *others: float) -> float:
    """A rate that is not so near another one that their difference, which the curves divide by, is lost."""
    while any(abs(rate / other - 1) < 1e-5 for other in others):
        rate *= 1 + 1e-4
    return rate


def _metabolite(at: float, absorption: float, ke: float, km: float) -> float:
    """Concentration of a metabolite formed from an absorbed parent, of area 1."""
    terms = (
        math.exp(-absorption * at) / ((ke - absorption) * (km - absorption))
        + math.exp(-ke * at) / ((absorption - ke) * (km - ke))
        + math.exp(-km * at) / ((absorption - km) * (ke - km))
    )
    return max(absorption * ke * km * terms, 0.0)


def exposure(
    rng: Generator,
    *,
    doses_mg_kg: Sequence[float] = (0, 0.3, 1, 3, 10),
    n_animals: int = 8,
    conc_per_dose: float = 0.12,
    ec50: float = 0.15,
    vehicle_effect: float = 146.0,
    limit: float = 0.01,
) -> list[Row]:
    """Concentration and calling time of the same animals; columns subject, dose_mg_kg, conc_nmol_ml, effect.

    The effect is `vehicle_effect` / (1 + C / `ec50`) with an SD of 20; vehicle animals have no concentration.
    """
    rows: list[Row] = []
    animal = 1
    for dose in doses_mg_kg:
        for _ in range(n_animals):
            level = conc_per_dose * dose * math.exp(rng.normal(0, 0.25))
            effect = max(vehicle_effect / (1 + level / ec50) + rng.normal(0, 20), 0.0)
            shown = "" if dose == 0 else f"{level:.4g}" if level >= limit else f"<{limit:g}"
            rows.append(
                {
                    "subject": f"E{animal:02d}",
                    "dose_mg_kg": f"{dose:g}",
                    "conc_nmol_ml": shown,
                    "effect": f"{effect:.1f}",
                }
            )
            animal += 1
    return rows


SAMPLE_KI_NM = {("5-HT1A", "ipsapirone"): 10.0, ("5-HT1A", "buspirone"): 20.0, ("5-HT1A", "5-HT"): 2.5} | {
    ("D2", "ipsapirone"): 30_000.0,
    ("D2", "buspirone"): 380.0,
}
SAMPLE_RADIOLIGANDS = {"5-HT1A": (1.0, 1.1), "D2": (0.3, 0.2)}
SAMPLE_BMAX = {"frontal cortex": (130.0, 0.7), "hippocampus": (220.0, 1.0), "dorsal raphe": (170.0, 1.0)}
SAMPLE_EFFECTS: dict[tuple[str, str], dict[float, float]] = {
    ("nucleus accumbens", "mg_kg"): {0.0: 0.0, 0.1: -0.30, 0.3: 0.0, 1.0: 0.02, 3.0: 0.40},
    ("striatum", "mg_kg"): {0.0: 0.0, 0.1: 0.02, 0.3: 0.30, 1.0: 0.35, 3.0: 0.45, 10.0: 0.55},
    ("striatum (local)", "mM"): {0.0: 0.0, 0.5: 0.35, 1.0: 0.7},
}
SAMPLE_ED50_UG_KG, SAMPLE_HILL = 110.0, 2.0
SAMPLE_ORAL = OralTruth()
SAMPLE_CONC_PER_DOSE, SAMPLE_EC50 = 0.12, 0.15
_TREATED = "10 mg/kg twice daily"


def sample_tables(seed: int = 7) -> dict[str, list[Row]]:
    """The rows of every sample table by kind of assay."""
    rng = np.random.default_rng(seed)
    return {
        "binding": _sample_competition(rng),
        "saturation": _sample_saturation(rng),
        "microdialysis": _sample_microdialysis(rng),
        "firing": firing(rng, ed50=SAMPLE_ED50_UG_KG, hill=SAMPLE_HILL),
        "kinetics": oral_kinetics(rng, SAMPLE_ORAL),
        "exposure": exposure(rng, conc_per_dose=SAMPLE_CONC_PER_DOSE, ec50=SAMPLE_EC50),
    }


def _sample_competition(rng: Generator) -> list[Row]:
    rows: list[Row] = []
    for target, (ligand, kd) in SAMPLE_RADIOLIGANDS.items():
        ki = {compound: value for (at, compound), value in SAMPLE_KI_NM.items() if at == target}
        truth = CompetitionTruth(ki, ligand_nm=ligand, kd_nm=kd, cv_between_experiments=0.1)
        rows += competition(rng, truth, target=target)
    return rows


def _sample_saturation(rng: Generator) -> list[Row]:
    rows: list[Row] = []
    for region, (bmax, kept) in SAMPLE_BMAX.items():
        for first, group, left in ((1, "control", 1.0), (7, _TREATED, kept)):
            truth = SaturationTruth(bmax=bmax * left, sd_log_bmax=0.1)
            rows += saturation(rng, truth, region=region, group=group, n_animals=6, n_replicates=1, first_animal=first)
    return rows


def _sample_microdialysis(rng: Generator) -> list[Row]:
    rows: list[Row] = []
    first = 1
    for (region, unit), effects in SAMPLE_EFFECTS.items():
        rows += microdialysis(rng, effects, region=region, dose_unit=unit, first_animal=first, fraction_missing=0.01)
        first += 6 * len(effects)
    return rows


def sample_truth() -> list[tuple[str, str]]:
    """What is true in the sample tables: kind of assay and a sentence."""
    oral, kept = SAMPLE_ORAL, SAMPLE_BMAX["frontal cortex"][1]
    ki = ", ".join(f"{compound} at {target} {value:g}" for (target, compound), value in SAMPLE_KI_NM.items())
    bmax = ", ".join(f"{region} {value:g}" for region, (value, _) in SAMPLE_BMAX.items())
    largest = "; ".join(
        f"{region}: " + ", ".join(_change(dose, unit, effect) for dose, effect in effects.items() if dose)
        for (region, unit), effects in SAMPLE_EFFECTS.items()
    )
    return [
        (
            "binding",
            f"Ki in nM: {ki}; experiments differ by 10 %. No tube reaches half displacement of ipsapirone at D2.",
        ),
        (
            "saturation",
            f"Kd 1.1 nM throughout; Bmax of control in fmol/mg: {bmax}; treated frontal cortex has {kept:g} of it, "
            "the other regions all.",
        ),
        (
            "microdialysis",
            f"largest change, reached after an hour: {largest}.",
        ),
        (
            "firing",
            f"the neurons' median ED50 is {SAMPLE_ED50_UG_KG:g} µg/kg, Hill {SAMPLE_HILL:g}, SD of ln ED50 0.25.",
        ),
        (
            "kinetics",
            f"half-lives {oral.half_life_min:g} min (ipsapirone) and {oral.metabolite_half_life_min:g} min (1-PP, "
            f"seen late, for it is still formed); geometric mean AUC to infinity {oral.auc:g} nmol/ml · min; molar "
            f"ratio {oral.auc_ratio:g}.",
        ),
        (
            "exposure",
            f"concentration is {SAMPLE_CONC_PER_DOSE:g} nmol/ml per mg/kg, proportional to dose; the effect halves at "
            f"{SAMPLE_EC50:g} nmol/ml.",
        ),
    ]


def _change(dose: float, unit: str, effect: float) -> str:
    return f"{dose:g} {unit.replace('_', '/')} {100 * effect:+g} %"


def write_samples(folder: Path, seed: int = 7) -> list[Path]:
    """Write the sample tables, each beside its settings, and a README with the truth; equal seeds give equal bytes.

    Parameters
    ----------
    folder : made if it is not there; existing files of these names are replaced
    seed : of all tables together
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, rows in sample_tables(seed).items():
        settings = folder / f"{kind}.toml"
        settings.write_bytes(shipped("configs", "assays", settings.name).read_bytes())
        written += [_write(folder / f"{kind}.csv", rows), settings]
    lines = [
        "# Sample assays",
        "",
        f"Made by `python sample_data/assays/remake.py`, seed {seed}. Simulated throughout: they say nothing about "
        "any drug.",
        "Analyse one with `behavior assay KIND sample_data/assays/KIND.csv`.",
        "",
        "| table | what is true in it |",
        "|---|---|",
        *(f"| `{kind}.csv` | {truth} |" for kind, truth in sample_truth()),
        "",
    ]
    readme = folder / "README.md"
    readme.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    return [*written, readme]


def _write(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
