"""Every number on the page is recomputed: from the embedded JSON, and that from the raw scores."""

import json
import math
import re
from html.parser import HTMLParser

import baycomp
import numpy as np
import pandas as pd
import pytest
from scipy import stats as distributions

import renorm
from renorm.report import html_fragment, html_page, terminal_text
from renorm.testing import assert_close, rng

HOSTILE = "</script><b>"


def frame(n=90):
    random = rng("page")
    y = random.integers(0, 2, n)
    columns = {
        HOSTILE: random.normal(size=n) + 2 * y,
        "x/y~z": 1e4 * random.normal(size=n),
        "\x1b[31m": np.exp(random.normal(size=n)),
        "c\"'&": np.where(random.random(n) < 0.4, "<i>", "b"),
        "when 7": pd.date_range("2020-01-01", periods=n),
        "text 8": [f"{i}" + "z" * 5000 for i in range(n)],
    }
    return pd.DataFrame(columns), np.where(y, "a<b>1", "c&2")


@pytest.fixture(scope="module", params=["classes", "errors", "groups", "density"])
def result(request):
    X, y = frame()
    shared = {"folds": 3, "repeats": 3, "jobs": 1, "name": "a <set> no. 4", "command": "renorm compare '<x> 9.csv' --seed 3"}
    methods = ["standard", "robust", "quantile"]
    if request.param == "density":
        return renorm.compare(X[[HOSTILE, "x/y~z"]], methods=["standard", "robust"], **shared)
    if request.param == "errors":
        target = 100 * X[HOSTILE].to_numpy() + X["x/y~z"].to_numpy() / 1e3
        return renorm.compare(X, target, methods=methods, estimators=["knn", "ridge"], **shared)
    groups = np.arange(90) % 9 if request.param == "groups" else None
    return renorm.compare(X, y, methods=methods, estimators=["knn", "logistic"], groups=groups, **shared)


class Page(HTMLParser):
    """Collects what is shown: text by the element that vouches for it, everything else, the JSON, the picture."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.shown, self.loose, self.json, self.picture, self.ticks, self.plot, self.links = [], [], "", [], [], None, []
        self._stack, self._hidden = [], 0
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [v for k, v in attrs.items() if k in ("src", "href", "action", "srcset")]
        if tag in ("meta", "link", "rect", "line", "circle", "br"):
            if tag in ("rect", "line", "circle"):
                self.picture[-1][1].append((attrs["class"], attrs))
            return
        if tag == "svg":
            self.picture.append((int(attrs["data-record"]), []))
        if attrs.get("class") == "plot":
            self.plot = attrs
        self._stack.append((tag, attrs, []))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        name, attrs, text = self._stack.pop()
        assert name == tag, f"{name} closed by {tag}"
        joined = "".join(text)
        if tag == "script":
            self.json = joined
        elif "data-from" in attrs or "data-key-of" in attrs:
            self.shown.append((attrs, joined))
        elif attrs.get("class") == "tick":
            self.ticks.append((attrs, joined))
        elif tag not in ("style", "title"):
            self.loose.append(joined)

    def handle_data(self, data):
        if self._stack:
            self._stack[-1][2].append(data)


def at(data, pointer):
    for part in pointer.strip("/").split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data


def visible(text):
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def test_page_shows_the_json_and_nothing_else(result):
    page = Page(html_page(result.to_dict()))
    data = json.loads(page.json)
    assert data == json.loads(result.to_json())
    assert len(page.shown) > 60
    for attrs, text in page.shown:
        if "data-key-of" in attrs:
            assert text in map(visible, at(data, attrs["data-key-of"]))
            continue
        value = at(data, attrs["data-from"])
        if "data-format" in attrs:
            scaled = value * float(attrs["data-scale"]) if attrs["data-scale"] != "1" else value
            assert text.replace("\u2212", "-") == format(scaled, attrs["data-format"]), attrs
            assert attrs["value"] == repr(value)
        else:
            assert text == visible(str(value)), attrs
    digits = [t for t in page.loose if re.search(r"\d", t)]
    assert not digits, "a number that nothing vouches for"


def test_every_record_stands_on_the_page(result):
    page = Page(html_page(result.to_dict()))
    pointers = {a["data-from"] for a, _ in page.shown if "data-from" in a}
    for i, r in enumerate(result.records):
        want = ["score"] if r.method == result.settings["baseline"] else ["score", "difference"]
        if r.interval is not None and len(want) == 2:
            want += ["interval/0", "interval/1", "p_better", "p_equivalent", "p_worse", "p_required"]
            want += ["repeats_needed"] if r.repeats_needed is not None else []
        assert {f"/records/{i}/{w}" for w in want} <= pointers


def test_picture_has_every_interval_in_its_place(result):
    page = Page(html_page(result.to_dict()))
    rope = result.settings["metric"]["rope"]
    seen = [0.0, rope, -rope]
    for r in result.records:
        seen += [v for v in (r.difference, *(r.interval or ())) if v is not None]
    limit = 50 * rope
    low, high = max(min(seen), -limit), min(max(seen), limit)
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin
    assert_close([float(page.plot["data-low"]), float(page.plot["data-high"])], [low, high], op="reduction")

    def place(value):
        return f"{round(100 * (min(max(value, low), high) - low) / (high - low), 3)}%"

    drawn = dict(page.picture)
    baseline = result.settings["baseline"]
    assert set(drawn) == {i for i, r in enumerate(result.records) if r.method != baseline}
    for i, marks in drawn.items():
        r, marks = result.records[i], dict(marks)
        assert marks["zero"]["x1"] == place(0.0)
        assert marks["band"]["x"] == place(-rope)
        assert math.isclose(
            float(marks["band"]["width"][:-1]), float(place(rope)[:-1]) - float(place(-rope)[:-1]), abs_tol=0.0011
        )
        if r.interval is None:
            assert "bar" not in marks
        else:
            assert (marks["bar"]["x1"], marks["bar"]["x2"]) == (place(r.interval[0]), place(r.interval[1]))
        if low <= r.difference <= high:
            assert marks["dot"]["cx"] == place(r.difference)
    assert page.ticks
    for attrs, text in page.ticks:
        assert attrs["style"] == f"left:{place(float(attrs['value']))}"
        assert float(text.replace("\u2212", "-")) == float(attrs["value"])


def naive_family(data):
    """Verdicts from the raw scores alone: baycomp's probabilities, Holm by its definition."""
    settings, scores = data["settings"], data["scores"]
    sign = 1 if settings["metric"]["greater_is_better"] else -1
    rope, ratio, n = settings["metric"]["rope"], settings["splits"]["ratio"], len(settings["splits"]["seeds"])
    found, pairs = {}, set()
    for m in settings["methods"]:
        for reference in (settings["baseline"], settings["identity"]):
            for e in settings["estimators"]:
                if m == reference:
                    continue
                d = sign * (np.array(scores[m][e]) - np.array(scores[reference][e]))
                if np.ptp(d) == 0:
                    left, right = float(d[0] < -rope), float(d[0] > rope)
                    half = 0.0
                else:
                    scale = math.sqrt(np.var(d, ddof=1) * (1 / n + ratio))
                    left, _, right = baycomp.single.Posterior(d.mean(), scale**2, n - 1, rope).probs()
                    half = scale * distributions.t.ppf(0.5 + settings["level"] / 2, n - 1)
                chances = {"better": right, "equivalent": 1 - left - right, "worse": left}
                found[m, reference, e] = (d.mean(), half, chances)
                pairs.add((frozenset((m, reference)), e))
    errors = {}
    for pair, e in pairs:
        m, reference = next((a, b) for a, b, f in found if {a, b} == pair and f == e)
        errors[pair, e] = 1 - max(found[m, reference, e][2].values())
    required, alpha, going = {}, 1 - settings["level"], True
    for step, key in enumerate(sorted(errors, key=errors.get)):
        if going:
            limit = alpha / (len(errors) - step)
            going = 2 * errors[key] <= limit
        required[key] = (going, 1 - limit / 2)
    return found, required


def test_json_follows_from_the_raw_scores(result):
    data = result.to_dict()
    settings = data["settings"]
    sign = 1 if settings["metric"]["greater_is_better"] else -1
    for r in data["records"]:
        mine, base = (np.array(data["scores"][m][r["estimator"]]) for m in (r["method"], settings["baseline"]))
        assert_close(r["score"], mine.mean(), op="reduction")
        assert_close(r["difference"], sign * (mine - base).mean(), op="reduction")
    if settings["splits"]["ratio"] is None:
        assert all(r["verdict"] == "cannot tell" for r in data["records"] if r["method"] != settings["baseline"])
        assert settings["comparisons"] == 0
        return
    train, test = settings["splits"]["train_rows"], settings["splits"]["test_rows"]
    assert_close(settings["splits"]["ratio"], np.mean(np.array(test) / np.array(train)), op="reduction")
    found, required = naive_family(data)
    assert settings["comparisons"] == len(required)
    for r in data["records"]:
        for contrast in (r, r["versus_identity"]):
            if contrast["reference"] == r["method"]:
                continue
            mean, half, chances = found[r["method"], contrast["reference"], r["estimator"]]
            got = [contrast[k] for k in ("difference", "p_better", "p_equivalent", "p_worse")]
            assert_close(got, [mean, chances["better"], chances["equivalent"], chances["worse"]], op="merge")
            assert_close(contrast["interval"], [mean - half, mean + half], op="merge")
            sure, asked = required[frozenset((r["method"], contrast["reference"])), r["estimator"]]
            assert_close(contrast["p_required"], asked, op="elementwise")
            assert contrast["verdict"] == (max(chances, key=chances.get) if sure else "cannot tell")


def test_summaries_follow_from_the_facts(result):
    data = result.to_dict()
    for s in data["summaries"]:
        facts = [f for f in data["facts"] if f["method"] == s["method"]]
        assert s["columns"] == len(facts) == len(data["settings"]["columns"])
        assert s["collapsed"] == sum(f["collapsed"] for f in facts) and s["distinct"] == sum(f["distinct"] for f in facts)
        for k in ("std", "iqr"):
            values = sorted(f[k] for f in facts)
            assert (s[f"{k}_low"], s[f"{k}_high"]) == (values[0], values[-1])
        assert s["inverse_error"] == max(f["inverse_error"] for f in facts)


def test_hostile_names_stay_text(result):
    source = html_page(result.to_dict())
    assert source.count("</script>") == 1 and source.count("<script") == 1
    assert HOSTILE not in source and "<i>b" not in source and "\x1b" not in source
    assert all(len(line) < 200_000 for line in source.splitlines() if "application/json" not in line)
    text = terminal_text(result.to_dict(), 80)
    assert "\x1b" not in text


def test_nothing_comes_from_the_network(result):
    source = html_page(result.to_dict())
    assert all(v.startswith("data:") for v in Page(source).links)
    assert "default-src 'none'" in source
    shown = re.sub(r"<script.*?</script>", "", source, flags=re.DOTALL)
    assert not re.search(r"https?:|url\(|@import", shown)


def test_fragment_is_the_same_without_page(result):
    source = html_fragment(result.to_dict())
    assert "<html" not in source and "<script" not in source and 'class="renorm"' in source
    assert source == result._repr_html_()
    whole = Page(html_page(result.to_dict())).shown
    assert {a.get("data-from") for a, _ in Page(source).shown} == {a.get("data-from") for a, _ in whole}


@pytest.mark.parametrize("width", [80, 120])
def test_terminal_fits_and_says_the_verdict_first(result, width):
    text = terminal_text(result.to_dict(), width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    flat = " ".join(text.split())
    assert result.answer in flat
    assert flat.index(result.answer) < flat.index("Verdict against standard") < flat.index("Difference from standard")
    for r in result.records:
        assert r.verdict in flat or r.method == "standard"
    assert "sha256" in flat and result.settings["command"] in flat


def test_numbers_in_the_terminal_are_those_of_the_json(result):
    text = terminal_text(result.to_dict(), 120)
    block = text[text.index("Difference from") : text.index("Practically equivalent")].splitlines()
    decimals = {"accuracy": 3}.get(result.settings["metric"]["label"])
    if decimals is None:
        return
    rows = [line.split() for line in block if line.split()[:1] and line.split()[0] in result.settings["methods"]]
    assert len(rows) == len(result.records)
    for row, r in zip(rows, result.records, strict=True):
        assert row[0] == r.method and row[1] == f"{r.score:.3f}"
        if r.method != "standard":
            assert row[2] == f"{r.difference:+z.3f}"
