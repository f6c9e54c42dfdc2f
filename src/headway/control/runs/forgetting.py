"""Forgets ended runs that are no longer kept, with their logs, without getting in anybody's way."""

from collections.abc import Collection
from functools import partial

from headway.control.pacing import REST, paced
from headway.control.removing import Removing
from headway.control.world import World
from headway.model.ids import RunId
from headway.model.run import Run
from headway.ports.store import Reader, Writer

_PAGE = 100
"""Runs forgotten in one transaction, so that a writer waits some five milliseconds at most."""
_STAYING_MAX = 1000
"""Where the logs of so many cannot be removed no more is tried: each page looks at them anew."""
_LEAST_REST = 1.0
"""While many are too many. While few are, rests are as they always are."""


async def forget_runs(world: World, removing: Removing) -> None:
    """Forget the oldest ended runs until none is older than is kept, nor more are.

    Those whose logs cannot be removed stay, without which nobody would find the logs again.
    """
    kept = world.settings.runs_kept
    # Of now, for all pages: what gets too old meanwhile is for the next time, or it never ended.
    oldest_us = round((world.clock.now().timestamp() - world.settings.runs_kept_s) * 1e6)
    over = await world.store.read(lambda reader: reader.count(Run, "ended_us")) - kept
    staying: set[RunId] = set()

    async def page() -> int:
        nonlocal over
        if len(staying) > _STAYING_MAX:
            return 0
        wanted = await world.store.read(partial(_oldest, oldest_us, over, staying))
        staying.update(await removing.left_of_runs(wanted))
        await world.store.write(partial(_forget, [run for run in wanted if run not in staying]))
        over -= len(wanted)
        return len(wanted)

    await paced(page, lambda: _rest(over / kept))


def _rest(over: float) -> float:
    """Say how long to rest: the shorter the more there are, up to twice as many as are kept."""
    return REST + (_LEAST_REST - REST) * min(1.0, max(0.0, over))


def _oldest(oldest_us: int, over: int, staying: Collection[RunId], reader: Reader) -> list[RunId]:
    """Give some of the oldest.

    Args:
        oldest_us: Who ended before is too old.
        over: How many ended runs there are beyond what is kept.
        staying: Those that were tried already.
        reader: Whom to ask.
    """
    most = len(staying) + _PAGE
    old = reader.lowest(Run, "ended_us", up_to=oldest_us, limit=most)
    beyond = len(staying) + min(max(0, over), _PAGE)
    if over > 0 and len(old) < beyond:
        old = reader.lowest(Run, "ended_us", limit=beyond)
    return [row.id for row in old if row.id not in staying]


def _forget(runs: Collection[RunId], tx: Writer) -> None:
    for run in runs:
        tx.delete(Run, run)
