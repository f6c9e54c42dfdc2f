"""Parameters of runs, checked against the JSON Schema of their job."""

from functools import lru_cache
from typing import Any

import msgspec

from headway.formats.plain_schema import fits, is_plain
from headway.formats.wrong_parameters import in_words

_PROBLEMS_MAX = 20
_TEXT_MAX = 300


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
    if schema is None:
        return [] if parameters.lstrip()[:1] == b"{" else ["parameters must be an object"]
    value = msgspec.json.decode(parameters)
    if not isinstance(value, dict):
        return ["parameters must be an object"]
    if fits(schema, value):
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


@lru_cache(maxsize=500)
def _validator(schema: bytes) -> Any:
    import jsonschema_rs  # seven MiB, of which installations of plain schemas need none

    return jsonschema_rs.validator_for(msgspec.json.decode(schema), validate_formats=True)


def _short(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
