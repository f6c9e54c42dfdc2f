"""Removes what engines keep of ended containers and runs, and tells of those of which it cannot."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

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
_ALIKE = 3
"""After so many runs that all fail alike, as in a folder that is read-only, no more are tried."""
_QUOTED = re.compile(r"'[^']*'")
_Name = TypeVar("_Name", bound=str)


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
        remove, given = self._world.engine.remove, list(containers)
        wanted = {one: partial(remove, one) for one in given if self._may_try(one)}
        there = set(given).difference(wanted) | await self._one_by_one(wanted, len(wanted))
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
            alone = {run: partial(remove, (run,)) for run in wanted}
            there |= await self._one_by_one(alone, _ALIKE)
        else:
            for run in wanted:
                self._left.pop(run, None)
        self._tell()
        return there

    def _may_try(self, name: str) -> bool:
        known = self._left.get(name)
        return known is None or known.again_at <= self._world.clock.now()

    async def _one_by_one(
        self, wanted: Mapping[_Name, Callable[[], Awaitable[None]]], enough: int
    ) -> set[_Name]:
        """Remove one after the other; gives those that are there still, to be tried again later.

        Where the first so many all fail alike, it is hardly theirs: then the others are not tried.
        """
        failed: dict[_Name, str] = {}
        tried: set[_Name] = set()
        for name, remove in wanted.items():
            tried.add(name)
            try:
                await remove()
            except EngineError as error:
                failed[name] = str(error)
            else:
                self._left.pop(name, None)
            if len(tried) == len(failed) == enough and _are_alike(failed.values()):
                break
        there = set(failed).union(one for one in wanted if one not in tried)
        if there:
            self._note(failed, there.difference(failed))
        return there

    def _note(self, failed: Mapping[_Name, str], untried: Collection[_Name]) -> None:
        now = self._world.clock.now()
        first, error = next(iter(failed.items()))
        count = len(failed) + len(untried)
        _log.warning("files of what ended cannot be removed", count=count, first=first, error=error)
        for name, said in failed.items():
            self._left[name] = _later(self._left.get(name), said, now)
        for name in sorted(untried):
            known = self._left.get(name)
            self._left[name] = _Left(
                error=f"not tried, as {first} cannot be",
                since=known.since if known is not None else now,
                # No later each time, as of those that failed: so they come to be tried alone.
                again_at=now + _FIRST,
            )

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
        what = f"files of ended containers and runs cannot be removed: {said}"
        self._world.troubles[_TROUBLE] = (rows[0][1].since, what)


def _are_alike(errors: Iterable[str]) -> bool:
    """Say whether all failed for the same reason, whatever files they name."""
    return len({_QUOTED.sub("", error) for error in errors}) == 1


def _later(known: _Left | None, error: str, now: datetime) -> _Left:
    if known is None:
        return _Left(error=error, since=now, again_at=now + _FIRST)
    wait = min(_MOST, 2 * known.wait)
    return msgspec.structs.replace(known, error=error, wait=wait, again_at=now + wait)
