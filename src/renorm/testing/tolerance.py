"""The one table of tolerances: by dtype and class of operation. No test types its own."""

from __future__ import annotations

from typing import Any

import numpy as np

# (relative to the largest magnitude compared, absolute), per dtype and class of operation
TABLE: dict[tuple[str, str], tuple[float, float]] = {
    ("float64", "exact"): (0.0, 0.0),
    ("float64", "elementwise"): (1e-14, 0.0),  # a few roundings
    ("float64", "reduction"): (1e-12, 1e-300),  # sums over n rows
    ("float64", "merge"): (1e-11, 1e-300),  # the same sums in another order, roots of them
    ("float64", "root"): (1e-8, 1e-300),  # solved for: the argument of a flat optimum
    ("float64", "inverse"): (1e-6, 1e-300),  # of the spread, where the map bends as far as it is let
    ("float64", "likelihood"): (1e-9, 0.0),  # a row: how much better another parameter may be
    ("float64", "vector"): (1e-9, 1e-12),  # golden vectors made in float64
    ("float64", "peer"): (2e-6, 1e-12),  # vectors of a peer whose own optimizer stops at 1e-8 of lambda
    ("float32", "exact"): (0.0, 0.0),
    ("float32", "elementwise"): (1e-6, 0.0),
    ("float32", "reduction"): (1e-5, 1e-30),
    ("float32", "merge"): (1e-5, 1e-30),
    ("float32", "root"): (1e-4, 1e-30),
    ("float32", "vector"): (1e-5, 1e-6),
    ("bfloat16", "elementwise"): (2.0**-7, 0.0),
    ("bfloat16", "reduction"): (2.0**-6, 1e-30),
    ("float16", "elementwise"): (2.0**-9, 0.0),
    ("float16", "reduction"): (2.0**-8, 1e-30),
}


def gap(got: Any, want: Any) -> float:
    """Largest |got - want| over the largest |want| (over 1 where that is 0); inf where NaNs or shapes differ."""
    a, b = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    same = (a == b) | np.isnan(a)
    if same.all():
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        worst = float(np.max(np.where(same, 0.0, np.abs(a - b))))
    scale = float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
    return worst / scale if scale else worst


def assert_close(got: Any, want: Any, *, op: str, dtype: str = "float64", what: str = "") -> float:
    """Assert by the table; return the gap.

    Shapes and the places of NaN must agree exactly.

    Raises
    ------
    AssertionError
        With the gap, the tolerance and the first offending place.
    """
    relative, absolute = TABLE[dtype, op]
    a, b = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape} is not {b.shape}"
    assert np.array_equal(np.isnan(a), np.isnan(b)), f"{what}: NaN in other places than expected"
    found = gap(a, b)
    if found <= relative:
        return found
    with np.errstate(invalid="ignore"):
        diff = np.where((a == b) | np.isnan(a), 0.0, np.abs(a - b))
    if float(np.max(diff, initial=0.0)) <= absolute:
        return found
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(diff)), diff.shape))
    raise AssertionError(
        f"{what}: gap {found:.3g} over {relative:g} ({dtype}, {op}); at {at} got {a[at]!r}, expected {b[at]!r}"
    )
