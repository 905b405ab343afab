"""The power likelihood: year columns, the score against the formula, the root, the bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq

from renorm.core.power import TILT, PowerGeometry, PowerLikelihood, decreasing_root
from renorm.table import YeoJohnson
from renorm.testing import assert_close, rng, years

Array = np.ndarray[Any, Any]

# year columns


@pytest.fixture(scope="module")
def verdict() -> years.Verdict:
    return years.judge("renorm", years.columns(), YeoJohnson())


def test_no_year_column_is_wrong(verdict: years.Verdict) -> None:
    assert len(verdict.faults) == years.COLUMNS == 200
    assert [f for f in verdict.faults if f] == []


def test_the_likelihood_of_year_columns_is_the_best(verdict: years.Verdict) -> None:
    assert len(verdict.loss) == 200
    assert min(verdict.loss) > -years.LIKELIHOOD
    assert max(verdict.loss) <= years.LIKELIHOOD


def test_all_year_columns_at_once_are_as_right_as_each() -> None:
    x = years.columns(20)
    together = YeoJohnson().fit(x)
    alone = [YeoJohnson().fit(x[:, j : j + 1]).tilts_[0] for j in range(20)]
    assert_close(together.tilts_, alone, op="root")


def test_the_judge_sees_what_is_wrong() -> None:
    """scikit-learn's transformer, and right answers spoiled."""
    from sklearn.preprocessing import PowerTransformer

    x = years.columns(20)
    assert years.judge("scikit-learn", x, PowerTransformer()).wrong > 0
    x = x[:, 0]
    y = (x - x.mean()) / x.std()
    assert years.faults(x, y, x) == []
    spoiled = {
        "not finite": (np.where(x == x[3], np.nan, y), x),
        "mean": (y + 2 * years.MOMENT, x),
        "standard deviation": (y * (1 + 2 * years.MOMENT), x),
        "distinct values merged": (np.round(y), x),
        "inverse off": (y, x + np.where(x == x[3], 2 * years.INVERSE * x.std(), 0.0)),
    }
    for reason, (bad, back) in spoiled.items():
        assert any(f.startswith(reason) for f in years.faults(x, bad, back)), reason
    lam = float(YeoJohnson().fit(x[:, None]).lambdas_[0])
    assert years.loss(x, lam) < years.LIKELIHOOD < years.loss(x, lam + 0.01 * abs(lam))
    assert years.loss(x, 1.0) > years.LIKELIHOOD
    assert years.loss(x, np.nan) == np.inf


def test_the_best_lambda_is_the_best() -> None:
    """The secants of the judge find the top, not just a level place."""
    x = years.columns(4)
    for j in range(4):
        values, counts = np.unique(x[:, j], return_counts=True)
        with mpmath.workdps(50):
            lam = years.best(values, counts, 3.0)
            top, slope = years.log_likelihood(values, counts, lam)
            assert abs(slope) < mpmath.mpf(10) ** -20
            for step in (0.1, 1, 10, 100, 400):
                for other in (lam - step, lam + step):
                    assert years.log_likelihood(values, counts, other)[0] < top


def test_the_printed_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(years, "columns", lambda: rng("few year columns").integers(1990, 2011, (200, 3)).astype(float))
    assert years.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[:3] == ["renorm", "table.yeo_johnson", "0"]
    assert lines[4].startswith("scikit-learn ")


# the score against the formula


def log_likelihood(x: list[float], lam: Any, origin: float) -> Any:
    """Profile log-likelihood a row, straight from the definition."""
    both = min(x) < 0 < max(x)
    psi, jacobian = [], []
    for v in x:
        m = mpmath.mpf(v)
        size = mpmath.log1p(abs(m)) if origin else mpmath.log(m)
        side = lam if m >= 0 else 2 - lam
        # less 1 where it matters; it would take the digits where it does not
        y = (mpmath.expm1(side * size) if both else mpmath.exp(side * size)) / side
        psi.append(y if m >= 0 else -y)
        jacobian.append(size if m >= 0 else -size)
    mean = mpmath.fsum(psi) / len(psi)
    var = mpmath.fsum((p - mean) ** 2 for p in psi) / len(psi)
    return -mpmath.log(var) / 2 + (lam - 1) * mpmath.fsum(jacobian) / len(x)


def geometries() -> dict[str, tuple[Array, float]]:
    g = rng("geometries")
    n = 25
    skewed = g.gamma(1.5, size=n)
    return {
        "positive": (skewed, 1.0),
        "positive with 0": (np.r_[0.0, skewed], 1.0),
        "negative": (-3 - 5 * skewed, 1.0),
        "both signs": (g.normal(size=n) * 3, 1.0),
        "mostly positive": (np.r_[-0.1, skewed * 10], 1.0),
        "years": (g.integers(1990, 2011, n).astype(float), 1.0),
        "negative years": (-g.integers(1990, 2011, n).astype(float), 1.0),
        "1e12 + noise": (1e12 + g.normal(size=n) * 50, 1.0),
        "tiny": (skewed * 1e-300, 1.0),
        "tiny, negative": (-skewed * 1e-200, 1.0),
        "tiny, both signs": (g.normal(size=n) * 1e-100, 1.0),
        "huge": (skewed * 1e300, 1.0),
        "huge, both signs": (g.normal(size=n) * 1e250, 1.0),
        "log-normal, 40 decades": (np.exp(g.normal(size=n) * 20), 1.0),
        "ties": (g.integers(0, 3, n).astype(float), 1.0),
        "Box-Cox": (skewed + 0.01, 0.0),
        "Box-Cox, tiny": (skewed * 1e-300, 0.0),
        "Box-Cox, years": (g.integers(1990, 2011, n).astype(float), 0.0),
    }


GEOMETRIES = geometries()


def score(x: Array, geometry: PowerGeometry, tilt: float) -> float:
    rows = geometry.lift(x[:, None])
    state = PowerLikelihood.of(rows, geometry=geometry, tilt=np.array([tilt]))
    return float(state.score[0])


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_score_is_the_derivative_of_the_likelihood(name: str) -> None:
    x, origin = GEOMETRIES[name]
    geometry = PowerGeometry(x.min(keepdims=True), x.max(keepdims=True), origin)
    low, high = (float(b[0]) for b in geometry.bounds())
    r, turn = float(geometry.range[0]), -1.0 if geometry.sign[0] < 0 else 1.0
    for part in (0.05, 0.3, 0.5, 0.62, 0.95):
        tilt = low + part * (high - low)
        with mpmath.workdps(60):
            lam = 1 + turn * mpmath.mpf(tilt) / mpmath.mpf(r)
            step = mpmath.mpf(10) ** -25 / r
            ends = [log_likelihood(x.tolist(), lam + s * step, origin) for s in (-1, 1)]
            want = float(turn * (ends[1] - ends[0]) / (2 * step) / mpmath.mpf(r))
        got = score(x, geometry, tilt)
        assert_close([1.0, got], [1.0, want], op="vector", what=f"{name} at tilt {tilt:g}")
        assert_close(got, want, op="root", what=f"{name} at tilt {tilt:g}")


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_score_decreases(name: str) -> None:
    x, origin = GEOMETRIES[name]
    geometry = PowerGeometry(x.min(keepdims=True), x.max(keepdims=True), origin)
    low, high = (float(b[0]) for b in geometry.bounds())
    scores = [score(x, geometry, t) for t in np.linspace(low, high, 101)]
    assert (np.diff(scores) < 0).all()


@pytest.mark.parametrize("name", [n for n, (_, origin) in GEOMETRIES.items() if origin])
def test_the_fit_finds_the_top_of_the_likelihood(name: str) -> None:
    """Its lambda, in many digits, loses nothing against lambdas around it; at a bound, against those inside."""
    x, origin = GEOMETRIES[name]
    method = YeoJohnson().fit(x[:, None])
    geometry = PowerGeometry(x.min(keepdims=True), x.max(keepdims=True))
    low, high = (float(b[0]) for b in geometry.bounds())
    r, turn, tilt = float(geometry.range[0]), -1.0 if geometry.sign[0] < 0 else 1.0, float(method.tilts_[0])
    assert low <= tilt <= high
    with mpmath.workdps(60):

        def at(t: float) -> Any:
            return log_likelihood(x.tolist(), 1 + turn * mpmath.mpf(t) / mpmath.mpf(r), origin)

        top = at(tilt)
        for step in (1e-5, 1e-3, 0.1, 1.0, 5.0):
            for t in (tilt - step, tilt + step):
                if low <= t <= high:
                    assert float(at(t) - top) <= 0.0, f"{name}: {t:g} is better than {tilt:g}"
    assert_close(method.lambdas_, [1 + turn * tilt / r], op="elementwise")


def test_bounds_are_honoured() -> None:
    """One far value drags the optimum beyond what can be inverted: the bound it points to is taken."""
    far = np.r_[np.zeros(60), np.ones(1)]
    columns = {"up": far, "down": -far, "high": 10 - far, "low": far - 10}
    for name, x in columns.items():
        geometry = PowerGeometry(x.min(keepdims=True), x.max(keepdims=True))
        low, high = geometry.bounds()
        r = geometry.range
        assert_close([low[0], high[0]], [-TILT - r[0], TILT], op="exact")
        tilt = YeoJohnson().fit(x[:, None]).tilts_
        # mirrored where negative, so that a far value farther from 0 always asks for a lower tilt
        assert tilt == (low if name in ("up", "down") else high), name
        beyond = 1 if tilt == high else -1
        assert np.sign(score(x, geometry, float(tilt[0]))) == beyond
    x = np.r_[np.linspace(-1e-9, 1e-9, 40), 1e6]
    geometry = PowerGeometry(x.min(keepdims=True), x.max(keepdims=True))
    low, high = geometry.bounds()
    (up,), (down,) = geometry.reach
    assert_close(
        low[0], max(-TILT * geometry.range[0] / up - geometry.range[0], -TILT * geometry.range[0] / down), op="exact"
    )
    assert YeoJohnson().fit(x[:, None]).tilts_ >= low


def test_constant_columns_are_left_alone() -> None:
    x = np.array([[5.0, 1e12, 0.0, np.nan], [5.0, 1e12, -0.0, np.nan]])
    method = YeoJohnson().fit(x)
    assert method.lambdas_.tolist() == [1.0, 1.0, 1.0, 1.0]


# the root


class Value:
    def __init__(self, score: Array) -> None:
        self.score = score


Function = Callable[[Array], Array]


def solve(function: Function, first: Any, second: Any, low: Any, high: Any, active: Any = True) -> tuple[Array, list[Array]]:
    """Answer the questions of `decreasing_root`; give the root and everything that was asked."""
    d = len(np.atleast_1d(first))
    arrays = [np.broadcast_to(np.asarray(v, dtype=float), (d,)).copy() for v in (first, second, low, high)]
    asked: list[Array] = []
    talk = decreasing_root(lambda t: t.copy(), *arrays, np.broadcast_to(active, (d,)))
    try:
        question = next(talk)
        while True:
            asked.append(question)
            question = talk.send(Value(function(question)))
    except StopIteration as stop:
        return stop.value, asked


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "line": lambda t: 0.3 - t,
    "steep": lambda t: 1e12 * (0.7 - t),
    "flat": lambda t: 1e-12 * (0.7 - t),
    "cubic": lambda t: -((t + 1.5) ** 3),
    "saturating": lambda t: np.tanh(5 * (2.0 - t)),
    "one-sided": lambda t: np.exp(-t) - 3.0,
    "atan": lambda t: np.arctan(40 * (11.0 - t)),
    "far": lambda t: -17.3 - t,
    "step": lambda t: np.where(t < 1.0 / 3.0, 1.0, -1.0),
    "at the start": lambda t: -t,
    "log": lambda t: -np.log1p(np.maximum(t + 19.0, 0.0)) + 0.5,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_root_is_found(name: str) -> None:
    f = FUNCTIONS[name]
    got, asked = solve(f, [0.0], [1.0], -20.0, 20.0)
    want = brentq(f, -20.0, 20.0, maxiter=1000)
    if name == "cubic":  # level at its root: the score is 0 to rounding before the argument is exact
        assert_close(1.0 + f(got), [1.0], op="elementwise")
    else:  # relative to 1 + |root|, as promised
        assert_close([1.0, got[0]], [1.0, want], op="root", what=name)
    assert all(((t >= -20.0) & (t <= 20.0)).all() for t in asked)
    assert len(asked) <= (60 if name == "step" else 40)


def test_columns_are_solved_at_once() -> None:
    names = [n for n in FUNCTIONS if n != "step"]
    functions = [FUNCTIONS[n] for n in names]

    def all_of(t: Array) -> Array:
        return np.array([float(f(v)) for f, v in zip(functions, t, strict=True)])

    got, asked = solve(all_of, np.zeros(len(names)), 1.0, -20.0, 20.0)
    alone = [solve(f, [0.0], [1.0], -20.0, 20.0)[0][0] for f in functions]
    assert_close(got, alone, op="root")
    assert len(asked) <= 60


def test_roots_outside_the_bounds_are_the_bounds() -> None:
    def f(t: Array) -> Array:
        return np.array([5.0, -5.0, 0.25]) - t

    got, asked = solve(f, [0.0, 0.0, 0.0], 1.0, [-1.0, -1.0, -1.0], [1.0, 1.0, 1.0])
    assert got.tolist() == [1.0, -1.0, 0.25]
    assert all((np.abs(t) <= 1.0).all() for t in asked)
    edge, _ = solve(lambda t: 1.0 - t, [0.0], 1.0, -1.0, 1.0)
    assert edge.tolist() == [1.0]
    outside, asked = solve(lambda t: 0.5 - t, [40.0], 1.0, -1.0, 1.0)  # a guess beyond the bounds
    assert_close(outside, [0.5], op="root")
    assert asked[0].tolist() == [1.0]
    nowhere, _ = solve(lambda t: 0.5 - t, [0.0], 1.0, 2.0, 2.0)
    assert nowhere.tolist() == [2.0]


def test_inactive_columns_stay_at_their_guess() -> None:
    got, asked = solve(lambda t: 3.0 - t, [0.5, 0.5], 1.0, -20.0, 20.0, active=np.array([False, True]))
    assert got[0] == 0.5
    assert_close(got[1], 3.0, op="root")
    idle, asked = solve(lambda t: 3.0 - t, [0.5], 1.0, -20.0, 20.0, active=False)
    assert idle.tolist() == [0.5]
    assert len(asked) == 1


def test_a_root_at_the_first_look_is_kept() -> None:
    got, asked = solve(lambda t: 2.0 - t, [2.0], 1.0, -20.0, 20.0)
    assert got.tolist() == [2.0]
    assert len(asked) == 1
    second, asked = solve(lambda t: 2.0 - t, [1.0], 1.0, -20.0, 20.0)
    assert second.tolist() == [2.0]
    assert len(asked) == 2
