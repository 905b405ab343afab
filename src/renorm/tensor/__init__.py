"""Shared mathematics of the torch kinds: masked and synchronised moments, eager backwards."""

from renorm.tensor.eager import recomputing, with_backward
from renorm.tensor.moments import Moments, fill, mean, mean_square, merge, moments, process_group, synchronize, widen

__all__ = [
    "Moments",
    "fill",
    "mean",
    "mean_square",
    "merge",
    "moments",
    "process_group",
    "recomputing",
    "synchronize",
    "widen",
    "with_backward",
]
