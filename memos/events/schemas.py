"""JSON Schemas that callers send, checked: a fault is named by its path."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, to_json

from memos.events.texts import storable_json
from memos.schemas import faults_of_schema

MOST_SCHEMA_BYTES = 262_144
MOST_SCHEMA_DEPTH = 64


def sound(schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is no JSON Schema, at the path of each fault."""
    if len(to_json(schema)) > MOST_SCHEMA_BYTES:
        raise PydanticCustomError(
            "too_large", "must be at most {limit} bytes of JSON", {"limit": MOST_SCHEMA_BYTES}
        )
    if faults := faults_of_schema(schema):
        raise ValidationError.from_exception_data(
            "JSON Schema",
            [
                InitErrorDetails(
                    type=PydanticCustomError("json_schema", "{reason}", {"reason": fault.message}),
                    loc=fault.path,
                    input=schema,
                )
                for fault in faults
            ],
        )
    return schema


def _storable_schema(schema: Any) -> Any:
    return storable_json(schema, most=MOST_SCHEMA_DEPTH)


JsonSchema = Annotated[dict[str, Any], BeforeValidator(_storable_schema), AfterValidator(sound)]
"""A JSON Schema, or a Schema Object of OpenAPI 3, without references to other documents."""
