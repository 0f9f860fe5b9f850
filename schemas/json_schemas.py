"""The JSON Schemas (2020-12) of everything that crosses a boundary, made from the models.

Each schema's `$id` is a URN, `urn:unisono:schemas:<name>`: a name that claims no address. A producer may put it into
the CloudEvents attribute `dataschema`. The files lie in `schemas/published/`; `unisono schemas export` writes them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import override

from schemas.api.sync import Applied, Checkpoint, TouchpointReport, WalletRow
from schemas.dead_letters import DeadLetter
from schemas.events.catalogue import EVENT_TYPES
from schemas.examples import EXAMPLES
from schemas.journal import JournalEntry
from schemas.promotions.document import Promotion
from schemas.promotions.programme import ProgrammeDocument
from schemas.wallet import WalletRecord

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PREFIX = "unisono."
Schema = dict[str, Any]

RECORDS: dict[str, type[BaseModel]] = {
    "wallet": WalletRecord,
    "journal-entry": JournalEntry,
    "dead-letter": DeadLetter,
    "programme": ProgrammeDocument,
    "promotion": Promotion,
    "sync/applied": Applied,
    "sync/checkpoint": Checkpoint,
    "sync/touchpoint-report": TouchpointReport,
    "sync/wallet-row": WalletRow,
}
"""Published name → model of everything that is not the data of an inbound event."""


class _Plain(GenerateJsonSchema):
    """Without a title on every field: it would repeat the field's name."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def event_name(event_type: str) -> str:
    """The published name of an event type's data, e.g. `events/order.completed.v1`."""
    return f"events/{event_type.removeprefix(PREFIX)}"


def urn(name: str) -> str:
    """The `$id` of a published name, e.g. `urn:unisono:schemas:events:order.completed.v1`."""
    return f"urn:unisono:schemas:{name.replace('/', ':')}"


def json_schemas() -> dict[str, Schema]:
    """Published name → JSON Schema: the data of every event, the structured envelope, and every record out."""
    events = {event_name(event_type): model for event_type, model in EVENT_TYPES.items()}
    schemas = {name: _schema(name, model) for name, model in {**events, **RECORDS}.items()}
    return {**schemas, "envelope": _envelope(schemas)}


def _schema(name: str, model: type[BaseModel]) -> Schema:
    made = _counted(model.model_json_schema(schema_generator=_Plain, by_alias=True))
    examples = [EXAMPLES[name]] if name in EXAMPLES else []
    return {"$schema": DIALECT, "$id": urn(name), **made, **({"examples": examples} if examples else {})}


def _counted(node: Any) -> Any:
    """The same with the length of lists as JSON Schema calls it: pydantic says maxLength of one it validates before."""
    if isinstance(node, list):
        return [_counted(each) for each in node]
    if not isinstance(node, dict):
        return node
    names = {"minLength": "minItems", "maxLength": "maxItems"} if node.get("type") == "array" else {}
    return {names.get(key, key): _counted(value) for key, value in node.items()}


def _envelope(schemas: dict[str, Schema]) -> Schema:
    """Structured mode: the attributes, and by `type` the schema of the data, embedded whole under its own `$id`."""
    text = {"type": "string", "minLength": 1}
    by_type = [
        {
            "if": {"properties": {"type": {"const": event_type}}},
            "then": {"properties": {"data": {"$ref": urn(event_name(event_type))}}, "required": ["data"]},
        }
        for event_type in EVENT_TYPES
    ]
    return {
        "$schema": DIALECT,
        "$id": urn("envelope"),
        "title": "Event",
        "description": "A CloudEvent in structured mode. An unknown `type` is counted and skipped.",
        "type": "object",
        "required": ["id", "source", "specversion", "type", "time"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "maxLength": 128, "description": "With `source`, identifies the event for ever."},
            "source": {
                **text,
                "maxLength": 256,
                "description": "The touchpoint, e.g. /stores/114/tills/3, /app, /web.",
            },
            "type": {**text, "maxLength": 128, "examples": list(EVENT_TYPES)},
            "time": {**text, "format": "date-time", "description": "When it happened, with its offset."},
            "subject": {**text, "description": "The member id, the same as in the data."},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {**text, "format": "uri", "description": "The `$id` of the data's schema."},
            "data": {"type": "object"},
        },
        "allOf": by_type,
        "$defs": {event_type: schemas[event_name(event_type)] for event_type in EVENT_TYPES},
        "examples": [EXAMPLES["envelope"]],
    }
