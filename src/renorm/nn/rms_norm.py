"""Root mean square normalization: divide each token by the RMS of its features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from renorm.core.card import Card
from renorm.core.errors import ShapeError
from renorm.nn._base import Norm
from renorm.tensor import with_backward

CARD = Card(
    name="rms_norm",
    kind="nn",
    normalizes="activations",
    statistic="mean square",
    axes="over the last dims, per token",
    paper="arXiv:1910.07467",
    fidelity="vectors",
    aliases=("RMSNorm", "root_mean_square_norm"),
    laws=(
        "batch_independent",
        "batch_equivariant",
        "position_independent",
        "position_equivariant",
        "positive_scale_invariant",
    ),
    not_laws=("shift_invariant", "channel_independent"),
    unclaimed=("padding_invariant",),
    gradient="exact",
    requires=("torch",),
    cost="forward: 2 passes; backward: 3; saved: x and one number a token",
    deviates="eps stands inside the root, as in torch; the paper has none. No partial RMS (pRMSNorm)",
    use_when="the tokens of a transformer; a cheaper layer_norm without mean and bias",
    avoid_when="the mean of the features is itself a nuisance",
)


class RMSNorm(Norm, nn.RMSNorm):
    r"""y = x / sqrt(mean(x^2) + eps) * weight, over the last dims.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The last dims of the input (*, *normalized_shape), over which the mean square runs.
    eps : float or None, default=None
        Added to the mean square, inside the root. None (torch's default) is the machine epsilon of the dtype that
        the layer computes in: 1.2e-7 for float32 and half precision, 2.2e-16 for float64. Published models
        mostly use 1e-6 or 1e-5: set what the checkpoint was trained with.
    elementwise_affine : bool, default=True
        Learn ``weight`` of shape ``normalized_shape``, from ones.
    device, dtype : optional
        Of the parameters.

    Raises
    ------
    ShapeError
        Where the last dims of the input are not ``normalized_shape``.
    OptionError
        For an eps below 0.

    Notes
    -----
    A `torch.nn.RMSNorm`: its state_dicts load unchanged and ``isinstance`` holds. The same in train and eval.
    In float32 and float64 on a CPU the eager backward is written by hand (torch's is a chain of nine operations).
    Squares of float32 entries above 1.8e19 overflow, as torch's do.
    Half precision is squared and summed in float32, and rounded once, after the weight.

    Layers of other libraries differ: without eps (``F.normalize(x) * sqrt(d)``), or with the result rounded to half
    precision before the weight multiplies it.

    References
    ----------
    B. Zhang, R. Sennrich. Root Mean Square Layer Normalization. NeurIPS 2019. arXiv:1910.07467

    Examples
    --------
    >>> import torch
    >>> from renorm.nn import RMSNorm
    >>> RMSNorm(2, elementwise_affine=False)(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))  # RMS 3.5355 and 1.4142
    tensor([[0.8485, 1.1314],
            [0.0000, 1.4142]])
    """

    channel_axis = -1

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        *,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if eps is not None:
            self._between("eps", eps, 0.0, math.inf)
        shape = normalized_shape if isinstance(normalized_shape, int) else list(normalized_shape)
        super().__init__(shape, eps=eps, elementwise_affine=elementwise_affine, device=device, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        shape = self.normalized_shape
        if x.shape[-len(shape) :] != shape:
            raise ShapeError(
                "RMSNorm.forward(x)",
                expected=f"shape (*, {', '.join(map(str, shape))})",
                got=f"shape {tuple(x.shape)}",
                hint="the features come last; for (N, C, ...) see renorm.nn.for_channels",
            )
        plain = partial(_plain, shape, self.eps)
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        forward, backward = partial(_forward, shape, eps), partial(_backward, shape)
        return with_backward(plain, forward, backward, x, self.weight, device="cpu")  # elsewhere torch has one fused kernel


def _plain(shape: tuple[int, ...], eps: float | None, x: Tensor, weight: Tensor | None) -> Tensor:
    wide = x if weight is None else x.to(torch.promote_types(x.dtype, weight.dtype))
    return rms_norm(wide, shape, weight, eps).to(x.dtype)


def _forward(
    shape: tuple[int, ...], eps: float, x: Tensor, weight: Tensor | None
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    dims = tuple(range(-len(shape), 0))
    norm = torch.linalg.vector_norm(x, dim=dims, keepdim=True)
    scale = torch.rsqrt(norm.square() / math.prod(shape) + eps)
    y = x * scale
    return y if weight is None else y.mul_(weight), (scale,)


def _backward(shape: tuple[int, ...], grad: Tensor, tensors: Any, kept: Any) -> tuple[Tensor | None, ...]:
    x, weight = tensors
    (scale,) = kept
    # the backward of layer norm at mean 0, less the part that layer norm has for its mean
    dx, dw, _ = torch.ops.aten.native_layer_norm_backward(
        grad, x, shape, torch.zeros_like(scale), scale, weight, None, (True, weight is not None, False)
    )
    rows = grad.flatten(-len(shape))
    total = rows.sum(-1) if weight is None else rows @ weight.flatten()
    return dx.add_(total.view_as(scale) * scale, alpha=1 / math.prod(shape)), dw
