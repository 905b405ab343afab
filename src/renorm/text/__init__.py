"""Strings: str to str, every change an edit."""

from renorm.core.catalog import serve
from renorm.text._base import Chain, Edit, Explanation, Merge, TextNormalizer, chain, replay

_public = ("Chain", "Edit", "Explanation", "Merge", "TextNormalizer", "chain", "replay")

serve(__name__)
