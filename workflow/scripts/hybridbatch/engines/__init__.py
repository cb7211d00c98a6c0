"""Translation engines, a module each, with `translator(route) -> Translator`.

They are loaded by the name in the configuration, so that a new engine changes no result of another.
"""

from importlib import import_module

from hybridbatch.errors import ConfigError
from hybridbatch.translation import Translator


def translator(route: dict) -> Translator:
    """The engine that a route names."""
    try:
        module = import_module(f"{__name__}.{route['engine']}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{route['engine']}":
            raise
        raise ConfigError(
            f"the translation engine {route['engine']!r} is not there yet."
        ) from error
    return module.translator(route)
