"""Forgets sources that nothing can be made of any more: what is running or kept needs others."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from headway.control.pacing import paced
from headway.control.world import World
from headway.model.app import App, Source
from headway.model.deployment import Deployment
from headway.model.ids import AppName, Digest
from headway.ports.store import Reader, Writer

_AT_ONCE = 100
"""Rows deleted in one transaction."""
_UNCLAIMED = timedelta(hours=1)
"""So long one that was sent waits to be deployed."""


async def forget_sources(
    world: World, used: Collection[Digest], since: datetime
) -> frozenset[Digest]:
    """Forget those that are not used, an hour after they were sent; gives those that are left.

    The files of one go after its row, so that nobody is offered what has no files.

    Args:
        world: Where.
        used: Those that something needs.
        since: When that was found out: what was deployed after is looked at once more.
    """
    there = {*await world.store.read(lambda reader: reader.tally(Source, "digest"))}
    unused = sorted(there.difference(used))

    async def some() -> int:
        digests = [unused.pop() for _ in range(min(_AT_ONCE, len(unused)))]
        old = await world.store.read(lambda reader: _old(reader, digests, since))
        if old:
            there.difference_update(
                await world.store.write(lambda tx: _forget(tx, _old(tx, digests, since), since))
            )
        return len(digests)

    await paced(some)
    return frozenset(there)


def _old(reader: Reader, digests: list[Digest], now: datetime) -> list[Source]:
    rows = reader.get_all(Source, digests).values()
    return [row for row in rows if now - row.created_at > _UNCLAIMED]


def _forget(tx: Writer, rows: list[Source], since: datetime) -> list[Digest]:
    gone = [row.digest for row in rows if not _is_used(tx, row, since)]
    for digest in gone:
        tx.delete(Source, digest)
    return gone


def _is_used(reader: Reader, source: Source, since: datetime) -> bool:
    """Say whether somebody has begun to use one since."""
    app = reader.get(App, source.app)
    return (app is not None and app.source == source.digest) or any(
        row.source == source.digest for row in _deployed_since(reader, source.app, since)
    )


def _deployed_since(reader: Reader, app: AppName, since: datetime) -> Iterator[Deployment]:
    """Give the newest deployments of an app; mostly there is none."""
    before = None
    while rows := reader.find(Deployment, app=app, newest_first=True, before=before, limit=1):
        if rows[0].created_at < since:
            return
        yield rows[0]
        before = rows[0].id
