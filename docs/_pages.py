"""The pages that come from the catalog: one a method, one a kind, the views, and the API from `__all__`.

There is no list of methods here or anywhere: a method's card is all it takes.
"""

import inspect
import json
import re
import shutil
from pathlib import Path

import renorm
import renorm.testing
from renorm.core import errors
from renorm.core.card import KINDS, Card

FIDELITY = {
    "vectors": "checked against vectors of the authors' or the best public code",
    "formula": "checked against the paper's formula by a naive oracle",
    "reading": "a reading: only an abstract was available",
}
INVERTIBLE = {"exact": "exactly", "approximate": "approximately", "no": "no"}
FIT = {"none": "", "one": "one question to the data", "many": "several questions to the data"}
STATE = {
    "none": "nothing is kept",
    "fit": "what fit learns",
    "running": "running statistics",
    "test-time": "statistics of test data",
}


def write(docs: Path) -> None:
    """Write `docs/methods` and `docs/api` anew; a file that would not change is left alone."""
    pages = methods() | api()
    for folder in ("methods", "api"):
        for old in (docs / folder).rglob("*.rst"):
            if str(old.relative_to(docs)) not in pages:
                old.unlink()
    for name, text in pages.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for folder in (docs / "methods").glob("*/"):
        if folder.is_dir() and not any(folder.iterdir()):
            shutil.rmtree(folder)


def methods() -> dict[str, str]:
    """Pages of methods, of kinds, and the two overviews."""
    cards = [c for c in renorm.methods(readings=True) if c.module.startswith("renorm.")]
    full = [c for c in cards if c.fidelity != "reading"]
    readings = [c for c in cards if c.fidelity == "reading"]
    pages = {f"methods/{c.kind}/{c.name}.rst": method_page(c) for c in cards}
    kinds = [k for k in KINDS if any(c.kind == k for c in full)]
    for kind in kinds:
        pages[f"methods/{kind}/index.rst"] = kind_page(kind, [c for c in full if c.kind == kind])

    overview = [
        title("Methods"),
        "Every method of the catalog, by kind: the protocol it is used by. The same list as a view:",
        ":doc:`by what is normalized <by_normalized>`. Methods of tier *core* come first, the others are on the *shelf*.\n",
    ]
    for kind in kinds:
        overview += [title(f"{kind}: {KINDS[kind]}", "-"), table([c for c in full if c.kind == kind], "")]
    links = [f"{kind}/index" for kind in kinds] + ["by_normalized"]
    if readings:
        links.append("readings")
        pages["methods/readings.rst"] = "\n".join(
            [
                title("Readings"),
                "What was made of an abstract where no paper or code was at hand. None of these is the paper's method.\n",
                table(readings, ""),
                toctree([f"{c.kind}/{c.name}" for c in readings]),
            ]
        )
    pages["methods/index.rst"] = "\n".join([*overview, toctree(links)])

    views = [title("By what is normalized")]
    for what in sorted({c.normalizes for c in full}):
        views += [title(what.capitalize(), "-"), table([c for c in full if c.normalizes == what], "", kind=True)]
    pages["methods/by_normalized.rst"] = "\n".join(views)
    return pages


def method_page(card: Card) -> str:
    """Write out one card, its receipt and the class's docstring."""
    facts = {
        "full name": f"``{card.key}``",
        "class": f"``renorm.{card.kind}.{card.class_name}``",
        "other names": ", ".join(f"``{a}``" for a in card.aliases),
        "tier": card.tier,
        "normalizes": escape(card.normalizes),
        "statistic": f"{escape(card.statistic)}, {escape(card.axes)}",
        "paper": paper(card.paper),
        "fidelity": FIDELITY[card.fidelity],
        "use when": escape(card.use_when),
        "avoid when": escape(card.avoid_when),
        "departs from the paper": escape(card.deviates),
        "invertible": INVERTIBLE[card.invertible],
        "state": ", ".join(filter(None, (STATE[card.state], FIT[card.rounds], "merges" if card.mergeable else ""))),
        "train and eval": escape(card.train_eval),
        "gradient": "" if card.gradient == "none" else card.gradient,
        "foldable": "yes" if card.foldable else "",
        "laws that hold": escape(", ".join(card.laws)),
        "laws that fail": escape(", ".join(card.not_laws)),
        "not claimed": escape(", ".join(card.unclaimed)),
        "cost": escape(card.cost),
        "needs": ", ".join(f"``{r}``" for r in card.requires),
    }
    rows = [(k, v) for k, v in facts.items() if v]
    return "\n".join(
        [
            title(card.class_name),
            list_table(rows, widths="20 80"),
            f".. autoclass:: renorm.{card.kind}.{card.class_name}\n",
            title("Receipt", "-"),
            receipt(card),
        ]
    )


def receipt(card: Card) -> str:
    """Show what was recorded when the method was last checked."""
    path = Path(inspect.getfile(renorm)).parent / "_receipts" / f"{card.key}.json"
    if not path.exists():
        return f"None is recorded yet; ``renorm verify {card.key} --run`` makes one in a checkout.\n"
    record = json.loads(path.read_text(encoding="utf-8"))
    mutants = record["mutants"]
    killed = mutants["killed"]
    facts = {
        "recorded": record["date"],
        "largest gap to the oracle": f"{record['oracle_gap']:g}, over {record['oracle_cases']} cases",
        "vectors": ", ".join(record["vectors"]),
        "laws that held": ", ".join(record["laws"]),
        "laws with a counterexample": ", ".join(record["not_laws"]),
        "tests of its own": ", ".join(record["tests"]),
        "checks of the battery": ", ".join(record["checks"]),
        "skipped": "; ".join(f"{what}: {why}" for what, why in record["skipped"].items()),
        "mutants killed": f"{killed} of {killed + mutants['survived']}",
        "equivalent mutants": "; ".join(f"{what}: {why}" for what, why in mutants["equivalents"].items()),
        "versions": ", ".join(f"{k} {v}" for k, v in record["versions"].items()),
        "key": record["key"][:16],
    }
    say = "What was recorded when it was last checked (:doc:`what this means </receipts>`); "
    return "\n".join(
        [
            f"{say}``renorm verify {card.key}`` prints the whole of it.\n",
            list_table([(k, escape(v)) for k, v in facts.items() if v], widths="25 75"),
        ]
    )


def kind_page(kind: str, cards: list[Card]) -> str:
    """Table of a kind, and the protocol that its methods share."""
    parts = [title(f"renorm.{kind}: {KINDS[kind]}"), table(cards, f"../{kind}/")]
    base = base_of(cards)
    if base is not None:
        own = [n for n, v in vars(base).items() if not n.startswith("_") and inspect.isfunction(v) and v.__doc__]
        parts += [
            title("The protocol", "-"),
            f".. autoclass:: {base.__module__}.{base.__name__}\n   :members: {', '.join(own)}\n",
        ]
    return "\n".join([*parts, toctree([c.name for c in cards])])


def base_of(cards: list[Card]) -> type | None:
    """Return the class of ``<kind>._base`` that the kind's methods derive from."""
    for cls in renorm.get(cards[0].key).__mro__:
        if cls.__module__ == f"renorm.{cards[0].kind}._base":
            return cls
    return None


def api() -> dict[str, str]:
    """One page from `renorm.__all__`, the errors, and what tests are made of."""
    parts = [
        title("Functions and errors"),
        "What ``renorm`` itself exports. The classes of methods are under :doc:`/methods/index`.\n",
    ]
    for name in sorted(renorm.__all__, key=str.lower):
        thing = getattr(renorm, name)
        if not (isinstance(thing, type) and issubclass(thing, Exception)):
            parts.append(auto(f"{thing.__module__}.{name}", thing, members=True))
    parts += [
        title("Errors", "-"),
        "One family: an error says who refuses, what was expected, what came, and often what would help.\n",
    ]
    parts += [
        auto(f"{errors.__name__}.{n}", v)
        for n, v in vars(errors).items()
        if isinstance(v, type) and v.__module__ == errors.__name__
    ]
    parts += [title("renorm.testing", "-"), "What evidence is made of; methods of other packages can use it too.\n"]
    for name in renorm.testing.__all__:
        thing = getattr(renorm.testing, name)
        if thing.__doc__:
            parts.append(auto(f"{thing.__module__}.{name}", thing))
    return {"api/index.rst": "\n".join(parts)}


def auto(path: str, thing: object, members: bool = False) -> str:
    """Write the directive for a class or a function."""
    if not isinstance(thing, type):
        return f".. autofunction:: {path}\n"
    return f".. autoclass:: {path}\n" + ("   :members:\n" if members else "")


def table(cards: list[Card], prefix: str, kind: bool = False) -> str:
    """One row a method: link, statistic, what kind of evidence, when to use it."""
    rows = [
        ("method", "kind", "statistic", "evidence", "use when") if kind else ("method", "statistic", "evidence", "use when")
    ]
    for c in cards:
        link = f":doc:`{c.class_name} </methods/{c.kind}/{c.name}>`" + ("" if c.tier == "core" else " (shelf)")
        row = [link, c.kind, escape(c.statistic), c.fidelity, escape(c.use_when)]
        rows.append(tuple(row if kind else row[:1] + row[2:]))
    return list_table(rows, widths="15 10 25 10 40" if kind else "18 27 12 43", header=True)


def list_table(rows: list[tuple[str, ...]], widths: str, header: bool = False) -> str:
    """Return a reStructuredText table of rows."""
    lines = [".. list-table::", f"   :widths: {widths}"] + (["   :header-rows: 1"] if header else []) + [""]
    for row in rows:
        for i, cell in enumerate(row):
            lines.append(("   * - " if i == 0 else "     - ") + " ".join(cell.split()))
    return "\n".join([*lines, ""])


def toctree(names: list[str]) -> str:
    """Return a hidden table of contents."""
    return "\n".join([".. toctree::", "   :hidden:", "", *(f"   {n}" for n in names), ""])


def title(text: str, line: str = "=") -> str:
    """Return a heading."""
    return f"{text}\n{line * (2 * len(text))}\n"


def escape(text: str) -> str:
    """Plain text in reStructuredText."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def paper(text: str) -> str:
    """Link a DOI or an arXiv number."""
    doi, arxiv = (
        re.fullmatch(r"(?:doi:)?(10\.\d+/\S+)", text),
        re.fullmatch(r"(?:arXiv:)?(\d{4}\.\d{4,5})", text, re.IGNORECASE),
    )
    if doi:
        return f"`doi:{doi[1]} <https://doi.org/{doi[1]}>`__"
    if arxiv:
        return f"`arXiv:{arxiv[1]} <https://arxiv.org/abs/{arxiv[1]}>`__"
    return escape(text)


# emphasis that is closed stays; a lone asterisk, a bar and an underscore at the end of a word are plain
_MARKUP = re.compile(r"(\*\*[^*]+\*\*|\*(?![\s*])(?:[^*]*[^*\s])\*(?!\w))|(?<=\w)_(?!\w)|\||\*")


def plain(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings write ``|x|``, ``scale_`` and ``(N, *spatial)`` as plain words: keep them from being read as markup."""
    code = False
    for i, line in enumerate(lines):
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        if not code:
            spans = re.split(r"(``.*?``|`[^`]*`)", line)
            spans[::2] = [_MARKUP.sub(lambda m: m[1] or "\\" + m[0], s) for s in spans[::2]]
            lines[i] = "".join(spans)
