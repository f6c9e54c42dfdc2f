"""Traces from files: Parquet is read as CSV is, or refused with what to do."""

import sys
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from pyarrow import parquet

from headway.model.scenario import TraceColumns, TraceLoad
from headway.sim.trace import Unusable, read_trace

COLUMNS = TraceColumns(at="at", end="end", cpu="cores", memory="memory", memory_unit=1024)
BEGAN = datetime(2026, 3, 4, 9, tzinfo=UTC)


def load(**columns):
    named = TraceColumns(at="at", cpu="cores", memory="memory", memory_unit=1024, **columns)
    return TraceLoad(file="runs.parquet", columns=named)


@pytest.fixture
def trace(tmp_path):
    def write(**columns):
        path = tmp_path / "runs.parquet"
        parquet.write_table(pa.table(columns), path, row_group_size=2)
        return path

    return write


def test_columns_are_found_by_name_among_others_and_what_is_not_there_is_open(trace):
    path = trace(
        more=["x", "y", "z"],
        memory=[0.5, 1.0, 2.0],
        cores=[1, 2, 4],
        at=[100, None, 110],
        end=[160.5, 130.0, None],
    )
    rows = read_trace(path, load(end="end"))
    assert [(row.at_s, row.duration_s) for row in rows] == [(0, 60.5), (0, 30), (10, 50.5)]
    assert [(row.cpu, row.memory_mib) for row in rows] == [(1, 512), (2, 1024), (4, 2048)]


def test_times_may_be_times(trace):
    path = trace(
        at=[BEGAN, BEGAN + timedelta(minutes=5)],
        took=[timedelta(seconds=30), timedelta(hours=2)],
        cores=[1, 1],
        memory=[1, 1],
    )
    rows = read_trace(path, load(duration="took"))
    assert [(row.at_s, row.duration_s) for row in rows] == [(0, 30), (300, 7200)]


def test_no_more_rows_are_read_than_are_asked_for(trace):
    path = trace(at=[1, 2, 3, 4], end=[9, 9, 9, 9], cores=[1] * 4, memory=[1] * 4)
    few = TraceLoad(file="runs.parquet", columns=COLUMNS, rows_max=3)
    assert len(read_trace(path, few)) == 3


def test_a_column_that_is_not_there_is_named(trace):
    path = trace(at=[1], ende=[2], cores=[1], memory=[1])
    with pytest.raises(Unusable, match=r"there is no column 'end' .did you mean 'ende'"):
        read_trace(path, load(end="end"))


def test_a_number_that_is_none_is_refused_with_its_row(trace):
    path = trace(at=["1", "soon"], end=[2, 3], cores=[1, 1], memory=[1, 1])
    with pytest.raises(Unusable, match=r"runs\.parquet:2:1: at is 'soon'"):
        read_trace(path, load(end="end"))


def test_what_is_no_parquet_file_is_said_in_words(tmp_path):
    path = tmp_path / "runs.parquet"
    path.write_text("at,end\n")
    with pytest.raises(Unusable, match=r"runs\.parquet cannot be read"):
        read_trace(path, load(end="end"))


def test_without_its_library_it_says_how_to_get_it(trace, monkeypatch):
    path = trace(at=[1], end=[2], cores=[1], memory=[1])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Unusable, match=r"pip install 'headway\[parquet\]'"):
        read_trace(path, load(end="end"))
