"""The mutation operators: every small wrong version of one source file."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_NEGATION: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _both(*pairs: tuple[str, str]) -> dict[str, str]:
    return {**dict(pairs), **{b: a for a, b in pairs}}


_NAMES = _both(
    ("min", "max"),
    ("minimum", "maximum"),
    ("fmin", "fmax"),
    ("amin", "amax"),
    ("nanmin", "nanmax"),
    ("argmin", "argmax"),
    ("floor", "ceil"),
    ("any", "all"),
    ("clamp_min", "clamp_max"),
    ("lower", "upper"),
    ("startswith", "endswith"),
    ("lstrip", "rstrip"),
    ("find", "rfind"),
)
# swapped only as attributes (np.sum, x.sum()): the bare names have no counterpart
_ATTRIBUTES = _both(
    ("sum", "mean"),
    ("nansum", "nanmean"),
    ("var", "std"),
    ("nanvar", "nanstd"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("new_zeros", "new_ones"),
    ("exp", "expm1"),
    ("log", "log1p"),
    ("sqrt", "rsqrt"),
    ("logical_and", "logical_or"),
)
_ATTRIBUTES["sqrt"] = "square"  # numpy has no rsqrt
_DROPPED_CALLS = {"abs", "absolute", "fabs", "copy", "clone", "detach"}
_COMMUTATIVE = {"maximum", "minimum", "max", "min", "fmax", "fmin", "hypot", "add", "multiply", "logaddexp", "allclose"}
_COMMUTATIVE |= {"promote_types", "array_equal", "equal", "logical_and", "logical_or", "gcd", "union", "intersection"}
_AXES = {"axis", "dim", "dims", "axes", "start_dim", "end_dim"}
_STATISTIC_OPTIONS = {"ddof", "unbiased", "correction", "keepdims", "keepdim"}
_REDUCERS = {"sum", "mean", "var", "std", "amax", "amin", "any", "all", "cumsum", "softmax", "log_softmax", "norm", "median"}
_REDUCERS |= {"size", "unsqueeze", "squeeze", "prod", "logsumexp", "argsort", "sort", "unbind", "nanmean", "nansum"}
_SKIPPED_OPTIONS = {"strict"}  # zip(strict=...) guards against a mistake, and changes nothing where there is none
_SIDES = {"left": "right", "right": "left"}
_PRINTING = {"__repr__", "__str__", "extra_repr", "_repr_html_"}

Edit = tuple[Any, str, int | None, Any]  # node, field, index in it (or None for the whole field), new value


@dataclass
class Mutant:
    """One wrong version: where, which operator, the edits that make it, and how it reads.

    ``key`` is what an ``EQUIVALENT`` entry of the evidence names: ``"<source line> -> <mutated statement>"``.
    """

    line: int
    operator: str
    edits: list[Edit]
    source: str = ""
    before: str = ""
    after: str = ""
    number: int = 1

    @property
    def key(self) -> str:
        return f"{self.source} -> {self.after}" + (f" ({self.number})" if self.number > 1 else "")

    def apply(self) -> list[Edit]:
        """Change the tree; the edits that undo it come back."""
        return [_put(edit) for edit in self.edits][::-1]


def _put(edit: Edit) -> Edit:
    node, name, index, new = edit
    if index is None:
        old = getattr(node, name)
        setattr(node, name, new)
    else:
        old = getattr(node, name)[index]
        getattr(node, name)[index] = new
    return (node, name, index, old)


@dataclass
class Source:
    """A parsed method file: its tree, its mutants and its executable statements without one."""

    tree: ast.Module
    mutants: list[Mutant]
    lines: int
    bare: list[tuple[int, str]] = field(default_factory=list)


def _literal(node: ast.AST) -> int | None:
    """Return the value of an integer literal, negative ones too."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return sign * node.value
    return None


def _number(value: complex) -> ast.expr:
    return ast.parse(repr(value), mode="eval").body


def _is_eps(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return "eps" in node.id.lower()
    if isinstance(node, ast.Attribute):
        return "eps" in node.attr.lower()
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value <= 1e-3


def _split_eps(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """``v + eps`` as (v, eps)."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        if _is_eps(node.right):
            return node.left, node.right
        if _is_eps(node.left):
            return node.right, node.left
    return None


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _root(node: ast.Call) -> tuple[str, ast.expr] | None:
    """``np.sqrt(v)``, ``sqrt(v)`` or ``v.sqrt()`` as (name, v)."""
    name = _called(node)
    if name in ("sqrt", "rsqrt") and not node.keywords:
        if len(node.args) == 1:
            return name, node.args[0]
        if not node.args and isinstance(node.func, ast.Attribute):
            return name, node.func.value
    return None


class _Finder:
    """Walks one file and collects mutants, statement by statement."""

    def __init__(self, tree: ast.Module, text: str, strings: bool) -> None:
        self.tree, self.rows, self.strings = tree, text.splitlines(), strings
        self.found: list[Mutant] = []
        self.bare: list[tuple[int, str]] = []
        self.lines = 0
        self.used = {n.id for n in _outside_annotations(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}

    # statements -----------------------------------------------------------------------------------------------------

    def block(self, owner: Any, name: str, *, top: bool = False) -> None:
        for index, statement in enumerate(getattr(owner, name)):
            self.statement(statement, owner, name, index, top=top)

    def statement(self, node: ast.stmt, owner: Any, name: str, index: int, *, top: bool) -> None:
        if _skipped(node, top, self.used):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in _PRINTING:
                return
            self.header(node, list(self.function(node)))
            self.block(node, "body")
            return
        if isinstance(node, ast.ClassDef):
            self.block(node, "body")
            return
        block = isinstance(node, ast.Try | ast.TryStar)  # does nothing by itself
        self.lines += not block
        edits = list(self.inside(node))
        place = (owner, name, index)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Raise | ast.Delete | ast.Assert):
            edits.append(("dropped statement", node, [(*place, ast.Pass())]))
        if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
            edits.append(("arithmetic", node, [(node, "op", None, _ARITHMETIC[type(node.op)]())]))
        if isinstance(node, ast.With) and not edits:
            rest = [*getattr(owner, name)[:index], *node.body, *getattr(owner, name)[index + 1 :]]
            edits.append(("dropped context", node, [(owner, name, None, rest)]))
        if not edits:
            edits += self.fallback(node, place)
        before = len(self.found)
        self.header(node, edits)
        if len(self.found) == before and not block:
            self.bare.append((node.lineno, self.rows[node.lineno - 1].strip()))
        for part in ("body", "orelse", "finalbody"):
            if getattr(node, part, None):
                self.block(node, part)
        for handler in getattr(node, "handlers", []):
            self.block(handler, "body")
        for case in getattr(node, "cases", []):
            self.block(case, "body")

    def fallback(self, node: ast.stmt, place: tuple[Any, str, int]) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        if isinstance(node, ast.Return) and node.value is not None:
            yield "nothing returned", node, [(node, "value", None, None)]
        elif isinstance(node, ast.Return):
            yield "dropped statement", node, [(*place, ast.Pass())]
        elif isinstance(node, ast.Continue):
            yield "continue becomes break", node, [(*place, ast.Break())]
        elif isinstance(node, ast.Break):
            yield "dropped statement", node, [(*place, ast.Pass())]
        elif isinstance(node, ast.For):
            yield "empty loop", node, [(node, "iter", None, ast.Tuple([], ast.Load()))]

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        for index, decorator in enumerate(node.decorator_list):
            if isinstance(decorator, ast.Call):
                rest = [d for i, d in enumerate(node.decorator_list) if i != index]
                yield "dropped decorator", decorator, [(node, "decorator_list", None, rest)]
        for name in ("defaults", "kw_defaults"):
            for index, default in enumerate(getattr(node.args, name)):
                if default is not None:
                    yield from self.expression(default, (node.args, name, index))

    def inside(self, node: ast.stmt) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        """Mutants in the expressions of one statement, not in the statements below it."""
        if isinstance(node, ast.Raise):
            return
        if isinstance(node, ast.If | ast.While | ast.Assert):
            yield from self.condition(node.test, (node, "test", None))
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "msg", "targets", "target"):
                continue
            if isinstance(value, ast.expr):
                yield from self.expression(value, (node, name, None))
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        yield from self.expression(item, (node, name, index))
                    elif isinstance(item, ast.withitem):
                        yield from self.expression(item.context_expr, (item, "context_expr", None))
                    elif isinstance(item, ast.match_case) and item.guard is not None:
                        yield from self.condition(item.guard, (item, "guard", None))
        if isinstance(node, ast.Assign | ast.AugAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for child in ast.iter_child_nodes(target):  # x[:, 0] = ... : the index counts
                    if isinstance(target, ast.Subscript) and child is target.slice:
                        yield from self.expression(target.slice, (target, "slice", None))

    # expressions ----------------------------------------------------------------------------------------------------

    def condition(self, test: ast.expr, place: tuple[Any, str, int | None]) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        simple = isinstance(test, ast.Compare) and len(test.ops) == 1
        if not simple and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
            yield "negated condition", test, [(*place, ast.UnaryOp(ast.Not(), test))]

    def expression(self, node: ast.expr, place: tuple[Any, str, int | None]) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        """Mutants of an expression that sits at ``place``, and of everything inside it."""

        def put(operator: str, new: ast.expr) -> tuple[str, ast.AST, list[Edit]]:
            return operator, node, [(*place, new)]

        if isinstance(node, ast.Constant):
            for new in self.constants(node.value):
                yield put("constant", _number(new) if not isinstance(new, str) else ast.Constant(new))
            return
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from self.expression(part.value, (part, "value", None))
            return
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.MatMult):
                yield "swapped operands", node, [(node, "left", None, node.right), (node, "right", None, node.left)]
            else:
                yield "arithmetic", node, [(node, "op", None, _ARITHMETIC[type(node.op)]())]
            parts = _split_eps(node)
            if parts:
                yield put("eps dropped", parts[0])
                root = _root(parts[0]) if isinstance(parts[0], ast.Call) else None
                if root and root[0] == "sqrt":
                    inner = ast.BinOp(ast.BinOp(root[1], ast.Add(), parts[1]), ast.Pow(), ast.Constant(0.5))
                    yield put("eps moved inside", inner)
            power = _literal_float(node.right) if isinstance(node.op, ast.Pow) else None
            if power in (0.5, -0.5) and (parts := _split_eps(node.left)):
                yield put("eps moved outside", _outside(parts, inverse=power == -0.5))
        elif isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.USub) and _is_index(place, node):
                for value in _index_changes(_literal(node) or 0):
                    yield put("index", _number(value))
                return
            if not isinstance(node.op, ast.UAdd):
                yield put(f"dropped {type(node.op).__name__.lower()}", node.operand)
        elif isinstance(node, ast.BoolOp):
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "and/or", node, [(node, "op", None, other)]
        elif isinstance(node, ast.Compare):
            for index, op in enumerate(node.ops):
                for table, operator in ((_BOUNDARY, "comparator"), (_NEGATION, "negated comparator")):
                    if type(op) in table:
                        yield operator, node, [(node, "ops", index, table[type(op)]())]
        elif isinstance(node, ast.IfExp):
            yield "swapped branches", node, [(node, "body", None, node.orelse), (node, "orelse", None, node.body)]
        elif isinstance(node, ast.Call):
            yield from self.call(node, put)
            return
        elif isinstance(node, ast.Subscript) and _literal(node.slice) is not None:
            for value in _index_changes(_literal(node.slice) or 0):
                yield "index", node, [(node, "slice", None, _number(value))]
            yield from self.expression(node.value, (node, "value", None))
            return
        elif isinstance(node, ast.Lambda):
            yield from self.expression(node.body, (node, "body", None))
            return
        yield from self.children(node)

    def children(self, node: ast.AST) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        for name, value in ast.iter_fields(node):
            for index, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(item, ast.comprehension):
                    for at, test in enumerate(item.ifs):
                        yield from self.condition(test, (item, "ifs", at))
                    yield from self.children(item)
                elif isinstance(item, ast.expr):
                    yield from self.expression(item, (node, name, index))

    def call(self, node: ast.Call, put: Any) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        name = _called(node)
        attribute = isinstance(node.func, ast.Attribute)
        if name.endswith(("Error", "Warning")):
            return  # the text of an error
        table = {**_NAMES, **_ATTRIBUTES} if attribute else _NAMES
        if name in table:
            yield "function", node, [(node.func, "attr" if attribute else "id", None, table[name])]
        if name in _DROPPED_CALLS and not node.keywords:
            if len(node.args) == 1:
                yield put("dropped call", node.args[0])
            elif not node.args and isinstance(node.func, ast.Attribute):
                yield put("dropped call", node.func.value)
        root = _root(node)
        if root and (parts := _split_eps(root[1])):
            yield put("eps moved outside", _outside(parts, inverse=root[0] == "rsqrt"))
        if name not in _COMMUTATIVE and not any(isinstance(a, ast.Starred) for a in node.args):
            for i in range(len(node.args) - 1):
                swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
                yield "swapped arguments", node, [(node, "args", None, swapped)]
        if attribute:
            yield from self.expression(node.func.value, (node.func, "value", None))  # type: ignore[attr-defined]
        for index, argument in enumerate(node.args):
            if name in _REDUCERS and _literal(argument) is not None:
                yield from self.axis(argument, (node, "args", index))
            elif not (name == "warn" and isinstance(argument, ast.Constant | ast.JoinedStr)):
                yield from self.expression(argument, (node, "args", index))
        for keyword in node.keywords:
            if keyword.arg in _AXES:
                yield from self.axis(keyword.value, (keyword, "value", None))
            elif keyword.arg not in _SKIPPED_OPTIONS:
                yield from self.expression(keyword.value, (keyword, "value", None))
                if keyword.arg in _STATISTIC_OPTIONS and not isinstance(keyword.value, ast.Constant):
                    rest = [k for k in node.keywords if k is not keyword]
                    yield "dropped option", node, [(node, "keywords", None, rest)]

    def axis(self, node: ast.expr, place: tuple[Any, str, int | None]) -> Iterator[tuple[str, ast.AST, list[Edit]]]:
        value = _literal(node)
        if value is not None:
            yield "axis", node, [(*place, _number({0: 1, 1: 0, -1: 0}.get(value, value - 1 if value > 0 else value + 1)))]
        elif isinstance(node, ast.Tuple | ast.List):
            for index, item in enumerate(node.elts):
                if len(node.elts) > 1:
                    yield "axis", node, [(node, "elts", None, [e for i, e in enumerate(node.elts) if i != index])]
                yield from self.axis(item, (node, "elts", index))
        else:
            yield from self.expression(node, place)

    def constants(self, value: Any) -> list[Any]:
        if isinstance(value, bool):
            return [not value]
        if isinstance(value, int | float):
            changes = [1 - value] if value in (0, 1) else []
            changes += [value + 1, value * 2, -value, value * 0] if value else []
            return _unlike(changes, value)
        if isinstance(value, str):
            if value in _SIDES:
                return [_SIDES[value]]
            if self.strings and value:
                return [chr(min(ord(value) + 1, 0x10FFFF)) if len(value) == 1 else value[:-1]]
        return []

    # collecting -----------------------------------------------------------------------------------------------------

    def header(self, statement: ast.stmt, edits: list[tuple[str, ast.AST, list[Edit]]]) -> None:
        """Register the mutants of one statement, each text once."""
        plain = _head(statement)
        seen = {plain}
        for operator, node, changes in edits:
            dropped = changes[0][3].__class__ in (ast.Pass, ast.Break) or operator == "dropped context"
            small = _text(node)
            mutant = Mutant(getattr(node, "lineno", statement.lineno), operator, changes)
            undo = mutant.apply()
            after = "dropped" if dropped else _head(statement)
            if len(after) > 140:
                new = changes[0][3]
                after = f"{small} becomes {_text(new) if isinstance(new, ast.expr) else _text(node)}"
            for edit in undo:
                _put(edit)
            if after in seen and not after.startswith(small + " becomes "):
                continue
            seen.add(after)
            mutant.before, mutant.after = plain, after
            mutant.source = self.rows[mutant.line - 1].strip()
            self.found.append(mutant)


def _text(node: Any) -> str:
    return ast.unparse(node) if isinstance(node, ast.AST) else str(node)


def _head(node: ast.stmt) -> str:
    """A statement on one line; of a compound one only the first line."""
    if any(getattr(node, part, None) for part in ("body", "cases")):
        bare = copy.copy(node)
        for part, value in (("body", [ast.Pass()]), ("orelse", []), ("decorator_list", [])):
            if getattr(bare, part, None) and part != "decorator_list":
                setattr(bare, part, value)
        return " ".join(line for line in ast.unparse(bare).splitlines() if line.strip() != "pass")
    return " ".join(ast.unparse(node).split())


def _literal_float(node: ast.AST) -> float | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) else None


def _outside(parts: tuple[ast.expr, ast.expr], *, inverse: bool) -> ast.expr:
    moved = ast.BinOp(ast.BinOp(parts[0], ast.Pow(), ast.Constant(0.5)), ast.Add(), parts[1])
    return ast.BinOp(ast.Constant(1.0), ast.Div(), moved) if inverse else moved


def _is_index(place: tuple[Any, str, int | None], node: ast.expr) -> bool:
    return isinstance(place[0], ast.Slice) and _literal(node) is not None


def _index_changes(value: int) -> list[int]:
    if value < 0:
        return [0, value - 1]
    return [value + 1] + ([value - 1] if value else [])


def _unlike(changes: list[Any], value: Any) -> list[Any]:
    out: list[Any] = []
    for change in changes:
        if change != value and change not in out:
            out.append(change)
    return out


def _outside_annotations(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from _outside_annotations(item)


def _skipped(node: ast.stmt, top: bool, used: set[str]) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | ast.Global | ast.Nonlocal):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # docstrings and "..."
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return True
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if top and isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
        names = {t.id for t in node.targets if isinstance(t, ast.Name)}
        # the card, __all__, and names that only annotations use
        return "CARD" in names or not names & used
    return False


def read(text: str, *, strings: bool = False) -> Source:
    """Parse a method file and list its mutants.

    Parameters
    ----------
    text : str
        The source.
    strings : bool, default=False
        Also change string constants: in text methods they are the constants.
    """
    tree = ast.parse(text)
    finder = _Finder(tree, text, strings)
    finder.block(tree, "body", top=True)
    count: Counter[str] = Counter()
    for mutant in finder.found:
        count[mutant.key] += 1
        mutant.number = count[mutant.source + " -> " + mutant.after]
    return Source(tree, finder.found, finder.lines, finder.bare)
