"""Answers: values of the model as JSON, and their schemas for the OpenAPI document."""

from typing import Any

import msgspec
from fastapi import Response

from headway.model.view import Refusal

_PREFIX = "#/components/schemas/"


class Json(Response):
    """An answer in JSON, encoded by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode a value of the model."""
        return msgspec.json.encode(content)


_described: dict[str, Any] = {}


def answers(kind: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Describe what an endpoint answers: this kind, or a problem."""
    (schema,), components = msgspec.json.schema_components([kind], ref_template=_PREFIX + "{name}")
    (problem,), more = msgspec.json.schema_components([Refusal], ref_template=_PREFIX + "{name}")
    _described.update(components)
    _described.update(more)
    return {
        status: {"description": "Done.", "content": {"application/json": {"schema": schema}}},
        "4XX": {
            "description": "Refused, with the reason.",
            "content": {"application/problem+json": {"schema": problem}},
        },
    }


def schemas() -> dict[str, Any]:
    """Give the schemas of everything that was described."""
    return dict(_described)
