"""The mutation operators: each finds its place, and leaves alone what is not code."""

from __future__ import annotations

import ast
import textwrap

import pytest

from renorm.testing import operators


def mutants(text: str, **options: bool) -> set[str]:
    return {m.after for m in operators.read(textwrap.dedent(text), **options).mutants}


def body(line: str) -> set[str]:
    return mutants(f"def f(x, y, eps):\n    {line}\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("z = x + y", "z = x - y"),
        ("z = x * y", "z = x / y"),
        ("z = x ** y", "z = x * y"),
        ("z = -x", "z = x"),
        ("z += x", "z -= x"),
        ("z = x @ y", "z = y @ x"),
        ("z = x & y", "z = x | y"),
        ("z = 3.0", "z = 4.0"),
        ("z = 3.0", "z = 6.0"),
        ("z = 3.0", "z = -3.0"),
        ("z = 3.0", "z = 0.0"),
        ("z = 0", "z = 1"),
        ("z = True", "z = False"),
        ("z = x < y", "z = x <= y"),
        ("z = x < y", "z = x >= y"),
        ("z = x == y", "z = x != y"),
        ("z = x is None", "z = x is not None"),
        ("z = x and y", "z = x or y"),
        ("z = not x", "z = x"),
        ("z = x.sum(axis=0)", "z = x.sum(axis=1)"),
        ("z = x.sum(axis=0)", "z = x.mean(axis=0)"),
        ("z = x.mean(-1)", "z = x.mean(0)"),
        ("z = x.mean(dim=(0, 2))", "z = x.mean(dim=(2,))"),
        ("z = x.var(ddof=1)", "z = x.var(ddof=0)"),
        ("z = x.var(ddof=1)", "z = x.std(ddof=1)"),
        ("z = x.var(correction=y)", "z = x.var()"),
        ("z = x.mean(0, keepdim=True)", "z = x.mean(0, keepdim=False)"),
        ("z = sqrt(x + eps)", "z = x ** 0.5 + eps"),
        ("z = torch.rsqrt(x + eps)", "z = 1.0 / (x ** 0.5 + eps)"),
        ("z = (x + self.eps).rsqrt()", "z = 1.0 / (x ** 0.5 + self.eps)"),
        ("z = (x + eps) ** 0.5", "z = x ** 0.5 + eps"),
        ("z = (x + eps) ** -0.5", "z = 1.0 / (x ** 0.5 + eps)"),
        ("z = x.sqrt() + eps", "z = (x + eps) ** 0.5"),
        ("z = x + eps", "z = x"),
        ("z = x + 1e-06", "z = x"),
        ("z = g(x, y)", "z = g(y, x)"),
        ("z = np.where(x, y, 0)", "z = np.where(x, 0, y)"),
        ("z = x if y else 0", "z = 0 if y else x"),
        ("z = min(x, y)", "z = max(x, y)"),
        ("z = np.maximum(x, y)", "z = np.minimum(x, y)"),
        ("z = abs(x)", "z = x"),
        ("z = x.clone()", "z = x"),
        ("z = x[-1]", "z = x[0]"),
        ("z = x[2:]", "z = x[3:]"),
        ("z = searchsorted(x, y, side='left')", "z = searchsorted(x, y, side='right')"),
        ("z = [a for a in x if a and y]", "z = [a for a in x if not (a and y)]"),
        ("z = [a for a in x if a and y]", "z = [a for a in x if a or y]"),
        ("g(x)", "dropped"),
        ("raise ValueError(x)", "dropped"),
        ("return x", "return"),
    ],
)
def test_operator(line: str, expected: str) -> None:
    assert expected in body(line)


def test_compound_statements() -> None:
    assert "if not g(x):" in mutants("def f(x):\n    if g(x):\n        return x\n    return 1\n")
    assert "while x <= 1:" in mutants("def f(x):\n    while x < 1:\n        x = g(x)\n")
    assert "dropped" in mutants("def f(x):\n    with g():\n        pass\n")
    assert "for a in ():" in mutants("def f(x):\n    for a in x:\n        pass\n")
    assert "def f(*, eps: float=2e-05):" in mutants("def f(*, eps: float = 1e-5):\n    pass\n")
    assert "dropped" in mutants("@g()\ndef f(x):\n    pass\n") or "def f(x):" in mutants("@g()\ndef f(x):\n    pass\n")


@pytest.mark.parametrize(
    "text",
    [
        '"""Adds 1 + 2."""\n',
        "CARD = Card(\n    name='x',\n    laws=(1 + 2,),\n)\n",
        "import a\nfrom b import c\n",
        "Array = list[int]\n\ndef f(x: Array) -> Array:\n    ...\n",
        "class A:\n    'text 1'\n    x: int\n",
        "class A:\n    def __repr__(self):\n        return f'{1 + 2}'\n",
        "if TYPE_CHECKING:\n    x = 1\n",
        "def f(x: Literal[1, 2]) -> Literal[3]:\n    ...\n",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert mutants(text) == set()


def test_the_text_of_errors_is_left_alone() -> None:
    assert body("raise ValueError(f'{1 + 2} and 3', x * 2)") == {"dropped"}


def test_strings_only_on_demand() -> None:
    assert "z = 'ab'" not in body("z = 'abc'")
    text = "def f():\n    z = 'abc'\n    y = 'h'\n"
    assert {"z = 'ab'", "y = 'i'"} <= mutants(text, strings=True)


def test_commutative_calls_are_not_swapped() -> None:
    assert "z = np.hypot(y, x)" not in body("z = np.hypot(x, y)")


def test_every_executable_statement_has_a_mutant() -> None:
    source = operators.read("def f(x):\n    try:\n        y = x\n    except E:\n        return\n    return y\n")
    assert source.lines == 3
    assert source.bare == []
    assert {m.line for m in source.mutants} == {3, 5, 6}
    match = operators.read("def f(x):\n    match x:\n        case 1:\n            return x\n")
    assert [line for line, _ in match.bare] == [2]


def test_keys_are_unique_and_undo_restores() -> None:
    text = "def f(x):\n    y = x + 1\n    y = x + 1\n    return y * 2 if y < 3 else g(x, y)\n"
    source = operators.read(text)
    before = ast.dump(source.tree)
    keys = [m.key for m in source.mutants]
    assert len(set(keys)) == len(keys)
    for mutant in source.mutants:
        undo = mutant.apply()
        assert ast.dump(source.tree) != before
        for edit in undo:
            operators._put(edit)
        assert ast.dump(source.tree) == before
