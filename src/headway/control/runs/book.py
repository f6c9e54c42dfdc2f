"""Which jobs an app has in an environment now, kept in memory between its releases."""

from collections import OrderedDict
from dataclasses import dataclass

from headway.control import lookup
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import MemberKey
from headway.model.job import Job
from headway.model.release import Release
from headway.ports.store import Reader

_RELEASES_KEPT = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """An app in an environment, as far as its jobs depend on it."""

    release: Release | None
    """The live one."""
    shut: str = ""
    """Why none of its runs may start now."""


class Book:
    """Reads what the store has once, and again when the app was changed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._standings: dict[MemberKey, Standing] = {}
        self._changes = 0
        self._releases: OrderedDict[tuple[MemberKey, int], Release] = OrderedDict()
        world.bell.member.calls(self._forget)

    async def standing(self, key: MemberKey) -> Standing:
        """Give how an app stands."""
        known = self._standings.get(key)
        if known is None:
            changes = self._changes
            known = await self._world.store.read(lambda reader: _standing(reader, key))
            if changes == self._changes:  # otherwise it may be of before a change
                self._standings[key] = known
        return known

    async def release(self, key: MemberKey, number: int) -> Release | None:
        """Give a release. They never change."""
        known = self._releases.get((key, number))
        if known is None:
            known = await self._world.store.read(lambda reader: reader.get(Release, *key, number))
            if known is None:
                return None
            self._releases[key, number] = known
            if len(self._releases) > _RELEASES_KEPT:
                self._releases.popitem(last=False)
        return known

    async def job(self, key: MemberKey, number: int, name: str) -> Job | None:
        """Give a job as a release declares it."""
        release = await self.release(key, number)
        return release.manifest.job(name) if release else None

    def _forget(self, key: MemberKey) -> None:
        self._changes += 1
        self._standings.pop(key, None)


def _standing(reader: Reader, key: MemberKey) -> Standing:
    owner = reader.get(Environment, key[0])
    row = reader.get(Member, *key)
    if owner is None or owner.state is not EnvironmentState.ACTIVE:
        return Standing(None, f"its environment {'is ending' if owner else 'is gone'}")
    if row is None:
        return Standing(None, f"{key[1]} is not in its environment any more")
    release = lookup.live(reader, row)
    if release is None:
        return Standing(None, f"{key[1]} has no live release")
    if row.stopped:
        return Standing(release, f"{key[1]} was asked to stop")
    return Standing(release)
