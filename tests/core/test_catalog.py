"""Cards, the catalog, plugins, names served by packages, and the texts of errors."""

from __future__ import annotations

import copy
import importlib
import pickle
import subprocess
import sys
import textwrap
import time
from dataclasses import fields, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import renorm
from renorm.core import catalog as module
from renorm.core import errors
from renorm.core.card import CHOICES, KINDS, Card, read
from renorm.core.catalog import Catalog, catalog
from renorm.core.errors import MissingDependencyError, OptionError, RenormError, UnknownNameError, did_you_mean

GOOD = {
    "name": "plain",
    "kind": "table",
    "normalizes": "columns",
    "statistic": "none",
    "axes": "none",
    "paper": "",
    "fidelity": "formula",
}


def source(extra: str = "", *, class_name: str = "Plain", body: str = "", **values: Any) -> str:
    lines = "".join(f"    {k}={v!r},\n" for k, v in {**GOOD, **values}.items())
    head = f'"""A method."""\n\nfrom renorm.core.card import Card\n{body}\nCARD = Card(\n{lines}{extra})\n'
    return head + f"\n\nclass {class_name}:\n    card = CARD\n"


def put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    return path


def python(code: str, *flags: str) -> str:
    run = subprocess.run([sys.executable, *flags, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


# nothing is imported before it is asked for


def test_listing_imports_no_method() -> None:
    code = """
        import sys, renorm
        before = set(sys.modules)
        cards = renorm.methods(readings=True)
        assert cards and all(card.module for card in cards)
        loaded = [card.key for card in cards if card.module in sys.modules]
        heavy = [m for m in ("torch", "sklearn", "pandas", "polars", "matplotlib", "pyarrow", "scipy") if m in sys.modules]
        print(loaded, heavy)
    """
    assert python(code) == "[] []"


def test_importing_renorm_is_light() -> None:
    code = """
        import time
        start = time.process_time()
        import renorm
        import sys
        heavy = [m for m in ("torch", "sklearn", "pandas", "matplotlib", "numpy") if m in sys.modules]
        print(heavy, time.process_time() - start)
    """
    found = [python(code).rsplit(" ", 1) for _ in range(3)]
    assert {heavy for heavy, _ in found} == {"[]"}
    assert min(float(seconds) for _, seconds in found) < 0.1


def test_one_method_is_imported_when_it_is_asked_for() -> None:
    code = """
        import sys, renorm
        renorm.get("table.standard")
        print([m for m in sys.modules if m.startswith("renorm.table.") and not m.endswith("_base")], "torch" in sys.modules)
    """
    assert python(code) == "['renorm.table.standard'] False"


def test_three_hundred_cards_are_listed_in_a_tenth_of_a_second(tmp_path: Path) -> None:
    prose = '"""' + "What it does, at length.\n" * 30 + '"""\n'
    for i in range(300):
        kind = list(KINDS)[i % 3]
        laws = ("row_permutation", "column_independent", "monotone")
        text = source(
            kind=kind, name=f"method_{i}", class_name=f"Method{i}", laws=laws, aliases=(f"alias_{i}",), cost="x" * 80
        )
        put(tmp_path / kind, f"method_{i}", text + prose + "def f():\n    pass\n" * 80)
    times = []
    for _ in range(5):
        start = time.process_time()  # of this process: others may be running
        found = Catalog([("generated", tmp_path)])
        assert len(found.select()) == 300
        times.append(time.process_time() - start)
    assert min(times) < 0.1, times


# cards


def test_a_card_is_read_from_text(tmp_path: Path) -> None:
    path = put(
        tmp_path, "plain", source(body="raise SystemExit\nclass _Private:\n    pass\n", laws=("monotone",), mergeable=True)
    )
    card = read(path)
    assert card is not None
    assert (card.name, card.laws, card.mergeable, card.class_name) == ("plain", ("monotone",), True, "Plain")
    assert card.source == str(path)
    assert card.key == "table.plain"
    record = card.to_dict()
    assert record["laws"] == ["monotone"]
    assert "source" not in record
    assert {f.name for f in fields(Card)} - set(record) == {"source", "module"}


def test_the_public_class_below_the_card_is_meant(tmp_path: Path) -> None:
    text = source(body="\nclass Above:\n    pass\n").replace("class Plain:", "class _Private:\n    pass\n\n\nclass Plain:")
    card = read(put(tmp_path, "plain", text))
    assert card is not None
    assert card.class_name == "Plain"


def test_a_file_without_a_card_is_no_method(tmp_path: Path) -> None:
    assert read(put(tmp_path, "tool", "x = 1\n")) is None
    assert read(put(tmp_path, "tool", "def f():\n    CARD = Card(\n    )\n")) is None
    put(tmp_path / "table", "_base", source())
    put(tmp_path / "table", "plain", source())
    put(tmp_path / "tables", "other", source(name="other"))
    assert [c.key for c in Catalog([("p", tmp_path)])] == ["table.plain"]


BAD_FIELDS = {
    "name": ["Plain", "plain method", "1plain", "", 3, None],
    **{key: ["other", "", 3, None] for key in CHOICES},
    **{f.name: [3, None, ["x"]] for f in fields(Card) if f.type == "str" and f.name not in ("name", *CHOICES)},
    **{f.name: ["monotone", ["monotone"], (1,), None] for f in fields(Card) if f.type == "tuple[str, ...]"},
    **{f.name: ["yes", 1, None] for f in fields(Card) if f.type == "bool"},
}


def test_every_field_of_a_card_is_tried() -> None:
    assert set(BAD_FIELDS) == {f.name for f in fields(Card)}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_bad_field_is_named(name: str) -> None:
    Card(**GOOD)
    for value in BAD_FIELDS[name]:
        with pytest.raises(RenormError, match=r"Card\(.*\).*: expected") as caught:
            Card(**{**GOOD, name: value})
        assert repr(value) in str(caught.value)
        assert name == "name" or f".{name}:" in str(caught.value)


def test_a_near_choice_is_suggested() -> None:
    with pytest.raises(RenormError, match=r"Card\('plain'\)\.fidelity: expected one of .* Hint: did you mean 'formula'\?"):
        Card(**{**GOOD, "fidelity": "formulas"})


@pytest.mark.parametrize(
    "laws",
    [
        {"laws": ("a", "b"), "not_laws": ("b",)},
        {"laws": ("a",), "unclaimed": ("a",)},
        {"not_laws": ("a",), "unclaimed": ("a",)},
        {"laws": ("a", "a")},
    ],
)
def test_a_law_is_named_once(laws: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(
        RenormError, match=r"Card\('plain'\)\.laws: expected each law named once, got \['[ab]'\] named twice"
    ):
        Card(**GOOD, **laws)


MALFORMED = {
    "not closed": (source().replace("\n)\n", "\n"), "a literal that ends in a line holding only"),
    "computed": (source("    cost=str(3),\n"), "malformed node"),
    "positional": (source().replace("    name='plain'", "    'plain'"), "."),
    "unpacked": (source("    **COMMON,\n"), "arguments without a name"),
    "unknown field": (source("    colour='red',\n"), "unexpected keyword argument 'colour'"),
    "field missing": (source().replace("    axes='none',\n", ""), "missing 1 required positional argument: 'axes'"),
    "field twice": (source("    name='other',\n"), "a field twice"),
    "more than a call": (source("    cost='',\n) or dict(\n    a=1,\n"), "more than a call of Card"),
    "called twice": (source("    cost='',\n)(\n    a=1,\n"), "more than a call of Card"),
    "not Python": (source("    cost='\n"), "unterminated string"),
    "no class": (source().partition("class ")[0], "expected one public class below the card, got none"),
    "only private classes": (source(class_name="_Plain"), "expected one public class below the card, got none"),
    "bad value": (source(tier="best"), r"Card\('plain'\)\.tier: expected one of"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_card_is_refused(name: str, tmp_path: Path) -> None:
    text, expected = MALFORMED[name]
    path = put(tmp_path / "table", "plain", text)
    with pytest.raises(RenormError, match=expected) as caught:
        Catalog([("p", tmp_path)])
    assert name == "bad value" or str(path) in str(caught.value)


def test_a_card_stands_in_the_folder_of_its_kind(tmp_path: Path) -> None:
    put(tmp_path / "table", "plain", source(kind="score"))
    with pytest.raises(RenormError, match=r"plain\.py: expected kind 'table', as its folder, got 'score'"):
        Catalog([("p", tmp_path)])


def test_every_shipped_card_is_of_its_class() -> None:
    for card in catalog():
        if not card.requires:
            assert catalog().load(card.key).card == card
            assert catalog().load(card.key).__name__ == card.class_name


# names


@pytest.fixture
def names() -> Catalog:
    found = Catalog([])
    found.add(Card(**{**GOOD, "name": "standard"}, aliases=("z_score", "Scaler")))
    found.add(Card(**{**GOOD, "name": "quantile", "tier": "shelf"}))
    found.add(Card(**{**GOOD, "name": "quantile", "kind": "score"}, requires=("torch",)))
    found.add(Card(**{**GOOD, "name": "heard_of", "fidelity": "reading", "normalizes": "rows"}))
    return found


def test_names_are_found(names: Catalog) -> None:
    for name in ("table.standard", "standard", "z_score", "table.z_score", "Scaler", "scaler", "SCALER", "Standard"):
        assert names.find(name).key == "table.standard"
    assert names.find("score.quantile").kind == "score"
    assert names.find("table.quantile").kind == "table"


def test_a_bare_name_must_be_unique(names: Catalog) -> None:
    with pytest.raises(
        UnknownNameError, match=r"expected a unique name, got 2 methods\. Hint: say score\.quantile or table\.quan"
    ):
        names.find("quantile")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("standart", r"did you mean 'standard'\?"),
        ("table.standart", r"did you mean 'table\.standard'"),
        ("zscore", r"did you mean 'z_score'\?"),
        ("score.quantiles", r"did you mean 'score\.quantile'"),
        ("xyz", r"known names: Scaler, heard_of, quantile, scaler, standard, z_score"),
        ("", "known names"),
    ],
)
def test_the_nearest_names_are_suggested(name: str, hint: str, names: Catalog) -> None:
    with pytest.raises(UnknownNameError, match=hint) as caught:
        names.find(name)
    assert f"renorm.get({name!r}): expected a method of the catalog" in str(caught.value)


@pytest.mark.parametrize("name", [None, 3, ["standard"], Card])
def test_a_name_is_text(name: Any, names: Catalog) -> None:
    with pytest.raises(OptionError, match=r"renorm\.get\(name\): expected a method's name, got"):
        names.find(name)


def test_a_full_name_is_used_once() -> None:
    found = Catalog([])
    found.add(Card(**GOOD, source="a.py"))
    with pytest.raises(RenormError, match=r"catalog: table\.plain: expected a name used once, got a\.py and b\.py"):
        found.add(Card(**GOOD, source="b.py"))


def test_a_class_of_a_kind_has_one_card() -> None:
    """renorm.table.Plain would be one of the two, without a word."""
    found = Catalog([])
    found.add(Card(**GOOD, class_name="Plain", source="a.py"))
    found.add(Card(**{**GOOD, "kind": "score"}, class_name="Plain"))
    with pytest.raises(
        RenormError, match=r"table\.other: expected one class Plain in table, got one in a\.py and one in b\.py"
    ):
        found.add(Card(**{**GOOD, "name": "other"}, class_name="Plain", source="b.py"))
    assert "table.other" not in found.cards


def test_cards_are_selected(names: Catalog) -> None:
    def keys(**options: Any) -> list[str]:
        return [c.key for c in names.select(**options)]

    assert keys() == ["score.quantile", "table.standard", "table.quantile"]  # the core first
    assert keys(readings=True) == ["score.quantile", "table.heard_of", "table.standard", "table.quantile"]
    assert keys(kind="table") == ["table.standard", "table.quantile"]
    assert keys(tier="shelf") == ["table.quantile"]
    assert keys(normalizes="rows", readings=True) == ["table.heard_of"]
    assert keys(requires="torch") == ["score.quantile"]
    assert keys(kind="flow") == []
    with pytest.raises(
        UnknownNameError, match=r"renorm\.methods\(kind='tables'\): expected a kind\. Hint: did you mean 'table'\?"
    ):
        names.select(kind="tables")


def test_create_takes_options() -> None:
    assert renorm.create("standard", with_mean=False).with_mean is False
    with pytest.raises(TypeError, match="with_means"):
        renorm.create("standard", with_means=False)


def test_aliases_find_the_same_class() -> None:
    for card in catalog():
        if not card.requires:
            for name in (card.key, *card.aliases, *(f"{card.kind}.{a}" for a in card.aliases)):
                assert renorm.get(name) is renorm.get(card.key)


# what is not installed


def test_a_missing_package_is_named_with_the_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        "needs_torch": ("torch", "torch.nn", 'pip install "renorm[torch]"'),
        "needs_ftfy": ("ftfy", "ftfy", 'pip install "renorm[text]"'),
        "needs_other": ("no_such_package", "no_such_package.inner", 'pip install "no_such_package"'),
    }
    put(tmp_path / "without", "__init__", "")
    for name, (package, imported, _) in cases.items():
        text = source(name=name, requires=(package,), class_name=name.title().replace("_", ""), body=f"import {imported}\n")
        put(tmp_path / "without" / "table", name, text)
        monkeypatch.setitem(sys.modules, package, None)
    put(tmp_path / "without" / "table", "__init__", "")
    monkeypatch.syspath_prepend(tmp_path)
    found = Catalog([("without", tmp_path / "without")])
    for name, (package, _, line) in cases.items():
        with pytest.raises(MissingDependencyError) as caught:
            found.load(name)
        assert str(caught.value) == (
            f"table.{name}: expected the package {package!r}, got an environment without it. Hint: {line}."
        )
        assert isinstance(caught.value, ImportError)
        assert isinstance(caught.value.__cause__, ImportError)
    for name in list(sys.modules):
        if name.partition(".")[0] == "without":
            monkeypatch.delitem(sys.modules, name)


def test_another_import_error_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package whose name contains a required one, and a bug in the method's own imports."""
    put(tmp_path / "faulty", "__init__", "")
    put(tmp_path / "faulty" / "table", "__init__", "")
    bodies = {"one": "import json_no_such\n", "two": "from json import no_such_json\n"}
    for name, body in bodies.items():
        put(tmp_path / "faulty" / "table", name, source(name=name, requires=("json",), class_name=name.title(), body=body))
    monkeypatch.syspath_prepend(tmp_path)
    found = Catalog([("faulty", tmp_path / "faulty")])
    for name in bodies:
        with pytest.raises(ImportError, match="no_such") as caught:
            found.load(name)
        assert not isinstance(caught.value, RenormError)
    for name in list(sys.modules):
        if name.partition(".")[0] == "faulty":
            monkeypatch.delitem(sys.modules, name)


# plugins


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that installs entry points; the catalog is read anew, and once more afterwards."""

    def install(*values: str) -> Catalog:
        points = [EntryPoint(f"point{i}", value, module.PLUGIN_GROUP) for i, value in enumerate(values)]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points if group == module.PLUGIN_GROUP else [])
        catalog.cache_clear()
        return catalog()

    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield install
    monkeypatch.undo()
    catalog.cache_clear()
    for name in [m for m in sys.modules if m.partition(".")[0].startswith("plugged")]:
        del sys.modules[name]


def test_a_plugin_brings_methods(plug: Any, tmp_path: Path) -> None:
    put(tmp_path / "plugged", "__init__", "raise SystemExit('imported')")
    put(tmp_path / "plugged", "plain", source(name="plugged_plain", class_name="PluggedPlain", aliases=("pp",)))
    put(tmp_path / "plugged", "_hidden", source(name="hidden"))
    put(tmp_path / "plugged", "other", source(name="plugged_score", kind="score"))
    found = plug("plugged")
    assert {"table.plugged_plain", "score.plugged_score"} <= set(found.cards)
    assert "table.hidden" not in found.cards
    assert "plugged" not in sys.modules
    assert found.find("pp").module == "plugged.plain"
    assert "table.plugged_plain" in [c.key for c in renorm.methods(kind="table")]
    assert "PluggedPlain" in dir(renorm.table)
    put(tmp_path / "plugged", "__init__", "")
    importlib.invalidate_caches()
    assert renorm.get("plugged_plain").__module__ == "plugged.plain"
    assert renorm.table.PluggedPlain is renorm.get("pp")


def test_a_plugin_inside_a_package(plug: Any, tmp_path: Path) -> None:
    put(tmp_path / "plugged_outer" / "methods", "plain", source(name="inner_plain", class_name="InnerPlain"))
    put(tmp_path / "plugged_outer", "__init__", "")
    put(tmp_path / "plugged_outer" / "methods", "__init__", "")
    assert plug("plugged_outer.methods").load("inner_plain").__name__ == "InnerPlain"


@pytest.mark.parametrize("value", ["plugged_nowhere", "plugged_nowhere.methods", "plugged_module", "json:loads"])
def test_a_plugin_that_is_not_there_is_named(value: str, plug: Any, tmp_path: Path) -> None:
    put(tmp_path, "plugged_module", "")
    with pytest.raises(
        RenormError, match=rf"plugin 'point0': expected a package that can be imported, got '{value}'\. Hint: up"
    ):
        plug(value)


def test_a_plugin_takes_no_name_or_class_that_is_taken(plug: Any, tmp_path: Path) -> None:
    put(tmp_path / "plugged", "__init__", "")
    path = put(tmp_path / "plugged", "standard", source(name="standard", class_name="Mine"))
    with pytest.raises(
        RenormError, match=r"catalog: table\.standard: expected a name used once, got .*standard\.py and .*plugged"
    ):
        plug("plugged")
    path.write_text(source(name="my_standard", class_name="Standard"), encoding="utf-8")
    with pytest.raises(RenormError, match="expected one class Standard in table"):
        plug("plugged")
    path.write_text(source(name="mine", tier="best"), encoding="utf-8")
    with pytest.raises(RenormError, match=r"Card\('mine'\)\.tier"):
        plug("plugged")


# packages that serve their names from the catalog


@pytest.mark.parametrize("kind", ["table", "text"])
def test_a_package_serves_its_names(kind: str) -> None:
    package = importlib.import_module(f"renorm.{kind}")
    classes = {c.class_name: c.key for c in catalog() if c.kind == kind}
    assert classes
    assert set(classes) <= set(package.__all__)
    assert package.__all__ == sorted(package.__all__)
    assert set(classes) <= set(dir(package))
    for name, key in classes.items():
        if not catalog().find(key).requires:
            assert getattr(package, name) is renorm.get(key)
            assert isinstance(getattr(package, name), type)


def test_star_imports_give_every_class() -> None:
    space: dict[str, Any] = {}
    exec("from renorm.table import *", space)
    assert {c.class_name for c in catalog() if c.kind == "table"} <= set(space)
    assert space["Standard"] is renorm.table.Standard


def test_unknown_attributes_have_hints() -> None:
    with pytest.raises(
        AttributeError, match=r"module 'renorm\.table' has no attribute 'Standart'; did you mean 'Standard'\?"
    ):
        _ = renorm.table.Standart
    with pytest.raises(AttributeError, match=r"known names: .*Identity"):
        _ = renorm.table.Xyzzy
    with pytest.raises(AttributeError, match=r"module 'renorm\.table' has no attribute '_private'"):
        _ = renorm.table._private
    with pytest.raises(ImportError, match="cannot import name 'Standart'"):
        exec("from renorm.table import Standart")
    with pytest.raises(AttributeError, match="module 'renorm' has no attribute 'comparre'"):
        _ = renorm.comparre
    assert not hasattr(renorm.table, "__wrapped__")
    assert {"compare", "load", "methods", "table", "text"} <= set(dir(renorm))


def test_a_class_wins_over_the_module_of_its_file() -> None:
    import renorm.table.standard

    assert renorm.table.Standard is renorm.table.standard.Standard


# errors


FAMILY = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, RenormError)]


@pytest.mark.parametrize("cls", FAMILY, ids=lambda c: c.__name__)
def test_errors_survive_a_pickle(cls: type[RenormError]) -> None:
    error = cls("who(x)", expected="this", got="that", hint="do so")
    assert isinstance(error, ValueError)
    for back in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(back) is cls
        assert str(back) == str(error) == "who(x): expected this, got that. Hint: do so."
        assert (back.who, back.expected, back.got, back.hint) == ("who(x)", "this", "that", "do so")


def test_errors_are_of_the_kinds_that_others_expect() -> None:
    assert issubclass(UnknownNameError, KeyError)
    assert issubclass(MissingDependencyError, ImportError)
    assert issubclass(errors.OptionTypeError, TypeError)
    assert issubclass(errors.OptionTypeError, OptionError)
    with pytest.raises(KeyError):
        renorm.get("no_such_method")
    with pytest.raises(ValueError, match="no_such_method"):
        renorm.get("no_such_method")


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "who: cannot go on."),
        ({"expected": "a."}, "who: expected a."),
        ({"got": "b"}, "who: got b."),
        ({"hint": "c."}, "who: cannot go on. Hint: c."),
        ({"expected": "a", "hint": "did you mean 'x'?"}, "who: expected a. Hint: did you mean 'x'?"),
    ],
)
def test_errors_are_sentences(parts: dict[str, str], text: str) -> None:
    assert str(RenormError("who", **parts)) == text


def test_did_you_mean() -> None:
    assert did_you_mean("standrd", ["standard", "robust"]) == "did you mean 'standard'?"
    assert did_you_mean("ab1", ["ab2", "ab3"]) == "did you mean 'ab3' or 'ab2'?"
    assert did_you_mean("zzz", []) == "nothing is registered here"
    many = did_you_mean("zzz", [f"method_{i:02}" for i in range(20)])
    assert many.startswith("known names: method_00, ")
    assert many.endswith("method_11, ...")


def test_replace_checks_again() -> None:
    with pytest.raises(RenormError, match="kind"):
        replace(Card(**GOOD), kind="tables")
