"""Strings: str to str, every change an edit."""

from renorm.core.catalog import serve
from renorm.text import _base
from renorm.text._base import *  # noqa: F403

_public = tuple(_base.__all__)

serve(__name__)
