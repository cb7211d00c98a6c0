"""Which translation engine a route names."""

from hybridbatch.apertium import Apertium
from hybridbatch.errors import ConfigError
from hybridbatch.translation import Translator


def translator(route: dict) -> Translator:
    """The engine of a route: its `engine` and that engine's own values."""
    if route["engine"] == "apertium":
        return Apertium(route["mode"], route["package"])
    raise ConfigError(f"the translation engine {route['engine']!r} is not there yet.")
