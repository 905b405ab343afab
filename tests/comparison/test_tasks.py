"""Layers and texts run through the same protocol as tables."""

import numpy as np
import pytest

from renorm.comparison import Budget, LayerTask, PairTask, Task, TextTask, evaluate
from renorm.core.errors import DataError, OptionError, OptionTypeError, ShapeError
from renorm.testing import assert_close, rng

torch = pytest.importorskip("torch")


def digits(n=240):
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rows = rng("digits").permutation(len(X))[:n]
    return X[rows], y[rows]  # raw pixels, 0 to 16


def network(norm):
    blocks = [torch.nn.Linear(64, 24), norm(24), torch.nn.ReLU(), torch.nn.Linear(24, 24), norm(24), torch.nn.ReLU()]
    return torch.nn.Sequential(*blocks, torch.nn.Linear(24, 10))


def layers(**options):
    X, y = digits()
    settings = {"steps": 40, "folds": 3, "repeats": 2, "name": "digits", **options}
    return LayerTask(network, X, y, **settings)


def test_layers_of_the_catalog_run_through_the_protocol():
    task = layers(methods=["batch_norm", "rms_norm"])
    assert isinstance(task, Task)
    result = evaluate(task, jobs=1)
    assert result.settings["methods"] == ["identity", "batch_norm", "rms_norm"]
    assert all(r.score > 0.3 for r in result.of("batch_norm"))
    assert len(result.scores["rms_norm"]["model"]) == 6


def test_same_layer_twice_is_not_better():
    result = evaluate(layers(methods={"batch_norm": torch.nn.BatchNorm1d, "again": torch.nn.BatchNorm1d}), jobs=1)
    again = result.record("again", "model")
    assert again.difference == 0.0 and again.verdict == "equivalent"


def test_a_layer_that_destroys_is_worse():
    class Zero(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.zeros(width), requires_grad=False)

        def forward(self, x):
            return x * self.scale

    result = evaluate(layers(methods={"batch_norm": torch.nn.BatchNorm1d, "zero": Zero}), jobs=1)
    assert result.record("zero", "model").verdict == "worse"


def test_same_seed_same_model_and_no_trace_in_torch():
    task = layers(methods={"batch_norm": torch.nn.BatchNorm1d}, steps=5)
    split = task.plan.splits[0]
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = task.run("batch_norm", split, 3)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.did == task.run("batch_norm", split, 3).did != task.run("batch_norm", split, 4).did


def test_weights_start_from_the_seed_the_same_for_all_methods():
    starts = []

    def model(norm):
        net = network(norm)
        starts.append(float(net[0].weight[0, 0].detach()))
        return net

    X, y = digits()
    twins = {"batch_norm": torch.nn.BatchNorm1d, "none": lambda width: torch.nn.Identity()}
    task = LayerTask(model, X, y, methods=twins, steps=1, folds=3, repeats=1)
    for method, seed in (("batch_norm", 3), ("none", 3), ("none", 4)):
        task.run(method, task.plan.splits[0], seed)
    assert starts[0] == starts[1] != starts[2]


def test_budget_limits_steps():
    task = layers(methods={"batch_norm": torch.nn.BatchNorm1d})
    split = task.plan.splits[0]
    short = task.run("batch_norm", split, 3, Budget(steps=1)).did
    assert short["first_loss"] == short["last_loss"]
    assert task.run("batch_norm", split, 3).did["last_loss"] < short["last_loss"]


SPELLINGS = {"good": ["caf\u00e9", "cafe\u0301"], "bad": ["re\u0301sume\u0301", "r\u00e9sum\u00e9"]}


def texts(n=60):
    random = rng("texts")
    labels = np.where(random.random(n) < 0.5, "good", "bad")
    return [SPELLINGS[label][random.integers(2)] + " " + "xyz"[random.integers(3)] for label in labels], labels


def test_texts_run_through_the_protocol():
    task = TextTask(*texts(), methods={"upper": str.upper}, folds=3, repeats=2)
    assert isinstance(task, Task)
    result = evaluate(task, jobs=1)
    assert result.settings["methods"] == ["identity", "unicode_clean", "upper"]
    assert result.record("unicode_clean", "classifier").score == 1.0


def test_pairs_are_scored_up_to_normalization():
    pairs = [("caf\u00e9", "cafe\u0301"), ("a", "a"), ("b", "c"), ("e\u0301", "\u00e9")] * 10
    task = PairTask([a for a, _ in pairs], [b for _, b in pairs], random_state=4)
    assert isinstance(task, Task)
    result = evaluate(task, jobs=1)
    assert_close(result.record("identity", "match").score, 0.25, op="reduction")
    assert_close(result.record("unicode_clean", "match").score, 0.75, op="reduction")
    assert result.record("identity", "match").verdict == "worse"
    assert sorted(i for s in task.plan.splits for i in s.test) == list(range(40))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: TextTask("abc", [1, 2, 3]), OptionTypeError),
        (lambda: TextTask(["a", 3], [1, 2]), OptionTypeError),
        (lambda: TextTask(["a", "b"], [1]), ShapeError),
        (lambda: PairTask(["a"] * 4, ["a"] * 5), ShapeError),
        (lambda: PairTask(["a"], ["a"]), DataError),
        (lambda: layers(steps=0), OptionError),
        (lambda: LayerTask("model", *digits()), OptionError),
    ],
)
def test_bad_input_is_named(make, error):
    with pytest.raises(error):
        make()
