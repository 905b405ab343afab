"""Evidence for table.box_cox."""

import mpmath
import numpy as np
import pytest

import renorm
from renorm.core.errors import DataError
from renorm.testing import Case, assert_close, golden, rng
from renorm.testing.tolerance import TABLE

METHOD = "table.box_cox"
DOMAIN = "positive"
PROBES = [{}]  # the raw power of one of the battery's columns is beyond float64, and refused
VECTORS = [
    "boxcox__bc_neg",
    "boxcox__bc_pos",
    "boxcox__lognorm",
    "boxcox__tiny",
    "feature_engine__BoxCox",
    "fedpower__boxcox_lognorm",
    "fedpower__boxcox_year",
    "sklearn__PowerTransformer_bc",
]
REFUSES = dict.fromkeys(
    ["N 1e300", "clip(N) 1.7e308", "N 1e-300", "denormals", "cauchy", "99.7 % zeros", "negative", "binary"],
    "some values are not positive: the power is not defined",
)
OPS = {"y": "root", "back": "root", "log_abs_det": "root", "bounded: back": "inverse"}


def cases():
    r = rng("box_cox")
    n = 31
    x = np.column_stack([r.exponential(2, n), r.normal(9, 1, n), 2000.0 + r.integers(-10, 11, n)])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 4, n).astype(float)
    new = np.column_stack([r.exponential(3, 9), r.normal(9, 2, 9), 2000.0 + r.integers(-15, 16, 9)])
    hard = np.column_stack(
        [1e8 + r.normal(size=n), r.lognormal(0, 6, n), r.random(n) * 1e-300, np.full(n, 5.0), 1e300 * r.random(n)]
    )
    spiked = np.column_stack([np.r_[np.ones(n - 1), 1e10], np.r_[np.full(n - 1, 0.1), 0.101]])
    return [
        Case("plain", x),
        Case("new rows", holes, {}, {"x_new": new}),
        Case("weights", holes, {}, {"sample_weight": w}),
        Case("hard", hard),
        Case("bounded", spiked),
        Case("raw", x[:, :2], {"standardize": False}, {"x_new": new[:, :2]}),
    ]


def psi(v, lam):
    v, lam = mpmath.mpf(v), mpmath.mpf(lam)
    return mpmath.log(v) if lam == 0 else (v**lam - 1) / lam


def power(v, lam, anchor):
    """Psi less its value at the anchor, in units of its slope there."""
    ratio = mpmath.log(mpmath.mpf(v) / mpmath.mpf(anchor))
    return ratio if lam == 0 else mpmath.expm1(mpmath.mpf(lam) * ratio) / mpmath.mpf(lam)


def likelihood(values, weights, lam):
    """Profile log-likelihood in 60 digits, and the mean and standard deviation of the anchored power."""
    n, anchor = mpmath.fsum(weights), max(values)
    powers = [power(v, lam, anchor) for v in values]
    mean = mpmath.fsum(k * p for k, p in zip(weights, powers, strict=True)) / n
    variance = mpmath.fsum(k * (p - mean) ** 2 for k, p in zip(weights, powers, strict=True)) / n
    jacobian = mpmath.fsum(k * mpmath.log(v) for k, v in zip(weights, values, strict=True))
    unit = mpmath.log(anchor) * mpmath.mpf(lam)
    return -n / 2 * mpmath.log(variance) - n * unit + (mpmath.mpf(lam) - 1) * jacobian, mean, mpmath.sqrt(variance)


def bounds(values):
    """Where the method says lambda may be."""
    r = float(mpmath.log(mpmath.mpf(max(values)) / mpmath.mpf(min(values))))
    return -20 / r, 1 + 20 / r


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
        anchor, mean, std = max(values), 0, 1
        raw = not case.options.get("standardize", True)
        if min(values) < max(values) and not raw:
            _, mean, std = likelihood(values, weights, lam)
        for i, v in enumerate(new[:, j]):
            if v == v:
                y[i, j] = float(
                    psi(v, lam) if raw else v - mpmath.mpf(values[0]) if std == 1 else (power(v, lam, anchor) - mean) / std
                )
                slope = (mpmath.mpf(lam) - 1) * mpmath.log(v) - mpmath.log(std)
                log_det[i] += float(slope if raw or std == 1 else slope - mpmath.log(anchor) * mpmath.mpf(lam))
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
        if name.startswith("sklearn"):
            assert_close(renorm.get(METHOD)().fit(x).transform(x), v["y"], op="peer", what=name)
        elif name.startswith("feature_engine"):
            assert_close(renorm.get(METHOD)(standardize=False).fit(x).transform(x), v["y"], op="peer", what=name)
        else:
            key = "lmbda_mle" if "lmbda_mle" in v else "lmbda_brent"
            assert_close(renorm.get(METHOD)().fit(x).lambdas_[0], v[key], op="peer", what=name)


def test_what_is_not_positive_is_refused():
    for bad, said in ((0.0, "got 0.0 in column 1"), (-3.0, "got Negative values in data: -3.0 in column 1")):
        with pytest.raises(DataError, match=said):
            renorm.get(METHOD)().fit([[1.0, bad], [2.0, 1.0], [3.0, 9.0]])
    method = renorm.get(METHOD)().fit([[1.0], [2.0], [4.0]])
    assert method.__sklearn_tags__().input_tags.positive_only
    with pytest.raises(DataError, match="column 0, row 1"):
        method.transform([[1.0], [-1.0]])


def test_a_power_beyond_float64_is_refused():
    x = 1e12 + rng("box_cox far").normal(size=(40, 1))
    with pytest.raises(DataError, match=r"lambda .* in column 0"):
        renorm.get(METHOD)(standardize=False).fit(x)
