"""What is wrong with a request, in the words of people rather than of pydantic and msgspec."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from headway.model.problem import Problem

_SHOWN_MAX = 60
_PLACE_MAX = 200
_NEEDED = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "datetime": "a date and time, such as 2026-11-30T09:00:00Z",
    "date": "a date, such as 2026-11-30",
}
_WORDS = {
    "finite_number": "must be a finite number",
    "timezone_aware": "needs an offset, such as 2026-11-30T09:00:00+01:00 or …Z",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
}
_NOT_SHOWN = frozenset({"string_too_long", "string_too_short", "too_long", "too_short"})


def mistake(row: Mapping[str, Any]) -> Problem:
    """Say what pydantic found: where, what must be there, and what was."""
    where, *names = row["loc"] or ("request",)
    place = ".".join(map(str, names))[:_PLACE_MAX]
    kind = row["type"]
    match kind:
        case "json_invalid":
            return Problem(message=f"the body is no JSON: {row.get('ctx', {}).get('error', '')}")
        case "missing":
            return Problem(message=f"{place or where} is missing")
        case "extra_forbidden":
            return Problem(message=f"there is no {place} here")
    needed = _needed(kind, row.get("ctx", {}))
    if needed is None:
        return Problem(message=f"{place or where}: {row['msg'][:500]}")
    shown = "" if kind in _NOT_SHOWN else f", not {_shown(row.get('input'))}"
    return Problem(message=f"{place or f'the {where}'} {needed}{shown}")


_EXPECTED = re.compile(r"Expected `(?P<what>[^`]+)`, got `(?P<got>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_AT = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "datetime": "a date and time",
}


def undecoded(error: msgspec.DecodeError) -> Problem:
    """Say what msgspec found.

    >>> undecoded(msgspec.ValidationError("Expected `int | null`, got `str` - at `$.runs[0].at`"))
    Problem(message='runs[0].at must be a whole number or null, not a text', ...)
    """
    text = str(error)
    at = _AT.search(text)
    place = at["place"] if at is not None else ""
    text = _AT.sub("", text)
    if expected := _EXPECTED.fullmatch(text):
        what = " or ".join(_KINDS.get(kind, kind) for kind in expected["what"].split(" | "))
        got = _KINDS.get(expected["got"], expected["got"])
        return Problem(message=f"{place or 'the body'} must be {what}, not {got}")
    if unknown := _UNKNOWN.fullmatch(text):
        return Problem(message=f"there is no {f'{place}.' if place else ''}{unknown['name']} here")
    said = text if isinstance(error, msgspec.ValidationError) else f"the body is no JSON: {text}"
    return Problem(message=f"{place}: {said}" if place else said)


def _needed(kind: str, given: Mapping[str, Any]) -> str | None:
    words = _WORDS.get(kind)
    if words is not None:
        return words.format(**{name: _plain(value) for name, value in given.items()})
    what = _NEEDED.get(kind.partition("_")[0])
    return None if what is None else f"must be {what}"


def _plain(value: Any) -> Any:
    """Write a bound as people do: 100, not 100.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        return "what was sent"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
