"""Translation engines, a module each, with `translator(route) -> Translator`.

They are loaded by the name in the configuration, so that a new engine changes no result of another.
"""

from hybridbatch.runtime import kinds
from hybridbatch.translation.translate import Translator


def translator(route: dict) -> Translator:
    """The engine that a route names."""
    return kinds.load("translation.engines", route["kind"]).translator(route)
