"""Activations of a network: torch modules."""

from renorm.core.catalog import serve
from renorm.core.errors import MissingDependencyError

try:
    from renorm.nn._factory import for_channels as for_channels
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingDependencyError(
        "renorm.nn", expected="the package 'torch'", got="an environment without it", hint='pip install "renorm[torch]"'
    ) from error

_public = ("for_channels",)

serve(__name__)
