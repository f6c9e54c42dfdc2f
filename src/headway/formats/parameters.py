"""Parameters of runs, checked against the JSON Schema of their job."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from headway.formats.plain_schema import fits, is_plain
from headway.formats.wrong_parameters import in_words

DEPTH_MAX = 100
"""Of parameters: far more than anybody writes, and less than what stops any of their readers."""
_PROBLEMS_MAX = 20
_TEXT_MAX = 300
_TOO_DEEP = f"parameters are nested more than {DEPTH_MAX} levels deep"


def schema_problem(schema: dict[str, Any]) -> str | None:
    """Say why a schema cannot be that of a job's parameters."""
    if schema.get("type", "object") != "object":
        return f"parameters are an object, and the schema says {schema['type']!r}"
    if is_plain(schema):
        return None
    try:
        _validator(msgspec.json.encode(schema))
    except ValueError as error:
        return f"it is no JSON Schema: {_short(str(error))}"
    return None


def parameter_problems(schema: dict[str, Any] | None, parameters: bytes) -> list[str]:
    """List what is wrong with parameters, given as JSON; nothing when they are right."""
    try:
        value = msgspec.json.decode(parameters)
    except msgspec.DecodeError as wrong:  # a number that is JSON, and that others cannot read
        return [f"the parameters are not JSON that can be read: {_short(str(wrong))}"]
    except RecursionError:
        return [_TOO_DEEP]
    if _is_too_deep(value, parameters):
        return [_TOO_DEEP]
    if not isinstance(value, dict):
        return ["parameters must be an object"]
    if schema is None or fits(schema, value):
        return []
    validator = _validator(msgspec.json.encode(schema))
    if validator.is_valid(value):
        return []
    problems: list[str] = []
    for error in validator.iter_errors(value):
        problems.append(_short(in_words(error, schema.get("properties", {}))))
        if len(problems) == _PROBLEMS_MAX:
            break
    return problems


def _is_too_deep(value: Any, text: bytes) -> bool:
    """Say whether parameters are deeper than their readers go, who would fall over them."""
    if text.count(b"[") + text.count(b"{") <= DEPTH_MAX:
        return False
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX):
        level = [inner for one in level for inner in _within(one)]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


@lru_cache(maxsize=500)
def _validator(schema: bytes) -> Any:
    import jsonschema_rs  # seven MiB, of which installations of plain schemas need none

    return jsonschema_rs.validator_for(msgspec.json.decode(schema), validate_formats=True)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
