"""Build hook: type stubs are made from the catalog when a wheel is built."""

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface):
    """Adds the stubs to a wheel; writes them beside the sources for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        source = Path(self.root) / "src"
        stubs = _load(source)
        if version == "editable":
            stubs.write(source / "renorm")
            return
        self._made = Path(tempfile.mkdtemp())
        for name, text in stubs.make(source / "renorm").items():
            path = self._made / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            build_data["force_include"][str(path)] = f"renorm/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            shutil.rmtree(self._made, ignore_errors=True)


def _load(source: Path) -> Any:
    """Load the one module without its package, which needs more than a build has."""
    sys.path.insert(0, str(source))
    spec = importlib.util.spec_from_file_location("renorm_stubs", source / "renorm" / "testing" / "stubs.py")
    assert spec is not None and spec.loader is not None  # a .py path always has both
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
