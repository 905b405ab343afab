"""Year columns: how often a Yeo-Johnson transformation is wrong on them, and how far from the best likelihood.

``python -m renorm.testing.years`` prints renorm and scikit-learn side by side.
"""

from __future__ import annotations

import math
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from renorm.core.catalog import catalog
from renorm.core.state import Array
from renorm.testing.evidence import rng

COLUMNS, ROWS = 200, 500
MOMENT = 1e-9  # largest |mean| and |standard deviation - 1| of a right column
INVERSE = 1e-6  # largest error of the inverse, in units of the column's spread
LIKELIHOOD = 1e-9  # largest loss of log-likelihood a row
_DIGITS = 50


@dataclass(frozen=True)
class Verdict:
    """What one tool made of the columns.

    ``faults`` has the reasons why each column is wrong, ``loss`` how much log-likelihood a row each lambda gives
    away against the best.
    """

    tool: str
    faults: list[list[str]]
    loss: list[float]

    @property
    def wrong(self) -> int:
        """How many columns are wrong."""
        return sum(bool(f) for f in self.faults)


def columns(count: int = COLUMNS, rows: int = ROWS) -> Array:
    """Columns of years: 2000 and whole numbers between -10 and 10."""
    return 2000.0 + rng("year columns").integers(-10, 11, (rows, count))


def faults(x: Array, y: Array, back: Array) -> list[str]:
    """Why ``y`` is no standardized power of the column ``x``, or ``back`` not its inverse."""
    if not (np.isfinite(y).all() and np.isfinite(back).all()):
        return ["not finite"]
    found = []
    mean = math.fsum(y) / len(y)
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in y) / len(y))
    if abs(mean) > MOMENT:
        found.append(f"mean {mean:.3g}")
    if abs(std - 1.0) > MOMENT:
        found.append(f"standard deviation {std:.3g}")
    order = np.argsort(x, kind="stable")
    steps, moved = np.diff(x[order]), np.diff(y[order])
    if (moved[steps > 0] <= 0).any():
        found.append("distinct values merged or turned round")
    error = float(np.max(np.abs(back - x))) / float(np.std(x))
    if error > INVERSE:
        found.append(f"inverse off by {error:.3g} of the spread")
    return found


def log_likelihood(values: Array, counts: Array, lam: Any) -> tuple[Any, Any]:
    """Profile log-likelihood a row and its derivative, of values above -1 that occur ``counts`` times each."""
    n = int(counts.sum())
    weights = [mpmath.mpf(int(c)) / n for c in counts]
    logs = [mpmath.log1p(mpmath.mpf(float(v))) for v in values]
    grown = [mpmath.exp(lam * u) for u in logs]
    psi = [g / lam for g in grown]  # but for a shift, which would take the digits
    slope = [(g * u - p) / lam for g, u, p in zip(grown, logs, psi, strict=True)]
    mean = mpmath.fdot(weights, psi)
    slope_mean = mpmath.fdot(weights, slope)
    var = mpmath.fsum(w * (p - mean) ** 2 for w, p in zip(weights, psi, strict=True))
    cov = mpmath.fsum(w * (p - mean) * (s - slope_mean) for w, p, s in zip(weights, psi, slope, strict=True))
    jacobian = mpmath.fdot(weights, logs)
    return -mpmath.log(var) / 2 + (lam - 1) * jacobian, jacobian - cov / var


def best(values: Array, counts: Array, start: float) -> Any:
    """Return the lambda of the largest likelihood: the root of the decreasing score, by secants."""
    a, b = mpmath.mpf(start), mpmath.mpf(start) + mpmath.mpf(10) ** -4 * max(1.0, abs(start))
    fa, fb = (log_likelihood(values, counts, t)[1] for t in (a, b))
    for _ in range(60):
        if fa == fb or abs(b - a) <= mpmath.mpf(10) ** -(_DIGITS // 2) * max(1, abs(b)):
            break
        a, b, fa = b, b - fb * (b - a) / (fb - fa), fb
        fb = log_likelihood(values, counts, b)[1]
    return b


def loss(x: Array, lam: float, low: float = -math.inf, high: float = math.inf) -> float:
    """How much log-likelihood a row ``lam`` gives away against the best lambda between the bounds."""
    if not math.isfinite(lam):
        return math.inf
    values, counts = np.unique(x, return_counts=True)
    with mpmath.workdps(_DIGITS):
        top = min(max(best(values, counts, lam if lam else 1e-3), mpmath.mpf(low)), mpmath.mpf(high))
        at = mpmath.mpf(lam) if lam else mpmath.mpf(10) ** -_DIGITS
        return float(log_likelihood(values, counts, top)[0] - log_likelihood(values, counts, at)[0])


def judge(tool: str, x: Array, fitted: Any) -> Verdict:
    """Fit and judge one tool on every column alone."""
    found, losses = [], []
    for j in range(x.shape[1]):
        column = x[:, j : j + 1]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            y = fitted.fit_transform(column)
            back = fitted.inverse_transform(y)
        found.append(faults(column[:, 0], y[:, 0], back[:, 0]))
        losses.append(loss(column[:, 0], float(fitted.lambdas_[0])))
    return Verdict(tool, found, losses)


def main(argv: list[str] | None = None) -> int:
    """Print both verdicts."""
    import sklearn
    from sklearn.preprocessing import PowerTransformer

    x = columns()
    verdicts = [
        judge("renorm table.yeo_johnson", x, catalog().load("table.yeo_johnson")()),
        judge(f"scikit-learn {sklearn.__version__} PowerTransformer", x, PowerTransformer()),
    ]
    say = sys.stdout.write
    say(f"{COLUMNS} columns of {ROWS} years (2000, and whole numbers between -10 and 10)\n\n")
    say(f"{'':<42}{'wrong columns':>14}{'largest loss of log-likelihood a row':>40}\n")
    for v in verdicts:
        say(f"{v.tool:<42}{v.wrong:>14}{max(v.loss):>40.2e}\n")
    for v in verdicts:
        for fault in max(v.faults, key=len):
            say(f"  {v.tool}, for example: {fault}\n")
    say(f"\nwrong: not finite, order lost, mean or standard deviation off by over {MOMENT:g},\n")
    say(f"or the inverse by over {INVERSE:g} of the spread; both fits are compared with the optimum in {_DIGITS} digits\n")
    return 1 if verdicts[0].wrong or max(verdicts[0].loss) > LIKELIHOOD else 0


if __name__ == "__main__":
    raise SystemExit(main())
