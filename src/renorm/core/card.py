"""The card of a method: what it is and what it claims, readable without importing it.

A card is a literal, laid out as ``CARD = Card(`` at column 0 up to a line that holds only ``)``;
`read` slices that text out of the source and evaluates it as literals, so that hundreds of methods
are listed without importing one of them. The public class is the first ``class Name`` at column 0
whose name has no leading underscore.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

from renorm.core.errors import RenormError, did_you_mean

KINDS: dict[str, str] = {
    "table": "columns of a table",
    "series": "time series",
    "embedding": "embedding vectors",
    "image": "images and stains",
    "score": "scores, logits and probabilities",
    "text": "strings",
    "entity": "mentions linked to a terminology",
    "learner": "classifiers, densities, resamplers",
    "metric": "arrays to a value with an interval",
    "nn": "activations of a torch network",
    "style": "style statistics of a torch network",
    "weight": "weights of a torch network",
    "attention": "attention scores",
    "block": "blocks of a transformer",
    "optim": "gradients and updates",
    "loss": "losses",
    "flow": "densities by invertible maps",
    "surgery": "whole models, rewritten",
    "adaptation": "whole models, adapted at test time",
    "inspection": "whole models, measured",
}

CHOICES: dict[str, tuple[str, ...]] = {
    "kind": tuple(KINDS),
    "tier": ("core", "shelf"),
    "fidelity": ("vectors", "formula", "reading"),
    "invertible": ("exact", "approximate", "no"),
    "rounds": ("none", "one", "many"),
    "state": ("none", "fit", "running", "test-time"),
    "gradient": ("exact", "surrogate", "none"),
}


@dataclass(frozen=True)
class Card:
    """What a method is, what it claims, and what it costs.

    Parameters
    ----------
    name : str
        snake_case, noun last; unique within its kind.
    kind : str
        The folder, protocol and battery: one of `KINDS`.
    normalizes, statistic, axes : str
        What is normalized, by which statistic, taken over which axes.
    paper : str
        Bibtex key, DOI or arXiv number; ``""`` where the method has no paper of its own.
    fidelity : {"vectors", "formula", "reading"}
        How the method was checked: against vectors of the authors' or the best public code,
        against the formula by a naive oracle, or only read from an abstract.
    aliases : tuple of str
        Other names that find it, old names among them.
    tier : {"core", "shelf"}
    invertible : {"exact", "approximate", "no"}
    mergeable : bool
        Whether the states it asks for merge.
    rounds : {"none", "one", "many"}
        How many questions a fit asks. ``partial_fit`` and ``merge`` exist for ``"one"`` only.
    state : {"none", "fit", "running", "test-time"}
    train_eval : str
        ``"same"``, or in words how train and eval differ.
    laws, not_laws, unclaimed : tuple of str
        Laws that hold for the default configuration, laws that fail (a counterexample is checked),
        and laws of the kind's battery about which nothing is said.
    gradient : {"exact", "surrogate", "none"}
    foldable : bool
    requires : tuple of str
        Packages beyond renorm's own dependencies.
    cost : str
    deviates : str
        Where it departs from the paper, in words; ``""`` for nowhere.
    use_when, avoid_when : str
    source, class_name, module : str
        Filled in by the catalog: the file, the public class in it and the module that holds it.

    Raises
    ------
    RenormError
        Where a field has a value outside its vocabulary.
    """

    name: str
    kind: str
    normalizes: str
    statistic: str
    axes: str
    paper: str
    fidelity: str
    aliases: tuple[str, ...] = ()
    tier: str = "core"
    invertible: str = "no"
    mergeable: bool = False
    rounds: str = "none"
    state: str = "none"
    train_eval: str = "same"
    laws: tuple[str, ...] = ()
    not_laws: tuple[str, ...] = ()
    unclaimed: tuple[str, ...] = ()
    gradient: str = "none"
    foldable: bool = False
    requires: tuple[str, ...] = ()
    cost: str = ""
    deviates: str = ""
    use_when: str = ""
    avoid_when: str = ""
    source: str = field(default="", compare=False, repr=False)
    class_name: str = field(default="", compare=False, repr=False)
    module: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        who = f"Card({self.name!r})"
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise RenormError(who, expected="a snake_case name", got=repr(self.name))
        for key, choices in CHOICES.items():
            if getattr(self, key) not in choices:
                value = getattr(self, key)
                raise RenormError(
                    f"{who}.{key}", expected=f"one of {choices}", got=repr(value), hint=did_you_mean(str(value), choices)
                )
        for f in fields(self):
            value = getattr(self, f.name)
            if f.type == "tuple[str, ...]":
                if not isinstance(value, tuple) or not all(isinstance(v, str) for v in value):
                    raise RenormError(f"{who}.{f.name}", expected="a tuple of strings", got=repr(value))
            elif type(value).__name__ != f.type:
                raise RenormError(f"{who}.{f.name}", expected=f"a {f.type}", got=repr(value))
        laws = (*self.laws, *self.not_laws, *self.unclaimed)
        twice = sorted({law for law in laws if laws.count(law) > 1})
        if twice:
            raise RenormError(f"{who}.laws", expected="each law named once", got=f"{twice} named twice")

    @property
    def key(self) -> str:
        """``kind.name``, the full name in the catalog."""
        return f"{self.kind}.{self.name}"

    def to_dict(self) -> dict[str, object]:
        """Every field but the location, as JSON takes it (tuples as lists)."""
        out: dict[str, object] = {}
        for f in fields(self):
            if f.name not in ("source", "module"):
                value = getattr(self, f.name)
                out[f.name] = list(value) if isinstance(value, tuple) else value
        return out


_CLASS = re.compile(r"^class ([A-Za-z]\w*)", re.MULTILINE)
_START = "\nCARD = Card(\n"


def read(path: str | Path, module: str = "") -> Card | None:
    """Read the card of a source file, which is imported as ``module``, or None where the file has none.

    Raises
    ------
    RenormError
        Where the card is not laid out as literals, or the file has no public class.
    """
    text = Path(path).read_text(encoding="utf-8")
    start = text.find(_START)
    if start < 0:
        return None
    end = text.find("\n)\n", start)
    call = "Card(" + text[start + len(_START) - 1 : end] + "\n)"
    who = f"card of {path}"
    try:
        node = ast.parse(call, mode="eval").body
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise ValueError("more than a call of Card")
        if node.args or any(keyword.arg is None for keyword in node.keywords):
            raise ValueError("arguments without a name")
        values = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        if len(values) < len(node.keywords):
            raise ValueError("a field twice")
    except (SyntaxError, ValueError) as error:
        raise RenormError(who, expected="a literal that ends in a line holding only ')'", got=str(error)) from error
    found = _CLASS.search(text, end)
    if found is None:
        raise RenormError(who, expected="one public class below the card", got="none")
    try:
        return Card(**values, source=str(path), class_name=found.group(1), module=module)
    except TypeError as error:
        raise RenormError(who, expected="the fields of renorm.core.card.Card", got=str(error)) from error
