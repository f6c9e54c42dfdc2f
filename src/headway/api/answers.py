"""Answers: values of the model as JSON, and their schemas for the OpenAPI document."""

from functools import cache
from typing import Any

import msgspec
from fastapi import Response

from headway.model.view.refusal import Refusal

LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
_PREFIX = "#/components/schemas/"


class Json(Response):
    """An answer in JSON, encoded by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode a value of the model."""
        return msgspec.json.encode(content)


_described: dict[str, Any] = {}


def answers(
    kind: Any, status: int = 200, media_type: str = "application/json"
) -> dict[int | str, dict[str, Any]]:
    """Describe what an endpoint answers: this kind, or a problem."""
    problem = _schema(Refusal)
    return {
        status: {
            "description": "Done.",
            "content": {media_type: {"schema": _schema(kind)}},
        },
        "4XX": {
            "description": "Refused, with the reason.",
            "content": {"application/problem+json": {"schema": problem}},
        },
        "5XX": {
            "description": "Headway cannot answer now, or made a mistake.",
            "content": {"application/problem+json": {"schema": problem}},
        },
    }


@cache
def _schema(kind: Any) -> dict[str, Any]:
    """Give the schema of a kind, and keep those that it names: a name is that of one kind."""
    (found,), components = msgspec.json.schema_components([kind], ref_template=_PREFIX + "{name}")
    for name, schema in components.items():
        known = _described.setdefault(name, schema)
        assert known == schema, f"two kinds are called {name}, and the API's document has one name"
    return found


def described(body: Any) -> dict[str, Any]:
    """Describe a request's body that msgspec reads."""
    content = {"application/json": {"schema": _schema(body)}}
    return {"requestBody": {"required": True, "content": content}}


def streams(kind: Any) -> dict[int | str, dict[str, Any]]:
    """Describe an endpoint that answers lines of JSON, each of them of this kind."""
    return answers(kind, media_type=LINES)


def schemas() -> dict[str, Any]:
    """Give the schemas of everything that was described."""
    return dict(_described)
