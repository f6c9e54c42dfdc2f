"""What a function takes, in JSON: a schema of its parameters, and a way to read them.

Needs the standard library only.
"""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

from headway.sdk.shapes import (
    MismatchError,
    Shape,
    UnsupportedError,
    add_default,
    near,
    shape_of,
    shown,
)


class Parameters:
    """What a function takes."""

    def __init__(self, function: Any) -> None:
        self._shapes: dict[str, Shape] = {}
        self._required: list[str] = []
        properties: dict[str, Any] = {}
        hints = _hints(function)
        for name, parameter in inspect.signature(function).parameters.items():
            shape = _parameter(name, parameter, hints)
            self._shapes[name] = shape
            properties[name] = dict(shape.schema)
            if parameter.default is parameter.empty:
                self._required.append(name)
            else:
                add_default(properties[name], parameter.default)
        self.schema = _whole(properties, self._required)

    def read(self, given: Any) -> tuple[dict[str, Any], list[str]]:
        """Turn JSON values into arguments; gives them and everything that does not fit."""
        if not isinstance(given, dict):
            return {}, [f"parameters are a JSON object, not {shown(given)}"]
        arguments: dict[str, Any] = {}
        problems = [f"{name} is missing" for name in self._required if name not in given]
        for name, value in given.items():
            if name not in self._shapes:
                problems.append(f"there is no parameter {name!r}{near(name, self._shapes)}")
                continue
            try:
                arguments[name] = self._shapes[name].read(value, name)
            except MismatchError as error:
                problems.append(str(error))
        return arguments, problems


def _hints(function: Any) -> dict[str, Any]:
    """Give the types of parameters; that of the result is not looked at."""
    inner = inspect.unwrap(function)
    names = {k: v for k, v in getattr(inner, "__annotations__", {}).items() if k != "return"}
    holder = types.SimpleNamespace(__annotations__=names)
    try:
        return typing.get_type_hints(holder, globalns=inner.__globals__, include_extras=True)
    except NameError as error:
        raise UnsupportedError(f"a type is not known: {error}") from error
    except TypeError as error:
        raise UnsupportedError(f"a type cannot be understood: {error}") from error


def _parameter(name: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> Shape:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise UnsupportedError(f"*{name} cannot be given: name each parameter")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise UnsupportedError(f"{name} is given by position only: remove the `/`")
    if name not in hints:
        raise UnsupportedError(f"{name} has no type: write {name}: str, or {name}: Any")
    try:
        return shape_of(hints[name])
    except UnsupportedError as error:
        raise UnsupportedError(f"{name}: {error}") from error
    except NameError as error:
        raise UnsupportedError(f"{name}: a type is not known: {error}") from error


def _whole(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for schema in properties.values():
        _gather(schema, definitions)
    whole: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {**whole, "$defs": definitions} if definitions else whole


def _gather(schema: Any, definitions: dict[str, Any]) -> None:
    """Move the definitions of inner schemas to the outermost, where references look for them."""
    if isinstance(schema, list):
        for part in schema:
            _gather(part, definitions)
    elif isinstance(schema, dict):
        inner = schema.pop("$defs", {})
        for name, definition in inner.items():
            if definitions.setdefault(name, definition) != definition:
                raise UnsupportedError(f"two models are called {name}")
            _gather(definition, definitions)
        for part in schema.values():
            _gather(part, definitions)


# --- annotations ---------------------------------------------------------------------------------
