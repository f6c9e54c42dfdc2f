"""How long runs of each job take, by their history, which is read again every few minutes."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from headway.calculate.runs.estimate import SEEN_MAX, Estimate, estimate, within
from headway.control.world import World
from headway.model.ids import RunId
from headway.model.run import Run, RunState
from headway.ports.store import Reader

_PAGE = 2 * SEEN_MAX
_PAGES = 2
"""Runs that are looked through: some have not ended, or were cancelled."""
_KEPT_S = 300.0
_SERVED = (RunState.SUCCEEDED, RunState.FAILED, RunState.DEAD)


class Estimates:
    """Kept by the job."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, tuple[datetime, Estimate]] = {}

    async def within(self, most_s: float, owner: str, now: datetime) -> Estimate:
        """Say how long runs of a job are thought to take that are ended by a limit."""
        return within(await self.of(owner, now), most_s)

    async def of(self, owner: str, now: datetime) -> Estimate:
        """Say how long runs of a job are thought to take, whatever ends one."""
        known = self._known.get(owner)
        if known is not None and (now - known[0]).total_seconds() < _KEPT_S:
            return known[1]
        history = self._world.store.read(lambda tx: list(islice(_history(tx, owner), SEEN_MAX)))
        runs_s = await history
        found = estimate(runs_s)
        if not found.seen and known is not None and known[1].seen:
            found = known[1]
        self._known[owner] = (now, found)
        return found


def _history(tx: Reader, owner: str) -> Iterator[float]:
    """Give how long recent runs of a job took, newest first."""
    before: RunId | None = None
    for _ in range(_PAGES):
        rows = tx.find(Run, owner=owner, newest_first=True, before=before, limit=_PAGE)
        for run in rows:
            ended = run.attempt if run.state in _SERVED else None
            if ended is not None and ended.began_at and ended.ended_at:
                yield (ended.ended_at - ended.began_at).total_seconds()
        if len(rows) < _PAGE:
            return
        before = rows[-1].id
