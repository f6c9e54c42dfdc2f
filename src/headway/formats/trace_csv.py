"""Recorded runs: rows of a trace, by the names of its columns."""

import csv
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from headway.model.ids import PoolName
from headway.model.problem import Parsed, Problem, in_file
from headway.model.scenario import TraceColumns, TraceLoad, TraceRow

_PROBLEMS_MAX = 20
_LEAST_S = 0.001
_LEAST_CPU = 0.001


class _Found(NamedTuple):
    """A row as it was read."""

    at: float | None
    end: float | None
    cpu: float
    memory: float
    pool: PoolName | None


def parse_trace(text: str, load: TraceLoad) -> Parsed[tuple[TraceRow, ...]]:
    """Read a trace from CSV, its first line naming the columns."""
    rows = list(csv.reader(text.splitlines()))
    if not rows:
        problem = Problem(line=1, column=1, message="the trace is empty", hint="name its columns")
        return Parsed(None, in_file([problem], load.file))
    return trace_rows(rows[0], enumerate(rows[1:], start=2), load)


def trace_rows(
    header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], load: TraceLoad
) -> Parsed[tuple[TraceRow, ...]]:
    """Read numbered rows under a header.

    A run without a beginning was there before the trace began; one without an end goes on until the
    trace ends. Rows are given in the order of their beginnings, the first at 0.
    """
    columns = load.columns
    missing = [_no_column(name, header) for name in columns_of(columns) if name not in header]
    if missing:
        return Parsed(None, in_file(missing, load.file))
    places = {name: header.index(name) for name in columns_of(columns)}
    pool_at = places.pop(columns.pool, None)
    problems: list[Problem] = []
    found: list[_Found] = []
    for line, row in rows:
        if len(found) >= load.rows_max or len(problems) >= _PROBLEMS_MAX:
            break
        values = {name: _value(row, places[name], line, name, problems) for name in places}
        if problems:
            continue
        at, cpu, memory = (values[name] for name in (columns.at, columns.cpu, columns.memory))
        end = values[columns.end] if columns.end else None
        if columns.duration and at is not None:
            length = values[columns.duration]
            end = None if length is None else at + length
        pool = _text(row, pool_at) if pool_at is not None else ""
        found.append(_Found(at, end, cpu or 0.0, memory or 0.0, PoolName(pool) if pool else None))
    if problems:
        return Parsed(None, in_file(problems, load.file))
    return Parsed(_timed(found, load))


def columns_of(columns: TraceColumns) -> list[str]:
    """Name the columns that are read."""
    names = (
        columns.at,
        columns.end,
        columns.duration,
        columns.cpu,
        columns.memory,
        columns.pool,
    )
    return [name for name in names if name]


def _no_column(name: str, header: Sequence[str]) -> Problem:
    near = get_close_matches(name, header, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(header)}"
    return Problem(line=1, column=1, message=f"there is no column {name!r}", hint=hint)


def _value(
    row: Sequence[str], place: int, line: int, name: str, problems: list[Problem]
) -> float | None:
    text = _text(row, place)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        message = f"{name} is {text!r}, and must be a number that is not below zero"
        problems.append(Problem(line=line, column=1, message=message))
        return None
    return value


def _text(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _timed(found: list[_Found], load: TraceLoad) -> tuple[TraceRow, ...]:
    times = [one.at for one in found if one.at is not None]
    first = min(times, default=0.0)
    last = max([*times, *(one.end for one in found if one.end is not None)], default=0.0)
    columns = load.columns
    rows: list[TraceRow] = []
    for at, end, cpu, memory, pool in found:
        begin = first if at is None else at
        length_s = max(_LEAST_S, ((last if end is None else end) - begin) / load.speed)
        rows.append(
            TraceRow(
                at_s=(begin - first) / load.speed,
                duration_s=round(length_s, 3),
                cpu=max(_LEAST_CPU, round(cpu * columns.cpu_unit, 3)),
                memory_mib=max(1, round(memory * columns.memory_unit)),
                pool=pool,
            )
        )
    return tuple(sorted(rows, key=lambda row: row.at_s))
