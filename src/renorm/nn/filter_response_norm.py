"""Filter response normalization: divide each channel by its own spatial RMS, then threshold."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from renorm.core.card import Card
from renorm.nn._base import Norm, per_channel, spatial
from renorm.tensor import fill, widen, with_backward

CARD = Card(
    name="filter_response_norm",
    kind="nn",
    normalizes="activations",
    statistic="mean square",
    axes="over positions, per sample and channel",
    paper="arXiv:1911.09737",
    fidelity="vectors",
    aliases=("FRN", "filter_response_normalization", "frn_tlu"),
    laws=(
        "batch_independent",
        "batch_equivariant",
        "channel_independent",
        "position_equivariant",
        "positive_scale_invariant",
        "padding_invariant",
    ),
    not_laws=("shift_invariant", "position_independent"),
    gradient="exact",
    requires=("torch",),
    cost="forward: 3 passes; backward: 4; saved: x and one number a sample and channel",
    deviates="the learnable eps is one number a layer",
    use_when="convolutions with any batch size, also 1; brings its own activation",
    avoid_when="1x1 maps without learn_eps: every entry becomes its sign",
)


class FilterResponseNorm(Norm):
    r"""y = max(weight * x / sqrt(mean(x^2) + eps) + bias, tau), the mean over the positions of one channel.

    Parameters
    ----------
    num_features : int
        Channels C of inputs (N, C, *spatial) with at least one spatial dim.
    eps : float, default=1e-6
        Added to the mean square, inside the root (the paper's value).
    threshold : bool, default=True
        The thresholded linear unit: ``max(., tau)`` with a learnt ``tau`` per channel, from zeros.
        Without it the layer is affine in the normalized input, and an activation of your own follows.
    learn_eps : bool, default=False
        Add ``|extra_eps|`` to ``eps``, learnt from 1e-4 (the paper's remedy for 1x1 maps).
    device, dtype : optional
        Of the parameters.

    Raises
    ------
    ShapeError
        For an input without these channels or without positions, or a mask of another shape.
    OptionError
        For an eps below 0.

    Notes
    -----
    The same in train and eval. ``mask`` (N, *spatial), True = real, leaves padding out of the mean square;
    the output at padding is 0, and a sample that is all padding is 0.
    timm's layer fixes eps at 1e-5 and takes the statistics in float32, also of float64.
    Squares of float32 entries above 1.8e19 overflow.

    References
    ----------
    S. Singh, S. Krishnan. Filter Response Normalization Layer: Eliminating Batch Dependence in the Training of
    Deep Neural Networks. CVPR 2020. arXiv:1911.09737

    Examples
    --------
    >>> import torch
    >>> from renorm.nn import FilterResponseNorm
    >>> FilterResponseNorm(2)(torch.tensor([[[3.0, -4.0], [0.0, 2.0]]])).detach()  # RMS 3.5355 and 1.4142
    tensor([[[0.8485, 0.0000],
             [0.0000, 1.4142]]])
    """

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-6,
        threshold: bool = True,
        learn_eps: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self._between("num_features", num_features, 1, math.inf)
        self._between("eps", eps, 0.0, math.inf)
        self.num_features, self.eps, self.threshold, self.learn_eps = num_features, eps, threshold, learn_eps
        self.weight = nn.Parameter(torch.ones(num_features, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(num_features, device=device, dtype=dtype))
        self.tau = nn.Parameter(torch.zeros(num_features, device=device, dtype=dtype)) if threshold else None
        self.extra_eps = nn.Parameter(torch.full((), 1e-4, device=device, dtype=dtype)) if learn_eps else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        self._expect(x, self.num_features, spatial=True)
        real = self._positions(x, mask)
        dims = spatial(x)
        filled = fill(x, real)
        count = math.prod(x.shape[2:]) if real is None else real.sum(dims, keepdim=True).clamp(min=1)
        if self.extra_eps is None:
            plain, forward = partial(_plain, self.eps, count), partial(_forward, self.eps, count)
            y = with_backward(plain, forward, partial(_backward, count), filled, self.weight, self.bias, self.tau)
        else:
            y = _plain(self.eps + self.extra_eps.abs(), count, filled, self.weight, self.bias, self.tau)
        return fill(y, real)


def _plain(eps: float | Tensor, count: int | Tensor, x: Tensor, weight: Tensor, bias: Tensor, tau: Tensor | None) -> Tensor:
    wide = widen(x)
    inverse = torch.rsqrt(wide.square().sum(spatial(x), keepdim=True) / count + eps)
    z = wide * (inverse * per_channel(weight, x)) + per_channel(bias, x)
    if tau is not None:
        low = per_channel(tau, x)
        z = torch.where(z > low, z, low)
    return z.to(x.dtype)


def _forward(
    eps: float, count: int | Tensor, x: Tensor, weight: Tensor, bias: Tensor, tau: Tensor | None
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    norm = torch.linalg.vector_norm(x, dim=spatial(x), keepdim=True)
    inverse = torch.rsqrt(norm.square() / count + eps)
    z = (x * (inverse * per_channel(weight, x))).add_(per_channel(bias, x))
    return z if tau is None else z.clamp_min_(per_channel(tau, x)), (inverse,)


def _backward(count: int | Tensor, grad: Tensor, tensors: Any, kept: Any) -> tuple[Tensor | None, ...]:
    x, weight, bias, tau = tensors
    (inverse,) = kept
    dims = spatial(x)
    scale = inverse * per_channel(weight, x)
    gated = grad
    if tau is not None:  # 1 where the output was above tau, times the gradient
        gated = (x * scale).add_(per_channel(bias, x)).gt_(per_channel(tau, x)).mul_(grad)
    buffer = gated * x
    response = buffer.sum(dims, keepdim=True)
    dx = torch.mul(gated, scale, out=buffer).addcmul_(x, response * inverse.square() * scale / count, value=-1)
    dbias = gated.sum(dims).sum(0)
    dtau = None if tau is None else grad.sum(dims).sum(0) - dbias
    return dx, (response * inverse).sum(0).flatten(), dbias, dtau
