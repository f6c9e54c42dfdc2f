"""Log lines: the last ones, those ahead of them, one line in full; and new ones as they come."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zlib import crc32

import msgspec

from headway.control import containers
from headway.control.environments import environments, past
from headway.control.errors import Invalid, NotFound
from headway.control.queries import log_pages, logs
from headway.control.requests import LogQuestion
from headway.formats.terminal_text import plain
from headway.model.ids import AppName, ContainerId, environment_name
from headway.model.value import Value
from headway.model.view.log import LogEntry
from headway.web import links
from headway.web.lines import CUT, Piece, shown
from headway.web.page import Addition, Anew, Appended, Ask, Crumb, Page, View

LINES = 200
_AROUND = 60
_WHOLE = 1_000_000
_COLOURS = 8
_CURSORS_MAX = 100
_DIGITS = 18
_SECONDS_DIGITS = 11
_SLACK = timedelta(minutes=1)
"""By which the clocks of nodes may differ."""
_KNOWN_MAX = 60
"""Containers whose last line a page knows that has been open for long."""


class Row(Value, kw_only=True):
    """One line as it is shown."""

    entry: LogEntry
    """As it was written; in the answer to programs, what it was made of is left to them."""
    pieces: tuple[Piece, ...]
    more: int
    colour: int
    """Of who wrote it, the same wherever it is shown."""
    url: str
    """Where it is shown in full, with what is around it."""
    is_chosen: bool = False


class LogsPage(View, kw_only=True):
    """Lines of an environment's containers."""

    environment: str
    """Its name; of one that has ended, its id."""
    app: str = ""
    container: str = ""
    text: str = ""
    """What the lines must have in them."""
    rows: tuple[Row, ...] = ()
    before: str = ""
    """Where the older ones are."""
    newest: bool = True
    """Whether these are the last lines that there are."""
    searched: int = 0
    apps: tuple[AppName, ...] = ()
    at: datetime
    """As of when these are the lines."""
    ends: dict[ContainerId, int] = msgspec.field(default_factory=dict)

    @property
    def title(self) -> str:
        """Whose lines."""
        return f"Logs of {self.container or self.app or self.environment}"

    @property
    def crumbs(self) -> tuple[Crumb, ...]:
        """The way to it."""
        owner = self.environment
        steps = (Crumb("Environments", "/envs"), Crumb(owner, links.life(owner)))
        return (*steps, Crumb(self.app, links.member(owner, self.app))) if self.app else steps

    @property
    def older(self) -> str:
        """The address of the lines ahead of these."""
        return self._here(before=self.before) if self.before else ""

    @property
    def latest(self) -> str:
        """The address of the last lines."""
        return self._here()

    @property
    def resume(self) -> str:
        """From where new lines are to be sent."""
        # Who had not written a line then is heard from its first one on, whenever it began.
        return render_resume(self.at - _SLACK, self.ends) if self.newest else ""

    def _here(self, **fields: str) -> str:
        chosen = {"app": self.app, "container": self.container, "text": self.text, **fields}
        return links.logs(
            self.environment, **{name: value or None for name, value in chosen.items()}
        )


def row_of(owner: str, entry: LogEntry, most: int = CUT, *, chosen: int | None = None) -> Row:
    """Show a line."""
    line = shown(entry.line.text, most)
    return Row(
        entry=entry,
        pieces=line.pieces,
        more=line.more,
        colour=crc32(entry.container.encode()) % _COLOURS,
        url=links.line(owner, entry.container, entry.line.cursor),
        is_chosen=entry.line.cursor == chosen,
    )


def render_cursors(cursors: Mapping[ContainerId, int]) -> str:
    """Write positions in logs as a part of an address.

    >>> render_cursors({ContainerId("web-1"): 7, ContainerId("api-1"): 3})
    'api-1:3,web-1:7'
    """
    return ",".join(f"{container}:{cursor}" for container, cursor in sorted(cursors.items()))


def parse_cursors(text: str) -> dict[ContainerId, int]:
    """Read positions in logs; what is none is left out.

    >>> parse_cursors("api-1:3,web-1:x,:4,web-2:9")
    {'api-1': 3, 'web-2': 9}
    """
    found: dict[ContainerId, int] = {}
    for part in text.split(",")[:_CURSORS_MAX]:
        container, _, cursor = part.rpartition(":")
        if container and cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS:
            found[ContainerId(container)] = int(cursor)
    return found


def render_resume(at: datetime, cursors: Mapping[ContainerId, int]) -> str:
    """Write from where a stream goes on.

    >>> render_resume(datetime(2026, 3, 1, tzinfo=UTC), {ContainerId("web-1"): 7})
    '1772323200;web-1:7'
    """
    return f"{int(at.timestamp())};{render_cursors(cursors)}"


def parse_resume(text: str, now: datetime) -> tuple[datetime, dict[ContainerId, int]]:
    """Read from where a stream goes on; what is no time is now.

    >>> parse_resume("1772323200;web-1:7", datetime(2026, 4, 1, tzinfo=UTC))
    (datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc), {'web-1': 7})
    """
    at, _, cursors = text.partition(";")
    sure = at.isascii() and at.isdigit() and len(at) <= _SECONDS_DIGITS
    return datetime.fromtimestamp(int(at), UTC) if sure else now, parse_cursors(cursors)


def _question(ask: Ask) -> LogQuestion:
    app, container = ask.query.get("app", ""), ask.query.get("container", "")
    return LogQuestion(
        apps=(AppName(app),) if app else (),
        containers=(ContainerId(container),) if container else (),
    )


async def _see(ask: Ask) -> LogsPage:
    owner, cursor = ask.names["environment"], ask.query.get("line", "")
    if cursor:
        return await _see_line(ask, owner, cursor)
    before = parse_cursors(ask.query.get("before", ""))
    text = ask.query.get("text", "")[:200]
    place = await _place(ask, owner)
    page = await log_pages.page(
        ask.world, owner, _question(ask), before=before, most=LINES, text=text
    )
    return LogsPage(
        environment=place.name,
        app=ask.query.get("app", ""),
        container=ask.query.get("container", ""),
        text=text,
        rows=tuple(row_of(owner, entry) for entry in page.entries),
        before=render_cursors(page.before),
        newest=not before and not place.has_ended,
        searched=page.searched,
        apps=place.apps,
        at=ask.now,
        ends=page.ends,
    )


class _Place(NamedTuple):
    """Where lines are of."""

    name: str
    apps: tuple[AppName, ...]
    has_ended: bool = False


async def _place(ask: Ask, owner: str) -> _Place:
    """Find an environment, or what is kept of it.

    Raises:
        NotFound: There never was one.
    """
    try:
        view = await environments.one(ask.world, owner)
    except NotFound:
        ended = await past.life(ask.world, owner)
        return _Place(ended.life.id, tuple(sorted(ended.deployed)), has_ended=True)
    return _Place(view.name, tuple(member.app for member in view.members))


async def _see_line(ask: Ask, owner: str, cursor: str) -> LogsPage:
    """Show one line in full, and what is around it."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS):
        raise Invalid("line-invalid", f"{cursor!r} is no position in a log")
    at = int(cursor)
    container = await containers.one(ask.world, ask.query.get("container", ""))
    if owner not in (container.environment, environment_name(container.environment)):
        raise NotFound("container-unknown", f"there is no container {container.id} in {owner}")
    up_to, behind = await log_pages.around(ask.world, container, at, _AROUND)
    rows = [
        row_of(owner, entry, _WHOLE if entry.line.cursor == at else CUT, chosen=at)
        for entry in (*up_to, *behind)
    ]
    before = {container.id: up_to[0].line.cursor} if len(up_to) == _AROUND else {}
    return LogsPage(
        environment=owner,
        container=container.id,
        rows=tuple(rows),
        before=render_cursors(before),
        newest=False,
        at=ask.now,
    )


class Known:
    """What of an environment's logs is on a page, with a bound however long it is open."""

    def __init__(self, since: datetime, cursors: Mapping[ContainerId, int]) -> None:
        self.since = since
        """Older lines of containers that are not known are not wanted."""
        self.cursors = dict(cursors)
        self._lasts: dict[ContainerId, datetime] = {}

    def is_new(self, entry: LogEntry) -> bool:
        """Say whether a line is not on the page."""
        cursor = self.cursors.get(entry.container)
        return entry.line.at >= self.since if cursor is None else entry.line.cursor > cursor

    def note(self, entry: LogEntry) -> str:
        """Note that a line is on the page, and write behind what to go on."""
        self.cursors.pop(entry.container, None)  # those that wrote last are at the end
        self.cursors[entry.container] = entry.line.cursor
        self._lasts[entry.container] = entry.line.at
        if len(self.cursors) > _KNOWN_MAX:
            oldest = next(iter(self.cursors))
            del self.cursors[oldest]
            last = self._lasts.pop(oldest, self.since)
            self.since = max(self.since, last.replace(microsecond=0) + timedelta(seconds=1))
        return self.render()

    def render(self) -> str:
        """Write behind what to go on."""
        return render_resume(self.since, self.cursors)


async def _follow(ask: Ask, resume: str) -> AsyncIterator[Addition]:
    """Give what came since the page was drawn or left, as a page has it; then new lines."""
    owner, text = ask.names["environment"], ask.query.get("text", "")[:200]
    question, known = _question(ask), Known(*parse_resume(resume, ask.now))
    page = await log_pages.page(ask.world, owner, question, before={}, most=LINES, text=text)
    new = [entry for entry in page.entries if known.is_new(entry)]
    if new and page.before and len(new) == len(page.entries):
        yield Anew("lines", known.render())  # there may be more than these
    for entry in new:
        yield Appended("lines", "lines", row_of(owner, entry), known.note(entry))
    ends = known.cursors | page.ends
    question = msgspec.structs.replace(
        question, since=known.since, follow=True, after=ends, tail=None
    )
    async for entry in await logs.merged(ask.world, owner, question):
        resume = known.note(entry)
        if not text or text.lower() in plain(entry.line.text).lower():
            yield Appended("lines", "lines", row_of(owner, entry), resume)


OFFERS = (Page("/envs/{environment}/logs", "logs.html", _see, follow=_follow),)
