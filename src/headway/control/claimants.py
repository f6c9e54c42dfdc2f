"""Queued runs in the lines of their locks: read for a decision, and written down as it says."""

from collections.abc import Iterable, Sequence

from headway.calculate.locking import Locks
from headway.calculate.queueing import Entry, Turn
from headway.control import locking
from headway.control.settling import made_known
from headway.control.world import World
from headway.model.ids import RunId
from headway.model.lease import Lease
from headway.ports.store import Writer


class Claimants:
    """Has queued runs stand where only a lock holds them up, and step aside where more does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._locks = Locks({})
        self._held_up: dict[RunId, str] = {}

    async def read(self, lanes: Iterable[Sequence[Entry]]) -> Locks:
        """Read the lines of the locks of what may start soon."""
        self._locks = await locking.lines(self._world.store, lanes)
        return self._locks

    def forget(self) -> None:
        """Note that nothing is queued."""
        self._locks, self._held_up = Locks({}), {}

    async def took_turns(self, turn: Turn) -> None:
        """Write down who stands in which line now, and who steps aside."""
        self._held_up = turn.held_up
        if not turn.claims and not turn.asides:
            return
        world = self._world
        now, most = world.clock.now(), world.settings.line_max

        def deed(tx: Writer) -> list[Lease]:
            locking.stand(tx, turn.claims, most, now)
            return locking.step_aside(tx, turn.asides, world.settings, now)

        changed = await world.store.write(deed)
        if changed:
            await made_known(world, changed)

    def reason(self, run: RunId) -> str:
        """Say which lock holds a queued run up, and by whom; empty when none does."""
        return self._held_up.get(run, "")

    def startable(self, entries: Iterable[Entry]) -> int:
        """Count the runs of a lane that no lock holds up, one beside the other."""
        return self._locks.startable((entry.run, entry.locks) for entry in entries)
