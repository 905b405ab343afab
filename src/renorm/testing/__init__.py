"""The batteries every method passes, public so that methods elsewhere can use them."""

from renorm.testing.battery import Check, Subject, check, required, run, subject
from renorm.testing.evidence import Case, golden, rng
from renorm.testing.tolerance import assert_close, gap

__all__ = ["Case", "Check", "Subject", "assert_close", "check", "gap", "golden", "required", "rng", "run", "subject"]
