"""The mutation gate on small stand-in methods: what it kills, what survives, what it does not count."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import renorm
from renorm.core.catalog import Catalog
from renorm.testing import mutate, receipts, tolerance

BATTERY = """
import numpy as np
from renorm.testing import check

def outputs(cls, case):
    return {"y": cls(**case.options)(case.x)}

@check("metric", quick=True)
def keeps_its_input(subject):
    for case in subject.cases():
        before = case.x.copy()
        subject.cls(**case.options)(case.x)
        assert np.array_equal(before, case.x)

@check("metric", law="shift_invariant", quick=True)
def shift(subject, holds):
    x = np.arange(8.0).reshape(4, 2) ** 2
    assert np.array_equal(subject.cls()(x), subject.cls()(x + 4)) == holds
"""

METHOD = '''
"""Subtracts the mean."""

import sys

import numpy as np

from renorm.core.card import Card

CARD = Card(
    name="centre",
    kind="metric",
    normalizes="columns",
    statistic="mean",
    axes="over rows",
    paper="",
    fidelity="formula",
    laws=("shift_invariant",),
)


class Centre:
    """y = (x - mean) * factor."""

    def __init__(self, *, factor=1.0):
        self.factor = factor

    def __call__(self, x):
        y = x - x.mean(axis=0)
        y *= self.factor
        return y
'''

EVIDENCE = """
import numpy as np
import renorm
from renorm.testing import Case, assert_close, rng

METHOD = "metric.centre"

def cases():
    random = rng("centre")
    return [Case("plain", random.normal(3, 2, (7, 3))), Case("factor", random.normal(3, 2, (5, 2)), {"factor": 2.5})]

def oracle(case):
    x = case.x
    y = np.empty_like(x)
    for j in range(x.shape[1]):
        mean = sum(x[i, j] for i in range(len(x))) / len(x)
        for i in range(len(x)):
            y[i, j] = (x[i, j] - mean) * case.options.get("factor", 1.0)
    return {"y": y}

def test_against_oracle():
    for case in cases():
        assert_close(renorm.get(METHOD)(**case.options)(case.x), oracle(case)["y"], op="reduction")
"""

Put = Callable[[str, str], object]


@pytest.fixture
def centre(workshop, stand_in_battery):
    stand_in_battery("metric", BATTERY)

    def make(method: str = METHOD, evidence: str = EVIDENCE) -> mutate.Outcome:
        return mutate.gate(workshop.add("metric.centre", method, evidence))

    return make


def statuses(outcome: mutate.Outcome) -> dict[str, str]:
    return {v.after: v.status for v in outcome.verdicts}


def test_good_evidence_kills(centre) -> None:
    outcome = centre()
    found = statuses(outcome)
    assert outcome.passed
    assert outcome.share == 1.0
    assert outcome.bare == []
    assert found["y = x + x.mean(axis=0)"] == "killed"
    assert found["y = x - x.sum(axis=0)"] == "killed"
    assert found["return"] == "loud"  # no output at all
    assert found["def __init__(self, *, factor=0.0):"] == "killed"
    assert set(found.values()) <= {"loud", "killed"}


def test_the_real_class_is_untouched(centre) -> None:
    centre()
    assert renorm.get("metric.centre")()(np.array([[1.0], [3.0]])).tolist() == [[-1.0], [1.0]]


def test_blind_evidence_lets_survive(centre) -> None:
    blind = EVIDENCE.replace(', Case("factor", random.normal(3, 2, (5, 2)), {"factor": 2.5})', "")
    outcome = centre(evidence=blind)
    survivors = {v.key for v in outcome.verdicts if v.status == "survived"}
    assert {"y *= self.factor -> y /= self.factor", "y *= self.factor -> dropped"} == survivors
    assert outcome.share < mutate.THRESHOLD
    assert not outcome.passed
    text = "\n".join(mutate.lines_of(outcome))
    assert "FAIL metric.centre" in text
    assert "+ y /= self.factor" in text


def test_quick_checks_count(centre) -> None:
    in_place = METHOD.replace("y = x - x.mean(axis=0)", "y = x.copy()\n        y -= x.mean(axis=0)")
    careful = EVIDENCE.replace("(case.x), oracle", "(case.x.copy()), oracle")
    found = {(v.before, v.after): (v.status, v.by) for v in centre(in_place, careful).verdicts}
    assert found["y = x.copy()", "y = x"] == ("killed", "check keeps_its_input")


def test_equivalents_need_a_reason_and_a_survivor(centre) -> None:
    method = METHOD.replace("return y\n", "return y + 0.0\n")
    assert "return y - 0.0" in {v.after for v in centre(method).verdicts if v.status == "survived"}
    entry = "\nEQUIVALENT = {'return y + 0.0 -> return y - 0.0': 'adding and subtracting 0 is the same'}\n"
    outcome = centre(method, EVIDENCE + entry)
    assert outcome.count("equivalent") == 1
    assert outcome.problems == []
    assert outcome.to_dict()["equivalents"] == {"return y + 0.0 -> return y - 0.0": "adding and subtracting 0 is the same"}
    silent = centre(method, EVIDENCE + entry.replace("adding and subtracting 0 is the same", "  "))
    assert silent.count("equivalent") == 0
    assert not silent.passed
    stale = centre(METHOD, EVIDENCE + entry)
    assert not stale.passed
    assert "no surviving mutant" in stale.problems[0]


def test_endless_loops_and_crashes_are_killed(centre) -> None:
    method = METHOD.replace(
        "        return y\n",
        "        n = 0\n        while n < 3:\n            n += 1\n        return y * (n / 3)\n",
    )
    found = {v.after: (v.status, v.by) for v in centre(method).verdicts}
    assert found["n -= 1"] == ("killed", "time limit")


def test_broken_method_is_refused(centre) -> None:
    with pytest.raises(renorm.RenormError, match="test_against_oracle"):
        centre(METHOD.replace("axis=0", "axis=1, keepdims=True"))
    with pytest.raises(renorm.RenormError, match="outputs of a case"):
        centre(METHOD.replace("return y\n", "return y + 'a'\n"))


def test_evidence_without_tests_fails(centre) -> None:
    outcome = centre(evidence=EVIDENCE.replace("def test_against", "def against"))
    assert not outcome.passed
    assert "no test_ function" in outcome.problems[0]


def test_command_line(centre, capsys) -> None:
    centre()
    assert mutate.main(["metric.centre"]) == 0
    assert capsys.readouterr().out.startswith("pass metric.centre: 4 lines")
    assert mutate.main(["--kind", "metric", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["passed"]
    assert mutate.main(["centre_of_mass"]) == 1


def test_a_module_that_the_method_uses(centre, workshop) -> None:
    helper = f"{workshop.package}._helper"
    (workshop.methods / "_helper.py").write_text("def scaled(x, factor):\n    return x * factor\n")
    method = METHOD.replace("y *= self.factor", "y = scaled(y, self.factor)")
    method = method.replace("import numpy as np\n", f"import numpy as np\n\nfrom {helper} import scaled\n")
    centre(method)
    found = {v.after: v.status for v in mutate.gate("metric.centre", module=helper).verdicts}
    assert found == {"return x / factor": "killed"}


# receipts of the same stand-in ---------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(receipts, "FOLDER", tmp_path / "receipts")
    return tmp_path / "receipts"


def test_receipt_is_made_kept_and_goes_stale(centre, workshop, shelf) -> None:
    centre()
    assert receipts.status("metric.centre").state == "missing"
    with pytest.raises(renorm.RenormError, match=r"receipt of metric\.centre"):
        receipts.load("metric.centre")
    record = receipts.make("metric.centre")
    path = receipts.write(record)
    text = path.read_text()
    assert receipts.load("centre") == record
    assert receipts.status("centre") == receipts.Status("current")
    assert record["laws"] == ["shift_invariant"]
    assert set(record["checks"]) == {"keeps_its_input", "shift"}
    assert record["oracle_cases"] == 2
    assert record["oracle_gap"] < tolerance.TABLE["float64", "reduction"][0]
    assert record["mutants"]["share"] == 1.0
    receipts.write({**record, "date": "2001-01-01"})
    assert path.read_text() == text  # nothing new: the old file stays
    workshop.add("metric.centre", METHOD + "\n# more\n", EVIDENCE)
    assert receipts.status("centre").changed == ("method",)
    workshop.add("metric.centre", METHOD, EVIDENCE + "\n# more\n")
    assert str(receipts.status("centre")) == "stale (changed: evidence)"


def test_no_checkout_no_comparison_of_evidence(centre, shelf, tmp_path, monkeypatch) -> None:
    centre()
    receipts.write(receipts.make("metric.centre"))
    monkeypatch.setattr(receipts.evidence, "root", lambda: None)
    assert str(receipts.status("centre")) == "current (not compared, as not installed: evidence)"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("np.empty_like(x)\n", "np.empty_like(x[1:])\n", "oracle|test_against"),
        ('return {"y": y}', 'return {"z": y}', "outputs that there are not"),
    ],
)
def test_receipt_needs_an_oracle(centre, workshop, shelf, old, new, what) -> None:
    evidence = EVIDENCE.replace(old, new)
    assert evidence != EVIDENCE
    workshop.add("metric.centre", METHOD, evidence.replace('oracle(case)["y"]', "[*oracle(case).values()][0]"))
    with pytest.raises(renorm.RenormError, match=what):
        receipts.make("metric.centre")


def test_receipts_command_line(centre, workshop, shelf, capsys, monkeypatch) -> None:
    centre()
    alone = Catalog([])
    alone.add_folder(workshop.package, workshop.methods)
    monkeypatch.setattr(receipts, "catalog", lambda: alone)
    assert receipts.main(["--check"]) == 1  # missing
    assert "no receipt is shipped" in capsys.readouterr().out
    assert not shelf.exists()
    assert receipts.main([]) == 0
    assert (shelf / "metric.centre.json").exists()
    assert receipts.main(["--check"]) == 0
    assert capsys.readouterr().out.endswith("0 receipts, 0 failed, 0 s\n")
    assert receipts.main(["--check", "--sample", "3"]) == 0
    assert "pass metric.centre (current)" in capsys.readouterr().out
