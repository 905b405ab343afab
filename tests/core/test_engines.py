"""Engines: the same answer however rows are held, bounded batches, files, refusals, interrupted conversations."""

from __future__ import annotations

import itertools
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import renorm
from renorm.core.engine import Batches, Engine, Memory, Shards
from renorm.core.errors import DataError, FitError, OptionError, OptionTypeError
from renorm.core.fit import drive
from renorm.core.state import Query, State
from renorm.core.states import Counts, Extrema, Moments, Quantiles, RankCounts, RankSummary, Sample
from renorm.table import Quantile, Robust, Standard, YeoJohnson
from renorm.testing import assert_close, engines, rng

Array = np.ndarray[Any, Any]
CARDS = [c for c in renorm.methods(kind="table") if c.mergeable]
METHODS = [c.key for c in CARDS]
LEARNING = [c.key for c in CARDS if c.rounds != "none"]
ONE_ROUND = [c.key for c in CARDS if c.rounds == "one"]
EXACT = {"table.identity", "table.quantile", "table.robust"}  # order statistics and copies: the same bits


def data(name: str, n: int = 60, d: int = 3) -> Array:
    return rng(name).gamma(2.0, size=(n, d)) + np.arange(d)


# one printed table


def op_of(key: str) -> str:
    if key in EXACT:
        return "exact"
    return "merge" if next(c for c in CARDS if c.key == key).rounds == "one" else "root"


@pytest.fixture(scope="module")
def printed() -> list[engines.Row]:
    return engines.table()


def test_every_engine_teaches_the_same(printed: list[engines.Row]) -> None:
    assert {(row.method, row.offset) for row in printed} == set(itertools.product(METHODS, engines.OFFSETS))
    for row in printed:
        for name in engines.ENGINES:
            for gap in (row.fitted[name], row.mapped[name]):
                # a gap is relative: compare 1 + gap with 1
                assert_close(1.0 + gap, 1.0, op=op_of(row.method), what=f"{row.method} at {row.offset:g}, {name}")


def test_the_table_prints(printed: list[engines.Row], capsys: pytest.CaptureFixture[str]) -> None:
    assert engines.main(["identity"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["table.identity"] * len(engines.OFFSETS)
    text = engines.text(printed)
    assert all(sum(line.startswith(key + " ") for line in text.splitlines()) == len(engines.OFFSETS) for key in METHODS)


def test_a_wrong_merge_shows_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moments, "merge", lambda self, other: other if other.count.all() else self)
    rows = engines.table(["table.standard"])
    assert min(min(row.mapped.values()) for row in rows) > 0.1


@pytest.mark.parametrize("key", METHODS)
def test_rows_that_weigh_nothing_are_not_seen(key: str) -> None:
    """However far they are: what overflows, times 0, is NaN."""
    x = 100.0 - rng("weigh nothing").gamma(1.0, 5.0, (120, 2))
    want = engines.fitted(renorm.create(key).fit(x))
    for value in (1e4, 1e300, np.nan):
        more = np.insert(x, [0, 60, 120], value, axis=0)
        w = np.insert(np.ones(len(x)), [0, 60, 120], 0.0)
        held: list[Engine] = [Memory(more, w), Batches(lambda: [(more[:1], w[:1]), (more[1:], w[1:])], batch=50)]
        held.append(Shards([(more[:1], w[:1]), (more[1:70], w[1:70]), (more[70:], w[70:])]))
        fits = [renorm.create(key).fit_on(engine) for engine in held]
        for method in [*fits, renorm.create(key).fit(more, sample_weight=w)]:
            got = engines.fitted(method)
            assert got.keys() == want.keys()
            for name in want:
                for a, b in engines._by_column(got[name], want[name]):
                    assert_close(a, b, op=op_of(key), what=f"{name}, beside {value:g}")


def test_a_generator_of_shards_may_be_seeded() -> None:
    x = data("seeds", 40)
    found = [Standard().fit_on(Shards(np.array_split(x, 9), seed=seed)).mean_ for seed in range(4)]
    assert_close(np.array(found), np.tile(x.mean(axis=0), (4, 1)), op="merge")
    again = Standard().fit_on(Shards(np.array_split(x, 9), seed=3)).mean_
    assert np.array_equal(again, found[3])


# batches are bounded


class Watch:
    """How many rows every state of a class was shown at a time, and how large what it gave back was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *classes: type[State]) -> None:
        self.rows: list[int] = []
        self.bytes: list[int] = []
        for cls in classes:
            monkeypatch.setattr(cls, "of", classmethod(self._wrap(cls.of.__func__)))  # type: ignore[attr-defined]

    def _wrap(self, of: Any) -> Any:
        def wrapped(cls: Any, x: Array, w: Array | None = None, **params: Any) -> Any:
            self.rows.append(len(x))
            out = of(cls, x, w, **params)
            self.bytes.append(out.nbytes)
            return out

        return wrapped


@pytest.mark.parametrize("key", METHODS)
def test_no_state_sees_more_than_a_batch(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from renorm.core.power import PowerLikelihood

    x = data("bounded", 100)
    watch = Watch(monkeypatch, Moments, Extrema, Quantiles, RankSummary, RankCounts, PowerLikelihood)
    renorm.create(key).fit_on(Batches(lambda: [x[:70], x[:0], x[70:]], batch=8))
    if key not in LEARNING:
        assert watch.rows == []
        return
    passes = sum(watch.rows) / 100
    assert passes == int(passes) > 0
    # 70 rows are eight of 8 and one of 6, 30 are three of 8 and one of 6 again
    assert max(watch.rows) == 8
    assert len(watch.rows) == 13 * passes


def test_larger_batches_are_cut_with_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = data("cut", 50), np.arange(1.0, 51.0)
    engine = Batches(lambda: [(x, w)], batch=7)
    assert [len(a) for a, _ in engine] == [7] * 7 + [1]
    got = Standard().fit_on(engine)
    assert_close(got.mean_, (x * w[:, None]).sum(axis=0) / w.sum(), op="merge")


def write(path: Path, table: pa.Table) -> Path:
    if path.suffix == ".csv":
        pc.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=10_000)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_are_read_batch_by_batch(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 60_000
    x = np.round(rng("file").normal(size=(n, 2)) * 64) / 64
    table = pa.table({"a": x[:, 0], "unused": np.arange(n), "b": x[:, 1]})
    path = write(tmp_path / f"rows.{ending}", table)
    watch = Watch(monkeypatch, Moments)
    tracemalloc.start()
    got = Standard().fit_on(Batches.from_path(path, columns=["b", "a"], batch=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert watch.rows == [1000] * 60 if ending == "parquet" else max(watch.rows) == 1000 and sum(watch.rows) == n
    assert len(set(watch.bytes)) == 1  # the state does not grow
    assert list(got.feature_names_in_) == ["b", "a"]
    assert_close(got.mean_, x[:, ::-1].mean(axis=0), op="merge")
    # arrow's own buffers are not Python's: a block of a CSV file is 1 MB of text, about as much as float64
    assert peak < (4e6 if ending == "csv" else x.nbytes / 2)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_method_learns_from_files(ending: str, tmp_path: Path) -> None:
    x = data("files", 120)
    path = write(tmp_path / f"rows.{ending}", pa.table({name: x[:, j] for j, name in enumerate("abc")}))
    for key in METHODS:
        got, want = renorm.create(key).fit_on(Batches.from_path(path, batch=50)), renorm.create(key).fit(x)
        assert_close(got.transform(pa.table(dict(zip("abc", x.T, strict=True)))), want.transform(x), op=op_of(key), what=key)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_nulls_in_files_are_missing(ending: str, tmp_path: Path) -> None:
    table = pa.table({"a": [1.0, None, 3.0], "n": pa.array([None, 4, 6], pa.int64()), "f": [True, None, False]})
    got = Standard().fit_on(Batches.from_path(write(tmp_path / f"nulls.{ending}", table)))
    assert got.mean_.tolist() == [2.0, 5.0, 0.5]
    assert got.n_samples_seen_.tolist() == [2.0, 2.0, 2.0]


BLOCK = 2**20  # what pyarrow reads of a CSV file before it settles the types


def test_decimals_below_the_first_block_of_a_csv(tmp_path: Path) -> None:
    """The first block looks like integers, nothing at all, and flags: what comes later counts as it stands."""
    n = BLOCK // 4
    (tmp_path / "late.csv").write_text("a,b,c\n" + "1,,true\n" * n + "1.5,7.25,false\n1e3,NaN,\n", encoding="utf-8")
    ends = drive(_ask(Extrema.query(), Moments.query()), Batches.from_path(tmp_path / "late.csv").answer)["answer"]
    assert ends[0].greatest.tolist() == [1000.0, 7.25, 1.0]
    assert ends[0].least.tolist() == [1.0, 7.25, 0.0]
    assert ends[0].count.tolist() == [n + 2, 1, n + 1]
    assert_close(ends[1].mean, [(n + 1001.5) / (n + 2), 7.25, n / (n + 1)], op="merge")


def test_text_below_the_first_block_of_a_csv_is_named(tmp_path: Path) -> None:
    n = BLOCK // 4
    (tmp_path / "late.csv").write_text("x,a,b\n" + "0,1,\n" * n + "0,lots,1\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"late\.csv.*expected numbers in column 'a', as in its first rows, got 'lots' in line"
    ):
        Standard().fit_on(Batches.from_path(tmp_path / "late.csv", columns=["b", "a"]))
    assert Standard().fit_on(Batches.from_path(tmp_path / "late.csv", columns=["b"])).mean_ == [1.0]


def test_integers_beyond_the_floats_are_rounded_as_numpy_does(tmp_path: Path) -> None:
    values = np.array([2**53 + 1, 2**60 + 1, 7])
    table = pa.table({"id": values})
    for ending in ("csv", "parquet"):
        got = Standard().fit_on(Batches.from_path(write(tmp_path / f"big.{ending}", table)))
        assert np.array_equal(got.mean_, Standard().fit(values[:, None].astype(float)).mean_)


BAD_FILES: dict[str, tuple[bytes | None, dict[str, Any], str]] = {
    "none.csv": (None, {}, r"expected a file, got none"),
    "none.parquet": (None, {}, r"expected a file, got none"),
    "a.txt": (b"a\n1\n", {}, r"expected a \.csv or \.parquet file, got '\.txt'"),
    "empty.csv": (b"", {}, r"empty\.csv.*Empty CSV file"),
    "header.csv": (b"a,b\n", {}, r"expected at least one row that weighs something, got none"),
    "ragged.csv": (b"a,b\n1,2\n3\n", {}, r"ragged\.csv.*Expected 2 columns, got 1"),
    "twice.csv": (b"a,b,a\n1,2,3\n", {}, r"columns with different names, got \['a'\] more than once"),
    "text.csv": (b"a,b\n1,x\n", {}, r"numeric columns, got column 'b' of type string\. Hint: .*columns="),
    "date.csv": (b"a,b\n1,2020-01-01\n", {}, r"got column 'b' of type date32"),
    "unknown.csv": (b"a,b\n1,2\n", {"columns": ["a", "z"]}, r"columns among \['a', 'b'\], got \['z'\]"),
    "broken.parquet": (b"PAR1 and no more", {}, r"broken\.parquet.*expected a file that can be read"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_named(name: str, tmp_path: Path) -> None:
    content, options, text = BAD_FILES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=text):
        Standard().fit_on(Batches.from_path(tmp_path / name, **options))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    for name in ("d.csv", "d.parquet"):
        (tmp_path / name).mkdir()
        with pytest.raises(DataError, match=rf"{name}.*expected a file that can be read, got .*directory"):
            Batches.from_path(tmp_path / name)


def test_columns_that_are_not_read_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("a,a,b\nx,y,1\nz,,3\n", encoding="utf-8")
    assert Standard().fit_on(Batches.from_path(path, columns=["b"])).mean_ == [2.0]
    pq.write_table(pa.table({"t": ["x", "y"], "b": pa.array([1, 3], pa.int8())}), tmp_path / "some.parquet")
    assert Standard().fit_on(Batches.from_path(str(tmp_path / "some.parquet"), columns=("b",))).mean_ == [2.0]
    with pytest.raises(DataError, match=r"column 't' of type string"):
        Batches.from_path(tmp_path / "some.parquet")


# what batches and shards refuse


def parts() -> list[Array]:
    return [np.full((2, 1), 1.0), np.full((2, 1), 2.0), np.full((2, 1), 6.0)]


def test_an_iterator_that_ends_is_refused_not_cut_short() -> None:
    """Its first batch was read to know the width: it must not be missing from the fit."""
    once = iter(parts())
    wrapped = iter(parts())
    for source in (lambda: once, lambda: (x for x in wrapped)):
        engine = Batches(source)
        assert Standard().fit_on(engine).mean_ == [3.0]  # one round: nothing is lost
        with pytest.raises(
            DataError, match=r"a new iterator at every call, got .*Hint: pass a function that makes the iter"
        ):
            Standard().fit_on(engine)
    again = iter(parts())
    with pytest.raises(DataError, match=r"expected a new iterator at every call, got the same iterator twice"):
        YeoJohnson().fit_on(Batches(lambda: again))


def test_a_source_that_shrinks_is_refused() -> None:
    left = [parts(), parts(), parts()[:2]]
    engine = Batches(lambda: left.pop(0))
    assert Standard().fit_on(engine).mean_ == [3.0]
    assert Standard().fit_on(engine).mean_ == [3.0]
    with pytest.raises(DataError, match="got 4 rows after 6 in the pass before"):
        Standard().fit_on(engine)


def test_a_list_or_a_shuffled_source_is_fine() -> None:
    g = rng("shuffled")
    engine = Batches(lambda: [parts()[i] for i in g.permutation(3)])
    assert YeoJohnson().fit_on(engine).lambdas_.shape == (1,)
    same = parts()
    assert Robust().fit_on(Batches(lambda: same)).center_ == [2.0]


def test_a_stopped_pass_starts_again() -> None:
    engine = Batches(parts)
    next(iter(engine))
    assert sum(len(x) for x, _ in engine) == 6
    assert Standard().fit_on(engine).mean_ == [3.0]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ([], r"Batches\(source\): expected at least one row that weighs something, got none"),
        ([np.zeros((0, 2))], r"expected at least one row that weighs something, got none"),
        ([(np.zeros((2, 2)), np.zeros(2))], r"expected at least one row that weighs something, got none"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], r"expected 2 columns in every batch, got 3"),
        ([np.zeros((2, 2)), np.zeros((2, 1))], r"expected 2 columns in every batch, got 1"),
        ([np.zeros(3)], r"expected rows of shape \(n, d\), got shape \(3,\)"),
        ([(np.zeros((3, 1)), np.ones(2))], r"expected weights of shape \(3,\), got shape \(2,\)"),
        ([(np.zeros((2, 1)), np.array([1.0, -1.0]))], r"expected finite weights of at least 0, got -1\.0"),
        ([(np.zeros((2, 1)), np.array([1.0, np.nan]))], r"expected finite weights of at least 0, got nan"),
    ],
)
def test_bad_batches_are_named(source: list[Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        Standard().fit_on(Batches(lambda: source))


def test_a_batch_has_at_least_one_row() -> None:
    with pytest.raises(OptionError, match=r"Batches\(batch\): expected at least 1 row, got 0"):
        Batches(parts, batch=0)


@pytest.mark.parametrize(
    ("shards", "text"),
    [
        ([], "at least one shard with a row that weighs something, got none"),
        ([np.zeros((0, 1)), np.zeros((0, 1))], "at least one shard with a row that weighs something, got none"),
        ([(np.zeros((2, 1)), np.zeros(2))], "at least one shard with a row that weighs something, got none"),
        ([np.zeros((2, 1)), np.zeros((2, 3))], r"as many columns in every shard, got \[1, 3\]"),
        ([np.zeros(2)], r"rows of shape \(n, d\), got shape \(2,\)"),
        ([(np.zeros((2, 1)), np.ones((2, 1)))], r"weights of shape \(2,\), got shape \(2, 1\)"),
    ],
)
def test_bad_shards_are_named(shards: list[Any], text: str) -> None:
    with pytest.raises(DataError, match=rf"Shards\(parts\): expected {text}"):
        Shards(shards)


def test_memory_takes_rows() -> None:
    with pytest.raises(DataError, match=r"Memory\(x, w\): expected rows of shape"):
        Memory(np.zeros(3))


def test_shards_that_disclose_nothing() -> None:
    x = data("private", 30)
    sealed = Shards(np.array_split(x, 4), disclose="none")
    assert np.array_equal(Robust().fit_on(sealed).center_, np.median(x, axis=0))
    assert_close(Standard().fit_on(sealed).mean_, x.mean(axis=0), op="merge")
    for cls, params in ((Quantiles, {}), (Counts, {}), (Sample, {"k": 2})):
        with pytest.raises(FitError, match=rf"Shards\.answer\({cls.__name__}\): expected states that hold no single values"):
            sealed.answer((Moments.query(), cls.query(**params)))
        assert Shards([x]).answer((cls.query(**params),))  # which others may ask
    with pytest.raises(FitError, match="Hint: choose a method whose card asks for aggregates only"):
        Quantile().fit_on(sealed)


def test_a_misspelt_disclosure_is_no_disclosure() -> None:
    for word in ("None", "nothing", "", None):
        with pytest.raises(OptionError, match=r"Shards\(disclose\): expected 'values' or 'none'"):
            Shards([np.ones((1, 1))], disclose=word)  # type: ignore[arg-type]


# conversations


def _ask(*asked: Query) -> Any:
    answer = yield asked if len(asked) > 1 else asked[0]
    return {"answer": answer}


def test_tuples_are_answered_in_one_pass() -> None:
    passes = []

    def source() -> Iterator[Array]:
        passes.append(1)
        yield from parts()

    engine = Batches(source)
    found = drive(_ask(Moments.query(order=3), Extrema.query(), Counts.query()), engine.answer)["answer"]
    assert [type(s) for s in found] == [Moments, Extrema, Counts]
    assert len(passes) == 1  # the pass that looked for the width went on
    drive(_ask(Moments.query(), Extrema.query()), engine.answer)
    assert len(passes) == 2
    alone = drive(_ask(Extrema.query()), Memory(np.concatenate(parts())).answer)["answer"]
    assert isinstance(alone, Extrema)


def test_a_method_that_asks_nothing() -> None:
    def rounds() -> Any:
        yield from ()

    assert drive(rounds(), lambda queries: ()) == {}


def test_a_generator_is_closed_when_the_engine_fails() -> None:
    closed = []

    def rounds() -> Any:
        try:
            yield Moments.query()
        finally:
            closed.append(True)

    def fail(queries: Any) -> Any:
        raise KeyboardInterrupt

    talk = rounds()  # held here, so that nothing else closes it
    with pytest.raises(KeyboardInterrupt):
        drive(talk, fail)
    assert closed == [True]


def test_a_lifted_pass_is_kept_for_the_next_round() -> None:
    calls = []

    def lift(x: Array) -> Array:
        calls.append(len(x))
        return x * 2

    engine = Memory(np.ones((3, 1)))
    query = Query(Moments, lift=lift)
    assert engine.answer((query, query))[1].mean == [2.0]
    assert engine.answer((Query(Moments, {"order": 3}, lift),))[0].mean == [2.0]
    assert calls == [3]
    assert engine.answer((Query(Moments, lift=lambda x: x * 5),))[0].mean == [5.0]
    assert engine.answer((query,))[0].mean == [2.0]
    assert Batches(lambda: [np.ones((3, 1))]).answer((query,))[0].mean == [2.0]


class Broken(Engine):
    """Another engine, until it has answered so many times."""

    def __init__(self, inner: Engine, left: int, error: type[BaseException]) -> None:
        self.inner, self.left, self.error = inner, left, error
        self.width, self.names = inner.width, ["p", "q"]

    def answer(self, queries: tuple[Query, ...]) -> tuple[Any, ...]:
        if not self.left:
            raise self.error("stopped")
        self.left -= 1
        return self.inner.answer(queries)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("key", LEARNING)
def test_an_interrupted_fit_leaves_the_old_object(key: str, error: type[BaseException]) -> None:
    x = data("interrupted", 50)
    table = pa.table(dict(zip("abc", x.T, strict=True)))
    method = renorm.create(key).fit(table)
    before, mapped = pickle.dumps(method), method.transform(table)
    whole = Broken(Shards([x[:20, :2] * 3, x[20:, :2]]), 1000, error)
    renorm.create(key).fit_on(whole)
    asked = 1000 - whole.left
    assert (asked == 1) >= (key in ONE_ROUND)
    for answers in sorted({0, 1, asked - 1} & set(range(asked))):
        with pytest.raises(error):
            method.fit_on(Broken(Shards([x[:20, :2] * 3, x[20:, :2]]), answers, error))
        assert pickle.dumps(method) == before
        assert method.transform(table) == mapped
    fresh = renorm.create(key)
    with pytest.raises(error):
        fresh.fit_on(Broken(Shards([x]), 0, error))
    assert vars(fresh).keys() == fresh.get_params().keys()


def test_more_questions_than_the_card_says_are_refused() -> None:
    class Asks(Standard):
        def _rounds(self, schema: Any) -> Any:
            yield Moments.query()
            yield Extrema.query()
            return {}

    with pytest.raises(FitError, match=r"table\.standard\._rounds: expected rounds 'one', as its card says, got one more q"):
        Asks().fit(np.ones((3, 1)))

    class Learns(type(renorm.create("table.identity"))):  # type: ignore[misc]
        def _rounds(self, schema: Any) -> Any:
            yield Moments.query()

    with pytest.raises(FitError, match="expected rounds 'none'"):
        Learns().fit(np.ones((3, 1)))


def test_only_engines_can_be_fitted_on() -> None:
    with pytest.raises(OptionTypeError, match=r"Standard\.fit_on\(engine\): expected an engine, got ndarray"):
        Standard().fit_on(np.ones((2, 1)))  # type: ignore[arg-type]


# more rows later


@pytest.mark.parametrize("card", CARDS, ids=METHODS)
def test_only_one_round_methods_learn_on(card: Any) -> None:
    method = renorm.create(card.key)
    for name in ("partial_fit", "merge"):
        assert hasattr(method, name) == (card.rounds == "one")


@pytest.mark.parametrize("key", ONE_ROUND)
def test_parts_teach_as_much_as_the_whole(key: str) -> None:
    x = data("parts", 61)
    x[rng("parts, holes").random(x.shape) < 0.1] = np.nan
    w = rng("parts, weights").integers(1, 4, len(x)).astype(float)
    whole = renorm.create(key).fit(x, sample_weight=w)
    steps = renorm.create(key)
    for rows in np.array_split(np.arange(61), 7):
        assert steps.partial_fit(x[rows], sample_weight=w[rows]) is steps
    left, right = (renorm.create(key).fit(x[rows], sample_weight=w[rows]) for rows in np.array_split(np.arange(61), 2))
    merged = left.merge(right)
    assert merged is not left
    for got in (steps, merged, left.merge(renorm.create(key).partial_fit(x[31:], sample_weight=w[31:]))):
        assert_close(got.transform(x), whole.transform(x), op=op_of(key), what=key)
        for name, value in engines.fitted(whole).items():
            for a, b in engines._by_column(engines.fitted(got)[name], value):
                assert_close(a, b, op=op_of(key), what=name)


@pytest.mark.parametrize("key", ONE_ROUND)
def test_unlike_methods_do_not_merge(key: str) -> None:
    x = data("unlike", 20)
    method = renorm.create(key).fit(x)
    other = next(renorm.create(k) for k in METHODS if k != key)
    with pytest.raises(FitError, match=r"\.merge: expected"):
        method.merge(other.fit(x))
    with pytest.raises(FitError, match="expected the same columns"):
        method.merge(renorm.create(key).fit(x[:, :2]))
