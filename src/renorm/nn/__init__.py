"""Activations of a network: torch modules."""

from renorm.core.catalog import serve

serve(__name__)
