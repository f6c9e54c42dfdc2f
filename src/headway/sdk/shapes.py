"""What annotations mean in JSON: a schema, and a way to read values.

Needs the standard library only; models of pydantic are understood where an app has it.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import types
import typing
import uuid
from typing import Any, Callable, NamedTuple  # noqa: UP035 (Python 3.9)

from headway.sdk.results import to_json

_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_SETS = (set, frozenset, collections.abc.Set)
_MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
_SHOWN = 60


class UnsupportedError(Exception):
    """An annotation that JSON cannot give; the text says which."""


class MismatchError(ValueError):
    """A value that is not as its annotation says; the text says where and why."""


class Shape(NamedTuple):
    """What an annotation means."""

    schema: dict[str, Any]
    read: Callable[[Any, str], Any]
    """(JSON value, its place in words) → the value that the function gets."""


def shape_of(annotation: Any, outer: tuple[Any, ...] = ()) -> Shape:
    """Say what an annotation means.

    Raises:
        UnsupportedError: JSON cannot give it.
    """
    if annotation is Any or annotation is object:
        return Shape({}, lambda value, _: value)
    if annotation is None or annotation is type(None):
        return _NULL
    if hasattr(annotation, "__supertype__"):
        return shape_of(annotation.__supertype__, outer)
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    origin = typing.get_origin(annotation) or annotation
    arguments = typing.get_args(annotation)
    for understand in (_special, _collection, _class):
        shape = understand(annotation, origin, arguments, outer)
        if shape is not None:
            return shape
    name = getattr(annotation, "__qualname__", None) or str(annotation)
    raise UnsupportedError(f"{name} cannot be given as JSON")


def _special(
    annotation: Any, origin: Any, arguments: tuple[Any, ...], outer: tuple[Any, ...]
) -> Shape | None:
    if hasattr(annotation, "__metadata__"):
        inner = shape_of(annotation.__origin__, outer)
        said = [part for part in annotation.__metadata__ if isinstance(part, str)]
        return Shape({**inner.schema, "description": said[0]}, inner.read) if said else inner
    if origin in _UNIONS:
        return _union(arguments, outer)
    if origin is typing.Literal:
        return _one_of({_key(to_json(value)): value for value in arguments})
    return None


def _collection(
    annotation: Any, origin: Any, arguments: tuple[Any, ...], outer: tuple[Any, ...]
) -> Shape | None:
    del annotation
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return _list(arguments[:1], outer, tuple)
        return _tuple(arguments, outer) if arguments else _list((), outer, tuple)
    if origin in _LISTS:
        return _list(arguments, outer, list)
    if origin in _SETS:
        return _list(arguments, outer, frozenset if origin is frozenset else set)
    if origin in _MAPS:
        return _map(arguments, outer)
    return None


def _class(
    annotation: Any, origin: Any, arguments: tuple[Any, ...], outer: tuple[Any, ...]
) -> Shape | None:
    del arguments
    if not isinstance(origin, type):
        return None
    if hasattr(annotation, "model_json_schema") and hasattr(annotation, "model_validate"):
        return _pydantic(annotation)
    if issubclass(origin, enum.Enum):
        return _one_of({_key(to_json(member.value)): member for member in origin})
    if origin in outer:
        raise UnsupportedError(f"{origin.__qualname__} refers to itself")
    if dataclasses.is_dataclass(origin):
        return _dataclass(origin, (*outer, origin))
    if hasattr(origin, "__required_keys__"):
        return _typed_dict(origin, (*outer, origin))
    return None


def _union(arguments: tuple[Any, ...], outer: tuple[Any, ...]) -> Shape:
    shapes = [shape_of(part, outer) for part in arguments]

    def read(value: Any, place: str) -> Any:
        for kind, shape in zip(arguments, shapes):  # noqa: B905 (Python 3.9)
            if kind is type(value):  # 1 is not read as 1.0 where both may be
                return shape.read(value, place)
        problems = []
        for shape in shapes:
            try:
                return shape.read(value, place)
            except MismatchError as error:
                problems.append(str(error))
        if len(shapes) == 2 and type(None) in arguments:
            raise MismatchError(problems[0 if arguments[1] is type(None) else 1])
        raise MismatchError(f"{place} fits none of its types: {'; '.join(problems)}")

    return Shape({"anyOf": [shape.schema for shape in shapes]}, read)


def _one_of(members: dict[tuple[str, Any], Any]) -> Shape:
    """Values that are listed; JSON keeps `1`, `true` and `"1"` apart, and so does the key."""
    options = [value for _, value in members]

    def read(value: Any, place: str) -> Any:
        try:
            return members[_key(value)]
        except (KeyError, TypeError):
            words = ", ".join(shown(word) for word in options)
            raise MismatchError(f"{place} must be one of {words}, not {shown(value)}") from None

    return Shape({"enum": options}, read)


def _key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value


def _list(arguments: tuple[Any, ...], outer: tuple[Any, ...], kind: Any) -> Shape:
    item = shape_of(arguments[0] if arguments else Any, outer)

    def read(value: Any, place: str) -> Any:
        _expect(value, list, "a list", place)
        parts = [item.read(part, f"{place}[{number}]") for number, part in enumerate(value)]
        try:
            return kind(parts)
        except TypeError:
            raise MismatchError(f"{place} has parts that no set can hold") from None

    return Shape({"type": "array", "items": item.schema}, read)


def _tuple(arguments: tuple[Any, ...], outer: tuple[Any, ...]) -> Shape:
    if arguments == ((),):  # how Python before 3.11 says tuple[()]
        arguments = ()
    items = [shape_of(part, outer) for part in arguments]

    def read(value: Any, place: str) -> Any:
        _expect(value, list, "a list", place)
        if len(value) != len(items):
            raise MismatchError(f"{place} must have {len(items)} parts, not {len(value)}")
        pairs = zip(items, value)  # noqa: B905 (Python 3.9)
        return tuple(item.read(part, f"{place}[{at}]") for at, (item, part) in enumerate(pairs))

    schema = {
        "type": "array",
        "prefixItems": [item.schema for item in items],
        "minItems": len(items),
        "maxItems": len(items),
    }
    return Shape(schema, read)


def _map(arguments: tuple[Any, ...], outer: tuple[Any, ...]) -> Shape:
    if arguments and arguments[0] not in (str, Any):
        raise UnsupportedError("the keys of a mapping are str")
    item = shape_of(arguments[1] if arguments else Any, outer)

    def read(value: Any, place: str) -> Any:
        _expect(value, dict, "an object", place)
        return {key: item.read(part, f"{place}.{key}") for key, part in value.items()}

    return Shape({"type": "object", "additionalProperties": item.schema}, read)


def _dataclass(kind: Any, outer: tuple[Any, ...]) -> Shape:
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    missing = dataclasses.MISSING
    required = {
        field.name
        for field in fields
        if field.default is missing and field.default_factory is missing
    }
    shapes = {field.name: shape_of(hints[field.name], outer) for field in fields}
    shape = _object(shapes, required)
    for field in fields:
        if field.default is not missing:
            add_default(shape.schema["properties"][field.name], field.default)

    def read(value: Any, place: str) -> Any:
        arguments = shape.read(value, place)
        try:
            return kind(**arguments)
        except (TypeError, ValueError) as error:
            raise MismatchError(f"{place}: {error}") from error

    return Shape(shape.schema, read)


def _typed_dict(kind: Any, outer: tuple[Any, ...]) -> Shape:
    hints = typing.get_type_hints(kind)
    shapes = {name: shape_of(hint, outer) for name, hint in hints.items()}
    return _object(shapes, set(kind.__required_keys__))


def _object(shapes: dict[str, Shape], required: set[str]) -> Shape:
    def read(value: Any, place: str) -> Any:
        _expect(value, dict, "an object", place)
        for name in shapes:
            if name in required and name not in value:
                raise MismatchError(f"{place}.{name} is missing")
        for name in value:
            if name not in shapes:
                raise MismatchError(f"there is no {place}.{name}{near(name, shapes)}")
        return {name: shapes[name].read(part, f"{place}.{name}") for name, part in value.items()}

    schema = {
        "type": "object",
        "properties": {name: dict(shape.schema) for name, shape in shapes.items()},
        "required": [name for name in shapes if name in required],
        "additionalProperties": False,
    }
    return Shape(schema, read)


def _pydantic(model: Any) -> Shape:
    def read(value: Any, place: str) -> Any:
        try:
            return model.model_validate(value)
        except ValueError as error:
            found = getattr(error, "errors", None)
            if found is None:
                raise MismatchError(f"{place}: {error}") from error
            parts = [f"{'.'.join([place, *map(str, row['loc'])])}: {row['msg']}" for row in found()]
            raise MismatchError("; ".join(parts)) from error

    return Shape(model.model_json_schema(), read)


# --- plain values --------------------------------------------------------------------------------


def _expect(value: Any, kind: Any, words: str, place: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise MismatchError(f"{place} must be {words}, not {shown(value)}")


def _plain(kind: Any, words: str) -> Callable[[Any, str], Any]:
    def read(value: Any, place: str) -> Any:
        _expect(value, kind, words, place)
        return value

    return read


def _integer(value: Any, place: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    _expect(value, int, "a whole number", place)
    return int(value)


def _float(value: Any, place: str) -> float:
    _expect(value, (int, float), "a number", place)
    return float(value)


def _parsed(parse: Callable[[str], Any], words: str) -> Callable[[Any, str], Any]:
    def read(value: Any, place: str) -> Any:
        _expect(value, str, words, place)
        try:
            return parse(value)
        except (ValueError, ArithmeticError):
            raise MismatchError(f"{place} must be {words}, not {shown(value)}") from None

    return read


def _instant(text: str) -> dt.datetime:
    at = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "zZ" else text)
    if at.tzinfo is None:  # as the format `date-time` of JSON Schema has it
        raise ValueError
    return at


def _text(format_: str, parse: Callable[[str], Any], words: str) -> Shape:
    return Shape({"type": "string", "format": format_}, _parsed(parse, words))


_NULL = Shape({"type": "null"}, _plain(type(None), "null"))
_PLAIN: dict[Any, Shape] = {
    bool: Shape({"type": "boolean"}, _plain(bool, "true or false")),
    int: Shape({"type": "integer"}, _integer),
    float: Shape({"type": "number"}, _float),
    str: Shape({"type": "string"}, _plain(str, "a text")),
    dt.datetime: _text("date-time", _instant, "a time such as 2026-11-21T10:00:00Z"),
    dt.date: _text("date", dt.date.fromisoformat, "a date such as 2026-11-21"),
    dt.time: Shape(  # the format `time` of JSON Schema would ask for a zone
        {"type": "string", "pattern": r"^\d\d:\d\d"},
        _parsed(dt.time.fromisoformat, "a time of day such as 10:30:00"),
    ),
    uuid.UUID: _text("uuid", uuid.UUID, "a UUID"),
    decimal.Decimal: _text("decimal", decimal.Decimal, "a decimal number, as a text"),
}


def add_default(schema: dict[str, Any], default: Any) -> None:
    """Note what something is that is left out, where JSON can say it."""
    try:
        schema["default"] = to_json(default)
    except TypeError:
        return  # it can be left out all the same


def near(name: Any, known: typing.Iterable[str]) -> str:
    """Ask whether one of the known names was meant; nothing where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def shown(value: Any) -> str:
    """Write a value as its sender did, cut where it is long."""
    import json

    text = json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
