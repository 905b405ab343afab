"""The command line: thin, quiet when it should be, one line for bad input."""

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import renorm
from renorm.cli.main import app
from renorm.testing import assert_close, rng

runner = CliRunner()
FAST = ["--repeats", "1", "--folds", "3", "-e", "knn", "-m", "standard", "-j", "1"]


def call(*args, code=0, stdin=None):
    done = runner.invoke(app, [str(a) for a in args], input=stdin)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def table(tmp_path):
    random = rng("cli table")
    y = random.integers(0, 2, 40)
    columns = {
        "a": random.normal(size=40) + 3 * y,
        "b": 1000 * random.normal(size=40),
        "word": np.array(list("xy"))[y],
        "y": y,
    }
    found = pa.table(columns)
    pq.write_table(found, tmp_path / "t.parquet")
    pv.write_csv(found, tmp_path / "t.csv")
    return found


def test_compare_prints_and_writes(tmp_path, table):
    page, data = tmp_path / "r.html", tmp_path / "r.json"
    out = call("compare", tmp_path / "t.csv", "--target", "y", *FAST, "--html", page, "--json", data).output
    assert "Verdict against standard" in out and str(page) in out
    result = renorm.Comparison.from_json(data.read_text())
    assert result.settings["name"] == "t.csv" and result.settings["categorical"] == ["word"]
    assert result.settings["command"] == shlex.join(["renorm", *sys.argv[1:]])
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.html", "r.json", "t.csv", "t.parquet"]
    again = call("report", data).output
    assert "Verdict against standard" in again
    call("report", data, "--html", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == page.read_text()


def test_json_alone_goes_to_stdout(tmp_path, table):
    out = call("compare", tmp_path / "t.parquet", "--target", "y", *FAST, "--json", "-").stdout
    assert {r["method"] for r in json.loads(out)["records"]} == {"identity", "standard"}


def test_csv_and_parquet_are_the_same_data(tmp_path, table):
    def hash_of(name):
        return json.loads(call("compare", tmp_path / name, "-t", "y", *FAST, "--json", "-").stdout)["settings"]["data_hash"]

    assert hash_of("t.csv") == hash_of("t.parquet")


def test_density_without_target_and_groups(tmp_path, table):
    out = call("compare", tmp_path / "t.csv", "--repeats", "1", "--folds", "3", "-m", "standard", "-j", "1").output
    assert "bits per dimension" in out
    groups = ["--group", "word", "--folds", "2", "-e", "knn", "-m", "standard", "-j", 1]
    out = call("compare", tmp_path / "t.csv", "-t", "y", *groups).output
    assert "rows come in groups" in " ".join(out.split())


def test_csv_with_gaps_other_separator_and_no_header(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text(
        "\n".join(f"{i}; {'?' if i % 5 == 0 else i * 2} ; {' ?' if i % 7 == 0 else 'w'};{i % 2}" for i in range(30))
    )
    out = json.loads(call("compare", path, "--no-header", "-t", "c3", *FAST, "--json", "-").stdout)
    assert out["settings"]["columns"] == ["c0", "c1"] and out["settings"]["categorical"] == ["c2"]
    assert any("6 missing values" in n for n in out["notes"])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["compare", "nothing.csv", "-t", "y"], "no such file"),
        (["compare", "wien"], "did you mean 'wine'?"),
        (["compare", "t.csv", "-t", "z"], "known names: a, b, word, y"),
        (["compare", "t.csv", "-t", "y", "-m", "standart"], "'table.standard'"),
        (["compare", "t.csv", "-t", "y", "-e", "tree"], "knn"),
        (["compare", "t.csv", "-t", "y", "--folds", "x"], "--folds"),
        (["compare", "t.csv", "-t", "y", "--folds", "1"], "at least 2"),
        (["compare", "t.csv", "-t", "y", "--no-target"], "both"),
        (["compare", "t.csv", "-t", "y", "--html", "no/such/r.html"], "the folder"),
        (["compare", "t.txt2", "-t", "y"], "no such file"),
        (["compare", "bad.csv", "-t", "y"], "bad.csv"),
        (["compare", "twice.csv", "-t", "y"], "twice"),
        (["compare", "empty.csv", "-t", "y"], "empty.csv"),
        (["compare", "torn.parquet", "-t", "y"], "torn.parquet"),
        (["compar"], "'compare'"),
        (["show", "standart"], "did you mean"),
        (["methods", "--kind", "tables"], "table"),
        (["fit", "t.csv", "-m", "standard", "-o", "no/f.renorm"], "the folder"),
        (["fit", "t.csv", "-m", "text.unicode_clean", "-o", "f.renorm"], "table normalizer"),
        (["fit", "t.csv", "--columns", "word", "-o", "f.renorm"], "word"),
        (["apply", "none.renorm", "t.csv", "-o", "o.csv"], "none.renorm"),
        (["apply", "t.csv", "t.csv", "-o", "o.csv"], "t.csv"),
        (["apply", "t.csv", "t.csv", "-o", "o.xls"], "'.xls'"),
        (["text", "standard"], "did you mean"),
        (["text", "table.standard"], "text normalizer"),
        (["text", "unicode_clean", "none.txt"], "no such file"),
        (["report", "t.csv"], "JSON"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, table, monkeypatch, args, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_bytes(b"a,y\n1,2\n1,2,3\n")
    (tmp_path / "twice.csv").write_text("a,a,y\n1,2,3\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "torn.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    done = call(*args, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("renorm: ") and done.stderr.count("\n") == 1
    assert words in done.stderr


def test_methods_show_and_their_json():
    assert "yeo_johnson" in call("methods").output
    cards = json.loads(call("methods", "--kind", "table", "--json").stdout)
    assert {"identity", "standard", "robust", "yeo_johnson", "quantile"} <= {c["name"] for c in cards}
    assert "monotone" in call("show", "table.standard").output
    assert json.loads(call("show", "z_score", "--json").stdout)["name"] == "standard"


def test_verify_prints_the_receipt(monkeypatch):
    from renorm.testing import receipts

    monkeypatch.setattr(receipts, "load", lambda name: {"method": name, "oracle_gap": 0.125, "laws": {"monotone": True}})
    out = call("verify", "standard").output
    assert "table.standard" in out and "0.125" in out and "monotone: yes" in out
    assert json.loads(call("verify", "standard", "--json").stdout)["oracle_gap"] == 0.125
    monkeypatch.setattr(receipts, "load", lambda name: None)
    assert "none shipped" in call("verify", "standard", code=2).stderr
    monkeypatch.setattr(receipts, "make", lambda name: {"made": name})
    assert "table.standard" in call("verify", "standard", "--run").output


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_fit_apply_invert_go_round(tmp_path, table, suffix):
    fitted, there, back = tmp_path / "f.renorm", tmp_path / f"there.{suffix}", tmp_path / f"back.{suffix}"
    source = tmp_path / f"t.{suffix}"
    assert json.loads(call("fit", source, "-m", "robust", "--columns", "a,b", "-o", fitted, "--json").stdout)["columns"] == [
        "a",
        "b",
    ]
    call("apply", fitted, source, "-o", there)
    call("invert", fitted, there, "-o", back)
    read = pq.read_table if suffix == "parquet" else pv.read_csv
    moved, again = read(there), read(back)
    X = np.column_stack([table.column(c).to_numpy() for c in "ab"])
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    assert_close(np.column_stack([moved.column(c).to_numpy() for c in "ab"]), (X - middle) / (high - low), op="reduction")
    assert_close(np.column_stack([again.column(c).to_numpy() for c in "ab"]), X, op="reduction")
    assert moved.column_names == table.column_names and moved.column("word").to_pylist() == table.column("word").to_pylist()


def test_failed_apply_leaves_the_old_file(tmp_path, table):
    fitted, out = tmp_path / "f.renorm", tmp_path / "out.csv"
    call("fit", tmp_path / "t.csv", "--columns", "a,b", "-o", fitted)
    out.write_text("old")
    pv.write_csv(table.drop_columns(["b"]), tmp_path / "less.csv")
    assert "'b'" in call("apply", fitted, tmp_path / "less.csv", "-o", out, code=2).stderr
    assert out.read_text() == "old" and not list(tmp_path.glob(".*"))


def test_text_streams_lines(tmp_path):
    lines = "cafe\u0301\nplain\n\nlast without newline \u00e9"
    want = "caf\u00e9\nplain\n\nlast without newline \u00e9\n"
    assert call("text", "unicode_clean", stdin=lines).stdout == want
    (tmp_path / "in.txt").write_text(lines, encoding="utf-8")
    assert call("text", "text.unicode_clean", tmp_path / "in.txt").stdout == want
    told = [json.loads(x) for x in call("text", "unicode_clean", "--jsonl", stdin=lines).stdout.splitlines()]
    assert [t["output"] for t in told] == want.splitlines() and [len(t["edits"]) for t in told] == [1, 0, 0, 0]
    assert told[0]["line"] == 1 and told[0]["edits"][0]["new"] == "\u00e9"
    explained = call("text", "unicode_clean", "--explain", stdin=lines).stdout
    assert explained.splitlines()[0] == "1: caf\u00e9" and "rules" in explained.splitlines()[1]


def run(code, **env):
    settings = {"capture_output": True, "text": True, "env": {**os.environ, **env}, "timeout": 120, "check": False}
    return subprocess.run([sys.executable, *code], **settings)


def test_help_loads_nothing_heavy():
    code = "import sys, renorm.cli.main\nfrom typer.testing import CliRunner\n"
    code += "assert CliRunner().invoke(renorm.cli.main.app, ['compare', '--help']).exit_code == 0\n"
    code += "heavy = {'numpy', 'scipy', 'sklearn', 'torch', 'pandas', 'pyarrow', 'matplotlib', 'jinja2'}\n"
    code += "print(sorted(heavy & set(sys.modules)))"
    done = run(["-c", code])
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_silent_on_stderr_when_it_is_no_terminal(tmp_path, table):
    done = run(["-m", "renorm.cli.main", "compare", str(tmp_path / "t.csv"), "-t", "y", *FAST], COLUMNS="80")
    assert done.returncode == 0 and done.stderr == ""
    assert "\x1b" not in done.stdout and max(map(len, done.stdout.splitlines())) <= 80


def test_version():
    assert call("--version").output.strip() == f"renorm {renorm.__version__}"
