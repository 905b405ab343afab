"""What is said of a method's files and docstrings: each fault is found, and real files have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from renorm.core.catalog import catalog
from renorm.testing import docstrings, layout

CHECKOUT = Path(__file__).resolve().parents[2]
CLASS = "\n\nclass Planted(TableNormalizer):\n"


@pytest.fixture
def standard(workshop):
    """A copy of table.standard with edits in its source and its evidence."""
    card = catalog().find("table.standard")
    source = Path(card.source).read_text(encoding="utf-8").replace('    name="standard"', '    name="planted"')
    source = source.replace('    aliases=("z_score", "standard_scaler"),\n', "").replace("Standard", "Planted")
    proof = (CHECKOUT / "tests/methods/table/test_standard.py").read_text(encoding="utf-8")
    proof = proof.replace("table.standard", "table.planted")

    def make(old: str = "", new: str = "", *, evidence: bool = False, every: bool = False) -> list[str]:
        text = proof if evidence else source
        assert old in text
        changed = text.replace(old, new, -1 if every else 1) if old else text
        pair = (source, changed) if evidence else (changed, proof)
        key = workshop.add("table.planted", *pair)
        return layout.faults(catalog().find(key))

    return make


def test_a_good_method_has_no_faults(standard) -> None:
    assert standard() == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('deviation."""', 'deviation.\n\nAnd more."""', "not one line"),
        (CLASS, "\n\nclass Another: ...\n" + CLASS, "one public class is expected"),
        (CLASS, CLASS.replace("Planted", "planted"), "not a CapWords name"),
        ("        self.with_mean = with_mean\n", "        self.with_mean = with_mean\n" * 150, "read in one sitting"),
        ("        self.with_mean = with_mean\n", "        assert with_mean\n        self.with_mean = with_mean\n", "assert"),
        ("if self.with_mean else", "if hasattr(self, 'mean_') else", "hasattr"),
        ("with_std: bool = True) ->", "with_std: bool = True, **_: object) ->", "swallows misspelt options"),
        ("def __init__(self, *, ", "def __init__(self, ", "keyword-only"),
        ("with_mean : bool, default=True", "with_mean : bool, default=False", "documented 'False', the code has True"),
        ("with_mean : bool, default=True", "with_mean : bool", "the docstring names none"),
        ("with_mean : bool, default=True", "with_means : bool, default=True", "with_means: documented, but no argument"),
        ("    Examples\n    --------\n", "    Example\n    -------\n", "no section Examples"),
        ('        "monotone",\n', "", "says nothing about the law monotone"),
        ('        "monotone",\n', '        "monotone",\n        "no_such_law",\n', "no check decides the law no_such_law"),
        ("Subtract the mean", "<replace: subtract the mean>", "still the template's"),
    ],
)
def test_faults_of_the_source(standard, old, new, fault) -> None:
    assert fault in "\n".join(standard(old, new))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('METHOD = "table.planted"', 'METHOD = "table.plant"', "METHOD is"),
        ('Case("missing", holes)', 'Case("plain", holes)', "different ids"),
        ("def cases():", "def some_cases():", "different ids"),
        ("def oracle(case):", "def oracles(case):", "no oracle"),
        ("def oracle(case):\n", "def oracle(case):\n    return {}\n", "says nothing of some case"),
        ("def test_long_columns_are_scaled():", "def test_long(tmp_path):", "takes arguments"),
        ("import renorm\n", "import renorm\nfrom renorm.table import Standard\n", "imports renorm.table"),
        ("import renorm\n", "import renorm\nimport pytest\npytest.importorskip('numpy')\n", "skips itself"),
        ("def cases():", "# <replace>\ndef cases():", "still the template's"),
    ],
)
def test_faults_of_the_evidence(standard, old, new, fault) -> None:
    assert fault in "\n".join(standard(old, new, evidence=True))


def test_evidence_without_tests(standard) -> None:
    assert "no test_ function" in "\n".join(standard("\ndef test_", "\ndef check_", evidence=True, every=True))


def documented(a, b=2, *, c=None, d=(1, "x"), e="x") -> None:
    """Do nothing.

    Parameters
    ----------
    a : int
    b : int, default=2
        With words.
    c : str, optional
    d : tuple, default=(1, 'x')
    e : str, default="x"

    Returns
    -------
    None
    """


def test_defaults() -> None:
    text = documented.__doc__
    assert docstrings.wrong_defaults(documented, text) == []
    assert docstrings.parameters(text) == {
        "a": "int", "b": "int, default=2", "c": "str, optional", "d": "tuple, default=(1, 'x')", "e": 'str, default="x"'
    }  # fmt: skip
    for old, new in (
        ("default=2", "default=3"),
        ("a : int", "a : int, default=1"),
        ("str, optional", "str"),
        ("e : str", "f : str"),
    ):
        assert docstrings.wrong_defaults(documented, text.replace(old, new)), new


def test_examples(workshop) -> None:
    workshop.add("metric.shown", "def f():\n    '''\n    >>> 1 + 1\n    2\n    >>> 1 + 2\n    4\n    '''\n")
    count, failed = docstrings.failed_examples(f"{workshop.package}.shown")
    assert count == 2
    assert len(failed) == 1
    assert "Expected" in failed[0]
