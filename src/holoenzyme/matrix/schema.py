"""The JSON schema of `matrix.yaml`, for editors and other programs."""

from __future__ import annotations

import json
from typing import Final

from holoenzyme.matrix.model import Matrix

#: Where the schema stands, from the project's root.
SCHEMA_PATH: Final = "docs/matrix.schema.json"
#: What renews it.
SCHEMA_COMMAND: Final = "nox -s matrix -- --schema"


def json_schema() -> str:
    """The text of `SCHEMA_PATH`: the same bytes for the same model."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Made from src/holoenzyme/matrix/model.py by `{SCHEMA_COMMAND}`.",
        **Matrix.model_json_schema(),
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
