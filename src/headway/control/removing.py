"""Removes what engines keep of ended containers, and tells of those of which it cannot."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.ids import ContainerId
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
    """Removes containers. Where one cannot be, the others go on, and it is tried again later."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left: dict[ContainerId, _Left] = {}
        """Those first that could not be removed first."""

    async def left(self, containers: Iterable[ContainerId]) -> set[ContainerId]:
        """Remove ended containers with their logs; gives those that are there still.

        Nobody would find their logs again without what names them, so that is to stay.
        """
        there = set()
        for container in containers:
            known = self._left.get(container)
            now = self._world.clock.now()
            if known is None or known.again_at <= now:
                try:
                    await self._world.engine.remove(container)
                    self._left.pop(container, None)
                    continue
                except EngineError as error:
                    _log.warning(
                        "an ended container could not be removed", id=container, error=str(error)
                    )
                    self._left[container] = _later(known, str(error), now)
            there.add(container)
        self._tell()
        return there

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
        what = f"what ended containers left behind could not be removed of {said}"
        self._world.troubles[_TROUBLE] = (rows[0][1].since, what)


def _later(known: _Left | None, error: str, now: datetime) -> _Left:
    if known is None:
        return _Left(error=error, since=now, again_at=now + _FIRST)
    wait = min(_MOST, 2 * known.wait)
    return msgspec.structs.replace(known, error=error, wait=wait, again_at=now + wait)
