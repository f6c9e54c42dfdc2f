"""Reads scenarios and traces from files."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from headway.formats.scenario_yaml import parse_scenario
from headway.formats.trace_csv import parse_trace, trace_rows
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
        from pyarrow import parquet  # type: ignore[import-not-found]
    except ImportError:
        message = "Parquet is read by pyarrow, which is not installed"
        problem = Problem(message=message, hint="pip install pyarrow, or give the trace as CSV")
        return Parsed(None, in_file([problem], str(path)))
    sheet = parquet.read_table(path)
    columns = [column.to_pylist() for column in sheet.columns]

    def rows() -> Iterable[tuple[int, list[str]]]:
        for number in range(sheet.num_rows):
            cells = [column[number] for column in columns]
            yield number + 1, ["" if cell is None else str(cell) for cell in cells]

    return trace_rows(sheet.column_names, rows(), load)
