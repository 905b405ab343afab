"""Safe files: what is read back is what was written, or a FileError; nothing else, and nothing first."""

from __future__ import annotations

import json
import os
import pickle
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import renorm
from renorm.core import files
from renorm.core.errors import FileError, RenormError
from renorm.core.state import State
from renorm.testing import assert_close, rng

CARDS = [c for c in renorm.methods(readings=True) if c.state == "fit"]
METHODS = [c.key for c in CARDS]
ONE_ROUND = [c.key for c in CARDS if c.rounds == "one"]
SAVED = ["table.identity", *METHODS]
Record = dict[str, Any]


def data() -> np.ndarray[Any, Any]:
    x = rng("files").gamma(2.0, size=(40, 3)) * [1.0, 1e-3, 1e6]
    x[rng("files, holes").random(x.shape) < 0.1] = np.nan
    return x


OPTIONS: dict[str, dict[str, Any]] = {
    "table.standard": {"with_mean": False},
    "table.robust": {"quantile_range": (10.0, 80.0), "unit_variance": True},
    "table.yeo_johnson": {"standardize": False},
    "table.quantile": {"n_quantiles": 7, "output_distribution": "normal"},
}


def same(a: Any, b: Any) -> None:
    """The same class, options, fitted attributes and states, to the bit."""
    assert type(a) is type(b)
    assert a.get_params() == b.get_params()
    one, two = a._fitted(), b._fitted()
    assert one.keys() == two.keys()
    for name, value in one.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == two[name].dtype
            assert value.shape == two[name].shape
            assert value.tobytes() == two[name].tobytes()
        else:
            assert type(value) is type(two[name])
            assert value == two[name]
    first, second = (vars(m).get("_states", ()) for m in (a, b))
    assert [type(s) for s in first] == [type(s) for s in second]
    for s, t in zip(first, second, strict=True):
        assert pickle.dumps(_plain(s)) == pickle.dumps(_plain(t))


def _plain(s: State) -> list[Any]:
    parts = [(k, v if isinstance(v, tuple) else (v,)) for k, v in s.to_dict().items()]
    return [(k, [(getattr(p, "dtype", None) and p.dtype.str, np.asarray(p).tolist()) for p in v]) for k, v in parts]


def test_every_kind_that_fits_is_known_here() -> None:
    """Another kind with fitted methods needs data of its own above."""
    assert {key.partition(".")[0] for key in SAVED} == {"table"}


@pytest.mark.parametrize("options", ["default", "others"])
@pytest.mark.parametrize("key", SAVED)
def test_round_trip(key: str, options: str, tmp_path: Path) -> None:
    x = data()
    frame = pd.DataFrame(x, columns=["a", "b c", "č"])
    method = renorm.create(key, **(OPTIONS.get(key, {}) if options == "others" else {}))
    for given in (x, frame):
        method.fit(given)
        method.save(tmp_path / "m.renorm")
        back = renorm.load(tmp_path / "m.renorm")
        same(back, method)
        assert np.asarray(back.transform(given)).tobytes() == np.asarray(method.transform(given)).tobytes()
        assert list(back.get_feature_names_out()) == list(method.get_feature_names_out())
        back.save(str(tmp_path / "again.renorm"))
        assert (tmp_path / "again.renorm").read_bytes() == (tmp_path / "m.renorm").read_bytes()
    with pytest.raises(ValueError, match="feature names should match"):
        back.transform(frame[["b c", "a", "č"]])
    with pytest.raises(ValueError, match="feature names should match"):
        back.transform(frame[["a", "b c"]])


@pytest.mark.parametrize("key", ONE_ROUND)
def test_what_was_loaded_learns_on(key: str, tmp_path: Path) -> None:
    x = data()
    for name, part in (("a", x[:15]), ("b", x[15:])):
        renorm.create(key).fit(part).save(tmp_path / name)
    a, b = (renorm.load(tmp_path / name) for name in "ab")
    want = renorm.create(key).fit(x)
    assert_close(a.merge(b).transform(x), want.transform(x), op="merge")
    assert_close(a.partial_fit(x[15:]).transform(x), want.transform(x), op="merge")
    assert a.merge(b)  # arrays that were read can be written to, and merged again


def test_what_is_odd_in_json_survives(tmp_path: Path) -> None:
    """Inf and NaN are no JSON numbers, and are held as options, too."""
    method = renorm.create("table.standard").fit(np.array([[np.nan], [np.nan]]))
    method.save(tmp_path / "m")
    assert np.isnan(renorm.load(tmp_path / "m").mean_).all()
    for value in (np.inf, -np.inf, 1e-320, 0.1, -0.0, 10**30, "ž\0", (1, (2.5,)), [None, True], {"k": [1]}, np.float64(2)):
        back = files._rebuilt(json.loads(json.dumps(files._plain(value, [], "test"), allow_nan=False)), [])
        assert back == value
        assert repr(back) == repr(value.item() if isinstance(value, np.generic) else value)
    assert np.isnan(files._rebuilt(files._plain(np.nan, [], "test"), []))


class Odd:
    pass


@pytest.mark.parametrize(
    "value", [Odd(), 1j, b"bytes", {1: 2}, np.array([1j]), np.array([Odd()]), np.array(["a"], "S1"), print]
)
def test_what_cannot_be_written_is_refused(value: Any, tmp_path: Path) -> None:
    method = renorm.create("table.standard").fit(data())
    method.scale_ = value
    with pytest.raises(FileError, match=r"save\(Standard\): expected"):
        method.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_unfitted_methods_are_not_saved(tmp_path: Path) -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        renorm.create("table.standard").save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


# writing


def saved(tmp_path: Path, key: str = "table.standard") -> Path:
    path = tmp_path / "m.renorm"
    renorm.create(key).fit(data()[:, :2]).save(path)
    return path


PLACES = ["write", "fsync", "replace", "member"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("old", [True, False])
def test_a_write_that_fails_leaves_the_old_file(
    place: str, old: bool, error: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path) if old else tmp_path / "m.renorm"
    before = path.read_bytes() if old else None
    calls = []

    def fail(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if place == "member" and len(calls) < 4:
            return written(*args, **kwargs)
        raise error("stopped")

    written = zipfile.ZipFile.writestr
    targets: dict[str, tuple[Any, str]] = {
        "write": (zipfile.ZipFile, "writestr"),
        "member": (zipfile.ZipFile, "writestr"),
        "fsync": (os, "fsync"),
        "replace": (Path, "replace"),
    }
    monkeypatch.setattr(*targets[place], fail)
    other = renorm.create("table.robust").fit(data())
    with pytest.raises(error, match="stopped"):
        other.save(path)
    monkeypatch.undo()
    assert calls
    assert list(tmp_path.iterdir()) == ([path] if old else [])
    assert not old or path.read_bytes() == before


def test_a_file_is_written_beside_and_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    seen = []
    replace = Path.replace

    def watch(self: Path, target: Any) -> Any:
        seen.append(
            (self.parent == path.parent, self.name != path.name, renorm.load(self) is not None, Path(target) == path)
        )
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watch)
    saved(tmp_path)
    assert seen == [(True, True, True, True)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_file_has_the_mode_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    assert stat.S_IMODE(saved(tmp_path).stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    method = renorm.create("table.standard").fit(data())
    with pytest.raises(FileError, match=r"expected the name of a file, got a folder"):
        method.save(tmp_path)
    with pytest.raises(FileError, match=r"got one in '.*nowhere', which does not exist"):
        method.save(tmp_path / "nowhere" / "m.renorm")


def test_the_module_never_unpickles() -> None:
    import ast

    tree = ast.parse(Path(files.__file__).read_text(encoding="utf-8"))
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} | {
        n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)
    }
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}
    forbidden = {
        "pickle",
        "cPickle",
        "dill",
        "joblib",
        "marshal",
        "shelve",
        "eval",
        "exec",
        "extractall",
        "extract",
        "load_module",
    }
    assert not (names | imported) & forbidden
    assert not {"np.load", "allow_pickle"} & {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}


# reading what was damaged


def loads(path: Path, blob: bytes) -> Any:
    """Load these bytes: the method, or None where a FileError refuses them; any other error is a failure."""
    path.write_bytes(blob)
    try:
        return renorm.load(path)
    except FileError:
        return None


@pytest.mark.parametrize("key", ["table.standard", "table.quantile"])
def test_a_changed_byte_never_changes_the_answer(key: str, tmp_path: Path) -> None:
    """A flipped bit anywhere: refused, or in a place that carries nothing."""
    path = saved(tmp_path, key)
    blob, want = path.read_bytes(), renorm.load(path)
    g = rng(f"flipped bytes of {key}")
    at = sorted({*g.integers(0, len(blob), 450).tolist(), *range(len(blob) - 250, len(blob))})
    harmless = 0
    for i in at:
        damaged = bytearray(blob)
        damaged[i] ^= 1 << int(g.integers(0, 8))
        got = loads(path, bytes(damaged))
        if got is not None:
            same(got, want)
            harmless += 1
    assert harmless < len(at) / 4  # time stamps, versions and the like


def test_random_damage(tmp_path: Path) -> None:
    """Runs of bytes replaced, removed, repeated."""
    path = saved(tmp_path)
    blob, want = path.read_bytes(), renorm.load(path)
    g = rng("random damage")
    for _ in range(300):
        a, b = sorted(g.integers(0, len(blob), 2).tolist())
        middle = [g.bytes(b - a), b"", blob[a:b] * 2, b"\0" * (b - a), b"\xff" * (b - a)][int(g.integers(0, 5))]
        got = loads(path, blob[:a] + middle + blob[b:])
        if got is not None:
            same(got, want)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    blob = path.read_bytes()
    for n in [*range(0, len(blob), 7), len(blob) - 1]:
        assert loads(path, blob[:n]) is None


@pytest.mark.parametrize("blob", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\0" * 18, b"\x80\x04N.", b"{}" * 99])
def test_what_is_no_file_of_ours_is_refused(blob: bytes, tmp_path: Path) -> None:
    assert loads(tmp_path / "m", blob) is None


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"renorm\.load\('.*gone'\): expected a file, got none"):
        renorm.load(tmp_path / "gone")
    with pytest.raises(FileError, match="expected a file, got a folder"):
        renorm.load(str(tmp_path))


# reading what was made to do harm: every checksum is right


def parts(path: Path) -> tuple[Record, dict[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    return json.loads(members.pop("method.json")), {k: v for k, v in members.items() if k != "method.crc32"}


def forge(
    path: Path, record: Any, members: dict[str, bytes], *more: tuple[str, bytes], deflate: tuple[str, ...] = ()
) -> Path:
    text = record if isinstance(record, bytes) else json.dumps(record).encode()
    everything = [("method.json", text), ("method.crc32", str(zlib.crc32(text)).encode()), *members.items(), *more]
    with zipfile.ZipFile(path, "w") as archive:
        for name, blob in everything:
            kind = zipfile.ZIP_DEFLATED if name in deflate else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name), blob, compress_type=kind)
    return path


def refuses(path: Path, text: str, monkeypatch: pytest.MonkeyPatch, *, early: bool = True) -> None:
    """A FileError that says why; early ones come before a byte of an array is read and a class is made."""
    read: list[str] = []
    original = zipfile.ZipFile.read

    def watch(self: zipfile.ZipFile, name: Any, pwd: Any = None) -> bytes:
        read.append(name)
        return original(self, name, pwd)

    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("allocated before it was checked")

    with monkeypatch.context() as m:
        m.setattr(zipfile.ZipFile, "read", watch)
        if early:
            m.setattr(files.np, "frombuffer", never)
        with pytest.raises(FileError, match=text):
            renorm.load(path)
    if early:
        assert not [name for name in read if name.startswith("arrays/")], read


Change = Callable[[Record], Any]


def put(*keys: Any, value: Any) -> Change:
    def change(record: Record) -> None:
        inner = record
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


def drop(*keys: Any) -> Change:
    def change(record: Record) -> None:
        inner = record
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


EARLY: dict[str, tuple[Change, str]] = {
    "newer": (put("format", value=2), r"expected format 1 or older, got format 2\. Hint: update renorm"),
    "format 0": (put("format", value=0), "expected format 1 or older, got format 0"),
    "format as text": (put("format", value="1"), "expected format 1 or older, got format '1'"),
    "format true": (put("format", value=True), "got format True"),
    "no format": (drop("format"), "expected the fields of format 1"),
    "no options": (drop("options"), "expected the fields of format 1, got KeyError: 'options'"),
    "arrays are a number": (put("arrays", value=3), "expected the fields of format 1"),
    "arrays are a dict": (put("arrays", value={}), "expected the fields of format 1"),
    "states are a dict": (put("states", value={"dict": {}}), "expected the fields of format 1"),
    "name is a list": (put("method", value=["table.standard"]), "expected the fields of format 1"),
    "unknown method": (put("method", value="table.nonsense"), "expected a method of the catalog, got 'table.nonsense'"),
    "path as a method": (put("method", value="../../os.system"), "expected a method of the catalog"),
    "larger shape": (
        put("arrays", 0, "shape", value=[2**39]),
        r"expected 4398046511104 bytes, not compressed, for arrays/0",
    ),
    "many dimensions": (put("arrays", 0, "shape", value=[2**30] * 40), "bytes, not compressed"),
    "shape beyond all": (put("arrays", 0, "shape", value=[2**70]), "with whole shapes"),
    "negative shape": (put("arrays", 0, "shape", value=[-2]), "with whole shapes"),
    "two minuses": (put("arrays", 0, "shape", value=[-1, -2]), "with whole shapes"),
    "flags as a shape": (put("arrays", 0, "shape", value=[True, 2]), "with whole shapes"),
    "float shape": (put("arrays", 0, "shape", value=[2.0]), "with whole shapes"),
    "no shape": (drop("arrays", 0, "shape"), "with whole shapes"),
    "object dtype": (put("arrays", 0, "dtype", value="|O"), r"expected arrays of .*<f8"),
    "structured dtype": (put("arrays", 0, "dtype", value=[["a", "<f8"]]), "expected arrays of"),
    "big-endian dtype": (put("arrays", 0, "dtype", value=">f8"), "expected arrays of"),
    "other dtype": (put("arrays", 0, "dtype", value="<f4"), r"expected 8 bytes"),
    "no checksum": (drop("arrays", 0, "crc32"), "expected arrays of"),
    "array is no dict": (put("arrays", 0, value=7), "expected arrays of"),
    "one array more": (lambda r: r["arrays"].append(r["arrays"][0]), "exactly the members that method.json lists"),
    "one array less": (lambda r: r["arrays"].pop(), "exactly the members that method.json lists"),
}
LATE: dict[str, tuple[Change, str]] = {
    "checksum": (put("arrays", 0, "crc32", value=1), "got another for array 0: the file is corrupt"),
    "unknown option": (put("options", "dict", "mean", value=True), "expected the options and values of table.standard"),
    "option of another type": (put("options", "dict", "with_mean", value="yes"), "expected the options and values"),
    "option is an array": (put("options", "dict", "with_mean", value={"array": 0}), "expected the options and values"),
    "options are a list": (put("options", value={"tuple": []}), "expected the options and values"),
    "unknown tag": (put("options", value={"pickle": "gA=="}), "expected the options and values"),
    "two tags": (put("options", value={"dict": {}, "tuple": []}), "expected the options and values"),
    "no tag": (put("options", value={}), "expected the options and values"),
    "array that is not there": (put("fitted", "dict", "mean_", value={"array": 99}), "expected the options and values"),
    "array by name": (put("fitted", "dict", "mean_", value={"array": "0"}), "expected the options and values"),
    "fitted is a tuple": (put("fitted", value={"tuple": []}), "expected the options and values"),
    "no width": (drop("fitted", "dict", "n_features_in_"), "expected the options and values"),
    "a method is overwritten": (put("fitted", "dict", "transform", value=1), "'transform' is no fitted attribute"),
    "a private name": (put("fitted", "dict", "_validate_", value=1), "'_validate_' is no fitted attribute"),
    "a class is overwritten": (put("fitted", "dict", "__class__", value=1), "'__class__' is no fitted attribute"),
    "unknown state": (put("states", 0, "dict", "state", value="Momentum"), "got UnknownNameError"),
    "no state": (drop("states", 0, "dict", "state"), "got UnknownNameError"),
    "state of more fields": (put("states", 0, "dict", "more", value=1), "got FitError"),
    "state of fewer fields": (drop("states", 0, "dict", "rms"), "got FitError"),
    "state is a number": (put("states", 0, value=3), "expected the options and values"),
}


@pytest.mark.parametrize("name", EARLY)
def test_a_forged_record_is_refused_before_anything_is_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, text = EARLY[name]
    record, members = parts(saved(tmp_path))
    change(record)
    refuses(forge(tmp_path / "f", record, members), text, monkeypatch)


@pytest.mark.parametrize("name", LATE)
def test_a_forged_record_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change, text = LATE[name]
    record, members = parts(saved(tmp_path))
    change(record)
    refuses(forge(tmp_path / "f", record, members), text, monkeypatch, early=False)


def test_a_forged_file_that_is_right_loads(tmp_path: Path) -> None:
    """So that the refusals above are for what they say."""
    path = saved(tmp_path)
    same(renorm.load(forge(tmp_path / "f", *parts(path))), renorm.load(path))


@pytest.mark.parametrize(
    "record", [b"[]", b"3", b"null", b"\xff\xfe", b'{"format": 1', b"[" * 100_000, b'{"format": 1e999}']
)
def test_json_that_is_no_record(record: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses(forge(tmp_path / "f", record, {}), "renorm.load", monkeypatch)


def test_values_nested_too_deeply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, members = parts(saved(tmp_path))
    text = json.dumps(record).replace('"options": {', '"options": {"deep": ' + '{"tuple": [' * 5000 + "]}" * 5000 + ", ", 1)
    refuses(forge(tmp_path / "f", text.encode(), members), "renorm.load", monkeypatch, early=False)


@pytest.mark.parametrize(
    "name",
    [
        "../arrays/0.bin",
        "/etc/cron.d/x",
        "arrays/../arrays/0.bin",
        "arrays\\0.bin",
        "arrays/99.bin",
        "arrays/",
        "more.json",
        "arrays/0.bin/",
    ],
)
def test_members_that_should_not_be_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, members = parts(saved(tmp_path))
    refuses(forge(tmp_path / "f", record, members, (name, b"x")), "exactly the members that method.json lists", monkeypatch)
    renamed = {name if k == "arrays/0.bin" else k: v for k, v in members.items()}
    refuses(forge(tmp_path / "f", record, renamed), "exactly the members that method.json lists", monkeypatch)
    assert {p.name for p in tmp_path.iterdir()} == {"f", "m.renorm"}  # nothing is ever extracted


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["arrays/0.bin", "method.json", "method.crc32"])
def test_a_member_twice_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, members = parts(saved(tmp_path))
    refuses(
        forge(tmp_path / "f", record, members, (name, b"x" * 16)), "members with different names, got one name", monkeypatch
    )


@pytest.mark.parametrize("name", ["method.json", "method.crc32"])
def test_a_missing_head_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist() if n != name}
    with zipfile.ZipFile(tmp_path / "f", "w") as archive:
        for n, blob in members.items():
            archive.writestr(n, blob)
    refuses(tmp_path / "f", r"expected a \.renorm file, got a zip without", monkeypatch)


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, members = parts(saved(tmp_path))
    # an array of a million zeros in a kilobyte
    record["arrays"][0] = {"dtype": "<f8", "shape": [10**6], "crc32": zlib.crc32(bytes(8 * 10**6))}
    bomb = {**members, "arrays/0.bin": bytes(8 * 10**6)}
    path = forge(tmp_path / "f", record, bomb, deflate=("arrays/0.bin",))
    assert path.stat().st_size < 50_000
    refuses(path, "8000000 bytes, not compressed, for arrays/0.bin", monkeypatch)
    # a record of many spaces
    path = forge(tmp_path / "f", json.dumps(record).encode() + b" " * (17 * 2**20), members, deflate=("method.json",))
    refuses(path, r"at most 16777216 bytes of method\.json", monkeypatch)
    path = forge(tmp_path / "f", record, {}, deflate=())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("method.crc32", b"0" * 10**6, compress_type=zipfile.ZIP_DEFLATED)
    refuses(path, "one name twice", monkeypatch)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory says a gigabyte, stored; the file holds a few bytes."""
    record, members = parts(saved(tmp_path))
    size = 2**30
    record["arrays"][0] = {"dtype": "<f8", "shape": [size // 8], "crc32": 0}
    path = forge(tmp_path / "f", record, members)
    blob = path.read_bytes()
    start = blob.index(b"PK\x01\x02", blob.index(b"PK\x01\x02"))
    while blob[start + 46 : start + 46 + 12] != b"arrays/0.bin":
        start = blob.index(b"PK\x01\x02", start + 1)
    path.write_bytes(blob[: start + 20] + size.to_bytes(4, "little") * 2 + blob[start + 28 :])
    refuses(path, r"expected at most \d+ bytes of arrays, got 10737", monkeypatch)


def test_an_unreadable_file_says_who(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"no zip")
    with pytest.raises(
        RenormError, match=r"renorm\.load\('.*m'\): expected a whole \.renorm file, got one that cannot be read"
    ):
        renorm.load(tmp_path / "m")
