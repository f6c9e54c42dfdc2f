"""Forgets ended runs that are no longer kept, with their logs, without getting in anybody's way."""

from headway.control.pacing import REST, paced
from headway.control.world import World
from headway.model.ids import RunId
from headway.model.run import Run
from headway.ports.engine import EngineError
from headway.ports.store import Reader, Writer

_PAGE = 100
"""Runs forgotten in one transaction, so that a writer waits some five milliseconds at most."""
_LEAST_REST = 1.0
"""While many are too many. While few are, rests are as they always are."""


async def forget_runs(world: World) -> None:
    """Forget the oldest ended runs until none is older than is kept, nor more are."""
    kept = world.settings.runs_kept
    # Of now, for all pages: what gets too old meanwhile is for the next time, or it never ended.
    oldest_us = round((world.clock.now().timestamp() - world.settings.runs_kept_s) * 1e6)
    over = await world.store.read(lambda reader: reader.count(Run, "ended_us")) - kept

    async def page() -> int:
        nonlocal over
        gone = await _forget_page(world, oldest_us, over)
        over -= gone
        return gone

    await paced(page, lambda: _rest(over / kept))


def _rest(over: float) -> float:
    """Say how long to rest: the shorter the more there are, up to twice as many as are kept."""
    return REST + (_LEAST_REST - REST) * min(1.0, max(0.0, over))


async def _forget_page(world: World, oldest_us: int, over: int) -> int:
    """Forget some of the oldest, and give how many.

    Args:
        world: Where.
        oldest_us: Who ended before is too old.
        over: How many ended runs there are beyond what is kept.
    """

    def wanted(reader: Reader) -> list[RunId]:
        old = reader.lowest(Run, "ended_us", up_to=oldest_us, limit=_PAGE)
        if len(old) < min(over, _PAGE):
            old = reader.lowest(Run, "ended_us", limit=min(over, _PAGE))
        return [row.id for row in old]

    gone = await world.store.read(wanted)
    if not gone:
        return 0
    try:
        await world.engine.remove_runs(gone)
    except EngineError:  # without their rows nobody would find the logs again
        return 0

    def deed(tx: Writer) -> None:
        for run in gone:
            tx.delete(Run, run)

    await world.store.write(deed)
    return len(gone)
