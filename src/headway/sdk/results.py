"""How what a function gives is written as JSON. Needs the standard library only."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from pathlib import PurePath
from typing import Any


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
