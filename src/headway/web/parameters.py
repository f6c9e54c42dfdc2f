"""Parameters of a run as fields of a form, by their job's schema, and back as JSON."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from headway.web.page import Field

_PREFIX = "p."
_ALL = "parameters"
_CHOICES_MAX = 100
_ANY = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def fields_of(schema: Mapping[str, Any] | None, given: Mapping[str, Any]) -> tuple[Field, ...]:
    """Give a field for each parameter, with what is given already.

    Without a schema there is one field for all of them, as JSON.

    >>> fields_of({"properties": {"day": {"type": "string"}}, "required": ["day"]}, {})[0].label
    'day (needed)'
    """
    if schema is None:
        text = json.dumps(given, ensure_ascii=False)
        return (Field(name=_ALL, label="Parameters", value=text, hint="a JSON object"),)
    known = _properties(schema)
    others: dict[str, Any] = {name: {} for name in given if name not in known}
    required = schema.get("required", ())
    return tuple(
        _field(name, _resolved(one, schema), given, is_needed=name in required)
        for name, one in {**known, **others}.items()
    )


def parameters_of(schema: Mapping[str, Any] | None, said: Mapping[str, str]) -> bytes:
    """Give what was typed as a JSON object. Whether it is right is not asked here.

    What was left empty is left out. What is to be no text and is no JSON stays a text, so that it
    is refused for what it is.

    >>> schema = {"properties": {"day": {"type": "string"}, "n": {"type": "integer"}, "x": {}}}
    >>> parameters_of(schema, {"p.day": "7", "p.n": "7", "p.x": ""})
    b'{"day":"7","n":7}'
    """
    if schema is None:
        return said.get(_ALL, "").strip().encode() or b"{}"
    known = _properties(schema)
    found = {}
    for name, text in said.items():
        if name.startswith(_PREFIX) and text != "":
            own = name.removeprefix(_PREFIX)
            found[own] = _value(text, _types(_resolved(known.get(own, {}), schema)))
    return msgspec.json.encode(found)


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = schema.get("properties", {})
    return found if isinstance(found, dict) else {}


def _resolved(one: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to the schema's own definitions, once."""
    if not isinstance(one, dict):
        return {}
    name = str(one.get("$ref", "")).removeprefix("#/$defs/")
    definitions = schema.get("$defs", {})
    found = definitions.get(name, {}) if isinstance(definitions, dict) else {}
    return {**found, **one} if isinstance(found, dict) else one


def _types(one: Mapping[str, Any]) -> frozenset[str]:
    """Give the types that a value may have."""
    if isinstance(one.get("enum"), list):
        return frozenset().union(*(_type_of(value) for value in one["enum"]))
    if "const" in one:
        return _type_of(one["const"])
    parts = one.get("anyOf") or one.get("oneOf")
    if isinstance(parts, list) and parts:
        return frozenset().union(*(_types(part) for part in parts if isinstance(part, dict)))
    said = one.get("type", ())
    return frozenset([said] if isinstance(said, str) else said) or _ANY


def _type_of(value: Any) -> frozenset[str]:
    for kind, name in ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number")):
        if isinstance(value, kind):
            return frozenset({name})
    return frozenset({"null" if value is None else "object"})


def _value(text: str, types: frozenset[str]) -> Any:
    if types == {"string"}:
        return text
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    # A text that looks like a number is one only where a number may be.
    return found if _type_of(found) & types or "string" not in types or types == _ANY else text


def _field(
    name: str, one: Mapping[str, Any], given: Mapping[str, Any], *, is_needed: bool
) -> Field:
    types = _types(one)
    value = given.get(name, one.get("default"))
    is_set = name in given or "default" in one
    hints = [str(one.get("description") or one.get("title") or "")]
    if types != {"string"} and types != _ANY:
        hints.append(" or ".join(sorted(types)))
    return Field(
        name=f"{_PREFIX}{name}",
        label=f"{name} (needed)" if is_needed else name,
        value=_text(value, types) if is_set else "",
        hint=" · ".join(hint for hint in hints if hint),
        choices=_choices(one, types, is_needed=is_needed),
    )


def _choices(one: Mapping[str, Any], types: frozenset[str], *, is_needed: bool) -> tuple[str, ...]:
    values = one.get("enum")
    if values is None and types == {"boolean"}:
        values = [True, False]
    if not isinstance(values, list) or not 0 < len(values) <= _CHOICES_MAX:
        return ()
    texts = [_text(value, types) for value in values]
    return tuple(texts if is_needed else ["", *texts])


def _text(value: Any, types: frozenset[str]) -> str:
    if isinstance(value, str) and "string" in types:
        return value
    return json.dumps(value, ensure_ascii=False)
