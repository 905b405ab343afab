"""The layer task: normalization layers inside a torch model that is trained from scratch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from renorm.comparison.columns import problem_of, target_of
from renorm.comparison.named import choose_methods, first_line
from renorm.comparison.splits import plan_splits
from renorm.comparison.task import Budget, ColumnFact, Metric, Outcome, Split
from renorm.core.catalog import create
from renorm.core.errors import OptionError, ShapeError


class LayerTask:
    """Which normalization layer helps this model here?

    Every method trains the same model from the same seed on the same mini-batches for the same number of steps.

    Parameters
    ----------
    model : callable
        ``model(norm) -> torch.nn.Module`` that maps inputs to class scores; ``norm(num_features)`` makes one layer.
    X : array of shape (n, ...)
    y : array of shape (n,)
        Classes.
    methods : names or mapping
        Names of kind ``nn``, or name -> ``callable(num_features) -> Module``. The baseline and identity are added.
    baseline : str, default="batch_norm"
    steps : int, default=200
    batch_size : int, default=32
    learning_rate : float, default=0.05
        Of stochastic gradient descent with momentum 0.9.
    rope : float, default=0.01
        In accuracy.
    cv, random_state, folds, repeats
        As in `renorm.compare`.
    name : str
    """

    kind = "nn"
    identity = "identity"
    estimators: tuple[str, ...] = ("model",)

    def __init__(
        self,
        model: Callable[[Callable[[int], Any]], Any],
        X: Any,
        y: Any,
        *,
        methods: Any = None,
        baseline: str = "batch_norm",
        steps: int = 200,
        batch_size: int = 32,
        learning_rate: float = 0.05,
        rope: float = 0.01,
        cv: Any = None,
        random_state: int = 0,
        folds: int | None = None,
        repeats: int | None = None,
        name: str = "the data",
    ) -> None:
        if not callable(model):
            raise OptionError("LayerTask(model)", expected="a function of the layer's maker", got=repr(model))
        for value, what in ((steps, "steps"), (batch_size, "batch_size")):
            if value < 1:
                raise OptionError(f"LayerTask({what})", expected="at least 1", got=repr(value))
        self.name, self.baseline = name, baseline
        self._model, self._steps, self._batch, self._rate = model, steps, batch_size, learning_rate
        self.X = np.asarray(X, dtype=np.float32)
        target = target_of(y)
        if len(target) != len(self.X):
            raise ShapeError("LayerTask(y)", expected=f"{len(self.X)} classes, one a row", got=f"{len(target)}")
        problem_of(target, "classification")
        self._classes, self.y = np.unique(target, return_inverse=True)
        self._methods = choose_methods(methods, "nn", (baseline,), baseline, make_identity=_torch_identity)
        self.methods = tuple(self._methods)
        self.metric = Metric("accuracy", "accuracy", True, rope, "the convention for accuracy")
        self.plan = plan_splits(
            len(self.X), y=self.y, classification=True, cv=cv, random_state=random_state, folds=folds, repeats=repeats
        )

    def run(self, method: str, split: Split, seed: int, budget: Budget | None = None) -> Outcome:
        """Train from ``seed`` on the training rows, score the others in eval mode."""
        import torch

        made = self._methods[method]
        norm = made if callable(made) else lambda width: create(made, width)
        steps = self._steps if budget is None or budget.steps is None else min(self._steps, budget.steps)
        train = split.train
        if budget is not None and budget.rows is not None and len(train) > budget.rows:
            train = np.sort(np.random.default_rng(seed).choice(train, size=budget.rows, replace=False))
        start = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                network = self._model(norm)
                curve = self._train(network, train, steps, np.random.default_rng(seed))
                trained = time.perf_counter()
                network.eval()
                with torch.no_grad():
                    guess = network(torch.from_numpy(self.X[split.test])).argmax(dim=1).numpy()
            except Exception as error:  # a method that fails is a result
                return Outcome({"model": None}, {"model": first_line(error)})
        accuracy = float(np.mean(guess == self.y[split.test]))
        size = sum(t.numel() * t.element_size() for t in network.state_dict().values())
        seconds = {"fit": trained - start, "transform": time.perf_counter() - trained, "model": 0.0}
        return Outcome({"model": accuracy}, {}, seconds, size, (), {"first_loss": curve[0], "last_loss": curve[-1]})

    def _train(self, network: Any, rows: np.ndarray, steps: int, rng: np.random.Generator) -> list[float]:
        import torch

        inputs, classes = torch.from_numpy(self.X), torch.from_numpy(self.y.astype(np.int64))
        optimizer = torch.optim.SGD(network.parameters(), lr=self._rate, momentum=0.9)
        loss_of = torch.nn.CrossEntropyLoss()
        network.train()
        curve: list[float] = []
        order = rng.permutation(rows)
        at = 0
        for _ in range(steps):
            if at + self._batch > len(order):
                order, at = rng.permutation(rows), 0
            batch = torch.from_numpy(order[at : at + self._batch])
            at += self._batch
            optimizer.zero_grad()
            loss = loss_of(network(inputs[batch]), classes[batch])
            loss.backward()
            optimizer.step()
            curve.append(float(loss.detach()))
        return curve

    def facts(self) -> list[ColumnFact]:
        """Nothing by column."""
        return []

    def describe(self) -> dict[str, Any]:
        """Data and training settings for the record."""
        digest = hashlib.sha256(np.ascontiguousarray(self.X).tobytes() + self.y.astype("<i8").tobytes())
        return {
            "problem": "classification",
            "rows": len(self.X),
            "columns": [],
            "categorical": [],
            "left_out": {},
            "data_hash": digest.hexdigest(),
            "method_options": {
                m: v if isinstance(v, str) else getattr(v, "__name__", type(v).__name__) for m, v in self._methods.items()
            },
            "estimator_options": {
                "model": f"SGD, {self._steps} steps of {self._batch} rows, rate {self._rate:g}, momentum 0.9"
            },
            "notes": [],
        }


def _torch_identity() -> Any:
    import torch

    return lambda width: torch.nn.Identity()
