"""Reads scenarios and traces from files."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from headway.formats.scenario_yaml import parse_scenario
from headway.formats.trace_csv import columns_of, parse_trace, trace_rows
from headway.model.problem import Parsed, Problem, in_file, render_problem
from headway.model.scenario import Scenario, TraceLoad, TraceRow

T = TypeVar("T")
Read = tuple[Scenario, tuple[TraceRow, ...]]


class Unusable(Exception):
    """A file cannot be used; the text says why, with places."""


def read_scenario(path: Path) -> Read:
    """Read a scenario, and the trace that it names, beside it.

    Raises:
        Unusable: Something is wrong with either.
    """
    parsed = parse_scenario(_text(path), file=str(path))
    scenario = _good(parsed)
    if scenario.trace is None:
        return scenario, ()
    return scenario, read_trace(path.parent / scenario.trace.file, scenario.trace)


def read_trace(path: Path, load: TraceLoad) -> tuple[TraceRow, ...]:
    """Read a trace.

    Raises:
        Unusable: It cannot be read, or lacks columns.
    """
    if path.suffix == ".parquet":
        return _good(_parquet(path, load))
    return _good(parse_trace(_text(path), load))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Unusable(f"{path} cannot be read: {reason}") from error


def _good(parsed: Parsed[T]) -> T:
    if parsed.value is None:
        raise Unusable("\n".join(render_problem(problem) for problem in parsed.problems))
    return parsed.value


def _parquet(path: Path, load: TraceLoad) -> Parsed[tuple[TraceRow, ...]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        message = "Parquet is read by pyarrow, which is not installed"
        hint = "pip install 'headway[parquet]', or give the trace as CSV"
        return Parsed(None, in_file([Problem(message=message, hint=hint)], str(path)))
    try:
        with parquet.ParquetFile(path) as sheet:
            there = sheet.schema_arrow.names
            wanted = list(columns_of(load.columns))
            if not set(wanted) <= set(there):
                return trace_rows(there, (), load)
            return trace_rows(wanted, _numbered(sheet.iter_batches(columns=wanted), wanted), load)
    except (pa.ArrowException, OSError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error


def _numbered(batches: Iterable[Any], names: list[str]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    for batch in batches:
        for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
            number += 1
            yield number, [_cell(value) for value in row]


def _cell(value: object) -> str:
    """Write a cell as CSV has it: nothing where there is nothing, times as seconds."""
    match value:
        case None:
            return ""
        case datetime():
            return repr(value.replace(tzinfo=value.tzinfo or UTC).timestamp())
        case timedelta():
            return repr(value.total_seconds())
        case _:
            return str(value)
