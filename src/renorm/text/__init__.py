"""Strings: str to str, every change an edit."""

from renorm.core.catalog import serve

serve(__name__)
