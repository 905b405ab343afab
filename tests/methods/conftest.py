"""Evidence of a method whose packages are missing is not collected; that nothing else is missing, test_battery asserts."""

from pathlib import Path

from renorm.core.catalog import catalog
from renorm.testing import evidence, ledger

_ABSENT = {evidence.path_of(card.key) for card in catalog() if ledger.absent(card)}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if collection_path in _ABSENT else None
