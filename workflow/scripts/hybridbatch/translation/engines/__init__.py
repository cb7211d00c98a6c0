"""Translation engines, a module each, with `translator(route) -> Translator`.

An engine is loaded by its name in the configuration, so adding one changes no other results.
"""

from hybridbatch.runtime import kinds
from hybridbatch.translation.translate import Translator


def translator(route: dict) -> Translator:
    """Load the engine that a route names."""
    return kinds.load("translation.engines", route["kind"]).translator(route)
