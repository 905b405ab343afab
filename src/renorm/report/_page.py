"""A comparison as one offline HTML page, or as a fragment for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from renorm.report._numbers import decimals, printable

# beyond so many half-widths of the region of practical equivalence an interval is drawn as an arrow
MOST_ROPES = 50


def html_page(data: Mapping[str, Any]) -> str:
    """Return a whole page: no script, nothing from the network, every number taken from the JSON embedded in it."""
    return _render(data, page=True)


def html_fragment(data: Mapping[str, Any]) -> str:
    """Return the same without head and body, for a notebook."""
    return _render(data, page=False)


def _render(data: Mapping[str, Any], *, page: bool) -> str:
    from markupsafe import Markup, escape

    def resolve(pointer: str) -> Any:
        value: Any = data
        for part in pointer.strip("/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            value = value[int(part)] if isinstance(value, list | tuple) else value[part]
        return value

    def number(pointer: str, spec: str = "d", scale: float = 1) -> Markup:
        """A number, with where in the JSON it is from and how it is written."""
        value = resolve(pointer)
        if value is None:
            return Markup('<span class="none">–</span>')
        text = _minus(format(value * scale if scale != 1 else value, spec))
        return Markup('<data value="{}" data-from="{}" data-format="{}" data-scale="{}">{}</data>').format(
            repr(value), pointer, spec, format(scale, "g"), text
        )

    def words(pointer: str) -> Markup:
        """A string, with where in the JSON it is from."""
        return Markup('<span data-from="{}">{}</span>').format(pointer, escape(printable(str(resolve(pointer)))))

    settings = data["settings"]
    index = {(r["method"], r["estimator"]): i for i, r in enumerate(data["records"])}
    left_out = [
        (part, name) for part in ("left_out", "estimators_left_out", "methods_left_out") for name in settings.get(part, {})
    ]
    return str(
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            data=data,
            settings=settings,
            records=data["records"],
            n=number,
            s=words,
            key=_escaped,
            index=index,
            d=decimals(settings["metric"]["rope"]),
            picture=_picture(data),
            left_out=left_out,
            css=Markup(_style()),  # noqa: S704 - our own file
            marks={"better": "▲", "equivalent": "=", "worse": "▼", "cannot tell": "?", "baseline": "●"},
        )
    )


def _picture(data: Mapping[str, Any]) -> dict[str, Any]:
    """Where everything lies on one common axis, in per cent of its width."""
    rope = data["settings"]["metric"]["rope"]
    seen = [-rope, rope, 0.0]
    for r in data["records"]:
        seen += [v for v in (r["difference"], *(r["interval"] or ())) if v is not None]
    low, high = min(seen), max(seen)
    if rope > 0:
        low, high = max(low, -MOST_ROPES * rope), min(high, MOST_ROPES * rope)
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def at(value: float) -> float:
        return round(100 * (min(max(value, low), high) - low) / (high - low), 3)

    rows = {}
    for i, r in enumerate(data["records"]):
        interval, mean = r["interval"], r["difference"]
        rows[i] = {
            "at": None if mean is None else at(mean),
            "low": None if interval is None else at(interval[0]),
            "high": None if interval is None else at(interval[1]),
            "off": ""
            if r["difference"] is None
            else "low"
            if r["difference"] < low
            else "high"
            if r["difference"] > high
            else "",
        }
    ticks = [{"value": v, "at": at(v)} for v in _ticks(low, high)]
    return {"rows": rows, "zero": at(0.0), "rope": (at(-rope), at(rope)), "low": low, "high": high, "ticks": ticks}


def _ticks(low: float, high: float) -> list[float]:
    """Round values, three to six of them, zero among them where it is in sight."""
    import math

    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    for factor in (5, 2, 1, 0.5):
        if (high - low) / (factor * step) >= 3:
            step *= factor
            break
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.policies["json.dumps_kwargs"] = {"sort_keys": False}
    env.filters["minus"] = _minus
    env.filters["printable"] = printable
    return env


@lru_cache(maxsize=1)
def _style() -> str:
    return (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
