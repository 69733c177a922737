"""within_subject, group_by_time, and the reserved latin_square: repeated measures (SPEC 3.5 and 4)."""

from __future__ import annotations

from typing import Any

from behavior.summary.latin import latin_square
from behavior.summary.ranks import friedman
from behavior.summary.repeated import RepeatedComparison, group_by_time, within_subject
from behavior.summary.sphericity import complete_table, repeated_anova
from reference.case import Case, Results


def within_case(case: Case) -> dict[str, Any]:
    data = case.numbers("response"), case.labels("group"), case.labels("subject")
    period = case.labels("period") if case.spec.get("period") else None
    found, results = within_subject(*data, **case.levels, period=period), Results()
    fit = found.fit
    results.add("lmm/", var_subject=fit.var_subject, var_residual=fit.var_residual, reml_loglik=fit.reml_loglik)
    t = found.treatment
    results.add("lmm/", F_treatment=t.f, df1_treatment=t.df1, df2_treatment=t.df2, p_treatment=t.p)
    if found.period is not None:
        results.add("lmm/", F_period=found.period.f, p_period=found.period.p)
        results.add("lmm/", df1_period=found.period.df1, df2_period=found.period.df2)
    for c in found.comparisons:
        prefix = f"vs_ctrl/{c.level}/"
        results.add(prefix, estimate=c.estimate, se=c.se, df_satterthwaite=c.df, t=c.t, p_unadjusted=c.p)
        results.add(prefix, p_holm=c.p_holm, p_dunnett_mvt=c.p_dunnett)
        results.add(prefix, se_kenward_roger=c.se_kenward_roger, df_kenward_roger=c.df_kenward_roger)
    if case.spec.get("complete"):
        with results.optional():
            _complete(case, results)
    return results.values


def _complete(case: Case, results: Results) -> None:
    data = case.numbers("response"), case.labels("group"), case.labels("subject")
    table = complete_table(*data, levels=case.level_names)
    anova = repeated_anova(table)
    results.add("rm_anova/", F=anova.f, df1=anova.df1, df2=anova.df2, p=anova.p)
    results.add("rm_anova/", gg_epsilon=anova.greenhouse_geisser_epsilon, p_gg=anova.p_greenhouse_geisser)
    results.add("rm_anova/", hf_epsilon=anova.huynh_feldt_epsilon, mauchly_W=anova.mauchly_w)
    ranks = friedman(table)
    results.add("friedman/", chi2=ranks.chi2, df=ranks.df, p=ranks.p)


def group_by_time_case(case: Case) -> dict[str, Any]:
    found = group_by_time(
        case.numbers("response"),
        case.labels("group"),
        case.labels("repeated"),
        case.labels("subject"),
        **case.levels,
        times=case.spec["repeated_levels"],
    )
    results = Results()
    results.add(var_subject=found.fit.var_subject, var_residual=found.fit.var_residual)
    for name, test in (("group", found.group), ("day", found.time), ("group_x_day", found.interaction)):
        results.add(f"{name}/", F=test.f, df1=test.df1, df2=test.df2, p=test.p)
    for c in found.comparisons:
        _day(c, results)
    return results.values


def _day(c: RepeatedComparison, results: Results) -> None:
    prefix = f"day={c.at}/{c.level}-vs-{c.reference}/"
    results.add(prefix, estimate=c.estimate, se=c.se, df=c.df, t=c.t, p=c.p, p_holm_all_days=c.p_holm)


def latin_case(case: Case) -> dict[str, Any]:
    parts = (case.labels(name) for name in ("row", "column", "group"))
    found, results = latin_square(case.numbers("response"), *parts, **case.levels), Results()
    for name, test in (("row", found.row), ("col", found.column), ("treatment", found.treatment)):
        results.add(f"{name}/", F=test.f, df1=test.df1, p=test.p)
    results.add("residual/", ms=found.residual_ms, df=found.residual_df)
    for c in found.comparisons:
        results.add(f"{c.level}-vs-{c.reference}/", diff=c.diff, se=c.se, t=c.t, p_dunnett=c.p_dunnett)
    return results.values


METHODS = {"within_subject": within_case, "group_by_time": group_by_time_case, "latin_square": latin_case}
