"""Is one method better than another? Closed forms for paired scores of repeated cross-validation.

Scores of overlapping training sets are correlated, so their variance alone says too little. Nadeau and Bengio
(2003) correct it with the ratio of test to training rows; Corani and Benavoli (2015) read the corrected Student t
as a posterior of the difference, and a region of practical equivalence (ROPE) turns it into three probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

BETTER, EQUIVALENT, WORSE, CANNOT_TELL = VERDICTS = ("better", "equivalent", "worse", "cannot tell")
MOST_REPEATS = 1000

FAMILY = (
    "One family: every method against the baseline and against identity, on every estimator. Each verdict counts as wrong "
    "with probability 2 (1 - P), where P is the posterior probability of what it says (twice, since 'better' and 'worse' "
    "could both be wrong). Holm's step-down keeps the chance of any wrong verdict in the report at or below 1 - level."
)


@dataclass(frozen=True)
class Posterior:
    """Posterior of the mean difference: ``mean + scale * t(df)``; a point where scale is 0."""

    mean: float
    scale: float
    df: int

    def below(self, value: float) -> float:
        """P(difference < value); a point mass at ``value`` counts as not below."""
        if self.scale == 0:
            return float(self.mean < value)
        return float(stdtr(self.df, (value - self.mean) / self.scale))

    def above(self, value: float) -> float:
        """P(difference > value), without the cancellation of ``1 - below``."""
        if self.scale == 0:
            return float(self.mean > value)
        return float(stdtr(self.df, (self.mean - value) / self.scale))

    def probabilities(self, rope: float) -> tuple[float, float, float]:
        """Return P(better), P(equivalent), P(worse) for a region of practical equivalence of +- ``rope``."""
        better, worse = self.above(rope), self.below(-rope)
        return better, max(0.0, 1.0 - better - worse), worse

    def interval(self, level: float) -> tuple[float, float]:
        """Central interval of posterior probability ``level``, for this one difference."""
        half = self.scale * float(stdtrit(self.df, 0.5 + level / 2)) if self.scale else 0.0
        return self.mean - half, self.mean + half


def correlated_t(differences: Sequence[float] | np.ndarray, ratio: float) -> Posterior:
    """Posterior of the mean of correlated differences (Corani and Benavoli 2015).

    ``scale^2 = s^2 (1/n + ratio)``, df = n - 1. With rho = n_test / (n_train + n_test), the correlation that
    the paper assumes, ``ratio = rho / (1 - rho) = n_test / n_train``.

    Parameters
    ----------
    differences : array of shape (n,)
        One difference for each split, n >= 2.
    ratio : float
        Test rows over training rows; 0 for independent differences.

    References
    ----------
    Corani, Benavoli (2015), doi:10.1007/s10994-015-5486-z. Nadeau, Bengio (2003), doi:10.1023/A:1024068626366.

    Examples
    --------
    >>> found = correlated_t([0.02, 0.04, 0.03, 0.03], 1 / 3)
    >>> round(found.mean, 4), round(found.scale, 6), found.df
    (0.03, 0.006236, 3)
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim != 1 or len(d) < 2:
        raise ValueError(f"correlated_t: expected at least 2 differences, got shape {d.shape}")
    mean = float(d.mean())
    spread = float(np.ptp(d))
    if spread <= 1e-12 * max(1.0, abs(mean)):  # equal but for rounding
        return Posterior(float(d[0]) if spread == 0 else mean, 0.0, len(d) - 1)
    return Posterior(mean, float(d.std(ddof=1)) * float(np.sqrt(1 / len(d) + ratio)), len(d) - 1)


def corrected_t_test(differences: Sequence[float] | np.ndarray, ratio: float) -> tuple[float, float]:
    """Statistic and two-sided p of the corrected resampled t-test (Nadeau and Bengio 2003): a cross-check, without ROPE."""
    post = correlated_t(differences, ratio)
    if post.scale == 0:
        return (0.0, 1.0) if post.mean == 0 else (float(np.copysign(np.inf, post.mean)), 0.0)
    t = post.mean / post.scale
    return t, float(2 * stdtr(post.df, -abs(t)))


def claim(probabilities: tuple[float, float, float]) -> tuple[str, float]:
    """Return the most probable of better, equivalent and worse, with the probability that it is wrong."""
    better, equivalent, worse = probabilities
    wrong = {BETTER: equivalent + worse, EQUIVALENT: better + worse, WORSE: better + equivalent}
    best = min(wrong, key=lambda name: wrong[name])
    return best, min(1.0, wrong[best])


def holm(errors: Sequence[float], level: float) -> tuple[list[bool], list[float]]:
    """Step down over a family of claims.

    Parameters
    ----------
    errors : sequence of float
        For each claim, the probability that it is wrong; it counts twice (see `FAMILY`).
    level : float
        The family-wise level, 0.95 for at most 5 % of reports with any wrong verdict.

    Returns
    -------
    accepted : list of bool
    required : list of float
        The probability that was asked of each claim at its step (for all that are refused, at the first refusal).

    Examples
    --------
    >>> accepted, required = holm([0.2, 0.001, 0.01], 0.95)
    >>> accepted, [round(p, 4) for p in required]
    ([False, True, True], [0.975, 0.9917, 0.9875])
    """
    family = len(errors)
    accepted, required = [False] * family, [0.0] * family
    limit, going = 0.0, True
    for step, k in enumerate(sorted(range(family), key=lambda i: errors[i])):
        if going:
            limit = (1 - level) / (family - step)
            going = 2 * errors[k] <= limit
        accepted[k], required[k] = going, 1 - limit / 2
    return accepted, required


def repeats_needed(
    differences: Sequence[float] | np.ndarray, *, folds: int, ratio: float, rope: float, required: float
) -> int | None:
    """How many repeats of the splits would decide, if mean and spread of the differences stayed as they are.

    Repeats average out the luck of the split, not the luck of the rows: the scale tends to ``s sqrt(ratio)``, not to 0.
    None where even endless repeats (or more than `MOST_REPEATS`) would not decide: it takes more rows.
    """
    d = np.asarray(differences, dtype=np.float64)
    now, mean, spread = len(d), float(d.mean()), float(d.std(ddof=1))

    def decides(repeats: int) -> bool:
        n = repeats * folds
        probabilities = Posterior(mean, spread * float(np.sqrt(1 / n + ratio)), n - 1).probabilities(rope)
        return max(probabilities) >= required

    low, high = -(-now // folds), MOST_REPEATS
    if low >= high or not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high
