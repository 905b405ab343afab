"""A hand-written backward for eager mode, beside the plain formula that everything else runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

Tensors = tuple[Tensor | None, ...]


class _Eager(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plain: Any, forward: Any, backward: Any, *tensors: Tensor | None) -> Tensor:
        y, kept = forward(*tensors)
        ctx.plain, ctx.pull, ctx.width = plain, backward, len(tensors)
        ctx.save_for_backward(*tensors, *kept)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensors:
        tensors, kept = ctx.saved_tensors[: ctx.width], ctx.saved_tensors[ctx.width :]
        needed = ctx.needs_input_grad[3:]
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted: differentiate the plain formula
            with torch.enable_grad():
                y = ctx.plain(*tensors)
            wanted = [t for t, need in zip(tensors, needed, strict=True) if need]
            found = iter(torch.autograd.grad(y, wanted, grads[0], create_graph=True))
            return None, None, None, *(next(found) if need else None for need in needed)
        return None, None, None, *ctx.pull(grads[0], tensors, kept)


def recomputing() -> bool:
    """Whether this forward pass is a repetition, run inside backward by activation checkpointing.

    Layers with running statistics ask, so as to count each batch once.
    """
    return not torch.compiler.is_compiling() and torch._C._current_graph_task_id() != -1


def with_backward(
    plain: Callable[..., Tensor],
    forward: Callable[..., tuple[Tensor, Tensors]],
    backward: Callable[[Tensor, Tensors, Tensors], Tensors],
    *tensors: Tensor | None,
    device: str = "",
) -> Tensor:
    """Run ``forward`` with its hand-written ``backward`` in eager mode, ``plain`` everywhere else.

    Parameters
    ----------
    plain : callable
        ``plain(*tensors) -> y``: the formula, of differentiable operations. It runs under compile, export,
        autocast, function transforms (vmap, jvp), forward-mode differentiation, for double backward, and for
        half precision or mixed dtypes.
    forward : callable
        ``forward(*tensors) -> (y, kept)``: the same value by fewer passes; ``kept`` goes to ``backward``.
    backward : callable
        ``backward(grad, tensors, kept) -> grads``, one for each of ``tensors``. It must not write to ``grad``.
    *tensors : Tensor or None
        The inputs that gradients flow to.
    device : str, default=""
        The only type of device that the hand-written pair is for; "" for any.

    Returns
    -------
    Tensor
    """
    if torch.compiler.is_compiling() or not _is_plain_eager(tensors, device):
        return plain(*tensors)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors):
        return _Eager.apply(plain, forward, backward, *tensors)
    return forward(*tensors)[0]


def _is_plain_eager(tensors: Tensors, only: str) -> bool:
    present = [t for t in tensors if t is not None]
    kinds = {(t.dtype, t.device.type, type(t) in (Tensor, torch.nn.Parameter)) for t in present}
    (dtype, device, ordinary), *others = kinds
    return (
        not others
        and ordinary
        and only in ("", device)
        and dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled(device)
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
    )
