"""Activations of a network: torch modules."""

from renorm.core.catalog import serve
from renorm.nn._factory import for_channels as for_channels

_public = ("for_channels",)

serve(__name__)
