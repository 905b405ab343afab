"""Kernel density integral discretizer: every column to bins between the valleys of its transformed density."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from renorm.core.card import Card
from renorm.core.fit import Rounds, drive
from renorm.core.kernel_density import gaussian_sums, valleys
from renorm.core.state import Array
from renorm.core.states import Moments, Quantiles
from renorm.table._base import Schema, TableNormalizer
from renorm.table.kernel_density_integral import KernelDensityIntegral

CARD = Card(
    name="kernel_density_integral_discretizer",
    kind="table",
    normalizes="columns",
    statistic="kernel density estimate",
    axes="over rows, per column",
    paper="arXiv:2309.10194",
    fidelity="vectors",
    aliases=("kdi_discretizer",),
    tier="shelf",
    mergeable=True,
    rounds="one",
    state="fit",
    laws=(
        "row_permutation",
        "column_independent",
        "monotone",
        "shift_invariant",
        "scale_invariant",
        "weights_are_repetitions",
    ),
    unclaimed=("idempotent",),
    cost="fit: as kernel_density_integral, and a density on 1 / precision points; transform: one binary search an entry",
    deviates="missing values are left out; a column of one value is one bin; no probabilities of bins; fitting "
    "discloses values",
    use_when="a column has clusters, and codes of them are wanted without choosing their number",
    avoid_when="the column is unimodal: it becomes one bin, a constant",
)
