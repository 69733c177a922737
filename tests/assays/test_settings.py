"""Settings: what is out of bounds is refused with its key, and every record's defaults are usable."""

from __future__ import annotations

import pytest

from behavior.assays.kinds import KINDS, kind_named
from behavior.config import read_text
from behavior.model.errors import BadFile

TARGET = "[targets.t]\nligand_nM = 1\nkd_nM = 1\n"


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("binding", "", "targets"),
        ("binding", "[targets]\n", "targets"),
        ("binding", TARGET.replace("kd_nM = 1", "kd_nM = -1"), "targets.t.kd_nM"),
        ("binding", TARGET.replace("ligand_nM = 1\n", ""), "targets.t.ligand_nM"),
        ("binding", TARGET + "kd_se_nM = -0.1\n", "targets.t.kd_se_nM"),
        ("binding", 'slope = "two"\n' + TARGET, "slope"),
        ("binding", 'reference_target = "u"\n' + TARGET, "reference_target"),
        ("binding", "added = 0\n" + TARGET, "added"),
        ("binding", "conf_level = 95\n" + TARGET, "conf_level"),
        ("saturation", 'nonspecific = "none"', "nonspecific"),
        ("saturation", 'spread = "shrinks"', "spread"),
        ("microdialysis", "least_baseline_samples = 0", "least_baseline_samples"),
        ("microdialysis", "unstable_cv = inf", "unstable_cv"),
        ("microdialysis", "baseline_to_min = nan", "baseline_to_min"),
        ("microdialysis", "alpha = 1.0", "alpha"),
        ("microdialysis", "auc_to_min = 0", "auc_to_min"),
        ("firing", "count_s = 0", "count_s"),
        ("firing", "delay_s = -1", "delay_s"),
        ("firing", "criterion_percent = 100", "criterion_percent"),
        ("kinetics", 'route = "oral"', "route"),
        ("kinetics", "min_points = 2", "min_points"),
        ("kinetics", "large_extrapolation = 20", "large_extrapolation"),
        ("kinetics", 'molar_mass_g_mol = "400"', "molar_mass_g_mol"),
        ("kinetics", "[molar_mass_g_mol]\np = 0\n", "molar_mass_g_mol"),
        ("kinetics", "[molar_mass_g_mol]\np = -400\n", "molar_mass_g_mol"),
        ("exposure", "fraction_unbound = 1.5", "fraction_unbound"),
        ("exposure", "ki_nM = 0", "ki_nM"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_its_key(kind, text, key):
    with pytest.raises(BadFile) as caught:
        read_text(text, kind_named(kind).settings, file="mine.toml")
    assert key in str(caught.value) and "mine.toml" in str(caught.value)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_unknown_keys_are_refused_and_those_that_are_known_can_be_left_out(kind):
    record = kind_named(kind).settings
    text = TARGET if kind == "binding" else ""
    assert read_text(text, record, file="mine.toml").conf_level == 0.95
    with pytest.raises(BadFile, match="colour"):
        read_text('colour = "red"\n' + text, record, file="mine.toml")
