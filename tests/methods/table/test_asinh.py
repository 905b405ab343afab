"""Evidence for table.asinh."""

import mpmath
import numpy as np

import renorm
from renorm.core.engine import Shards
from renorm.testing import Case, assert_close, rng

METHOD = "table.asinh"
MERGES = dict.fromkeys(
    ["1e8 + 1e-6 N", "1e16 + 2 int", "epoch seconds"],
    "the map has no offset: the images differ by less than float64 can hold",
)
EQUIVALENT = {
    "return np.where(np.abs(y) > 700, np.copysign(far, y), np.sinh(y) * self.scale_) -> return np.where(np.abs(y) >= 700, np.copysign(far, y), np.sinh(y) * self.scale_)": "both forms are right to rounding between 30 and 710",
    "return np.where(np.abs(y) > 700, np.copysign(far, y), np.sinh(y) * self.scale_) -> return np.where(np.abs(y) > 701, np.copysign(far, y), np.sinh(y) * self.scale_)": "both forms are right to rounding between 30 and 710",
}
OPS = {"scale_": "exact"}


def cases():
    r = rng("asinh")
    x = np.column_stack([r.standard_t(2, 17), np.round(r.exponential(1, 17)), np.zeros(17), r.normal(size=17) - 4])
    holes = np.where(r.random(x.shape) < 0.2, np.nan, x)
    w = r.integers(0, 4, 17).astype(float)
    far = np.column_stack([r.normal(size=17) * 1e-300, np.clip(r.normal(size=17), -1, 1) * 1.7e308, r.lognormal(0, 50, 17)])
    apart = np.column_stack([np.repeat([1e-300, -3e-300, 1e300], [6, 5, 6]), np.repeat([5e-324, -2e15, 4e-3], [9, 5, 3])])
    new = 5 * r.standard_t(2, (6, 4))
    return [
        Case("plain", x, {}, {"x_new": new}),
        Case("missing", holes),
        Case("weights", holes, {}, {"sample_weight": w, "x_new": new}),
        Case("far", far),
        Case("beyond the quotient", apart),
        Case("no scale", holes, {"scale": "none"}, {"x_new": new}),
        Case("float32", x[:, :2].astype(np.float32)),
    ]


def middle(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else 0.5 * values[half - 1] + 0.5 * values[half]


def oracle(case):
    w = case.extra.get("sample_weight", np.ones(len(case.x)))
    new = case.extra.get("x_new", case.x)
    y, log_det, scales = np.full(new.shape, np.nan), np.zeros(len(new)), []
    for j in range(new.shape[1]):
        sizes = [abs(float(v)) for v, k in zip(case.x[:, j], w, strict=True) if v == v and v != 0 for _ in range(int(k))]
        scales.append(middle(sizes) if sizes and case.options.get("scale") != "none" else 1.0)
        for i, value in enumerate(new[:, j]):
            if value == value:
                with mpmath.workdps(40):
                    z = mpmath.mpf(float(value)) / mpmath.mpf(scales[j])
                    y[i, j] = float(mpmath.asinh(z))
                    log_det[i] -= float(mpmath.log(scales[j]) + mpmath.log(1 + z * z) / 2)
    return {"y": y, "log_abs_det": log_det, "scale_": np.array(scales)}


def test_the_inverse_is_right_to_the_scale_and_the_value():
    for case in cases():
        if case.id != "float32":
            method = renorm.get(METHOD)(**case.options).fit(case.x)
            unit = np.maximum(method.scale_, np.abs(case.x))
            back = method.inverse_transform(method.transform(case.x))
            assert_close(back / unit, case.x / unit, op="reduction", what=case.id)


def test_the_scale_is_the_same_on_shards():
    r = rng("asinh shards")
    x, w = np.round(r.normal(0, 2, (61, 3)) * 4) / 4, r.integers(0, 4, 61).astype(float)
    whole = renorm.get(METHOD)().fit(x, sample_weight=w)
    parts = Shards([(x[i : i + 7], w[i : i + 7]) for i in range(0, 61, 7)], seed=1)
    assert_close(renorm.get(METHOD)().fit_on(parts).scale_, whole.scale_, op="exact")
