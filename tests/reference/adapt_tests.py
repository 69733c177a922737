"""kruskal_dunn, adjust_p, power (SPEC 3.3, 3.4)."""

from __future__ import annotations

from typing import Any

from behavior.summary.groups import level_label
from behavior.summary.multiplicity import adjust_p
from behavior.summary.power import anova_n, proportions_n, t_test_n, t_test_power
from behavior.summary.ranks import kruskal_dunn, mann_whitney
from reference.case import Case, Results

PROCEDURES = ("bonferroni", "holm", "BH", "hochberg", "hommel", "BY", "sidak")


def kruskal_case(case: Case) -> dict[str, Any]:
    data = case.numbers("response"), case.labels("group")
    found, results = kruskal_dunn(*data, **case.levels), Results()
    results.add("kw/", H=found.h, df=found.df, p=found.p, epsilon2=found.epsilon_squared)
    for c in found.comparisons:
        results.add(f"dunn/{c.level}-vs-{c.reference}/", z=c.z, p=c.p, p_holm=c.p_holm, p_bonferroni=c.p_bonferroni)
    for m in mann_whitney(*data, **case.levels):
        results.add(f"mwu/{m.level}-vs-{m.reference}/", W=m.u, p_asymptotic_cc=m.p)
    return results.values


def adjust_case(case: Case) -> dict[str, Any]:
    p, index, results = case.numbers("p"), case.labels("index"), Results()
    for procedure in case.spec.get("adjust", PROCEDURES):
        for i, value in zip(index, adjust_p(p, procedure), strict=True):
            results[f"{procedure}/{i}"] = value
    return results.values


def power_case(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    alpha, power, sd = spec.get("alpha", 0.05), spec["power"], spec["sd"]
    results["anova/n_per_group"] = anova_n(case.numbers("mean"), sd, power, alpha)
    results["t_test/n_per_group"] = t_test_n(spec["delta"], sd, power, alpha)
    results["t_test/power_at_n"] = t_test_power(spec["delta"], sd, spec["n_per_group"], alpha)
    if spec.get("proportions"):
        p1, p2 = spec["proportions"]
        n = proportions_n(p1, p2, power, alpha)
        for write in (level_label, "{:.2f}".format):
            results[f"prop_{write(p1)}_vs_{write(p2)}/n_per_group"] = n
    return results.values


METHODS = {"kruskal_dunn": kruskal_case, "adjust_p": adjust_case, "power": power_case}
