"""Wrong table normalizers: each turns the check red that is meant for it."""

from __future__ import annotations

import pytest

from renorm.testing import battery

LEARN = "center, scale, exponent, residual = moments.affine()\n"
MAP = "        return standardize(x, *self._affine())"
UNMAP = "        return unstandardize(y, *self._affine())"

# check -> what is wrong, the real method, edits of its source, lines added to its class
PLANTS: dict[str, list[tuple[str, str, list[tuple[str, str]], str]]] = {
    "infinite_batches": [
        ("looks at arrays alone", "table.standard", [], "def _looked_at(self, lift):\n    return lift or (lambda x: x)"),
    ],
    "oracle": [
        (
            "divides by n - 1",
            "table.standard",
            [(LEARN, LEARN + "        scale = scale * np.sqrt(moments.count / (moments.count - 1))\n")],
            "",
        ),
        (
            "blows a constant column up",
            "table.standard",
            [(LEARN, LEARN + "        scale = np.where(np.ptp(center) > 0, 1e-9, scale)\n")],
            "",
        ),
        (
            "fits only the first column",
            "table.standard",
            [(LEARN, LEARN + "        center = center[:1].repeat(len(center))\n")],
            "",
        ),
    ],
    "missing_values": [
        ("turns NaN into 0", "table.standard", [(MAP, "        return np.nan_to_num(standardize(x, *self._affine()))")], ""),
        ("lets one NaN spoil its row", "table.standard", [(MAP, MAP + " + 0.0 * x.sum(axis=1, keepdims=True)")], ""),
    ],
    "inverse": [
        ("inverts without the mean", "table.standard", [(UNMAP, UNMAP + " - self.mean_")], ""),
        ("is off by a thousandth", "table.standard", [(UNMAP, UNMAP + " * 1.001")], ""),
    ],
    "log_determinant": [
        ("has the wrong sign", "table.standard", [("        return log_slope(", "        return -log_slope(")], ""),
        (
            "forgets it",
            "table.standard",
            [("        return log_slope(x, scale, exponent)", "        return np.zeros_like(x)")],
            "",
        ),
    ],
    "no_inverse": [
        (
            "claims no inverse and offers one",
            "table.standard",
            [],
            "def inverse_transform(self, X):\n    return X",
        ),
    ],
    "adversarial_columns": [
        (
            "squares what overflows",
            "table.standard",
            [(MAP, "        return (x - x.mean(0)) / np.sqrt(np.mean(x**2, axis=0) - x.mean(0) ** 2)")],
            "",
        ),
        ("merges near values", "table.standard", [(MAP, MAP + ".round(3)")], ""),
    ],
    "shards_equal_whole": [
        (
            "merges means without counts",
            "table.standard",
            [("moments = yield Moments.query()", "moments = yield _Unweighted.query()")],
            "",
        ),
    ],
    "few_shards_equal_whole": [
        (
            "merges means without counts",
            "table.standard",
            [("moments = yield Moments.query()", "moments = yield _Unweighted.query()")],
            "",
        ),
    ],
    "one_round": [
        (
            "forgets earlier rows",
            "table.standard",
            [],
            "def partial_fit(self, X, y=None, sample_weight=None):\n    return self.fit(X)",
        ),
        ("offers partial_fit over many rounds", "table.robust", [], "def partial_fit(self, X):\n    return self.fit(X)"),
    ],
    "interrupted_fit": [
        (
            "writes to itself as it learns",
            "table.standard",
            [("        moments = yield", "        self.mean_ = np.zeros(1)\n        moments = yield")],
            "",
        ),
    ],
    "scikit_learn": [
        ("looks at the row's place", "table.standard", [(MAP, MAP + " + np.arange(len(x))[:, None]")], ""),
        (
            "keeps state from construction",
            "table.standard",
            [("        self.with_std = with_std\n", "        self.with_std = with_std\n        self.extra = 1\n")],
            "",
        ),
        (
            "does not check its options",
            "table.standard",
            [('_parameter_constraints = {"with_mean": ["boolean"], "with_std": ["boolean"]}', "pass")],
            "",
        ),
    ],
    "frames": [
        ("gives an array for a frame", "table.standard", [], "def _like(self, X, y):\n    return y"),
    ],
    "dtypes_and_layouts": [
        (
            "changes the caller's array",
            "table.standard",
            [(MAP, "        x -= self.mean_\n        x /= self.scale_\n        return x")],
            "",
        ),
        (
            "gives float64 for float32",
            "table.standard",
            [],
            "def transform(self, X):\n    return super().transform(np.asarray(X, dtype=float))",
        ),
        ("returns the input itself", "table.identity", [("return x.copy()", "return x")], ""),
    ],
    "small_tables": [
        (
            "takes infinity",
            "table.standard",
            [("    _parameter_constraints", "    _accepts_inf = True\n    _parameter_constraints")],
            "",
        ),
        ("fails on one row", "table.standard", [(LEARN, LEARN + "        scale = scale / (moments.count > 1)\n")], ""),
    ],
    "copies": [
        (
            "keeps what it learnt out of the file",
            "table.standard",
            [(MAP, MAP + " + self._more")],
            "def _finish(self, learnt, states):\n    self._more = 1\n    return super()._finish(learnt, states)\n\n"
            "def _restore(self, fitted, states):\n    super()._restore(fitted, states)\n    self._more = 0",
        ),
    ],
    "options": [
        ("reads no with_mean", "table.standard", [("if self.with_mean else", "if True else")], ""),
        ("swallows unknown options", "table.standard", [("with_std: bool = True)", "with_std: bool = True, **_)")], ""),
    ],
    "row_permutation": [
        (
            "centres on the first row",
            "table.standard",
            [],
            "def fit(self, X, y=None, sample_weight=None):\n    super().fit(X)\n    self.mean_ = X[0] + 0\n    return self",
        ),
    ],
    "column_independent": [
        ("shares one scale", "table.standard", [(LEARN, LEARN + "        scale = np.full_like(scale, scale.max())\n")], ""),
    ],
    "monotone": [
        ("folds at the mean", "table.standard", [(MAP, "        return np.abs(standardize(x, *self._affine()))")], ""),
    ],
    "idempotent": [
        ("bends", "table.standard", [(MAP, "        return np.sinh(standardize(x, *self._affine()))")], ""),
    ],
    "shift_invariant": [
        ("forgets the mean", "table.standard", [(MAP, "        return x / self.scale_")], ""),
    ],
    "scale_invariant": [
        ("has an eps in its scale", "table.standard", [(LEARN, LEARN + "        scale = scale + 1e-6\n")], ""),
    ],
    "weights_are_repetitions": [
        (
            "ignores the weights",
            "table.standard",
            [],
            "def fit(self, X, y=None, sample_weight=None):\n    return super().fit(X)",
        ),
    ],
}

# a state that averages both sides' variances whatever their counts, as attribute-by-attribute reduction does
UNWEIGHTED = """class _Unweighted(Moments):
    def merge(self, other):
        from dataclasses import replace

        return replace(super().merge(other), rms=np.hypot(self.rms, other.rms) / np.sqrt(2))


class Standard("""
ALL = [(check, *plant) for check, plants in PLANTS.items() for plant in plants]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("check", "wrong", "key", "edits", "append"), ALL, ids=[f"{c}: {w}" for c, w, *_ in ALL])
def test_planted(plant, check, wrong, key, edits, append) -> None:
    more = [("class Standard(", UNWEIGHTED)] if "_Unweighted" in str(edits) else []
    also = [('invertible="exact"', 'invertible="no"')] if check == "no_inverse" else []
    plant(key, check, *edits, *more, append=append, also=tuple(also))


def test_every_check_has_a_plant() -> None:
    battery.laws_of("table")
    assert {name for kind, name in battery._CHECKS if kind == "table"} == set(PLANTS)
