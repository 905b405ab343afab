"""Moments over some dims of a tensor, of the positions that are real, on one process or on several."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from renorm.core.errors import ShapeError

Dims = tuple[int, ...]


class Moments(NamedTuple):
    """Count, mean and sum of squared deviations; all three broadcast against the input.

    Parameters
    ----------
    n : Tensor
        How many entries each group has, in the dtype of the mean.
    mean, m2 : Tensor
        Mean and sum of squared deviations from it. A group without entries has mean 0 and m2 0.
    """

    n: Tensor
    mean: Tensor
    m2: Tensor

    @property
    def variance(self) -> Tensor:
        """Biased variance, m2 / n; 0 for a group without entries."""
        return self.m2 / self.n.clamp(min=1)

    @property
    def unbiased(self) -> Tensor:
        """Unbiased variance, m2 / (n - 1); 0 for a group of fewer than two entries."""
        return self.m2 / (self.n - 1).clamp(min=1)


def fill(x: Tensor, mask: Tensor | None, value: float = 0.0) -> Tensor:
    """Replace what is padding, whatever it holds (NaN and inf too); its gradient is 0.

    Parameters
    ----------
    x : Tensor
    mask : Tensor of bool, optional
        True where x is real; broadcasts against x.
    value : float, default=0.0
    """
    return x if mask is None else torch.where(mask, x, value)


def widen(x: Tensor) -> Tensor:
    """Return x in the dtype that sums are taken in: float32 for half precision, else its own."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _count(x: Tensor, dims: Dims, mask: Tensor | None, least: int = 1) -> int | Tensor:
    """How many real entries each group has, or ``least``; a tensor that keeps the dims where there is a mask."""
    if mask is None:
        return max(math.prod([x.shape[d] for d in dims]), least)
    fits = mask.ndim == x.ndim and all(m in (1, n) for m, n in zip(mask.shape, x.shape, strict=True))
    if mask.dtype != torch.bool or not fits:
        raise ShapeError(
            "renorm.tensor.moments(mask)",
            expected=f"a boolean mask that broadcasts against {tuple(x.shape)} and has as many dims",
            got=f"{mask.dtype} of shape {tuple(mask.shape)}",
        )
    repeats = math.prod([x.shape[d] for d in dims if mask.shape[d] == 1])
    return (mask.sum(dims, keepdim=True) * repeats).clamp(min=least)


def mean(x: Tensor, dims: Dims, mask: Tensor | None = None) -> Tensor:
    """Mean over ``dims`` (kept), of the real entries; 0 where there are none.

    Half precision is summed, and returned, in float32; float64 stays float64.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 2.0, float("nan")]])
    >>> mean(x, (1,), torch.tensor([[True, True, False]]))
    tensor([[1.5000]])
    """
    count = _count(x, dims, mask)
    return widen(fill(x, mask)).sum(dims, keepdim=True) / count


def mean_square(x: Tensor, dims: Dims, mask: Tensor | None = None) -> Tensor:
    """Mean of squares over ``dims`` (kept), of the real entries; 0 where there are none.

    Examples
    --------
    >>> mean_square(torch.tensor([[3.0, 4.0]]), (1,))
    tensor([[12.5000]])
    """
    count = _count(x, dims, mask)
    return widen(fill(x, mask)).square().sum(dims, keepdim=True) / count


def moments(x: Tensor, dims: Dims, mask: Tensor | None = None) -> Moments:
    """Count, mean and squared deviations over ``dims`` (kept), of the real entries, in two passes.

    Parameters
    ----------
    x : Tensor
        Half precision is summed, and answered, in float32; float64 stays float64.
    dims : tuple of int
        Non-negative dims to reduce.
    mask : Tensor of bool, optional
        True where x is real; as many dims as x, each equal or 1. What padding holds changes nothing.

    Returns
    -------
    Moments

    Raises
    ------
    ShapeError
        For a mask that is not boolean or does not broadcast.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 3.0, float("nan")]])
    >>> m = moments(x, (1,), torch.tensor([[True, True, False]]))
    >>> m.n.item(), m.mean.item(), m.m2.item()
    (2.0, 2.0, 2.0)
    """
    entries = _count(x, dims, mask, least=0)
    real = widen(fill(x, mask))
    count = torch.as_tensor(entries, dtype=real.dtype, device=x.device)
    center = real.sum(dims, keepdim=True) / count.clamp(min=1)
    deviation = fill(real - center, mask)
    return Moments(count.expand(center.shape), center, deviation.square().sum(dims, keepdim=True))


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of the two groups together (Chan, Golub and LeVeque).

    Examples
    --------
    >>> one = moments(torch.tensor([1.0, 2.0]), (0,))
    >>> two = moments(torch.tensor([6.0]), (0,))
    >>> merge(one, two).mean.item()
    3.0
    """
    count = a.n + b.n
    share = b.n / count.clamp(min=1)
    apart = b.mean - a.mean
    return Moments(count, a.mean + apart * share, a.m2 + b.m2 + apart.square() * a.n * share)


def process_group(sync: dist.ProcessGroup | bool | None) -> dist.ProcessGroup | None:
    """Return the group that a layer's option ``sync`` names: True is the default group.

    None where nothing is to be synchronised, also where torch.distributed is not initialised: there is one process.
    """
    if not sync or not dist.is_available() or not dist.is_initialized():
        return None
    return dist.group.WORLD if sync is True else sync


class _AllReduce(torch.autograd.Function):
    """Sum over the processes of a group; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: dist.ProcessGroup) -> Tensor:
        ctx.group = group
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _AllReduce.apply(grads[0], ctx.group), None


def synchronize(local: Moments, group: dist.ProcessGroup | None) -> Moments:
    """Moments over all processes of a group, each weighted by how many entries it has.

    Parameters
    ----------
    local : Moments
        Of this process; it may have no entries.
    group : ProcessGroup or None
        None: nothing to synchronise.

    Returns
    -------
    Moments
        The same on every process. Gradients flow back to every process's input; every process
        must therefore run backward.

    Notes
    -----
    Two sums over the group: counts and weighted means, then the squared deviations from the common mean.
    """
    if group is None:
        return local
    count, total = _AllReduce.apply(torch.stack([local.n, local.n * local.mean]), group).unbind()
    center = total / count.clamp(min=1)
    m2 = _AllReduce.apply(local.m2 + local.n * (local.mean - center).square(), group)
    return Moments(count, center, m2)
