"""What is wrong with parameters, in the words of people rather than of JSON Schema."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

_SHOWN_MAX = 60
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_FORMATS = {
    "date-time": "a date and time with an offset, such as 2026-11-30T09:00:00Z",
    "date": "a date, such as 2026-11-30",
    "time": "a time with an offset, such as 09:00:00Z",
    "uuid": "a UUID",
    "email": "an e-mail address",
    "uri": "an address with its scheme, such as https://example.com",
}


def in_words(error: Any, known: Iterable[str]) -> str:
    """Say what an error of the validator means.

    Args:
        error: As `jsonschema_rs` gives it.
        known: Names of the parameters that there are.
    """
    place = ".".join(map(str, error.instance_path)) or "the parameters"
    told = _TELLERS.get(error.kind.name)
    if told is None:
        return f"{place}: {error.message}"
    return told(place, error.kind.as_dict(), error, list(known))


def _type(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    return f"{place} must be {_either(said['types'])}, not {_shown(error.instance)}"


def _either(types: Iterable[str]) -> str:
    return " or ".join(_WORDS.get(name, name) for name in sorted(types, key=list(_WORDS).index))


def _missing(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    return f"{_below(place, error)}{said['property']} is missing"


def _unknown(place: str, said: dict[str, Any], error: Any, known: list[str]) -> str:
    own = known if not error.instance_path else []
    told = []
    for name in said["unexpected"]:
        near = get_close_matches(name, own, n=1)
        hint = f": did you mean {near[0]}?" if near else ""
        told.append(f"there is no {_below(place, error)}{name}{hint}")
    return "; ".join(told)


def _below(place: str, error: Any) -> str:
    return f"{place}." if error.instance_path else ""


def _bound(words: str) -> Callable[..., str]:
    def told(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
        return f"{place} must be {words} {said['limit']}, not {_shown(error.instance)}"

    return told


def _size(words: str, noun: str) -> Callable[..., str]:
    def told(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
        count = len(error.instance)
        return f"{place} must have {words} {said['limit']} {noun}, and has {count}"

    return told


def _one_of(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    options = ", ".join(_shown(option) for option in said["options"])
    return f"{place} must be one of {options}, not {_shown(error.instance)}"


def _constant(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    return f"{place} must be {_shown(said['expected_value'])}, not {_shown(error.instance)}"


def _pattern(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    return f"{place} must match {said['pattern']}, and is {_shown(error.instance)}"


def _format(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    words = _FORMATS.get(said["format"], f"of the form {said['format']}")
    return f"{place} must be {words}, not {_shown(error.instance)}"


def _none_of(place: str, said: dict[str, Any], error: Any, known: list[str]) -> str:
    """Tell of a value that may be of several kinds; most often only its type is wrong."""
    reasons = [found[0] for found in said["context"] if found]
    if all(row.kind.name == "type" and row.instance == error.instance for row in reasons):
        types = {name for row in reasons for name in row.kind.as_dict()["types"]}
        return f"{place} must be {_either(types)}, not {_shown(error.instance)}"
    each = dict.fromkeys(in_words(row, known) for row in reasons)
    return f"{place} fits nothing that it may be: {'; '.join(each)}"


def _twice(place: str, _said: dict[str, Any], _error: Any, _known: list[str]) -> str:
    return f"{place} has the same item twice"


def _multiple(place: str, said: dict[str, Any], error: Any, _known: list[str]) -> str:
    return f"{place} must be a multiple of {said['multiple_of']}, not {_shown(error.instance)}"


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


_TELLERS: dict[str, Callable[..., str]] = {
    "type": _type,
    "required": _missing,
    "additionalProperties": _unknown,
    "maximum": _bound("at most"),
    "minimum": _bound("at least"),
    "exclusiveMaximum": _bound("less than"),
    "exclusiveMinimum": _bound("more than"),
    "maxLength": _size("at most", "characters"),
    "minLength": _size("at least", "characters"),
    "maxItems": _size("at most", "items"),
    "minItems": _size("at least", "items"),
    "enum": _one_of,
    "const": _constant,
    "pattern": _pattern,
    "format": _format,
    "anyOf": _none_of,
    "uniqueItems": _twice,
    "multipleOf": _multiple,
}
