"""Parameters of a run as fields of a form, by their job's schema, and back as JSON."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from headway.control.errors import Invalid
from headway.model.problem import Problem
from headway.web.page import Field, FieldKind

_PREFIX = "p."
_ALL = "parameters"
_CHOICES_MAX = 100
_ANY = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_NESTED = frozenset({"array", "object"})
_SHORT = 60
_OF_WORDS = ("enum", "const", "format", "pattern")
"""What says of a text that it has one line."""


def fields_of(
    schema: Mapping[str, Any] | None, given: Mapping[str, Any], said: Mapping[str, str]
) -> tuple[Field, ...]:
    """Give a field for each parameter, with what was typed, else what is given already.

    Without a schema there is one field for all of them, as JSON.

    >>> fields_of({"properties": {"day": {"type": "string"}}, "required": ["day"]}, {}, {})[0].label
    'day (needed)'
    """
    if schema is None:
        text = said.get(_ALL, _written(given))
        kind = FieldKind.TEXT
        return (Field(name=_ALL, label="Parameters", value=text, hint="a JSON object", kind=kind),)
    known = _properties(schema)
    others: dict[str, Any] = {name: {} for name in given if name not in known}
    required = schema.get("required", ())
    return tuple(
        _field(name, _resolved(one, schema), given, said, is_needed=name in required)
        for name, one in {**known, **others}.items()
    )


def parameters_of(
    schema: Mapping[str, Any] | None, given: Mapping[str, Any], said: Mapping[str, str]
) -> bytes:
    """Give what was typed as a JSON object. Whether it fits the schema is not asked here.

    What was left empty is left out. What nobody changed is as it was given, to the letter: a
    browser writes ends of lines in its own way. What is to be a number and is none stays a text,
    so that it is refused for what it is.

    >>> schema = {"properties": {"day": {"type": "string"}, "n": {"type": "integer"}, "x": {}}}
    >>> parameters_of(schema, {}, {"p.day": "7", "p.n": "7", "p.x": ""})
    b'{"day":"7","n":7}'

    Raises:
        Invalid: What is to be a list or an object is no JSON.
    """
    if schema is None:
        return _all_of(given, said.get(_ALL, "").strip() or "{}")
    known = _properties(schema)
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, text in said.items():
        name = field.removeprefix(_PREFIX)
        if name == field:
            continue
        types = _types(_resolved(known.get(name, {}), schema))
        if name in given and text == _lines(_text(given[name], types)):
            found[name] = given[name]
        elif text != "":
            try:
                found[name] = _value(text, types)
            except json.JSONDecodeError as error:
                problems.append(_problem(name, error))
    if problems:
        raise _no_json(problems)
    return msgspec.json.encode(found)


def words_of(
    schema: Mapping[str, Any] | None, given: Mapping[str, Any], said: Mapping[str, str]
) -> tuple[str, ...]:
    """Give what was typed as a word of a command; none where nothing was, or where it is no JSON.

    >>> words_of({"properties": {"n": {"type": "integer"}}}, {}, {"p.n": "7"})
    ('{"n":7}',)
    """
    if not any(name == _ALL or name.startswith(_PREFIX) for name in said):
        return ()
    try:
        return (parameters_of(schema, given, said).decode(),)
    except Invalid:
        return ()


def _all_of(given: Mapping[str, Any], text: str) -> bytes:
    if text == _lines(_written(given)):
        return msgspec.json.encode(given)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise _no_json([_problem(_ALL, error)]) from error
    return text.encode()


def _no_json(problems: list[Problem]) -> Invalid:
    return Invalid("parameters-invalid", "what was typed is no JSON", problems=tuple(problems))


def _problem(name: str, error: json.JSONDecodeError) -> Problem:
    """Say where in a field JSON ends to be JSON, and what was expected there."""
    return Problem(
        message=f"{name}, line {error.lineno}, column {error.colno}: {error.msg}",
        line=error.lineno,
        column=error.colno,
        hint='such as ["a", "b"] or {"a": 1}',
    )


def _lines(text: str) -> str:
    """Give a text as a browser sends it back."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _written(value: Any) -> str:
    """Write JSON: what is short on one line, and else so that people find their way."""
    short = json.dumps(value, ensure_ascii=False)
    return short if len(short) <= _SHORT else json.dumps(value, ensure_ascii=False, indent=2)


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
    return frozenset(
        {"null" if value is None else "array" if isinstance(value, list) else "object"}
    )


def _value(text: str, types: frozenset[str]) -> Any:
    """Read what was typed.

    Raises:
        JSONDecodeError: It is to be a list or an object, and is no JSON.
    """
    if types == {"string"}:
        return text
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        if types <= _NESTED or (text.lstrip()[:1] in ("[", "{") and "string" not in types):
            json.loads(text)
        return text
    # A text that looks like a number is one only where a number may be.
    return found if _type_of(found) & types or "string" not in types or types == _ANY else text


def _field(
    name: str,
    one: Mapping[str, Any],
    given: Mapping[str, Any],
    said: Mapping[str, str],
    *,
    is_needed: bool,
) -> Field:
    types = _types(one)
    value = given.get(name, one.get("default"))
    is_set = name in given or "default" in one
    shown = _text(value, types) if is_set else ""
    hints = [str(one.get("description") or one.get("title") or "")]
    if types != {"string"} and types != _ANY:
        hints.append(" or ".join(sorted(types)))
    if types <= _NESTED:
        hints.append("as JSON")
    return Field(
        name=f"{_PREFIX}{name}",
        label=f"{name} (needed)" if is_needed else name,
        value=said.get(f"{_PREFIX}{name}", shown),
        hint=" · ".join(hint for hint in hints if hint),
        kind=FieldKind.TEXT if _has_lines(one, types, shown) else FieldKind.LINE,
        choices=_choices(one, types, is_needed=is_needed),
    )


def _has_lines(one: Mapping[str, Any], types: frozenset[str], shown: str) -> bool:
    """Say whether a value may well have several lines: nothing says that it is a word."""
    if "\n" in shown or "\r" in shown or types & _NESTED:
        return True
    most = one.get("maxLength")
    is_short = isinstance(most, int) and most <= _SHORT
    return types == {"string"} and not is_short and not any(word in one for word in _OF_WORDS)


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
    return _written(value)
