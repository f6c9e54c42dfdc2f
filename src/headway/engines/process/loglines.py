"""Reads a container's log as its shim writes it: the CRI format, in files named by position."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from headway.machine.files import is_locked
from headway.model.ids import RunId
from headway.model.log import LogLine, Stream

_OWN = "log"
"""What the names of a container's log begin with, which is in a directory of its own."""
_READ_BYTES = 256 * 1024
_FOLLOW_S = 0.1
"""How often a followed log is looked at. Nobody looks at one that is not followed."""


async def read(
    folder: Path,
    *,
    after: int,
    before: int | None = None,
    tail: int | None,
    follow: bool,
    is_over: Callable[[], bool],
    stem: str = _OWN,
) -> AsyncIterator[LogLine]:
    """Give the lines behind a position, oldest first.

    Args:
        folder: The container's directory.
        after: Position behind which to begin; what was rotated away is passed over.
        before: Only lines ahead of the one with this position.
        tail: Only the last so many lines, then what follows.
        follow: Go on until `is_over`, and all was given.
        is_over: Whether the container writes no more.
        stem: What the names of the log's files begin with.
    """
    position = (
        after
        if tail is None
        else max(after, await asyncio.to_thread(_tail, folder, tail, stem, before))
    )
    while True:
        over = is_over()
        while True:
            lines, position = await asyncio.to_thread(_lines, folder, position, stem)
            if not lines:
                break
            for line in lines:
                if before is not None and line.cursor >= before:
                    return
                yield line
        if over or not follow:
            return
        await asyncio.sleep(_FOLLOW_S)


def segments(folder: Path, stem: str = _OWN) -> list[tuple[int, Path]]:
    """List the log's files by the position of their first byte, oldest first.

    Each begins where the one before ends, so none is looked for among the files of others.
    """
    while True:
        oldest = at = _oldest(folder, stem)
        found: list[tuple[int, Path]] = []
        with suppress(FileNotFoundError):
            while True:
                path = folder / f"{stem}.{at}"
                size = path.stat().st_size
                found.append((at, path))
                if size == 0:
                    break
                at += size
        if found or oldest == _oldest(folder, stem):  # otherwise it was dropped meanwhile
            return found


def _oldest(folder: Path, stem: str) -> int:
    """Give the position of the first byte that is kept; who drops an older file leaves a link."""
    if (folder / f"{stem}.0").exists():
        return 0
    with suppress(FileNotFoundError):
        return int(str((folder / f"{stem}.oldest").readlink()))
    if stem != _OWN:
        return 0
    # The supervisor is older than the link. Nobody else's log is in a container's directory.
    names = (path.name.removeprefix(f"{stem}.") for path in folder.iterdir())
    return min((int(name) for name in names if name.isdigit()), default=0)


def remove(folder: Path, runs: Collection[RunId]) -> None:
    """Forget what runs wrote. Each directory is looked into once: it may be a large one."""
    wanted = set(runs)
    for name in sorted({run[:5] for run in wanted}):
        try:
            with os.scandir(folder / name) as entries:
                gone = [entry.path for entry in entries if entry.name.split(".")[0] in wanted]
        except FileNotFoundError:
            continue
        for path in gone:
            Path(path).unlink(missing_ok=True)
        with suppress(OSError):
            (folder / name).rmdir()


def is_written(folder: Path, stem: str) -> bool:
    """Whether somebody may still add to a log: they hold the lock of its newest file."""
    paths = [path for _, path in segments(folder, stem)]
    return bool(paths) and is_locked(paths[-1])


def _lines(folder: Path, position: int, stem: str) -> tuple[list[LogLine], int]:
    """Give the next whole lines behind a position, and the position behind them."""
    for base, path in segments(folder, stem):
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if position >= base + size:
                    continue
                start = max(position, base)
                file.seek(start - base)
                data = file.read(_READ_BYTES)
        except FileNotFoundError:  # rotated away meanwhile
            continue
        end = data.rfind(b"\n") + 1
        if end == 0:
            return [], position
        lines: list[LogLine] = []
        cursor = start
        for raw in data[:end].split(b"\n")[:-1]:
            cursor += len(raw) + 1
            line = parse(raw, cursor)
            if line is not None:
                lines.append(line)
        return lines, cursor
    return [], position


def _tail(folder: Path, count: int, stem: str, before: int | None) -> int:
    """Find the position behind which the last `count` lines stand, reading from the end.

    With `before`, from ahead of the line with this position: its own line end is not counted.
    """
    found = 0
    for base, path in reversed(segments(folder, stem)):
        with path.open("rb") as file:
            at = os.fstat(file.fileno()).st_size
            if before is not None:
                at = min(at, before - 1 - base)
            while at > 0:
                start = max(0, at - _READ_BYTES)
                file.seek(start)
                data = file.read(at - start)
                newlines = data.count(b"\n")
                if found + newlines > count:
                    return base + start + _cut(data, found + newlines - count)
                found += newlines
                at = start
    return 0


def _cut(data: bytes, skipped: int) -> int:
    """Give the offset behind the first `skipped` lines."""
    offset = 0
    for _ in range(skipped):
        offset = data.index(b"\n", offset) + 1
    return offset


def parse(raw: bytes, cursor: int) -> LogLine | None:
    """Read one line of the CRI format; None for one that was broken by a crash.

    >>> parse(b"2026-11-21T04:17:00.123456789Z stdout F hello", 47).text
    'hello'
    """
    words = raw.split(b" ", 3)
    try:
        stamp, stream, tag, text = words
        at = datetime.fromisoformat(stamp[:26].decode() + "+00:00").astimezone(UTC)
        return LogLine(
            at=at,
            stream=Stream(stream.decode()),
            text=text.decode(errors="replace"),
            cursor=cursor,
            partial=tag == b"P",
        )
    except ValueError:
        return None
