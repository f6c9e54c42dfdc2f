"""Removes what engines keep of ended containers and runs, and tells of those of which it cannot."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

import msgspec

from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.ids import ContainerId, RunId
from headway.model.value import Value
from headway.model.words import and_more
from headway.ports.engine import EngineError

_log = Log()
_TROUBLE = "removal"
_FIRST, _MOST = timedelta(minutes=5), timedelta(hours=6)
"""How long one that could not be removed is left alone; longer each time."""
_SHOWN = 3


class _Left(Value, kw_only=True):
    """One that could not be removed."""

    error: str
    since: datetime
    wait: timedelta = _FIRST
    again_at: datetime


class Removing:
    """Removes what was left behind. Where one's cannot be, the others go on; later it is tried."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left: dict[str, _Left] = {}
        """Those first that could not be removed first."""

    async def left(self, containers: Iterable[ContainerId]) -> set[ContainerId]:
        """Remove ended containers with their logs; gives those that are there still.

        Nobody would find their logs again without what names them, so that is to stay.
        """
        there = set()
        for container in containers:
            remove = partial(self._world.engine.remove, container)
            if not (self._may_try(container) and await self._is_gone(container, remove)):
                there.add(container)
        self._tell()
        return there

    async def left_of_runs(self, runs: Sequence[RunId]) -> set[RunId]:
        """Remove the logs of ended runs; gives the runs of which they are there still.

        All at once, which is quicker; where that cannot be, one by one, so that the others go.
        """
        remove = self._world.engine.remove_runs
        wanted = [run for run in runs if self._may_try(run)]
        there = set(runs).difference(wanted)
        try:
            await remove(wanted)
        except EngineError:
            for run in wanted:
                if not await self._is_gone(run, partial(remove, (run,))):
                    there.add(run)
        else:
            for run in wanted:
                self._left.pop(run, None)
        self._tell()
        return there

    def _may_try(self, name: str) -> bool:
        known = self._left.get(name)
        return known is None or known.again_at <= self._world.clock.now()

    async def _is_gone(self, name: str, remove: Callable[[], Awaitable[None]]) -> bool:
        """Remove what one left behind; where that cannot be, note when to try again."""
        try:
            await remove()
        except EngineError as error:
            _log.warning("what ended could not be removed", id=name, error=str(error))
            now = self._world.clock.now()
            self._left[name] = _later(self._left.get(name), str(error), now)
            return False
        self._left.pop(name, None)
        return True

    def forget(self) -> None:
        """Say nothing more of those that nobody wanted removed when it was time to try again."""
        now = self._world.clock.now()
        self._left = {
            name: row for name, row in self._left.items() if now < row.again_at + 2 * _FIRST
        }
        self._tell()

    def _tell(self) -> None:
        if not self._left:
            self._world.troubles.pop(_TROUBLE, None)
            return
        rows = list(islice(self._left.items(), _SHOWN))  # not all: they may be thousands
        said = and_more([f"{name}: {row.error}" for name, row in rows], len(self._left), "; ")
        what = f"what they left behind that have ended could not be removed of {said}"
        self._world.troubles[_TROUBLE] = (rows[0][1].since, what)


def _later(known: _Left | None, error: str, now: datetime) -> _Left:
    if known is None:
        return _Left(error=error, since=now, again_at=now + _FIRST)
    wait = min(_MOST, 2 * known.wait)
    return msgspec.structs.replace(known, error=error, wait=wait, again_at=now + wait)
