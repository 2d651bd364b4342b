"""JSON Schema: what is sound, and whether a value fits."""

from memos.schemas.checking import faults_of_schema
from memos.schemas.faults import SchemaFault
from memos.schemas.keywords import mapped
from memos.schemas.references import JsonDocument, rebased
from memos.schemas.translation import json_schema_of
from memos.schemas.values import faults_of_value

__all__ = [
    "JsonDocument",
    "SchemaFault",
    "faults_of_schema",
    "faults_of_value",
    "json_schema_of",
    "mapped",
    "rebased",
]
