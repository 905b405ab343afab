"""A comparison as text, readable at 80 columns: verdict first."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from renorm.report._numbers import decimals, printable

STYLE = {"better": "bold green", "equivalent": "blue", "worse": "bold red", "cannot tell": "yellow", "baseline": "dim"}


def terminal_text(data: Mapping[str, Any], width: int = 100) -> str:
    """The report as plain text, without colour."""
    out = io.StringIO()
    print_comparison(data, Console(file=out, width=width, color_system=None, legacy_windows=False))
    return out.getvalue()


def print_comparison(data: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the report: answer, verdicts, numbers, what each normalizer did, how to repeat it."""
    console = console or Console()
    settings = data["settings"]
    console.print(Text(_title(settings), style="bold"))
    console.print()
    console.print(Padding(Text(printable(data["answer"])), (0, 2)))
    console.print()
    baseline = printable(settings["baseline"])
    console.print(Text(f" Verdict against {baseline}", style="bold"))
    console.print(_verdicts(data))
    console.print()
    console.print(Text(f" Difference from {baseline} (positive is better)", style="bold"))
    console.print(_numbers(data))
    console.print()
    for line in _legend(data):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 1)))
    console.print()
    if data["facts"]:
        console.print(Text(" What each normalizer did (fitted on all rows)", style="bold"))
        console.print(_did(data))
        console.print()
    for heading, lines in _rest(data):
        console.print(Text(f" {heading}", style="bold"))
        for line in lines:
            console.print(Padding(Text(printable(line), overflow="fold"), (0, 0, 0, 3)))


def _title(settings: Mapping[str, Any]) -> str:
    splits = settings["splits"]
    count = len(splits["seeds"])
    shape = f"{splits['repeats']} x {splits['folds']} folds" if splits["folds"] > 1 else f"{count} splits"
    columns = f", {len(settings['columns'])} numeric columns" if settings["columns"] else ""
    return f"{printable(settings['name'])}: {settings['metric']['label']}, {settings['rows']} rows{columns}, {shape}"


def _word(record: Mapping[str, Any], settings: Mapping[str, Any]) -> Text:
    word = "baseline" if record["method"] == settings["baseline"] else record["verdict"]
    return Text(word, style=STYLE[word])


def _by(data: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(r["method"], r["estimator"]): r for r in data["records"]}


def _table() -> Table:
    return Table(box=None, padding=(0, 1, 0, 0), header_style="dim")


def _verdicts(data: Mapping[str, Any]) -> Table:
    settings = data["settings"]
    table = _table()
    table.add_column("")
    for e in settings["estimators"]:
        table.add_column(printable(settings["estimator_labels"][e]), overflow="fold")
    found = _by(data)
    for m in settings["methods"]:
        table.add_row(Text(" " + printable(m)), *(_word(found[m, e], settings) for e in settings["estimators"]))
    return table


def _numbers(data: Mapping[str, Any]) -> Table:
    settings = data["settings"]
    d = decimals(settings["metric"]["rope"])
    table = _table()
    table.add_column("", overflow="fold", min_width=13)
    table.add_column(settings["metric"]["label"], justify="right", overflow="fold")
    table.add_column("diff", justify="right", no_wrap=True)
    table.add_column(f"{settings['level']:.0%} interval", justify="right", no_wrap=True)
    for name in ("better", "equal", "worse"):
        table.add_column(f"P\n{name}", justify="right", no_wrap=True)
    table.add_column("against\n" + printable(settings["identity"]), overflow="fold")
    found = _by(data)
    for e in settings["estimators"]:
        table.add_row(Text(" " + printable(settings["estimator_labels"][e]), style="bold"))
        for m in settings["methods"]:
            r = found[m, e]
            shown = m != settings["baseline"]
            interval = "{:+z.{d}f} {:+z.{d}f}".format(*r["interval"], d=d) if shown and r["interval"] else ""
            chances = [f"{r[p]:.2f}" if shown and r[p] is not None else "" for p in ("p_better", "p_equivalent", "p_worse")]
            other = r["versus_identity"]["verdict"] if m != settings["identity"] else ""
            table.add_row(
                Text("  " + printable(m)),
                "-" if r["score"] is None else f"{r['score']:.{d}f}",
                f"{r['difference']:+z.{d}f}" if shown and r["difference"] is not None else "",
                interval,
                *chances,
                Text(other, style=STYLE.get(other, "")),
            )
    return table


def _legend(data: Mapping[str, Any]) -> list[str]:
    settings = data["settings"]
    metric = settings["metric"]
    lines = [f"Practically equivalent: within {metric['rope']:.3g} ({metric['rope_why']})."]
    if settings["splits"]["reason"]:
        lines.append(settings["splits"]["reason"][0].upper() + settings["splits"]["reason"][1:] + ".")
        return lines
    wrong = f"a chance of at most {1 - settings['level']:.0%} that any verdict here is wrong"
    lines.append(f"{settings['comparisons']} comparisons, Holm: {wrong}.")
    unsure = [r for r in data["records"] if r["verdict"] == "cannot tell" and not r["reason"]]
    soon = [r for r in unsure if r["repeats_needed"] is not None]
    where = settings["estimator_labels"]
    lines += [f"{r['method']}, {where[r['estimator']]}: about {r['repeats_needed']} repeats would decide." for r in soon]
    if len(unsure) > len(soon):
        which = "The others that cannot be told" if soon else "Where it cannot be told"
        lines.append(f"{which}: no number of repeats would decide, it takes more rows.")
    lines += [
        f"{r['method']}, {where[r['estimator']]}: {r['reason']}."
        for r in data["records"]
        if r["verdict"] == "cannot tell" and r["reason"]
    ]
    return [printable(line) for line in lines]


def _did(data: Mapping[str, Any]) -> Table:
    table = _table()
    for name in ("", "collapsed\nvalues", "std", "IQR", "promise", "inverse\nerror", "ms a\nsplit", "bytes"):
        table.add_column(name, justify="left" if name in ("", "promise") else "right", overflow="fold")
    cost = {r["method"]: r["cost"] for r in data["records"]}
    for s in data["summaries"]:
        c = cost[s["method"]]
        spent = None if c["fit_seconds"] is None else 1000 * (c["fit_seconds"] + c["transform_seconds"])
        table.add_row(
            Text(" " + printable(s["method"])),
            f"{s['collapsed']}/{s['distinct']}",
            _span(s["std_low"], s["std_high"]),
            _span(s["iqr_low"], s["iqr_high"]),
            s["promise"] or "-",
            "-" if s["inverse_error"] is None else f"{s['inverse_error']:.0e}" if s["inverse_error"] else "0",
            "-" if spent is None else f"{spent:.1f}",
            f"{c['state_bytes']}",
        )
    return table


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "-"
    a, b = f"{low:.3g}", f"{high:.3g}"
    return a if a == b else f"{a}..{b}"


def _rest(data: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    settings = data["settings"]
    left = {
        **settings.get("left_out", {}),
        **settings.get("estimators_left_out", {}),
        **settings.get("methods_left_out", {}),
    }
    parts = [
        ("One-hot encoded, not normalized", [", ".join(settings["categorical"])] if settings["categorical"] else []),
        ("Left out", [f"{name}: {why}" for name, why in left.items()]),
        ("Notes", list(data["notes"])),
        (
            "To repeat",
            [
                *([settings["command"]] if settings["command"] else []),
                "data sha256 " + settings["data_hash"][:16] + "; seed " + str(settings["random_state"]),
                ", ".join(f"{k} {v}" for k, v in settings["versions"].items()) + f"; {settings['seconds']:.0f} s",
            ],
        ),
    ]
    return [(heading, lines) for heading, lines in parts if lines]
