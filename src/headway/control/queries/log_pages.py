"""Log lines by the page: the last ones, then those ahead of them, or those that fit a text."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from headway.control.errors import Invalid, NotFound
from headway.control.queries.logs import chosen, entry_of, lines_of
from headway.control.requests import LogQuestion
from headway.control.world import World
from headway.formats.terminal_text import plain
from headway.model.container import Container
from headway.model.ids import ContainerId
from headway.model.view.log import LogEntry

_MERGED_MAX = 40
"""Containers whose lines are on one page."""
_SEARCHED_MAX = 40_000
"""Lines that one page looks through for those that fit."""
_SEARCHED_AT_ONCE = 4000

Cursors = dict[ContainerId, int]


class LogPage(NamedTuple):
    """Some lines, oldest first."""

    entries: list[LogEntry]
    before: Cursors
    """Ahead of which line of each container the next page begins; empty: there is none."""
    ends: Cursors
    """The last line of each container, behind which new ones come."""
    searched: int = 0
    """Lines that were looked through, where not all fit."""


async def page(
    world: World,
    name: str,
    question: LogQuestion,
    *,
    before: Mapping[ContainerId, int],
    most: int,
    text: str = "",
) -> LogPage:
    """Give the last lines of an environment's containers, or those ahead of others.

    Args:
        world: The control plane.
        name: Of the environment.
        question: Which containers.
        before: As an earlier page gave it; empty: from the end.
        most: So many lines.
        text: Only lines that have this in them as they are shown, large or small letters alike.

    Raises:
        NotFound: The environment, an app or a container is not there.
        Invalid: Too many containers match.
    """
    rows, _ = await chosen(world, name, question)
    if before:
        rows = [row for row in rows if row.id in before]
    elif len(rows) > _MERGED_MAX and not question.containers:
        rows = rows[-_MERGED_MAX:]
    if len(rows) > _MERGED_MAX:
        raise Invalid("too-many-containers", f"at most {_MERGED_MAX} logs fit on one page")
    if not text:
        return await _turned(world, rows, before, most)
    return await _searched(world, rows, before, most, text.lower())


async def around(
    world: World, row: Container, cursor: int, lines: int
) -> tuple[list[LogEntry], list[LogEntry]]:
    """Give the lines up to one of a container's, itself included, and those behind it."""
    up_to = [
        entry_of(row, line) async for line in lines_of(world, row.id, before=cursor + 1, tail=lines)
    ]
    behind: list[LogEntry] = []
    async for line in lines_of(world, row.id, after=cursor):
        behind.append(entry_of(row, line))
        if len(behind) == lines:
            break
    return up_to, behind


async def _turned(
    world: World, rows: Sequence[Container], before: Mapping[ContainerId, int], most: int
) -> LogPage:
    """Turn one page back."""
    found: list[LogEntry] = []
    lasts: Cursors = {}
    full = False
    for row in rows:
        own: list[LogEntry] = []
        with suppress(NotFound):
            cursor = before.get(row.id)
            lines = lines_of(world, row.id, before=cursor, tail=most)
            own = [entry_of(row, line) async for line in lines]
        if own:
            lasts[row.id] = own[-1].line.cursor
        full = full or len(own) == most
        found += own
    found.sort(key=lambda one: one.line.at)
    shown = found[-most:]
    more = full or len(found) > len(shown)
    return LogPage(shown, _next(shown, lasts) if more else {}, lasts)


def _next(shown: Sequence[LogEntry], lasts: Mapping[ContainerId, int]) -> Cursors:
    """Say where each log goes on: ahead of its first line here, else ahead of what it has behind.

    Logs that have nothing at all are left out.
    """
    cursors = {container: last + 1 for container, last in lasts.items()}
    for one in reversed(shown):
        cursors[one.container] = one.line.cursor
    return cursors


async def _searched(
    world: World,
    rows: Sequence[Container],
    before: Mapping[ContainerId, int],
    most: int,
    text: str,
) -> LogPage:
    """Turn pages back until enough lines fit, or enough were looked through."""
    found: list[LogEntry] = []
    ends: Cursors | None = None
    searched = 0
    at_once = max(most, _SEARCHED_AT_ONCE // max(1, len(rows)))
    while True:
        turned = await _turned(world, rows, before, at_once)
        searched += len(turned.entries)
        ends = ends or turned.ends
        found = [one for one in turned.entries if text in plain(one.line.text).lower()] + found
        before = turned.before
        rows = [row for row in rows if row.id in before]
        if not before or len(found) >= most or searched >= _SEARCHED_MAX:
            break
    if len(found) > most:
        left = found[:-most]
        found = found[-most:]
        before = {**before, **{one.container: one.line.cursor + 1 for one in left}}
    return LogPage(found, dict(before), ends, searched)
