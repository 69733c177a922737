"""All-or-none responses of animals to doses: probit and logit lines, Fieller's interval, Litchfield and
Wilcoxon's method.

The share of responders follows a line in log10 dose on the probit or logit scale, fitted by maximum
likelihood; doses at which all or none responded take part. There is no natural response: a dose of 0 is left
out. Intervals assume that the line is right (no heterogeneity factor); `heterogeneity` says whether it is.

References
----------
Finney DJ (1971). Probit Analysis, 3rd edition. Cambridge University Press.
Litchfield JT, Wilcoxon F (1949). Journal of Pharmacology and Experimental Therapeutics 96, 99–113.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.fit import ChiSquare, Interval
from behavior.summary.glm import GlmFit, fit_glm

Link: TypeAlias = Literal["probit", "logit"]

_LEAST_EXPECTED = 0.00005
_FARTHEST_ED50 = 100.0
_LARGEST_POWER = 300.0
_LARGEST_SLOPE = 1e100


@dataclass(frozen=True)
class QuantalFit:
    """A line on the probit or logit scale: intercept + slope log10(dose).

    `fieller` is None where the slope is not significant (g >= 1), when no dose can be excluded. `delta` is
    the normal interval of the logarithm. Both are of the ED50.
    """

    link: Link
    intercept: float
    slope: float
    slope_se: float
    log10_ed50: float
    log10_ed50_se: float
    ed50: float
    delta: Interval
    fieller: Interval | None
    g: float
    heterogeneity: ChiSquare | None
    fit: GlmFit
    conf_level: float

    def effective_dose(self, percent: float) -> float:
        """The dose at which `percent` of the animals respond.

        Raises
        ------
        BadInput
            A percentage that no dose on the line has.
        """
        from scipy.special import logit, ndtri

        if not 0 < percent < 100:
            raise BadInput(f"no dose affects {percent:g} % of the animals; choose a percentage between 0 and 100")
        share = percent / 100
        target = float(logit(share) if self.link == "logit" else ndtri(share))
        return _power((target - self.intercept) / self.slope)


def fit_quantal(
    dose: ArrayLike, events: ArrayLike, trials: ArrayLike, *, link: Link = "probit", conf_level: float = 0.95
) -> QuantalFit:
    """Fit a probit or logit line.

    Parameters
    ----------
    dose : of every row, shape (n,); rows of dose 0 are left out
    events, trials : animals that responded, and all, shape (n,)
    link : "probit" or "logit"
    conf_level : of the intervals

    Raises
    ------
    BadInput
        Fewer than two doses, all animals alike, or a slope without a finite estimate because responses turn
        from none to all between two doses.
    """
    from scipy import stats

    x, k, n = _positive(dose, events, trials)
    if _separated(x, k, n):
        raise BadInput(
            "no dose or only one had both responders and others, so that the line has no finite slope; "
            "test doses between the highest without and the lowest with responders"
        )
    logs = np.log10(x)
    fit = fit_glm(k, np.column_stack([np.ones(len(logs)), logs]), link, trials=n)
    a, b = (float(v) for v in fit.beta)
    if abs(a) > _FARTHEST_ED50 * abs(b):
        raise BadInput("the share of responders hardly changes with dose, so that there is no ED50")
    (vaa, vab), (_, vbb) = fit.covariance
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    middle = -a / b
    se = math.sqrt(vaa + 2 * middle * vab + middle**2 * vbb) / abs(b)
    g = z**2 * vbb / b**2
    df = fit.df_residual
    return QuantalFit(
        link=link,
        intercept=a,
        slope=b,
        slope_se=math.sqrt(vbb),
        log10_ed50=middle,
        log10_ed50_se=se,
        ed50=10**middle,
        delta=Interval(_power(middle - z * se), _power(middle + z * se)),
        fieller=_fieller(a, b, float(vaa), float(vab), float(vbb), z) if g < 1 else None,
        g=g,
        heterogeneity=ChiSquare(fit.pearson_chi2, df, float(stats.chi2.sf(fit.pearson_chi2, df))) if df > 0 else None,
        fit=fit,
        conf_level=conf_level,
    )


def _positive(dose: ArrayLike, events: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, k, n = (np.asarray(v, dtype=np.float64) for v in (dose, events, trials))
    if not len(x) == len(k) == len(n):
        raise BadInput(f"{len(x)} doses, {len(k)} counts and {len(n)} totals differ in number")
    rows = np.isfinite(x) & np.isfinite(k) & np.isfinite(n) & (x > 0)
    x, k, n = x[rows], k[rows], n[rows]
    if (k < 0).any() or (k > n).any() or (n <= 0).any():
        raise BadInput("more animals responded than were tested, or none were; check the columns")
    if len(np.unique(x)) < 2:
        raise BadInput("fewer than two doses above 0 make no line; test more doses")
    if k.sum() in (0, n.sum()):
        raise BadInput("all animals or none responded, so that there is no line; test other doses")
    return x, k, n


def _separated(x: Floats, k: Floats, n: Floats) -> bool:
    """Whether a threshold tells responders from others without error, so that the steepest line is the best."""
    lowest_with, highest_without = x[k > 0].min(), x[k < n].max()
    lowest_without, highest_with = x[k < n].min(), x[k > 0].max()
    return bool(lowest_with >= highest_without or lowest_without >= highest_with)


def _fieller(a: float, b: float, vaa: float, vab: float, vbb: float, z: float) -> Interval:
    """10 to the roots of (b² - z² Vbb) x² + 2 (ab - z² Vab) x + a² - z² Vaa = 0."""
    square, half, rest = b**2 - z**2 * vbb, a * b - z**2 * vab, a**2 - z**2 * vaa
    root = math.sqrt(max(half**2 - square * rest, 0.0))
    return Interval(_power((-half - root) / square), _power((-half + root) / square))


def _power(exponent: float) -> float:
    return float(10 ** min(max(exponent, -_LARGEST_POWER), _LARGEST_POWER))


@dataclass(frozen=True, slots=True)
class LitchfieldWilcoxon:
    """ED50 with its interval, and the slope function S; `n_middle` animals had doses expected to affect 16
    to 84 %.

    `heterogeneous` says that χ² was significant, so that the interval is wider.
    """

    ed50: float
    lo: float
    hi: float
    slope: float
    chi2: float
    n_middle: int
    heterogeneous: bool


def litchfield_wilcoxon(dose: ArrayLike, events: ArrayLike, trials: ArrayLike) -> LitchfieldWilcoxon:
    """Litchfield and Wilcoxon's method, for comparison with old papers; their line is drawn by the least χ²,
    not by eye.

    Of doses at which none or all responded, two at either end take part. Their observed shares are replaced
    by Bliss's corrected ones for the expected share (Litchfield and Wilcoxon's table 1). The deviation of a
    dose is squared over the expected number of the rarer outcome. The interval is ED50 times or over
    S^(2.77/√N').

    Raises
    ------
    BadInput
        As `fit_quantal`, or no dose lies near the middle of the line.
    """
    from scipy import stats
    from scipy.optimize import minimize
    from scipy.special import ndtr, ndtri

    x, k, n = _two_extremes_at_most(*_positive(dose, events, trials))
    if len(np.unique(x)) < 2:
        raise BadInput("only one dose is left beside those at which none or all responded; test doses in between")
    logs = np.log10(x)
    share = np.clip(k / n, 0.5 / n, 1 - 0.5 / n)
    slope, intercept = np.polyfit(logs, ndtri(share), 1)

    def parts(line: Floats) -> Floats:
        expected = np.clip(ndtr(line[0] + line[1] * logs), 1e-9, 1 - 1e-9)
        counts = n * (_corrected(k / n, expected) - expected) ** 2 / np.minimum(expected, 1 - expected)
        told = (k > 0) & (k < n) | (expected >= _LEAST_EXPECTED) & (expected <= 1 - _LEAST_EXPECTED)
        return np.asarray(np.where(told, counts, np.nan), dtype=np.float64)

    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000}
    found = minimize(lambda line: np.nansum(parts(line)), [intercept, slope], method="Nelder-Mead", options=options)
    a, b = (float(v) for v in found.x)
    if b == 0:
        raise BadInput("the share of responders does not change with dose, so that there is no ED50")
    ed16, ed50, ed84 = (_power((float(ndtri(p)) - a) / b) for p in (0.16, 0.5, 0.84))
    if b < 0:  # fewer respond to more: S is above 1 all the same
        ed16, ed84 = ed84, ed16
    if not ed84 / ed50 < _LARGEST_SLOPE:
        raise BadInput("the share of responders hardly changes with dose, so that there is no ED50")
    s = (ed84 / ed50 + ed50 / ed16) / 2
    expected = ndtr(a + b * logs)
    n_middle = int(n[(expected >= 0.155) & (expected <= 0.845)].sum())
    if n_middle == 0:
        raise BadInput("no dose is expected to affect between 16 and 84 % of the animals; test doses nearer the ED50")
    chi2, df = float(found.fun), int(np.isfinite(parts(found.x)).sum()) - 2
    heterogeneous = df > 0 and bool(stats.chi2.sf(chi2, df) < 0.05)
    power = 2.77 / math.sqrt(n_middle)
    if heterogeneous:
        power = 1.4 * float(stats.t.isf(0.025, df)) * math.sqrt(chi2 / (df * n_middle))
    return LitchfieldWilcoxon(ed50, ed50 / s**power, ed50 * s**power, s, chi2, n_middle, heterogeneous)


def _two_extremes_at_most(x: Floats, k: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Leave out all but the two highest doses without responders and the two lowest at which all responded."""
    order = np.argsort(x, kind="stable")
    x, k, n = x[order], k[order], n[order]
    keep = (np.cumsum(k == n) <= 2) & (np.cumsum((k == 0)[::-1])[::-1] <= 2)
    return x[keep], k[keep], n[keep]


def _corrected(observed: Floats, expected: Floats) -> Floats:
    """Bliss's working value where none or all responded: the probit moved by the tail over the density.

    Past the middle of the line it stays at 10.5 (89.5) %, where table 1 ends.
    """
    from scipy.special import ndtr, ndtri

    low, high = np.minimum(expected, 0.5), np.maximum(expected, 0.5)
    lower = ndtr(ndtri(low) - low / _density(ndtri(low)))
    upper = ndtr(ndtri(high) + (1 - high) / _density(ndtri(high)))
    return np.asarray(np.select([observed <= 0, observed >= 1], [lower, upper], observed), dtype=np.float64)


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi), dtype=np.float64)
