"""Evidence for table.yeo_johnson."""

import math

import mpmath
import numpy as np
import pytest

import renorm
from renorm.core.errors import DataError
from renorm.testing import Case, assert_close, golden, rng
from renorm.testing.tolerance import TABLE

METHOD = "table.yeo_johnson"
VECTORS = [
    "feature_engine__YeoJohnson",
    "sklearn__PowerTransformer_yj",
    "yeojohnson__allneg",
    "yeojohnson__cauchy",
    "yeojohnson__mixed",
    "yeojohnson__year",
    "fedpower__yeojohnson_mixed",
    "fedpower__yeojohnson_skewclients",
]
OPS = {"y": "root", "back": "root", "log_abs_det": "root", "bounded: back": "inverse"}
MERGES = {"lognormal sigma 50": "the power of values below 1e-16 is 0 to the digits of the others"}


def cases():
    r = rng("yeo_johnson")
    n = 31
    x = np.column_stack([r.normal(1, 2, n), r.exponential(2, n), -r.exponential(2, n) - 1, 2000.0 + r.integers(-10, 11, n)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 4, n).astype(float)
    new = np.column_stack([r.normal(1, 3, 9), r.normal(1, 3, 9), r.normal(-1, 3, 9), 2000.0 + r.integers(-15, 16, 9)])
    hard = np.column_stack(
        [
            r.normal(size=n) * 1e-3,
            1e8 + r.normal(size=n),
            r.lognormal(0, 6, n),
            r.lognormal(0, 2, n) - 0.3,
            -1e5 - r.random(n),
        ]
    )
    huge = np.column_stack(
        [r.normal(size=n) * 1e300, np.r_[r.normal(size=n - 1), 1e280], np.full(n, -5.0), r.uniform(-2, 9, n) ** 3]
    )
    spiked = np.column_stack([np.r_[np.ones(n - 1), 1e10], np.r_[np.zeros(n - 1), 1.0], np.r_[-1.0, 50 + r.random(n - 1)]])
    return [
        Case("plain", x),
        Case("new rows", holes, {}, {"x_new": new}),
        Case("weights", holes, {}, {"sample_weight": w}),
        Case("hard", hard),
        Case("huge", huge),
        Case("bounded", spiked),
        Case("raw", x[:, :3], {"standardize": False}),
        Case("raw, new rows", x[:, :3], {"standardize": False}, {"x_new": new[:, :3]}),
        Case("raw, at lambda 0 and 2", np.column_stack([x[:, 1], x[:, 2]]), {"standardize": False}),
    ]


def psi(v, lam):
    v, lam = mpmath.mpf(v), mpmath.mpf(lam)
    if v >= 0:
        return mpmath.log1p(v) if lam == 0 else mpmath.expm1(lam * mpmath.log1p(v)) / lam
    return -mpmath.log1p(-v) if lam == 2 else -mpmath.expm1((2 - lam) * mpmath.log1p(-v)) / (2 - lam)


def power(v, lam, anchor):
    """Psi less its value at the anchor, in units of its slope there: a column far from 0 keeps its digits."""
    if anchor == 0:
        return psi(v, lam)
    if anchor < 0:
        return -power(-v, 2 - lam, -anchor)
    lam, grown = mpmath.mpf(lam), (1 + mpmath.mpf(anchor)) ** mpmath.mpf(lam)
    if v < 0:
        return (psi(v, lam) - psi(anchor, lam)) / grown
    ratio = mpmath.log((1 + mpmath.mpf(v)) / (1 + mpmath.mpf(anchor)))
    return ratio if lam == 0 else mpmath.expm1(lam * ratio) / lam


def anchor_of(values):
    return 0.0 if min(values) < 0 < max(values) else max(values, key=abs)


def likelihood(values, weights, lam):
    """Profile log-likelihood in 60 digits, and the mean and standard deviation of the anchored power."""
    n, anchor = mpmath.fsum(weights), anchor_of(values)
    powers = [power(v, lam, anchor) for v in values]
    mean = mpmath.fsum(k * p for k, p in zip(weights, powers, strict=True)) / n
    variance = mpmath.fsum(k * (p - mean) ** 2 for k, p in zip(weights, powers, strict=True)) / n
    jacobian = mpmath.fsum(k * (-1 if v < 0 else 1) * mpmath.log1p(abs(v)) for k, v in zip(weights, values, strict=True))
    unit = mpmath.log1p(abs(anchor)) * (mpmath.mpf(lam) if anchor > 0 else 2 - mpmath.mpf(lam))
    return -n / 2 * mpmath.log(variance) - n * unit + (mpmath.mpf(lam) - 1) * jacobian, mean, mpmath.sqrt(variance)


def bounds(values):
    """Where the method says lambda may be."""
    up, down = math.log1p(max(*values, 0.0)), math.log1p(max(-min(values), 0.0))
    if up and down:
        return max(-20 / up, 1 - 20 / down), min(1 + 20 / up, 2 + 20 / down)
    logs = sorted(math.log1p(abs(v)) for v in values)
    near, far = min(abs(v) for v in values), max(abs(v) for v in values)
    r = logs[-1] - logs[0] if far > 2 * near else math.log1p((far - near) / (1 + near))
    return (-20 / r, 1 + 20 / r) if up else (1 - 20 / r, 2 + 20 / r)


def oracle(case):
    """The image at the lambda that was found; `test_likelihood` says that no other is better."""
    mpmath.mp.dps = 60
    method = renorm.get(METHOD)(**case.options).fit(case.x, sample_weight=case.extra.get("sample_weight"))
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, log_det = np.full(new.shape, np.nan), np.zeros(len(new))
    for j, lam in enumerate(method.lambdas_):
        pairs = [(v, k) for v, k in zip(case.x[:, j], w, strict=True) if v == v and k > 0]
        values, weights = zip(*pairs, strict=True)
        anchor, mean, std = anchor_of(values), 0, 1
        if not case.options.get("standardize", True):
            anchor = 0.0
        elif min(values) == max(values):
            anchor, mean = 0.0, mpmath.mpf(values[0])
        else:
            _, mean, std = likelihood(values, weights, lam)
        unit = mpmath.log1p(abs(anchor)) * (mpmath.mpf(lam) if anchor > 0 else 2 - mpmath.mpf(lam))
        for i, v in enumerate(new[:, j]):
            if v == v:
                sign = -1 if v < 0 else 1
                y[i, j] = float((power(v, lam, anchor) - mean) / std)
                log_det[i] += float(
                    sign * (mpmath.mpf(lam) - 1) * mpmath.log1p(abs(v)) - mpmath.log(std) - (unit if anchor else 0)
                )
    return {"y": y, "back": new, "log_abs_det": log_det}


def test_likelihood():
    """No lambda within the bounds is better, by 1e-9 a row; the score vanishes inside them."""
    mpmath.mp.dps = 60
    for case in cases():
        method = renorm.get(METHOD)().fit(case.x, sample_weight=case.extra.get("sample_weight"))
        w = case.extra.get("sample_weight", np.ones(len(case.x)))
        for j, lam in enumerate(method.lambdas_):
            pairs = [(v, k) for v, k in zip(case.x[:, j], w, strict=True) if v == v and k > 0]
            values, weights = zip(*pairs, strict=True)
            if min(values) == max(values):
                assert lam == 1.0
                continue
            low, high = bounds(values)
            assert low - 1e-9 * (high - low) <= lam <= high + 1e-9 * (high - low), (
                f"{case.id} {j}: {lam} not in {low}, {high}"
            )
            found = likelihood(values, weights, lam)[0]
            for step in (1e-3, 0.03, 0.5):
                for other in (lam + step * (high - lam), lam - step * (lam - low)):
                    gain = float((likelihood(values, weights, other)[0] - found) / sum(weights))
                    assert gain <= TABLE["float64", "likelihood"][0], (
                        f"{case.id} {j}: lambda {other} is better than {lam} by {gain} a row"
                    )


def test_vectors():
    for name in VECTORS:
        v = golden(name)
        x = v["x"] if v["x"].ndim == 2 else v["x"][:, None]
        method = renorm.get(METHOD)(standardize="y" in v and name.startswith("sklearn")).fit
        if name == "yeojohnson__year":
            assert_close(renorm.get(METHOD)().fit(x).lambdas_[0], v["lmbda_mle"], op="peer", what=name)
        elif name.startswith("sklearn"):
            assert_close(method(x).transform(v["x_test"]), v["y_test"], op="peer", what=name)
        elif name.startswith("feature_engine"):
            assert_close(method(x).transform(x), v["y"], op="peer", what=name)
        else:
            key = "lmbda_mle" if "lmbda_mle" in v else "lmbda_brent"
            assert_close(method(x).lambdas_[0], v[key], op="peer", what=name)


def test_a_power_beyond_float64_is_refused():
    years = 2000.0 + rng("yeo_johnson years").integers(-1, 2, (40, 1)) * np.array([[1.0]]) ** 2
    years[:3] = 2030.0
    for column in (years, 1e12 + rng("yeo_johnson far").normal(size=(40, 1))):
        with pytest.raises(DataError, match=r"lambda .* in column 0"):
            renorm.get(METHOD)(standardize=False).fit(column)
    method = renorm.get(METHOD)().fit(1e8 + rng("yeo_johnson beyond").normal(size=(40, 1)))
    with pytest.raises(DataError, match="column 0, row 1"):
        method.inverse_transform([[0.0], [-1e9 * np.sign(method.tilts_[0] + 1e-300)]])
