"""One file for a fitted normalizer: a zip of JSON and plain arrays, checked before anything is allocated.

``method.json`` holds the format's version, the method's name, its options, the numbers and strings it learned,
and for every array its dtype, shape and checksum; ``arrays/<n>.bin`` holds the raw bytes. Nothing is ever
unpickled. A checksum finds corruption; it is no signature: load files only from sources that you trust.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from renorm.core.catalog import catalog
from renorm.core.errors import FileError, RenormError, UnknownNameError
from renorm.core.state import State

FORMAT = 1
_MAX_JSON = 16 * 2**20
_MAX_BYTES = 4 * 2**30
_DTYPES = {"<f8", "<f4", "<i8", "<i4", "|b1"}


class Saveable(Protocol):
    """What a class of the catalog offers so that it can be saved and loaded."""

    card: Any
    _states: tuple[State, ...]

    def get_params(self, deep: bool = ...) -> dict[str, Any]:
        """Constructor arguments."""

    def _validate_params(self) -> None:
        """Raise for options of a wrong type or value."""

    def _fitted(self) -> dict[str, Any]:
        """Fitted attributes: arrays, numbers, strings, lists of them."""

    def _restore(self, fitted: dict[str, Any], states: tuple[State, ...]) -> None:
        """Take fitted attributes and states back."""


def save(method: Saveable, path: str | Path) -> None:
    """Write a fitted normalizer to one ``.renorm`` file, whole or not at all.

    Parameters
    ----------
    method : a fitted normalizer of the catalog
    path : str or Path

    Raises
    ------
    FileError
        Where an option or a learned value cannot be written as JSON or a plain array, or the folder does not exist.
    sklearn.exceptions.NotFittedError
        Where it was not fitted.
    """
    import renorm

    who = f"save({type(method).__name__})"
    arrays: list[np.ndarray[Any, Any]] = []
    record = {
        "format": FORMAT,
        "renorm": renorm.__version__,
        "method": method.card.key,
        "options": _plain(method.get_params(deep=False), arrays, who),
        "fitted": _plain(method._fitted(), arrays, who),
        "states": _plain([s.to_dict() for s in vars(method).get("_states", ())], arrays, who),
    }
    blobs = [np.ascontiguousarray(a).tobytes() for a in arrays]
    record["arrays"] = [
        {"dtype": a.dtype.str, "shape": list(a.shape), "crc32": zlib.crc32(b)} for a, b in zip(arrays, blobs, strict=True)
    ]
    text = json.dumps(record, indent=1, allow_nan=False).encode()
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        got = "a folder" if path.is_dir() else f"one in {str(path.parent)!r}, which does not exist"
        raise FileError(f"{who}.path", expected="the name of a file", got=got)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                members = {"method.json": text, "method.crc32": str(zlib.crc32(text)).encode()}
                members |= {f"arrays/{n}.bin": blob for n, blob in enumerate(blobs)}
                for name, blob in members.items():  # without dates: the same fit gives the same bytes
                    archive.writestr(zipfile.ZipInfo(name), blob)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | Path) -> Any:
    """Read a normalizer that `save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    a fitted normalizer

    Raises
    ------
    FileError
        For a file that is missing, corrupt, truncated, of a newer format, larger than it says, or that names a
        method, a member or a dtype that is not known; nothing is allocated before these checks.

    Examples
    --------
    >>> import tempfile, pathlib, renorm
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.renorm"
    >>> renorm.table.Standard().fit([[1.0], [3.0]]).save(path)
    >>> renorm.load(path).transform([[5.0]])
    array([[3.]])
    """
    who = f"renorm.load({str(path)!r})"
    path = Path(path)
    if not path.is_file():
        raise FileError(who, expected="a file", got="a folder" if path.is_dir() else "none")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, path.stat().st_size, who)
    except RenormError:
        raise
    except (
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        NotImplementedError,
        OSError,
        RuntimeError,
        ValueError,
        struct.error,
        OverflowError,
    ) as error:
        raise FileError(who, expected="a whole .renorm file", got=f"one that cannot be read: {error}") from error


def _read(archive: zipfile.ZipFile, size: int, who: str) -> Any:
    infos = {info.filename: info for info in archive.infolist()}
    if len(infos) != len(archive.infolist()):
        raise FileError(who, expected="members with different names", got="one name twice")
    if "method.json" not in infos or "method.crc32" not in infos:
        raise FileError(who, expected="a .renorm file", got="a zip without method.json")
    if infos["method.json"].file_size > _MAX_JSON or infos["method.crc32"].file_size > 16:
        raise FileError(who, expected=f"at most {_MAX_JSON} bytes of method.json", got=str(infos["method.json"].file_size))
    text = archive.read("method.json")
    if archive.read("method.crc32") != str(zlib.crc32(text)).encode():
        raise FileError(who, expected="the checksum of method.json", got="another: the file is corrupt")
    try:
        record = json.loads(text)
        version = record["format"]
        if type(version) is not int or not 1 <= version <= FORMAT:
            hint = "update renorm to read it"
            raise FileError(who, expected=f"format {FORMAT} or older", got=f"format {version!r}", hint=hint)
        kinds = {"method": str, "options": dict, "fitted": dict, "states": list, "arrays": list}
        name, options, fitted, states, arrays = (record[k] for k in kinds)
        for k, kind in kinds.items():
            if type(record[k]) is not kind:
                raise TypeError(f"{k} is no {kind.__name__}")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(who, expected="the fields of format 1", got=f"{type(error).__name__}: {error}") from error
    wanted = {"method.json", "method.crc32", *(f"arrays/{n}.bin" for n in range(len(arrays)))}
    if set(infos) != wanted:
        odd = sorted(set(infos) ^ wanted)
        raise FileError(who, expected="exactly the members that method.json lists", got=f"{odd[:5]} missing or too many")
    for n, spec in enumerate(arrays):
        _check(spec, infos[f"arrays/{n}.bin"], who)
    stored = sum(infos[f"arrays/{n}.bin"].file_size for n in range(len(arrays)))
    if stored > min(size, _MAX_BYTES):
        raise FileError(who, expected=f"at most {min(size, _MAX_BYTES)} bytes of arrays", got=f"{stored}")
    try:
        cls = catalog().load(name)
    except UnknownNameError as error:
        raise FileError(who, expected="a method of the catalog", got=repr(name), hint=str(error)) from error
    loaded = []
    for n, spec in enumerate(arrays):
        blob = archive.read(f"arrays/{n}.bin")
        if zlib.crc32(blob) != spec["crc32"]:
            raise FileError(who, expected="the checksum of every array", got=f"another for array {n}: the file is corrupt")
        loaded.append(np.frombuffer(blob, dtype=spec["dtype"]).reshape(spec["shape"]).copy())
    try:
        method = cls(**_rebuilt(options, loaded))
        method._validate_params()
        values = _rebuilt(fitted, loaded)
        odd = [k for k in values if not k.endswith("_") or k.startswith("_") or hasattr(cls, k)]
        if odd:
            raise TypeError(f"{odd[0]!r} is no fitted attribute")
        method._restore(values, tuple(State.from_dict(s) for s in _rebuilt(states, loaded)))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise FileError(who, expected=f"the options and values of {name}", got=f"{type(error).__name__}: {error}") from error
    return method


def _check(spec: Any, info: zipfile.ZipInfo, who: str) -> None:
    shape = spec.get("shape") if isinstance(spec, dict) else None
    if (
        not isinstance(shape, list)
        or not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**40 for n in shape)
        or spec.get("dtype") not in tuple(_DTYPES)
        or type(spec.get("crc32")) is not int
    ):
        raise FileError(who, expected=f"arrays of {sorted(_DTYPES)} with whole shapes", got=repr(spec)[:200])
    size = math.prod(shape) * np.dtype(spec["dtype"]).itemsize
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != size or info.compress_size != size:
        got = f"{info.file_size} bytes, {info.compress_size} stored"
        raise FileError(who, expected=f"{size} bytes, not compressed, for {info.filename}", got=got)


def _plain(value: Any, arrays: list[np.ndarray[Any, Any]], who: str) -> Any:
    """JSON for a value; arrays are put aside and named by their number."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray):
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        if little.dtype.str not in _DTYPES:
            if value.dtype.kind in "UO" and all(isinstance(v, str) for v in value.ravel()) and value.ndim == 1:
                return {"strings": [str(v) for v in value]}
            raise FileError(who, expected=f"arrays of {sorted(_DTYPES)}", got=str(value.dtype))
        arrays.append(little)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple):
        return {"tuple": [_plain(v, arrays, who) for v in value]}
    if isinstance(value, list):
        return [_plain(v, arrays, who) for v in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {"dict": {k: _plain(v, arrays, who) for k, v in value.items()}}
    raise FileError(
        who, expected="numbers, strings, arrays, and lists and dicts of them", got=f"{type(value).__name__}: {value!r:.80}"
    )


def _rebuilt(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, list):
        return [_rebuilt(v, arrays) for v in value]
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        if tag == "array":
            return arrays[inner]
        if tag == "float":
            return float(inner)
        if tag == "strings":
            return np.asarray(inner, dtype=object)
        if tag == "tuple":
            return tuple(_rebuilt(v, arrays) for v in inner)
        if tag == "dict":
            return {k: _rebuilt(v, arrays) for k, v in inner.items()}
        raise KeyError(tag)
    return value
