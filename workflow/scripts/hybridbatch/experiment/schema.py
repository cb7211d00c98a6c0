"""The JSON schema of configuration files, for editors: `python -m hybridbatch.experiment.schema`.

Files are merged, so no key is required in any single file.
"""

import json
from pathlib import Path
from typing import Any

from hybridbatch.experiment.configuration import Experiment

FILE = Path(__file__).parents[3] / "schemas" / "config.schema.json"


def schema() -> dict:
    """The schema of one file of a configuration."""
    found = _layer(Experiment.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def text() -> str:
    """The schema as JSON text, as committed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _layer(value: Any) -> Any:
    """Remove what only a complete configuration has to meet; an entry may then omit its kind."""
    if isinstance(value, list):
        return [_layer(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        if key == "properties":
            kept[key] = {name: _layer(of_name) for name, of_name in item.items()}
        elif key == "oneOf":
            kept["anyOf"] = _layer(item)
        elif key not in ("required", "discriminator", "title", "default"):
            kept[key] = _layer(item)
    return kept


def main() -> None:
    FILE.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
