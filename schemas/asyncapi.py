"""The AsyncAPI 3 document: every topic of the catalogue, what flows through it and who may write it."""

from __future__ import annotations

from typing import Any

from schemas.events.catalogue import EVENT_TYPES
from schemas.examples import EXAMPLES
from schemas.json_schemas import PREFIX, event_name
from schemas.topics import (
    CANARY,
    CATALOGUE,
    DEAD_LETTERS,
    EVENT_TOPICS,
    PROMOTIONS,
    REWARDS,
    WALLETS,
    WORKER_GROUP,
    Topic,
)

FORMAT = "application/schema+json;version=draft-2020-12"
BINDING = "0.5.0"
Document = dict[str, Any]

_OUT = {WALLETS: "walletUpdated", REWARDS: "journalEntry", PROMOTIONS: "promotionPublished", DEAD_LETTERS: "deadLetter"}


def asyncapi_document(version: str) -> Document:
    """The document for one version of this software; files it refers to lie beside it in `schemas/published/`."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:unisono:worker",
        "info": {
            "title": "Unisono",
            "version": version,
            "description": "Events in, one wallet record out: the same to app, tills and web account. Operations are "
            "told from the worker's point of view: it receives events and sends wallets.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The cluster that KAFKA_BOOTSTRAP_SERVERS names.",
                "variables": {"bootstrap": {"default": "localhost:9092"}},
            }
        },
        "channels": {channel_name(topic.name): _channel(topic) for topic in CATALOGUE},
        "operations": {_operation_name(topic): _operation(topic) for topic in CATALOGUE if topic.name != CANARY},
        "components": {"messages": {**_events(), **_records()}},
    }


def channel_name(topic: str) -> str:
    """`loyalty.events.app` → `eventsApp`."""
    first, *rest = topic.removeprefix("loyalty.").replace("-", ".").split(".")
    return first + "".join(part.title() for part in rest)


def message_name(event_type: str) -> str:
    """`unisono.order.completed.v1` → `orderCompleted`."""
    first, *rest = event_type.removeprefix(PREFIX).removesuffix(".v1").split(".")
    return first + "".join(part.title() for part in rest)


def _channel(topic: Topic) -> Document:
    names = [message_name(event_type) for event_type in EVENT_TYPES] if topic.name in EVENT_TOPICS else []
    names += [_OUT[topic.name]] if topic.name in _OUT else []
    return {
        "address": topic.name,
        "title": topic.value[0].upper() + topic.value[1:],
        "description": f"Key: {topic.key}. Single writer: {topic.single_writer}.",
        **({"messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names}} if names else {}),
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {name: _configured(name, value) for name, value in topic.config().items()},
                "bindingVersion": BINDING,
            }
        },
    }


def _configured(name: str, value: str) -> list[str] | int:
    return value.split(",") if name == "cleanup.policy" else int(value)


def _operation_name(topic: Topic) -> str:
    verb = "receive" if topic.name in EVENT_TOPICS else "send"
    name = channel_name(topic.name)
    return verb + name[0].upper() + name[1:]


def _operation(topic: Topic) -> Document:
    receives = topic.name in EVENT_TOPICS
    group = {"groupId": {"type": "string", "const": WORKER_GROUP}} if receives else {}
    return {
        "action": "receive" if receives else "send",
        "channel": {"$ref": f"#/channels/{channel_name(topic.name)}"},
        "summary": f"{'Apply' if receives else 'Tell'} {topic.value}.",
        "bindings": {"kafka": {**group, "bindingVersion": BINDING}},
    }


def _events() -> Document:
    return {
        message_name(event_type): {
            **_message(event_type, event_name(event_type), "The member id."),
            "summary": (model.__doc__ or "").partition(": ")[2],
            "examples": [{"payload": EXAMPLES[event_name(event_type)]}],
        }
        for event_type, model in EVENT_TYPES.items()
    }


def _records() -> Document:
    wallet = _message("unisono.wallet.updated.v1", "wallet", "The member id.")
    recorded = {"type": "string", "format": "date-time", "description": "When it was committed."}
    wallet["headers"]["properties"]["ce_recordedtime"] = recorded
    wallet["summary"] = "The whole wallet of a member: apply it if its version is newer. Without a value: erased."
    wallet["examples"] = [{"payload": EXAMPLES["wallet"]}]
    entry = _message(None, "journal-entry", "The member id.")
    entry["summary"] = "What happened, one record an entry; its kind is `ce_type`."
    entry["examples"] = [{"payload": EXAMPLES["journal-entry"]}]
    promotion = _message("unisono.promotion.published.v1", "promotion", "The promotion id.")
    promotion["summary"] = "The published version of a promotion, whole."
    return {
        "walletUpdated": wallet,
        "journalEntry": entry,
        "promotionPublished": promotion,
        "deadLetter": _dead_letter(),
    }


def _message(event_type: str | None, schema: str, key: str) -> Document:
    text = {"type": "string"}
    return {
        "name": event_type or schema,
        "title": (event_type or schema).removeprefix(PREFIX),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_source", "ce_specversion", "ce_type", "ce_time"],
            "properties": {
                "ce_id": text,
                "ce_source": text,
                "ce_specversion": {"type": "string", "const": "1.0"},
                "ce_type": {"type": "string", "const": event_type} if event_type else text,
                "ce_time": {"type": "string", "format": "date-time"},
                "ce_subject": text,
            },
        },
        "payload": {"schemaFormat": FORMAT, "schema": {"$ref": f"./{schema}.json"}},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": BINDING}},
    }


def _dead_letter() -> Document:
    text = {"type": "string"}
    return {
        "name": "dead-letter",
        "title": "Dead letter",
        "summary": "A record that could not be applied: its own key, value and headers, and why in the headers x-….",
        "headers": {
            "type": "object",
            "required": ["x-reason", "x-message", "x-topic", "x-partition", "x-offset"],
            "properties": {
                "x-reason": {**text, "description": "One of the reason codes in dead-letter.json."},
                "x-message": text,
                "x-topic": text,
                "x-partition": text,
                "x-offset": text,
            },
        },
        "payload": {"description": "The original value, byte for byte: it may be anything, or nothing."},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": "The original key."}, "bindingVersion": BINDING}
        },
    }
