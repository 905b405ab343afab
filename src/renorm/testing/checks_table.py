"""The battery of table normalizers."""

from __future__ import annotations

import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.utils import estimator_checks

from renorm.core.card import Card
from renorm.core.engine import Batches, Engine, Memory, Shards
from renorm.core.errors import DataError, RenormError
from renorm.core.files import load
from renorm.core.state import Array
from renorm.testing.battery import Subject, check
from renorm.testing.evidence import Case, rng
from renorm.testing.tolerance import assert_close, gap

ROWS = 61


def outputs(cls: Any, case: Case) -> dict[str, Array]:
    """Everything a fitted normalizer shows on a case: fitted attributes, image, inverse, log-determinant."""
    method = cls(**case.options).fit(case.x, sample_weight=case.extra.get("sample_weight"))
    x = case.extra.get("x_new", case.x)
    out = {name: np.asarray(getattr(method, name), dtype=np.float64) for name in method._learnt}
    out["y"] = method.transform(x)
    if method.card.invertible != "no":
        out["back"] = method.inverse_transform(out["y"])
        out["log_abs_det"] = method.log_abs_det(x)
    return out


def columns(name: str) -> Array:
    """Ordinary columns of several shapes and scales, with ties and missing values, (61, 6)."""
    r = rng(name)
    x = np.column_stack(
        [
            r.normal(3.0, 2.0, ROWS),
            r.exponential(5.0, ROWS),
            r.normal(size=ROWS) * 1e-6 - 1e-5,
            np.round(r.lognormal(1.0, 1.0, ROWS)),
            r.standard_t(3, ROWS) * 1e5,
            r.uniform(-4.0, -1.0, ROWS),
        ]
    )
    x[r.random(x.shape) < 0.05] = np.nan
    x[:2] = np.where(np.isnan(x[:2]), 1.0, x[:2])
    return x


def adversarial(name: str, n: int = 300) -> dict[str, Array]:
    """Columns that break other tools silently; each finite, of n values."""
    r = rng(name)
    z = r.normal(size=n)
    return {
        "constant 7": np.full(n, 7.0),
        "constant 1e8 + .1": np.full(n, 1e8 + 0.1),
        "N 1e300": z * 1e300,
        "|N| 1e300": np.abs(z) * 1e300,
        "clip(N) 1.7e308": np.clip(z, -1, 1) * 1.7e308,
        "N 1e-300": z * 1e-300,
        "denormals": np.round(z * 50) * 5e-324,
        "cauchy": r.standard_cauchy(n),
        "lognormal sigma 10": r.lognormal(0, 10, n),
        "lognormal sigma 50": r.lognormal(0, 50, n),
        "ones and 1e10": np.r_[np.ones(n - 1), 1e10],
        "1e8 + 1e-6 N": 1e8 + 1e-6 * z,
        "1e8 + 1e-2 N": 1e8 + 1e-2 * z,
        "1e12 + N": 1e12 + z,
        "1e16 + 2 int": 1e16 + 2.0 * r.integers(-25, 25, n),
        "year 2000 +- 10": 2000.0 + r.integers(-10, 11, n),
        "10 and 9.9": np.r_[np.full(n - 1, 10.0), 9.9],
        ".1 and .101": np.r_[np.full(n - 1, 0.1), 0.101],
        "99.7 % zeros": np.r_[np.zeros(n - 1), 1.0],
        "negative": -r.exponential(size=n) - 0.5,
        "binary": r.integers(0, 2, n).astype(float),
        "epoch seconds": 1.7e9 + 0.3 * z,
    }


@contextmanager
def _loud() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def _fit(subject: Subject, x: Any, w: Any = None, **options: Any) -> Any:
    with _loud():
        return subject.cls(**options).fit(x, sample_weight=w)


def _learns(card: Card) -> bool:
    return card.rounds != "none"


def _positive(subject: Subject) -> bool:
    """Whether the method is defined above 0 only: its evidence says ``DOMAIN = "positive"``."""
    return getattr(subject.evidence, "DOMAIN", "") == "positive"


def _columns(subject: Subject, name: str) -> Array:
    """`columns` in the method's domain."""
    x = columns(name)
    return np.abs(x) + 0.01 * np.nanmax(np.abs(x), axis=0) if _positive(subject) else x


def _for_any_sign(cls: Any) -> Any:
    """Make the method see positive values whatever it is given, so that scikit-learn's checks can run."""

    def validated(self: Any, X: Any, *, reset: bool, check_names: bool = True) -> Array:
        x = cls._validated(self, X, reset=reset, check_names=check_names)
        return np.logaddexp(np.zeros((), x.dtype), x) + x.dtype.type(0.1) if check_names else x

    made = type(cls.__name__, (cls,), {"_validated": validated, "__module__": __name__})
    globals()[cls.__name__] = made  # pickle finds it by name
    return made


# values


@check("table", quick=True)
def oracle(subject: Subject) -> None:
    """Every output of every case equals the naive oracle's."""
    cases = subject.cases()
    assert cases, "no cases"
    ops = getattr(subject.evidence, "OPS", {})
    for case in cases:
        got, want = outputs(subject.cls, case), subject.evidence.oracle(case)
        assert "y" in want, f"{case.id}: the oracle says nothing of y"
        for key, value in want.items():
            op = ops.get(f"{case.id}: {key}", ops.get(key, "reduction"))
            dtype = "float32" if np.asarray(case.x).dtype == np.float32 else "float64"
            assert_close(got[key], value, op=op, dtype=dtype, what=f"{case.id}: {key}")


@check("table", quick=True)
def missing_values(subject: Subject) -> None:
    """NaN stays NaN in its place; the others are as if its row had not been in that column."""
    x = _columns(subject, "missing_values")
    y = _fit(subject, x).transform(x)
    assert np.array_equal(np.isnan(y), np.isnan(x)), "NaN in other places than in the input"
    for j in range(x.shape[1]):
        column = x[:, [j]]
        real = ~np.isnan(x[:, j])
        with_holes, without = _fit(subject, column).transform(column), _fit(subject, column[real]).transform(column[real])
        assert_close(with_holes[real], without, op="merge", what=f"column {j}")


@check("table", applies=lambda card: card.invertible != "no", quick=True)
def inverse(subject: Subject) -> None:
    """The inverse returns every fitted value, to 1e-6 of its column's spread; exactly where the card says exact."""
    x = _columns(subject, "inverse")
    for options in _option_sets(subject):
        method = _fit(subject, x, **options)
        back = method.inverse_transform(method.transform(x))
        spread = np.nanmax(x, axis=0) - np.nanmin(x, axis=0)
        if subject.card.invertible == "exact":
            assert_close(back / spread, x / spread, op="root", what=f"inverse {options}")
        else:
            worst = np.nanmax(np.abs(back - x) / spread)
            assert worst < 0.2, f"inverse {options}: off by {worst:.3g} of the spread"


@check("table", applies=lambda card: card.invertible == "no")
def no_inverse(subject: Subject) -> None:
    """A method that claims no inverse offers none."""
    method = _fit(subject, _columns(subject, "no_inverse"))
    for name in ("inverse_transform", "log_abs_det"):
        try:
            getattr(method, name)
        except AttributeError:
            continue
        raise AssertionError(f"{name} exists, the card says invertible='no'")


@check("table", applies=lambda card: card.invertible != "no", quick=True)
def log_determinant(subject: Subject) -> None:
    """log_abs_det is the sum of the logs of the numerical derivative of each column."""
    x = _columns(subject, "log_determinant")
    step = 1e-6 * (np.nanmax(x, axis=0) - np.nanmin(x, axis=0))
    probe = x[~np.isnan(x).any(axis=1)][:9] + 1.5 * step
    for options in _option_sets(subject):
        method = _fit(subject, x, **options)
        got = method.log_abs_det(probe)
        total = np.zeros(len(probe))
        for j in range(x.shape[1]):
            ahead, behind = probe.copy(), probe.copy()
            ahead[:, j] += 0.5 * step[j]
            behind[:, j] -= 0.5 * step[j]
            with np.errstate(divide="ignore"):
                total += np.log(method.transform(ahead)[:, j] - method.transform(behind)[:, j]) - np.log(step[j])
        finite = np.isfinite(total)
        assert finite.sum() > 3, f"{options}: flat almost everywhere"
        error = float(np.max(np.abs(got[finite] - total[finite])))
        assert error < 1e-2, f"log_abs_det {options}: {error:.3g} from the numerical derivative"


@check("table")
def adversarial_columns(subject: Subject) -> None:
    """Hard columns come out right or are refused: finite, in order, nothing merged, inverted to 1e-6 of the spread."""
    allowed = getattr(subject.evidence, "MERGES", {})
    for name, column in adversarial("adversarial_columns").items():
        x = column[:, None]
        try:
            method = _fit(subject, x)
            y = method.transform(x)
        except DataError:
            assert name in getattr(subject.evidence, "REFUSES", {}), f"{name}: refused without a reason in REFUSES"
            continue
        assert np.isfinite(y).all(), f"{name}: not finite"
        order = np.argsort(column, kind="stable")
        if "monotone" in subject.card.laws:
            assert (np.diff(y[order, 0]) >= 0).all(), f"{name}: order lost"
            lost = len(np.unique(column)) - len(np.unique(y))
            assert lost == 0 or name in allowed, f"{name}: {lost} distinct values merged"
        if subject.card.invertible == "exact":
            back = method.inverse_transform(y)[:, 0]
            half = 0.5 * column.max() - 0.5 * column.min()
            error = np.max(np.abs(0.5 * back - 0.5 * column)) / (half if half > 0 else max(1.0, abs(column[0])))
            assert error < 1e-6, f"{name}: inverse off by {error:.3g} of the spread"


# engines


def _engines(x: Array, w: Array | None, name: str) -> dict[str, Callable[[], Engine]]:
    order = rng(name).permutation(len(x))
    xs, ws = x[order], (None if w is None else w[order])

    def part(rows: slice) -> tuple[Array, Array | None]:
        return xs[rows], None if ws is None else ws[rows]

    return {
        "batches of 7": lambda: Batches(lambda: [part(slice(i, i + 16)) for i in range(0, len(x), 16)], batch=7),
        "9 shards": lambda: Shards([part(slice(i, i + 7)) for i in range(0, len(x), 7)], seed=1),
        "one-row shards": lambda: Shards([part(slice(i, i + 1)) for i in range(len(x))], seed=2),
    }


def _equal_on(subject: Subject, offset: float, weighted: bool, engines: tuple[str, ...] = ()) -> None:
    base = _columns(subject, "shards_equal_whole")
    x = base + offset if offset == 0 else np.round(base * 64) / 64 + offset
    w = rng("shards_equal_whole").integers(0, 4, len(base)).astype(float) if weighted else None
    whole = subject.cls().fit_on(Memory(x, w))
    for name, engine in _engines(x, w, "shards_equal_whole").items():
        if not engines or name in engines:
            other = subject.cls().fit_on(engine())
            what = f"{name}, offset {offset:g}, {'weights' if weighted else 'no weights'}"
            assert_close(other.transform(x), whole.transform(x), op="root", what=what)


def _merges(card: Card) -> bool:
    return card.mergeable and _learns(card)


@check("table", applies=_merges)
def shards_equal_whole(subject: Subject) -> None:
    """Batches, shards and one-row shards teach the same as memory, at offsets 0, 1e8 and 1e12, with weights and NaN."""
    for offset in (0.0, 1e8, 1e12):
        for weighted in (False, True):
            _equal_on(subject, offset, weighted)


@check("table", applies=_merges, quick=True)
def few_shards_equal_whole(subject: Subject) -> None:
    """Nine shards teach the same as memory, with weights, at offset 1e8: the part of the above that is fast."""
    _equal_on(subject, 1e8, True, ("9 shards",))


@check("table", applies=_learns)
def infinite_batches(subject: Subject) -> None:
    """Infinities that come through an engine are refused as those of an array are, or taken by ranks."""
    x = _columns(subject, "infinite_batches")
    x[11, 2] = np.inf
    if subject.cls._accepts_inf:
        whole = subject.cls().fit(x).transform(x)
        assert_close(subject.cls().fit_on(Shards([x[:20], x[20:]])).transform(x), whole, op="root")
        return
    for engine in (Memory(x), Batches(lambda: [x], batch=7), Shards([x[:20], x[20:]])):
        try:
            subject.cls().fit_on(engine)
        except DataError as error:
            said = str(error)
        else:
            raise AssertionError(f"{type(engine).__name__} let an infinity through")
        assert "column 2" in said, said


@check("table", applies=_learns, quick=True)
def one_round(subject: Subject) -> None:
    """partial_fit and merge exist for one-round methods and only for them, and equal one fit."""
    x = _columns(subject, "one_round")
    method = _fit(subject, x)
    for name in ("partial_fit", "merge"):
        assert hasattr(method, name) == (subject.card.rounds == "one"), f"{name}: rounds is {subject.card.rounds!r}"
    if subject.card.rounds == "one":
        steps = subject.cls()
        for i in range(0, len(x), 20):
            steps.partial_fit(x[i : i + 20])
        assert_close(steps.transform(x), method.transform(x), op="merge", what="partial_fit")
        merged = _fit(subject, x[:23]).merge(_fit(subject, x[23:]))
        assert_close(merged.transform(x), method.transform(x), op="merge", what="merge")


@check("table", applies=_learns)
def interrupted_fit(subject: Subject) -> None:
    """A fit that is interrupted leaves the old object whole."""
    x = _columns(subject, "interrupted_fit")

    class Broken(Shards):
        left = 1 << 30

        def answer(self, queries: Any) -> Any:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().answer(queries)

    method = _fit(subject, x)
    before = pickle.dumps(method)
    whole, broken = Broken([x[:, :2] * 3 + 1]), Broken([x[:, :2] * 3 + 1])
    subject.cls().fit_on(whole)
    broken.left = Broken.left - whole.left - 1  # all answers but the last
    try:
        method.fit_on(broken)
    except KeyboardInterrupt:
        assert pickle.dumps(method) == before, "an interrupted fit changed the object"
        return
    raise AssertionError("the fit asked no question where its card says it does")


# what scikit-learn's users expect


@check("table")
def scikit_learn(subject: Subject) -> None:
    """Every scikit-learn estimator check passes, and those it leaves to be called by name."""
    reasons = getattr(subject.evidence, "SKLEARN_EXCEPTIONS", {})
    cls = _for_any_sign(subject.cls) if _positive(subject) else subject.cls
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        warnings.filterwarnings("ignore", "X (has|does not have valid) feature names")  # some checks change them on purpose
        results = estimator_checks.check_estimator(cls(), on_fail=None, expected_failed_checks=reasons)
        failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
        extra = [
            "check_set_output_transform",
            "check_set_output_transform_pandas",
            "check_global_output_transform_pandas",
            "check_set_output_transform_polars",
            "check_global_set_output_transform_polars",
            "check_transformer_get_feature_names_out",
            "check_transformer_get_feature_names_out_pandas",
            "check_dataframe_column_names_consistency",
            "check_n_features_in_after_fitting",
            "check_param_validation",
            "check_transformer_preserve_dtypes",
        ]
        if _positive(subject):  # what the wrapper hides
            for name in ("check_positive_only_tag_during_fit", "check_fit_non_negative"):
                failed.pop(name, None)
                getattr(estimator_checks, name)(subject.cls.__name__, subject.cls())
        for name in extra:
            try:
                getattr(estimator_checks, name)(cls.__name__, cls())
            except Exception as error:
                failed[name] = error
    assert sum(r["status"] == "passed" for r in results) > 30, "scikit-learn's checks did not run"
    assert not failed, "; ".join(f"{k}: {type(e).__name__}: {str(e)[:200]}" for k, e in failed.items())


@check("table")
def frames(subject: Subject) -> None:
    """A pandas, polars or arrow frame comes back as one, with its names (and index), as numbers equal to the array's."""
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    x = _columns(subject, "frames")
    names = [f"column {j}" for j in range(x.shape[1])]
    want = _fit(subject, x).transform(x)
    index = np.arange(len(x)) * 3 + 5
    made = {
        "pandas": pd.DataFrame(x, columns=names, index=index),
        "polars": pl.DataFrame({n: pl.Series(x[:, j]).fill_nan(None) for j, n in enumerate(names)}),
        "arrow": pa.table({n: pa.array(x[:, j], from_pandas=True) for j, n in enumerate(names)}),
    }
    for kind, frame in made.items():
        method = _fit(subject, frame)
        out = method.transform(frame)
        assert type(out) is type(frame), f"{kind}: {type(out)} came back"
        got = np.column_stack([np.asarray(out[n], dtype=np.float64) for n in names])
        assert_close(got, want, op="exact", what=kind)
        assert list(method.get_feature_names_out()) == names, kind
        if kind == "pandas":
            assert (out.index == index).all()
    bad = pd.DataFrame({"a": [1.0, 2.0], "b c": ["1", "x"]})
    try:
        subject.cls().fit(bad)
    except DataError as error:
        said = str(error)
    else:
        raise AssertionError("text in a numeric column was taken")
    assert "'b c'" in said and "row 0" in said, said


@check("table", quick=True)
def dtypes_and_layouts(subject: Subject) -> None:
    """float32 in, float32 out; integers and other memory layouts as the same numbers in float64; nothing is changed."""
    x = _columns(subject, "dtypes_and_layouts")
    want = _fit(subject, x).transform(x)
    wide = np.repeat(x, 2, axis=1)[:, ::2]
    for name, same in {"F order": np.asfortranarray(x), "strided": wide, "reversed": x[::-1][::-1]}.items():
        before = same.copy()
        assert_close(_fit(subject, same).transform(same), want, op="reduction", what=name)
        assert np.array_equal(same, before, equal_nan=True), f"{name}: the caller's array was changed"
    frozen = x.copy()
    frozen.flags.writeable = False
    method = _fit(subject, frozen)
    y = method.transform(frozen)
    assert not np.shares_memory(y, frozen), "the output shares memory with the input"
    small = x.astype(np.float32)
    y32 = _fit(subject, small).transform(small)
    assert y32.dtype == np.float32, f"float32 became {y32.dtype}"
    assert_close(y32, _fit(subject, small.astype(float)).transform(small.astype(float)), op="reduction", dtype="float32")
    whole = np.arange(1, 31).reshape(10, 3) * np.array([1, 7, 2 if _positive(subject) else -2])
    assert_close(_fit(subject, whole).transform(whole), _fit(subject, whole.astype(float)).transform(whole), op="exact")


@check("table", quick=True)
def small_tables(subject: Subject) -> None:
    """One row, two rows, a constant and an empty column are taken; no rows and infinities are refused by name."""
    for small in ([[3.0, 2.0 if _positive(subject) else -2.0]], [[3.0, 5.0], [4.0, 5.0]]):
        y = _fit(subject, small).transform(small)
        assert y.shape == np.shape(small) and np.isfinite(y).all()
    x = _columns(subject, "small_tables")
    x[:, 1] = np.nan
    y = _fit(subject, x).transform(x)
    assert np.isnan(y[:, 1]).all() and not np.isnan(y[:2, 0]).any()
    x = _columns(subject, "small_tables")
    x[11, 2] = np.inf
    said = ""
    try:
        y = subject.cls().fit(x).transform(x)
    except DataError as error:
        said = str(error)
    if said:
        assert "column 2" in said and "row 11" in said, said
    else:
        assert np.isfinite(np.delete(y, 11, axis=0)[~np.isnan(np.delete(x, 11, axis=0))]).all(), "an infinity spread"
    for bad in (np.zeros((0, 3)), np.zeros(5), [["a", "b"]]):
        try:
            subject.cls().fit(bad)
        except RenormError:
            continue
        raise AssertionError(f"{bad!r} was taken")


@check("table")
def copies(subject: Subject) -> None:
    """clone, pickle, a file and deepcopy give the same map; an unfitted one says so."""
    x = _columns(subject, "copies")
    for options in _option_sets(subject):
        method = _fit(subject, x, **options)
        assert clone(method).get_params() == method.get_params()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "method.renorm"
            method.save(path)
            for other in (pickle.loads(pickle.dumps(method)), load(path)):  # noqa: S301
                assert_close(other.transform(x), method.transform(x), op="exact", what=str(options))
                assert other.get_params() == method.get_params()
    try:
        subject.cls().transform(x)
    except NotFittedError:
        return
    raise AssertionError("an unfitted method transformed")


@check("table", quick=True)
def options(subject: Subject) -> None:
    """Every option changes an output in some case; an unknown one is a TypeError."""
    for name, default in subject.cls().get_params().items():
        moved = []
        for case in subject.cases():
            if name in case.options and case.options[name] != default:
                base = Case(case.id, case.x, {k: v for k, v in case.options.items() if k != name}, case.extra)
                a, b = outputs(subject.cls, case), outputs(subject.cls, base)
                moved.append(a.keys() != b.keys() or any(gap(a[k], b[k]) > 0 for k in a))
        assert any(moved), f"option {name!r} changes nothing in any case"
        try:
            subject.cls(**{name: object()}).fit([[1.0], [2.0]])
        except ValueError as error:
            said = str(error)
        else:
            raise AssertionError(f"option {name!r} took an object()")
        assert name in said, f"option {name!r} is not named: {said}"
    try:
        subject.cls(no_such_option=1)
    except TypeError:
        return
    raise AssertionError("an unknown option was taken")


def _option_sets(subject: Subject) -> list[dict[str, Any]]:
    """The evidence's ``PROBES``, or every set of options that a case has."""
    found: list[dict[str, Any]] = list(getattr(subject.evidence, "PROBES", [{}]))
    for case in subject.cases():
        if dict(case.options) not in found and "PROBES" not in vars(subject.evidence):
            found.append(dict(case.options))
    return found


# laws: `holds` says whether the card claims it


def _law(gaps: list[float], holds: bool, what: str, limit: float = 1e-9) -> None:
    worst = max(gaps)
    if holds:
        assert worst <= limit, f"{what}: broken by {worst:.3g}"
    else:
        assert worst > 1e-3, f"{what}: declared not to hold, but no counterexample: {worst:.3g}"


@check("table", law="row_permutation", quick=True)
def row_permutation(subject: Subject, holds: bool) -> None:
    """The order of the rows does not matter."""
    x = _columns(subject, "row_permutation")
    order = rng("row_permutation").permutation(len(x))
    a, b = _fit(subject, x).transform(x), _fit(subject, x[order]).transform(x)
    _law([gap(b, a)], holds, "row_permutation")


@check("table", law="column_independent", quick=True)
def column_independent(subject: Subject, holds: bool) -> None:
    """A column's image does not depend on the other columns."""
    x = _columns(subject, "column_independent")
    y = _fit(subject, x).transform(x)
    gaps = [gap(_fit(subject, x[:, [j]]).transform(x[:, [j]])[:, 0], y[:, j]) for j in range(x.shape[1])]
    _law(gaps, holds, "column_independent")


@check("table", law="monotone", quick=True)
def monotone(subject: Subject, holds: bool) -> None:
    """The map of every column is non-decreasing, between and beyond the fitted values too."""
    x = _columns(subject, "monotone")
    method = _fit(subject, x)
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    beyond = 0.1 * (high - low)
    grid = np.linspace(0.5 * low if _positive(subject) else low - beyond, high + beyond, 301)
    y = method.transform(grid)
    falls = np.max(-np.diff(y, axis=0)) / np.max(np.abs(y))
    _law([float(max(falls, 0.0))], holds, "monotone")


@check("table", law="idempotent", quick=True)
def idempotent(subject: Subject, holds: bool) -> None:
    """Fitted on its own output, it is the identity."""
    x = _columns(subject, "idempotent")
    y = _fit(subject, x).transform(x)
    _law([gap(_fit(subject, y).transform(y), y)], holds, "idempotent")


@check("table", law="shift_invariant", quick=True)
def shift_invariant(subject: Subject, holds: bool) -> None:
    """Adding a constant to a column changes nothing."""
    x = np.round(_columns(subject, "shift_invariant") * 1024) / 1024 + (1.0 if _positive(subject) else 0.0)
    a = _fit(subject, x).transform(x)
    b = _fit(subject, x + 4096.0).transform(x + 4096.0)
    _law([gap(b, a)], holds, "shift_invariant")


@check("table", law="scale_invariant", quick=True)
def scale_invariant(subject: Subject, holds: bool) -> None:
    """Multiplying a column by a positive constant changes nothing."""
    x = _columns(subject, "scale_invariant")
    a = _fit(subject, x).transform(x)
    own = 2.0 ** np.arange(-40.0, 60.0, 20.0)[np.arange(x.shape[1]) % 5]  # another for every column
    _law([gap(_fit(subject, x * s).transform(x * s), a) for s in (8.0, 1e-20, 1e20, own)], holds, "scale_invariant")


@check("table", law="weights_are_repetitions", quick=True)
def weights_are_repetitions(subject: Subject, holds: bool) -> None:
    """Whole weights are repetitions of rows, 0 among them."""
    x = _columns(subject, "weights_are_repetitions")
    w = rng("weights_are_repetitions").integers(0, 4, len(x))
    a = _fit(subject, x, w.astype(float)).transform(x)
    b = _fit(subject, np.repeat(x, w, axis=0)).transform(x)
    _law([gap(a, b)], holds, "weights_are_repetitions")
