"""The lines of a run's attempt: as they are shown, and as they come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple, Self

from headway.control.errors import Invalid
from headway.control.queries import logs
from headway.control.runs import runs
from headway.model.run import Attempt, Run
from headway.model.view.log import LogEntry
from headway.web import links
from headway.web.lines import shown
from headway.web.page import Addition, Anew, Appended, Ask
from headway.web.pages.logs import Row

TAIL = 200
"""The last lines, which the page of a run has."""
_AGAIN_S = 0.5
"""Until the lines of an attempt that has not begun are looked for again: no event tells of it."""
_DIGITS = 18


class Place(NamedTuple):
    """A place in what a run writes."""

    attempt: int = 0
    """0: there is none yet."""
    after: int = 0
    """Behind this position in its log; 0 is the beginning."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it from an address; what is none is before everything.

        >>> Place.parse("2:1204"), Place.parse("x")
        (Place(attempt=2, after=1204), Place(attempt=0, after=0))
        """
        words = text.split(":")
        sure = len(words) == 2 and all(_is_number(word) for word in words)
        return cls(*map(int, words)) if sure else cls()

    def render(self) -> str:
        """Write it.

        >>> Place(2, 1204).render()
        '2:1204'
        """
        return f"{self.attempt}:{self.after}"


def chosen(run: Run, number: int | None) -> Attempt | None:
    """Give the attempt of this number, or the newest."""
    return next((one for one in reversed(run.attempts) if number in (None, one.number)), None)


def number_of(query: Mapping[str, str], name: str) -> int | None:
    """Read a number of the address.

    Raises:
        Invalid: It is none.
    """
    text = query.get(name, "")
    if text and not _is_number(text):
        raise Invalid(f"{name}-invalid", f"{text!r} is no number, as {name} is one")
    return int(text) if text else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def rows_of(run: Run, begin: Place, entries: Sequence[LogEntry]) -> tuple[Row, ...]:
    """Show lines that follow on a place, each with the address at which the log begins with it."""
    rows = []
    at = begin
    for entry in entries:
        rows.append(_row(run.id, at, entry))
        at = at._replace(after=entry.line.cursor)
    return tuple(rows)


def _row(run: str, at: Place, entry: LogEntry) -> Row:
    line = shown(entry.line.text)
    url = links.run_log(run, attempt=at.attempt or None, after=at.after or None)
    return Row(entry=entry, pieces=line.pieces, more=line.more, colour=0, url=url)


async def last_lines(ask: Ask, at: Place) -> tuple[Place, list[LogEntry]]:
    """Give the last lines behind a place, and what they follow on."""
    some = await logs.run(
        ask.world, ask.names["run"], attempt=at.attempt, after=at.after, tail=TAIL + 1
    )
    async with aclosing(some):
        found = [entry async for entry in some]
    if len(found) <= TAIL:
        return at, found
    return at._replace(after=found[0].line.cursor), found[1:]


async def follow(ask: Ask, resume: str) -> AsyncIterator[Addition]:
    """Give lines as they are written; those of a new attempt take the place of the last one's."""
    number, at = number_of(ask.query, "attempt"), Place.parse(resume)
    while True:
        run = await runs.one(ask.world, ask.names["run"])
        attempt = chosen(run, number)
        if attempt is not None:
            if attempt.number != at.attempt:
                at = Place(attempt.number)
                yield Anew("lines", at.render())
            async with aclosing(_written(ask, at)) as written:
                async for addition in written:
                    at = Place.parse(addition.resume)
                    yield addition
        if run.is_ended:
            return
        await asyncio.sleep(_AGAIN_S)


async def _written(ask: Ask, at: Place) -> AsyncGenerator[Addition, None]:
    """Give what an attempt writes behind a place, until it has ended."""
    run = await runs.one(ask.world, ask.names["run"])
    begin, some = await last_lines(ask, at)
    if begin != at:  # more than a page has came meanwhile
        yield Anew("lines", begin.render())
    for row in rows_of(run, begin, some):
        at = at._replace(after=row.entry.line.cursor)
        yield Appended("lines", "lines", row, at.render())
    while True:
        run = await runs.one(ask.world, run.id)
        attempt = chosen(run, at.attempt)
        is_over = attempt is None or attempt.ended_at is not None
        more = await logs.run(ask.world, run.id, attempt=at.attempt, after=at.after, follow=True)
        async with aclosing(more):
            async for entry in more:
                row = _row(run.id, at, entry)
                at = at._replace(after=entry.line.cursor)
                yield Appended("lines", "lines", row, at.render())
        if is_over:
            return
        await asyncio.sleep(_AGAIN_S)  # it has not begun to write
