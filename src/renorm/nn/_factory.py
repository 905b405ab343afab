"""Any layer for C channels, from its name."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from renorm.core.catalog import catalog
from renorm.core.errors import OptionError
from renorm.nn._base import Norm


class ChannelsLast(nn.Module):
    """Run a layer that wants channels last, (*, C), on (N, C, *spatial).

    Parameters
    ----------
    layer : Module
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.movedim(1, -1)).movedim(-1, 1)


def for_channels(name: str, channels: int, dims: int = 2, **options: Any) -> nn.Module:
    """Make any layer for inputs (N, C, *spatial), with legal defaults.

    Parameters
    ----------
    name : str
        A layer's name or alias: ``"batch_norm"``, ``"FRN"``, ``"nn.rms_norm"``.
    channels : int
        C.
    dims : int, default=2
        How many spatial dims: 2 for images, 1 for sequences (N, C, L), 0 for rows (N, C).
    **options
        Passed to the layer, over the defaults for C channels.

    Returns
    -------
    Module
        A layer that normalizes the last dim (`RMSNorm`) comes wrapped so that it normalizes the channels.

    Raises
    ------
    UnknownNameError
        For an unknown layer, with the nearest names.
    OptionError
        For a method that is no layer, or C or dims that cannot be.

    Examples
    --------
    >>> from renorm import nn
    >>> nn.for_channels("FRN", 12)
    FilterResponseNorm(12, eps=1e-06, threshold=True, learn_eps=False)
    """
    found = catalog()
    card = found.find(name if "." in name else f"nn.{name}")
    cls = found.load(card.key)
    who = f"renorm.nn.for_channels({name!r})"
    if not issubclass(cls, Norm):
        raise OptionError(who, expected="a layer of renorm.nn", got=card.key)
    for option, value, least in (("channels", channels, 1), ("dims", dims, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"{who}: {option}", expected=f"an int of at least {least}", got=repr(value))
    layer = cls(**{**cls.arguments_for(channels, dims), **options})
    return ChannelsLast(layer) if cls.channel_axis == -1 and dims > 0 else layer
