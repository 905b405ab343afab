"""The main job, from the shell to the page, on real data."""

import json
import os
import subprocess
import sys

from renorm.comparison import Comparison


def test_wine_from_the_shell_to_the_page(tmp_path):
    # one run, and one test so that parallel workers do not each make it
    printed, data, page = run(tmp_path)
    one_record_for_each_method_and_estimator(data)
    standard_beats_identity_for_knn_and_svm(data)
    boosting_is_never_better_or_worse(data)
    answer_is_partly_no_difference_and_stands_first(printed, data, page)
    assert Comparison.from_dict(data).to_dict() == data


def run(folder):
    command = [sys.executable, "-m", "renorm.cli.main", "compare", "wine", "--target", "target", "--repeats", "2"]
    command += ["--html", str(folder / "wine.html"), "--json", str(folder / "wine.json")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "COLUMNS": "80"}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "wine.json").read_text()), (folder / "wine.html").read_text()


def one_record_for_each_method_and_estimator(data):
    records = data["records"]
    methods = {"identity", "standard", "robust", "yeo_johnson", "quantile"}
    assert {(r["method"], r["estimator"]) for r in records} == {
        (m, e) for m in methods for e in ("knn", "logistic", "svm_rbf", "boosting")
    }
    for r in records:
        assert r["verdict"] in ("better", "equivalent", "worse", "cannot tell")
        assert len(r["interval"]) == 2 and 0 <= r["p_equivalent"] <= 1 and r["cost"]["fit_seconds"] > 0


def standard_beats_identity_for_knn_and_svm(data):
    found = {(r["method"], r["estimator"]): r for r in data["records"]}
    for estimator in ("knn", "svm_rbf"):
        assert found["standard", estimator]["versus_identity"]["verdict"] == "better"
        assert found["identity", estimator]["verdict"] == "worse"


def boosting_is_never_better_or_worse(data):
    found = [r for r in data["records"] if r["estimator"] == "boosting"]
    assert len(found) == 5
    for r in found:
        assert r["verdict"] in ("equivalent", "cannot tell") and r["versus_identity"]["verdict"] in (
            "equivalent",
            "cannot tell",
        )


def answer_is_partly_no_difference_and_stands_first(printed, data, page):
    assert "Standard beats identity for k-NN and SVM-RBF" in data["answer"]
    assert "for boosting there is no practical difference" in data["answer"]
    assert data["answer"] in " ".join(printed.split())
    assert data["best"] == "standard" and "Take" in page
    assert max(len(line) for line in printed.splitlines() if not line.startswith("   wrote ")) <= 80
