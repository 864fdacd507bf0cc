"""The description of all that comes in over HTTP, as OpenAPI 3.1, made from the models that check it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from webhooks.api.operations import Operation
from webhooks.api.serving import OPERATIONS, PREFIX
from webhooks.problems import (
    BAD_REQUEST,
    INVALID,
    KEY_REUSED,
    MEDIA_TYPE,
    NO_IDEMPOTENCY_KEY,
    NO_KEY,
    OUT_OF_SCOPE,
    TOO_FAST,
    TOO_LARGE,
    UNAVAILABLE,
    WRONG_TYPE,
    Kind,
)
from webhooks.schemas import Health, Problem
from webhooks.twilio import DESCRIBED as TWILIO

_REF = "#/components/schemas/{model}"

Json = dict[str, Any]


def description_page(server: str) -> Callable[[], ResponseReturnValue]:
    """The view of ``/api/v1/openapi.json``; ``server`` is the address under which others reach us."""
    described = describe(server)

    def openapi() -> ResponseReturnValue:
        return described

    return openapi


@cache
def describe(server: str) -> Json:
    """The whole description."""
    schemas, components = models_json_schema(list(_models()), ref_template=_REF)
    paths: Json = {}
    for operation in OPERATIONS:
        described = _operation(operation, schemas)
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = described
    paths["/health"] = {
        "get": {
            "operationId": "health",
            "summary": "Whether the web part can do its work",
            "security": [],
            "responses": {
                "200": _content("All is well", "application/json", schemas[Health, "serialization"]),
                "503": _content("Something is not", "application/json", schemas[Health, "serialization"]),
            },
        }
    }
    paths.update(TWILIO)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Centralino",
            "version": "1",
            "description": "Requests and appointments of citizens, for the systems of their town. "
            "docs/web-channel.md of the project says more.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": server}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": components["$defs"],
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "centralino api-key create"},
                "twilio": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Twilio-Signature",
                    "description": "HMAC-SHA1 of the public address and the form, by Twilio's auth token",
                },
            },
        },
    }


def _models() -> Iterator[tuple[type[BaseModel], Any]]:
    taken: set[type[BaseModel]] = {operation.body for operation in OPERATIONS if operation.body}
    given: set[type[BaseModel]] = {Problem, Health, *(operation.answer for operation in OPERATIONS)}
    for models, mode in ((taken, "validation"), (given, "serialization")):
        for model in sorted(models, key=lambda model: model.__name__):
            yield model, mode


def _operation(operation: Operation, schemas: Any) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": list(_parameters(operation)),
        "responses": {
            str(operation.status): _content(
                HTTPStatus(operation.status).phrase,
                "application/json",
                schemas[operation.answer, "serialization"],
            ),
            **_problems(operation, schemas[Problem, "serialization"]),
        },
    }
    if operation.scope is not None:
        described["description"] = f"Needs the scope `{operation.scope}`."
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.body, "validation"]}},
        }
    return described


def _parameters(operation: Operation) -> Iterator[Json]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            yield {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        for name, kind in schema["properties"].items():
            required = name in schema.get("required", ())
            yield {"name": name, "in": "query", "required": required, "schema": kind}
    if operation.changes:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "The same key with the same body changes once and answers the same.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,64}$"},
            "example": "5b0f3c1e-2a0f-4d55-9c39-1f6f5a3f1c11",
        }


def _problems(operation: Operation, schema: Json) -> Json:
    kinds = [NO_KEY, TOO_FAST, UNAVAILABLE, *operation.problems]
    if operation.scope is not None:
        kinds.append(OUT_OF_SCOPE)
    if operation.body is not None:
        kinds += [BAD_REQUEST, TOO_LARGE, WRONG_TYPE, INVALID]
    if operation.query is not None:
        kinds.append(INVALID)
    if operation.changes:
        kinds += [NO_IDEMPOTENCY_KEY, KEY_REUSED]
    by_status: dict[int, dict[str, Kind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, {})[kind.code] = kind
    return {
        str(status): {
            **_content("; ".join(kind.title for kind in found.values()), MEDIA_TYPE, schema),
            **({"headers": _RETRY} if status in (TOO_FAST.status, UNAVAILABLE.status) else {}),
        }
        for status, found in sorted(by_status.items())
    }


_RETRY: Json = {
    "Retry-After": {"description": "Seconds until it may be tried again", "schema": {"type": "integer"}}
}


def _content(text: str, media_type: str, schema: Json) -> Json:
    return {"description": text, "content": {media_type: {"schema": schema}}}
