"""Columns of a table: scikit-learn transformers."""

from renorm.core.catalog import serve

serve(__name__)
