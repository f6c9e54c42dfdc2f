"""What annotations mean in JSON: a schema, a way to read values, and how results are written.

Needs the standard library only; models of pydantic are understood where an app has it.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import inspect
import types
import typing
import uuid
from pathlib import PurePath
from typing import Any, Callable, NamedTuple  # noqa: UP035 (Python 3.9)

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
                _add_default(properties[name], parameter.default)
        self.schema = _whole(properties, self._required)

    def read(self, given: Any) -> tuple[dict[str, Any], list[str]]:
        """Turn JSON values into arguments; gives them and everything that does not fit."""
        if not isinstance(given, dict):
            return {}, [f"parameters are a JSON object, not {_shown(given)}"]
        arguments: dict[str, Any] = {}
        problems = [f"{name} is missing" for name in self._required if name not in given]
        for name, value in given.items():
            if name not in self._shapes:
                problems.append(f"there is no parameter {name!r}{_near(name, self._shapes)}")
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


def _add_default(schema: dict[str, Any], default: Any) -> None:
    try:
        schema["default"] = to_json(default)
    except TypeError:
        return  # it can be left out all the same


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
    shown = [value for _, value in members]

    def read(value: Any, place: str) -> Any:
        try:
            return members[_key(value)]
        except (KeyError, TypeError):
            words = ", ".join(_shown(word) for word in shown)
            raise MismatchError(f"{place} must be one of {words}, not {_shown(value)}") from None

    return Shape({"enum": shown}, read)


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
            _add_default(shape.schema["properties"][field.name], field.default)

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
                raise MismatchError(f"there is no {place}.{name}{_near(name, shapes)}")
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
        raise MismatchError(f"{place} must be {words}, not {_shown(value)}")


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
            raise MismatchError(f"{place} must be {words}, not {_shown(value)}") from None

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


def _near(name: Any, known: typing.Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _shown(value: Any) -> str:
    import json

    text = json.dumps(value, default=repr, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


# --- results -------------------------------------------------------------------------------------


def to_json(value: Any, place: str = "the result") -> Any:
    """Turn a value into what JSON has: objects, lists, texts, numbers, true, false and null.

    Raises:
        TypeError: It cannot be; the text says which part.
    """
    if value is None or type(value) in (bool, int, str):
        return value
    for write in (_written_number, _written_text, _written_object, _written_list):
        found = write(value, place)
        if found is not None:
            return found[0]
    raise TypeError(f"{place} cannot be written as JSON: it is of type {type(value).__qualname__}")


def _written_number(value: Any, place: str) -> tuple[Any] | None:
    if isinstance(value, enum.Enum):
        return (to_json(value.value, place),)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise TypeError(f"{place} cannot be written as JSON: it is {value}")
        return (float(value),)
    if isinstance(value, int):
        return (int(value),)
    return None


def _written_text(value: Any, place: str) -> tuple[str] | None:
    del place
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return (value.isoformat(),)
    if isinstance(value, (str, uuid.UUID, decimal.Decimal, PurePath)):
        return (str(value),)
    return None


def _written_object(value: Any, place: str) -> tuple[dict[str, Any]] | None:
    if hasattr(value, "model_dump") and not isinstance(value, type):
        return (value.model_dump(mode="json"),)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return ({name: to_json(getattr(value, name), f"{place}.{name}") for name in names},)
    if isinstance(value, collections.abc.Mapping):
        return ({_member(k, place): to_json(v, f"{place}.{k}") for k, v in value.items()},)
    return None


def _member(key: Any, place: str) -> str:
    written = to_json(key, place)
    if not isinstance(written, (str, int)) or isinstance(written, bool):
        raise TypeError(f"{place} cannot be written as JSON: {key!r} is no name")
    return str(written)


def _written_list(value: Any, place: str) -> tuple[list[Any]] | None:
    if isinstance(value, (set, frozenset)):
        parts = [to_json(part, place) for part in value]
        try:
            return (sorted(parts),)
        except TypeError:
            return (sorted(parts, key=repr),)
    if isinstance(value, (list, tuple, collections.abc.ValuesView, collections.abc.KeysView)):
        return ([to_json(part, f"{place}[{number}]") for number, part in enumerate(value)],)
    return None
