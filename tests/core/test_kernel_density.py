"""Kernel density sums against loops over every pair, shares by quadrature, and the look-up against the binary search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaincc, ndtr

from renorm.core.kernel_density import (
    density_sums,
    gaussian_sums,
    look_up,
    over_range,
    polyexp_bandwidth_ratio,
    polyexp_coefficients,
    polyexp_sums,
    share_below,
    spread_over_range,
)
from renorm.core.monotone import rank_at
from renorm.core.states import Moments
from renorm.testing import assert_close, golden, rng

Array = np.ndarray[Any, Any]


def column(name: str, n: int) -> tuple[Array, Array]:
    r = rng(name)
    values = np.sort(np.r_[r.normal(size=n - n // 3), np.round(3 * r.normal(size=n // 3))])
    return over_range(values, values[0], values[-1]), r.integers(1, 4, n).astype(float)


def by_pairs(points: Array, values: Array, weights: Array, h: float, order: int | None) -> tuple[Array, Array]:
    density, below = np.zeros(len(points)), np.zeros(len(points))
    for i, p in enumerate(points):
        u = np.clip((p - values) / h, -1e4, 1e4)  # far beyond any kernel's reach
        if order is None:
            kernel, cdf = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi), ndtr(u)
        else:
            terms = range(order + 1)
            factor = np.cumprod([1.0, *np.arange(1.0, order + 1)])
            kernel = sum(np.abs(u) ** k * np.exp(-np.abs(u)) / factor[k] for k in terms) / (2 * (order + 1))
            tail = sum(gammaincc(k + 1, np.abs(u)) for k in terms) / (2 * (order + 1))
            cdf = np.where(u > 0, 1 - tail, tail)
        density[i], below[i] = weights @ kernel / h / weights.sum(), weights @ cdf / weights.sum()
    return density, below


@pytest.mark.parametrize("order", [None, 0, 1, 4, 7])
@pytest.mark.parametrize("h", [1e-300, 1e-9, 1e-3, 0.03, 0.4, 20.0, 1e100])
def test_sums_equal_those_over_all_pairs(order: int | None, h: float) -> None:
    values, weights = column("kernel sums", 150)
    points = np.sort(np.r_[values[::3], rng("kernel points").uniform(-0.5, 1.5, 70)])
    got, want = density_sums(points, values, weights, h, order), by_pairs(points, values, weights, h, order)
    assert_close(got[0] * h, want[0] * h, op="reduction", what="density")
    assert_close(got[1], want[1], op="reduction", what="distribution")


def test_dense_cells_keep_all_digits() -> None:
    """Many values a cell: the Taylor series is what sums them."""
    values = np.sort(rng("cells").uniform(size=4000))
    points = np.linspace(0.0, 1.0, 33)
    got, want = gaussian_sums(points, values, np.ones(4000), 2.0), by_pairs(points, values, np.ones(4000), 2.0, None)
    for a, b in zip(got, want, strict=True):
        assert_close(a, b, op="reduction")


def test_points_may_come_in_any_order_where_they_need_no_order() -> None:
    values, weights = column("any order", 40)
    points = rng("any order").uniform(-1, 2, 21)
    order = np.argsort(points)
    for got, want in zip(
        gaussian_sums(points, values, weights, 0.1), gaussian_sums(points[order], values, weights, 0.1), strict=True
    ):
        assert_close(got[order], want, op="exact")


@pytest.mark.parametrize("order", [2, 4, 6])
def test_density_vectors(order: int) -> None:
    v = golden(f"kdi_ksum__order{order}")
    kernel, _ = polyexp_coefficients(order)
    assert_close(kernel, v["betas"], op="elementwise")
    assert_close(0.7 * v["x"].std() * polyexp_bandwidth_ratio(order), v["h"], op="reduction")
    points, values = np.argsort(v["x_eval"]), np.sort(v["x"])
    density, _ = polyexp_sums(v["x_eval"][points], values, np.ones(len(values)), float(v["h"]), order)
    assert_close(density, v["y"][points], op="vector")


@pytest.mark.parametrize("order", [0, 1, 4, 9])
def test_the_coefficients_are_of_a_density_and_its_tail(order: int) -> None:
    kernel, tail = polyexp_coefficients(order)
    for u in (0.0, 0.7, 5.0):
        area, _ = quad(lambda t: float(np.exp(-t) * np.polynomial.polynomial.polyval(t, kernel)), u, 90, epsabs=1e-14)
        assert_close(np.exp(-u) * np.polynomial.polynomial.polyval(u, tail), area, op="vector")
    assert_close(tail[0], 0.5, op="elementwise")


def test_share_below_takes_the_rule_that_fits_the_step() -> None:
    points, density, below = (
        np.array([0.0, 0.1, 0.2, 0.7, 1.0]),
        np.array([1.0, 2, 4, 3, 1]),
        np.array([0, 0.1, 0.3, 0.7, 0.6]),
    )
    mass = np.array([0.15, 0.3, 0.4, 0.6])
    assert_close(share_below(points, density, below, 0.35), np.r_[0, np.cumsum(mass)] / mass.sum(), op="elementwise")
    mass[3] = 0.0  # a distribution function that rounding lets fall does not
    assert_close(share_below(points, density, below, 0.2), np.r_[0, np.cumsum(mass)] / mass.sum(), op="elementwise")


def test_over_range() -> None:
    x = np.array([-1.7e308, 0.0, 1.7e308, np.nan, np.inf])
    assert_close(over_range(x[:4], -1.7e308, 1.7e308), [0.0, 0.5, 1.0, np.nan], op="elementwise")
    assert over_range(x, 0.0, 1.0)[4] == np.inf
    assert over_range(np.array([5e-324, 1e-323, 2e-323]), 5e-324, 2e-323).tolist() == [0.0, 1 / 3, 1.0]
    assert over_range(np.array([1e-40, 1.0]), 0.0, 4.0).tolist() == [2.5e-41, 0.25]
    assert over_range(np.array([2.0, 3.0, 4.5]), 3.0, 3.0).tolist() == [-1.0, 0.0, 1.5]
    assert over_range(np.array([1.0], dtype=np.float32), 0.0, 3.0).tolist() == [1 / 3]
    assert np.isnan(over_range(np.array([1.0]), np.nan, np.nan)).all()


def test_spread_over_range() -> None:
    z = rng("spread over range").normal(size=(40, 1))
    base = np.column_stack([z * 1e300, z * 1e-310, z, 1e8 + z, np.full(40, 3.0), np.full(40, np.nan)])
    got = spread_over_range(Moments.of(base), np.fmin.reduce(base), np.fmax.reduce(base))
    want = z.std() / np.ptp(z)
    assert_close(got[:3], np.full(3, want), op="reduction")
    assert_close(got[3], base[:, 3].std() / np.ptp(base[:, 3]), op="reduction")
    assert np.isnan(got[4:]).all()


def grids(name: str) -> dict[str, tuple[Array, Array]]:
    """Values to look up, many enough for tables, and the values whose quantiles are the grid."""
    r = rng(name)
    z = r.normal(size=6000)
    columns = {
        "normal": z,
        "skewed": np.exp(2 * z),
        "very skewed": np.exp(12 * z),
        "skewed to the left": -np.exp(12 * z),
        "extremely skewed": np.exp(60 * z),
        "heavy": r.standard_cauchy(6000) ** 3,
        "offset": 1e8 + 1e-6 * z,
        "ties": np.round(7 * z),
        "two values": (z > 0).astype(float),
        "huge": np.clip(z, -1, 1) * 1.7e308,
        "tiny": z * 1e-310,
        "outlier": np.r_[z[1:], 1e300],
        "neighbours": 1.0 + np.spacing(1.0) * np.round(3 * z),
    }
    return {k: (v, np.sort(v)) for k, v in columns.items()}


@pytest.mark.parametrize("size", [2, 3, 40, 1000])
def test_looking_up_equals_searching(size: int) -> None:
    for name, (values, ordered) in grids("look up").items():
        grid = ordered[np.linspace(0, 5999, size).astype(int)]
        references = np.linspace(0, 1, size)
        x = np.r_[values, grid, np.nan, np.nextafter(grid, -np.inf), np.nextafter(grid, np.inf), -1.7e308, 1.7e308]
        before = x.copy()
        got = look_up(x, grid, references)
        assert np.array_equal(x, before, equal_nan=True)
        assert_close(got, rank_at(x, grid, references), op="merge" if name == "tiny" else "elementwise", what=name)
        few = np.concatenate([look_up(part, grid, references) for part in np.array_split(x, 10)])
        assert_close(few, got, op="exact", what=f"{name}: without tables")
        real = np.sort(x[~np.isnan(x)])
        assert (np.diff(look_up(real, grid, references)) >= 0).all(), f"{name}: order lost"


def test_looking_up_ranks_that_are_not_equally_far_apart() -> None:
    r = rng("look up uneven")
    grid, references = np.sort(np.round(r.exponential(size=50), 1)), np.sort(r.uniform(size=50))
    references[[0, -1]] = 0.0, 1.0
    x = r.exponential(size=9000).round(2)
    assert_close(look_up(x, grid, references), rank_at(x, grid, references), op="elementwise")


def test_looking_up_in_place_and_on_little() -> None:
    out = np.zeros((3, 2))
    back = look_up(
        np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0]), np.array([0.0, 1.0]), place=lambda v: 2 * v, out=out[:, 1]
    )
    assert back is not None and np.shares_memory(back, out)
    assert out.tolist() == [[0, 0], [0, 1], [0, 1]]
    one = look_up(np.array([1.0, 2.0, 3.0, np.nan]), np.array([2.0, 2.0]), np.array([0.0, 1.0]))
    assert_close(one, [0.0, 0.0, 1.0, np.nan], op="exact")
    assert np.isnan(look_up(np.array([1.0]), np.array([np.nan]), np.array([0.0]))).all()
    assert look_up(np.zeros(0), np.array([1.0, 2.0]), np.array([0.0, 1.0])).shape == (0,)
    small = look_up(np.array([0.25], dtype=np.float32), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert small.dtype == np.float64 and small.tolist() == [0.25]
