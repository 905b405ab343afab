"""All of this folder needs torch; that it is missing on purpose only, test_battery asserts."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
