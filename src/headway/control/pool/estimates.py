"""How long runs of each job take, by their history, which is read again every few minutes."""

from collections.abc import Iterator
from datetime import datetime

from headway.calculate.estimate import SEEN_MAX, Estimate, estimate, within
from headway.control.world import World
from headway.model.run import Run, RunState
from headway.ports.store import Reader

_HISTORY = 4 * SEEN_MAX
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
        runs_s = await self._world.store.read(lambda tx: list(_history(tx, owner)))
        found = estimate(runs_s)
        if not found.seen and known is not None and known[1].seen:
            found = known[1]
        self._known[owner] = (now, found)
        return found


def _history(tx: Reader, owner: str) -> Iterator[float]:
    """Give how long recent runs of a job took, newest first."""
    for run in tx.find(Run, owner=owner, newest_first=True, limit=_HISTORY):
        attempt = run.attempt
        if run.state in _SERVED and attempt is not None and attempt.began_at and attempt.ended_at:
            yield (attempt.ended_at - attempt.began_at).total_seconds()
