"""A log is read from its own files, however often it was rotated and whoever has one beside it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headway.engines.process import loglines
from headway.engines.process.shims.log import LINE_BYTES, Log
from headway.model.ids import RunId

HALF = 4 * LINE_BYTES
"""So much fits in each of the two files of the smallest log."""
_LISTED: list[list[str]] = []


def _audit(event: str, arguments: tuple) -> None:
    if event in ("os.listdir", "os.scandir"):
        for listed in _LISTED:
            listed.append(str(arguments[0]))


sys.addaudithook(_audit)


@contextmanager
def listed() -> Iterator[list[str]]:
    """Note which directories are looked through."""
    found: list[str] = []
    _LISTED.append(found)
    try:
        yield found
    finally:
        _LISTED.remove(found)


def write(log: Log, first: int, last: int) -> None:
    for number in range(first, last):
        log.write(b"stdout", [(b"%06d" % number + b"x" * 994, True)])


async def read(folder: Path, stem: str, **asked) -> list[int]:
    asked = {"after": 0, "tail": None, **asked}
    lines = loglines.read(folder, follow=False, is_over=lambda: True, stem=stem, **asked)
    return [int(line.text[:6]) async for line in lines]


@pytest.mark.parametrize("count", [0, 1, 50, 100, 1000])
async def test_a_run_s_lines_are_found_without_looking_at_other_runs(tmp_path, count):
    stem = "r1.1.log"
    for number in range(50):
        (tmp_path / f"other{number}.1.log.0").write_text("x")
    log = Log(0, {}, str(tmp_path / stem))
    write(log, 0, count)
    with listed() as looked:
        kept = await read(tmp_path, stem)
        assert await read(tmp_path, stem, tail=10) == kept[-10:]
        assert loglines.is_written(tmp_path, stem) == (count > 0)
        log.close()
        assert not loglines.is_written(tmp_path, stem)
    assert looked == []
    assert kept == list(range(count - len(kept), count))
    assert len(kept) >= min(count, HALF // 1100)


async def test_what_is_rotated_away_while_it_is_followed_is_passed_over(tmp_path):
    log = Log(0, {}, str(tmp_path / "r1.1.log"))
    write(log, 0, 10)
    over: list[bool] = []
    lines = loglines.read(
        tmp_path, after=0, tail=None, follow=True, is_over=lambda: bool(over), stem="r1.1.log"
    )
    first = [int((await anext(lines)).text[:6]) for _ in range(10)]
    write(log, 10, 1000)
    over.append(True)
    rest = [int(line.text[:6]) async for line in lines]
    assert first == list(range(10))
    assert rest == list(range(1000 - len(rest), 1000))
    assert rest
    log.close()


async def test_a_log_of_a_supervisor_that_leaves_no_link_is_read(tmp_path):
    log = Log(0, {}, str(tmp_path / "log"))
    write(log, 0, 1000)
    log.close()
    kept = await read(tmp_path, "log")
    (tmp_path / "log.oldest").unlink()
    assert await read(tmp_path, "log") == kept


def test_nothing_is_left_of_a_run_that_is_forgotten(tmp_path):
    run = RunId("abcdefgh")
    folder = tmp_path / run[:5]
    folder.mkdir()
    log = Log(0, {}, str(folder / f"{run}.1.log"))
    write(log, 0, 1000)
    log.close()
    assert len(os.listdir(folder)) == 3
    loglines.remove(tmp_path, [run])
    assert not folder.exists()
