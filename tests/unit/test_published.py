"""The published files are what the models say, and valid by the judgement of validators that are not ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter, ValidationError
from pydantic_asyncapi.v3 import AsyncAPI
from ruamel.yaml import YAML

from schemas.asyncapi import asyncapi_document, channel_name
from schemas.envelope import from_object
from schemas.events.catalogue import EVENT_TYPES, decode
from schemas.examples import EXAMPLES
from schemas.json_schemas import RECORDS, event_name, json_schemas, urn
from schemas.topics import CATALOGUE
from services.cli.schemas import PUBLISHED, published_files, stale_files

ROOT = Path(__file__).parents[2]
WRITTEN = sorted([*(ROOT / "services" / "demo" / "promotions").glob("*.yaml"), *(ROOT / "docs").rglob("*.yaml")])
SCHEMAS = json_schemas()
MODELS = {**{event_name(event_type): model for event_type, model in EVENT_TYPES.items()}, **RECORDS}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name], format_checker=Draft202012Validator.FORMAT_CHECKER)


def asyncapi_errors(document: dict[str, Any]) -> list[str]:
    """What the models of the package `pydantic-asyncapi` refuse; they know no Kafka bindings of a message."""
    messages = {
        name: {field: value for field, value in message.items() if field != "bindings"}
        for name, message in document["components"]["messages"].items()
    }
    checked = {**document, "components": {**document["components"], "messages": messages}}
    try:
        AsyncAPI.model_validate(checked)
    except ValidationError as error:
        return [f"{problem['loc']}: {problem['msg']}" for problem in error.errors()]
    return []


def test_published_files_are_current():
    assert stale_files(PUBLISHED) == [], "make generate"


def test_a_stale_a_missing_and_a_leftover_file_are_found(tmp_path):
    for name, content in published_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert stale_files(tmp_path) == []
    (tmp_path / "wallet.json").write_text("{}")
    (tmp_path / "envelope.json").unlink()
    (tmp_path / "leftover.json").write_text("{}")
    assert stale_files(tmp_path) == ["envelope.json", "leftover.json", "wallet.json"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_schema(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == urn(name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_satisfies_its_schema(name):
    validator(name).validate(EXAMPLES[name])


@pytest.mark.parametrize("name", MODELS.keys() & EXAMPLES.keys())
def test_an_example_satisfies_its_model_and_what_the_model_writes_satisfies_the_schema(name):
    read = MODELS[name].model_validate_json(json.dumps(EXAMPLES[name]))
    validator(name).validate(json.loads(read.model_dump_json()))
    assert MODELS[name].model_validate_json(read.model_dump_json()) == read


def test_every_shape_but_the_promotion_has_an_example():
    """A promotion is written in YAML; its examples are the documents under services/demo/promotions."""
    assert SCHEMAS.keys() - EXAMPLES.keys() == {"promotion"}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_envelope_judges_the_data_by_the_type(event_type):
    example = {**EXAMPLES["envelope"], "type": event_type, "data": EXAMPLES[event_name(event_type)]}
    validator("envelope").validate(example)
    assert decode(from_object(example)).type == event_type
    without_member = {key: value for key, value in example["data"].items() if key != "member_id"}
    assert not validator("envelope").is_valid({**example, "data": without_member})


def test_the_envelope_accepts_a_type_it_does_not_know():
    assert validator("envelope").is_valid({**EXAMPLES["envelope"], "type": "acme.parcel.sent.v1", "data": {}})


@pytest.mark.parametrize(
    ("change", "value"),
    [("total", "17.87"), ("total", 17.87), ("quantity", -1), ("channel", "kiosk"), ("order_id", ""), ("lines", None)],
)
def test_schema_and_model_refuse_the_same(change, value):
    data = json.loads(json.dumps(EXAMPLES["events/order.completed.v1"]))
    target = data["lines"][0] if change == "quantity" else data
    target[change] = value
    assert not validator("events/order.completed.v1").is_valid(data)
    with pytest.raises(ValidationError):
        TypeAdapter(MODELS["events/order.completed.v1"]).validate_json(json.dumps(data))


@pytest.mark.parametrize("path", WRITTEN, ids=[path.stem for path in WRITTEN])
def test_a_document_that_is_accepted_satisfies_the_schema_that_editors_use(path):
    """The short forms included: what `check` takes, an editor must not underline."""
    document = json.loads(json.dumps(YAML(typ="safe").load(path), default=str))
    schema = validator(next(kind for kind in ("promotion", "programme") if kind in document))
    schema.validate(document)
    assert not schema.is_valid({**document, "audiense": {}})


def test_asyncapi_is_valid_by_models_that_are_not_ours():
    assert asyncapi_errors(asyncapi_document("0.1.0")) == []


def test_those_models_would_refuse_a_broken_document():
    document = asyncapi_document("0.1.0")
    next(iter(document["operations"].values()))["action"] = "shout"
    assert asyncapi_errors(document) != []


def test_asyncapi_tells_the_whole_catalogue():
    document = asyncapi_document("0.1.0")
    assert [channel["address"] for channel in document["channels"].values()] == [topic.name for topic in CATALOGUE]
    for topic in CATALOGUE:
        binding = document["channels"][channel_name(topic.name)]["bindings"]["kafka"]
        assert binding["topicConfiguration"]["cleanup.policy"] == [topic.cleanup]


def test_asyncapi_leads_to_files_and_messages_that_exist():
    document = asyncapi_document("0.1.0")
    references = [reference for reference in _references(document) if reference.startswith("./")]
    assert {reference[2:] for reference in references} <= published_files().keys()
    for reference in _references(document):
        if reference.startswith("#/"):
            place: Any = document
            for part in reference[2:].split("/"):
                place = place[part]


def test_openapi_is_valid_by_the_official_schema():
    document = json.loads(published_files()["openapi.json"])
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


def test_the_official_schema_would_refuse_a_broken_openapi_document():
    document = json.loads(published_files()["openapi.json"])
    document["paths"]["/v1/events"]["post"]["responses"] = []
    assert not OpenAPIV31SpecValidator(document).is_valid()


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in _references(value)]
    return [reference for value in node for reference in _references(value)] if isinstance(node, list) else []
