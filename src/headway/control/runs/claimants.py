"""Queued runs in the lines of their locks: read for a decision, and written down as it says."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from headway.calculate.queueing import Entry, Turn
from headway.calculate.runs.locking import Locks
from headway.control.leases.settling import made_known
from headway.control.runs import locking
from headway.control.world import World
from headway.model.ids import RunId
from headway.model.lease import Lease
from headway.ports.store import Writer

_KEPT = timedelta(seconds=30)
"""How long a lock is kept for a run that is next and does not start: most find room by then."""


class Claimants:
    """Has queued runs stand where only a lock holds them up, and leave where more does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._locks = Locks({})
        self._held_up: dict[RunId, str] = {}
        self._idle: dict[RunId, datetime] = {}
        """Since when each stands in a line and waits for something else."""

    async def read(self, lanes: Iterable[Sequence[Entry]]) -> Locks:
        """Read the lines of the locks of what may start soon."""
        self._locks = await locking.lines(self._world.store, lanes)
        return self._locks

    def forget(self) -> None:
        """Note that nothing is queued."""
        self._locks, self._held_up, self._idle = Locks({}), {}, {}

    async def took_turns(self, turn: Turn) -> None:
        """Write down who stands in which line now, and who leaves all of them."""
        world = self._world
        now, most = world.clock.now(), world.settings.line_max
        self._held_up = turn.held_up
        self._idle = {run: self._idle.get(run, now) for run in turn.idle}
        leaving = [run for run, since in self._idle.items() if now >= since + _KEPT]
        if not turn.claims and not leaving:
            return

        def deed(tx: Writer) -> list[Lease]:
            locking.stand(tx, turn.claims, most, now)
            return locking.leave(tx, leaving, world.settings, now)

        changed = await world.store.write(deed)
        if changed:
            await made_known(world, changed)

    def next_at(self) -> datetime | None:
        """Give when somebody leaves a line who could not start."""
        return min((since + _KEPT for since in self._idle.values()), default=None)

    def reason(self, run: RunId) -> str:
        """Say which lock holds a queued run up, and by whom; empty when none does."""
        return self._held_up.get(run, "")

    def startable(self, entries: Iterable[Entry]) -> int:
        """Count the runs of a lane that no lock holds up, one beside the other."""
        return self._locks.startable((entry.run, entry.locks) for entry in entries)
