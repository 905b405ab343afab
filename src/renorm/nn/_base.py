"""What every activation layer shares: its card, checks of shapes and masks, the representation."""

from __future__ import annotations

import inspect
import sys
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from renorm.core.card import Card
from renorm.core.errors import OptionError, OptionTypeError, ShapeError


class Norm(nn.Module):
    """A layer that normalizes activations.

    A method writes ``__init__`` and ``forward``. Every option but ``device`` and ``dtype`` is kept as an attribute
    of its own name; ``forward`` calls `_expect` first, and `_positions` where it takes a mask. Where torch has the
    layer, a method inherits from both: ``class BatchNorm(Norm, _BatchNorm)``.
    """

    card: ClassVar[Card]
    channel_axis: ClassVar[int] = 1
    """Where the channels are: 1 for (N, C, *spatial), -1 for (*, C)."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        card = getattr(sys.modules[cls.__module__], "CARD", None)
        if isinstance(card, Card):
            cls.card = card

    @classmethod
    def arguments_for(cls, channels: int, dims: int) -> dict[str, Any]:
        """Constructor arguments that are legal for C channels and ``dims`` spatial dims.

        By default the first argument of the constructor is C. A layer with other needs (a number of groups
        that divides C) overrides this; `renorm.nn.for_channels` calls it.
        """
        first = next(iter(inspect.signature(cls).parameters))
        return {first: channels}

    def extra_repr(self) -> str:
        first, *options = (n for n in inspect.signature(type(self)).parameters if n not in ("device", "dtype"))
        return ", ".join([repr(getattr(self, first)), *(f"{n}={getattr(self, n)!r}" for n in options)])

    # checks

    def _between(self, option: str, value: float, low: float, high: float) -> None:
        """Refuse an option outside [low, high], NaN included."""
        who = f"{type(self).__name__}({option})"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OptionTypeError(who, expected="a number", got=repr(value))
        if not low <= value <= high:
            raise OptionError(who, expected=f"a number from {low} to {high}", got=repr(value))

    def _expect(self, x: Tensor, channels: int, *, spatial: bool = False) -> None:
        """Refuse anything but (N, C, *spatial) with these channels; at least one spatial dim if ``spatial``."""
        least = 3 if spatial else 2
        if x.ndim < least or x.shape[1] != channels:
            last = x.ndim >= least and x.shape[-1] == channels
            raise ShapeError(
                f"{type(self).__name__}.forward(x)",
                expected=f"shape (N, {channels}, {'L, ...' if spatial else '...'})",
                got=f"shape {tuple(x.shape)}",
                hint="the channels come second: x.movedim(-1, 1)"
                if last
                else f"make the layer for {x.shape[1]} channels"
                if x.ndim >= least
                else f"x has {x.ndim} dims, it needs at least {least}: unsqueeze it",
            )
        if not x.is_floating_point():
            raise OptionTypeError(
                f"{type(self).__name__}.forward(x)", expected="a floating-point tensor", got=str(x.dtype), hint="x.float()"
            )

    def _positions(self, x: Tensor, mask: Tensor | None) -> Tensor | None:
        """Check a mask (N, *spatial), True where x is real, and give it a channel dim."""
        if mask is None:
            return None
        shape = (x.shape[0], *x.shape[2:])
        who = f"{type(self).__name__}.forward(mask)"
        if mask.dtype != torch.bool:
            raise OptionTypeError(who, expected="a boolean mask, True = real", got=str(mask.dtype), hint="mask.bool()")
        if tuple(mask.shape) != shape:
            raise ShapeError(
                who,
                expected=f"shape {shape}, the positions of x {tuple(x.shape)}",
                got=f"shape {tuple(mask.shape)}",
                hint="leave the channels out: a position is real or padding in all of them",
            )
        return mask.unsqueeze(1)

    def _enough(self, n: Tensor | int, least: int = 2) -> None:
        """Refuse statistics of fewer than ``least`` entries; compiled code refuses a tensor of counts when it runs."""
        who = f"{type(self).__name__}.forward(x)"
        if isinstance(n, Tensor) and torch.compiler.is_compiling():
            torch._assert_async(n.min() >= least, f"{who}: fewer than {least} real entries to take statistics of")
        elif (count := int(n.min()) if isinstance(n, Tensor) else n) < least:
            raise ShapeError(
                who,
                expected=f"at least {least} real entries a channel to take statistics of",
                got=str(count),
                hint="a larger batch, a mask with more real positions, or eval mode",
            )


def per_channel(parameter: Tensor, x: Tensor) -> Tensor:
    """View (C,) so that it broadcasts against x (N, C, *spatial)."""
    return parameter.view(-1, *(1,) * (x.ndim - 2))


def spatial(x: Tensor) -> tuple[int, ...]:
    """Return the dims of x after N and C."""
    return tuple(range(2, x.ndim))
