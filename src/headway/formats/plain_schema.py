"""JSON Schemas of the plainest words. Most jobs' are no more, and nothing is loaded for them."""

from typing import Any

_KINDS: dict[str, Any] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}
_TEXTS = ("title", "description")
_WORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "default", *_TEXTS}
)
_DEPTH_MAX = 8


def is_plain(schema: Any, depth: int = _DEPTH_MAX) -> bool:
    """Say whether a schema is right and has plain words only; others may be right as well."""
    if not depth or not isinstance(schema, dict) or not _WORDS.issuperset(schema):
        return False
    kind, properties = schema.get("type"), schema.get("properties", {})
    required, items = schema.get("required", []), schema.get("items")
    return (
        isinstance(kind, str)
        and kind in _KINDS
        and all(isinstance(schema.get(word, ""), str) for word in _TEXTS)
        and isinstance(schema.get("additionalProperties", True), bool)
        and isinstance(required, list)
        and all(isinstance(name, str) for name in required)
        and len(set(required)) == len(required)
        and isinstance(properties, dict)
        and all(is_plain(row, depth - 1) for row in properties.values())
        and ("items" not in schema or is_plain(items, depth - 1))
    )


def fits(schema: Any, value: Any) -> bool:
    """Say whether a value is right by plain words of a schema that is right.

    What does not fit may be right all the same: by other words, or as 3.0 is an integer.
    """
    if not isinstance(schema, dict) or not _WORDS.issuperset(schema):
        return False
    kind = schema.get("type")
    if not isinstance(kind, str):
        return False
    if isinstance(value, bool):
        return kind == "boolean"
    if not isinstance(value, _KINDS[kind]):
        return False
    if kind == "object":
        return _members_fit(schema, value)
    if kind == "array" and "items" in schema:
        return all(fits(schema["items"], one) for one in value)
    return True


def _members_fit(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    if not value.keys() >= set(schema.get("required", ())):
        return False
    properties = schema.get("properties", {})
    is_open = schema.get("additionalProperties", True) is True
    for name, one in value.items():
        known = properties.get(name)
        if not (is_open if known is None else fits(known, one)):
            return False
    return True
