"""Forgets old deployments and releases of environments that go on, and builds with them.

What may still matter stays, whatever the settings keep: what is under way, runs or serves, what
served before that, and what runs are pinned to. An app costs a few looks at indexes for each pass
before which it did anything.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from headway.control import lookup
from headway.control.pacing import paced
from headway.control.removing import Removing
from headway.control.rollout.releases import newest
from headway.control.world import World
from headway.model.build import Build
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Member
from headway.model.event import Event
from headway.model.ids import BuildId, DeploymentId, MemberKey
from headway.model.release import Release
from headway.model.run import Run, pin_name
from headway.ports.store import Reader, Writer

AT_ONCE = 200
"""Rows deleted in one transaction."""
Found = Callable[[Reader, DeploymentId | None], list[Deployment]]
"""Gives some that are to be forgotten, oldest first; behind one, where that is given."""
Told = Callable[[list[Deployment]], Event]
"""Tells of those that are forgotten in one transaction."""


class OldDeployments:
    """Looks at each app once, and again when anything about it changed or had to stay."""

    def __init__(self, world: World, removing: Removing) -> None:
        self._world = world
        self._removing = removing
        self._changed: dict[MemberKey, None] = {}
        self._has_begun = False
        world.bell.member.calls(self._note)

    def _note(self, key: MemberKey) -> None:
        self._changed[key] = None

    async def forget(self) -> None:
        """Forget what is over, of all apps about which anything changed since."""
        world = self._world
        if not self._has_begun:
            self._changed |= dict.fromkeys(await world.store.read(lookup.members))
            self._has_begun = True
        changed, self._changed = self._changed, {}
        while changed:
            key = next(iter(changed))
            try:
                are_gone = await self._forget_deployments(key)
                await paced(partial(self._forget_releases, key))
            except BaseException:
                self._changed |= changed
                raise
            del changed[key]
            if not are_gone:
                self._note(key)

    async def _forget_deployments(self, key: MemberKey) -> bool:
        kept = self._world.settings.deployments_kept

        def event(gone: list[Deployment]) -> Event:
            return self._event(key, "deployment", kept, {"deployments": [row.id for row in gone]})

        return await forget_deployments(
            self._world,
            self._removing,
            lambda reader, after: _over(reader, key, kept, after),
            event,
        )

    async def _forget_releases(self, key: MemberKey) -> int:
        world, kept = self._world, self._world.settings.releases_kept
        if not await world.store.read(lambda reader: _unneeded(reader, key, kept)):
            return 0

        def deed(tx: Writer) -> int:
            numbers = _unneeded(tx, key, kept)
            for number in numbers:
                tx.delete(Release, *key, number)
            if numbers:
                tx.record(self._event(key, "release", kept, {"releases": numbers}))
            return len(numbers)

        return await world.store.write(deed)

    def _event(self, key: MemberKey, noun: str, kept: int, gone: dict[str, Any]) -> Event:
        return Event(
            at=self._world.clock.now(),
            actor="headway",
            kind=f"{noun}.forgotten",
            subject=key[1],
            environment=key[0],
            app=key[1],
            because=f"of each app the newest {kept} {noun}s are kept",
            data=gone,
        )


async def forget_deployments(
    world: World, removing: Removing, find: Found, event: Told | None = None
) -> bool:
    """Forget ended deployments, with builds that no other is of; says whether none had to stay.

    What a build wrote goes before its row: nobody would find it again. Where that cannot be
    removed, as its node is silent, deployments of this build stay, and only they.
    """
    stays: DeploymentId | None = None

    async def some() -> int:
        nonlocal stays
        rows = await world.store.read(lambda reader: find(reader, stays))
        if not rows:
            return 0
        kept = await _not_removed(world, removing, rows)
        gone = [row for row in rows if row.build not in kept]
        if gone:
            await world.store.write(lambda tx: _forget(tx, gone, event))
        stays = next((row.id for row in reversed(rows) if row.build in kept), stays)
        return len(rows)

    await paced(some)
    return stays is None


async def _not_removed(world: World, removing: Removing, rows: list[Deployment]) -> set[BuildId]:
    """Remove what builds wrote that only these deployments are of; gives those it failed for."""
    builds = await world.store.read(lambda reader: _builds_of(reader, rows))
    left = await removing.left(row.container for row in builds if row.container is not None)
    return {row.id for row in builds if row.container in left}


def _forget(tx: Writer, rows: list[Deployment], event: Told | None) -> None:
    there = [row for row in rows if tx.get(Deployment, row.id) is not None]
    for build in _builds_of(tx, there):
        tx.delete(Build, build.id)
    for row in there:
        tx.delete(Deployment, row.id)
    if there and event is not None:
        tx.record(event(there))


def _over(
    reader: Reader, key: MemberKey, kept: int, after: DeploymentId | None
) -> list[Deployment]:
    """Give some of the oldest deployments that are too many."""
    ours = partial(reader.find, Deployment, environment=key[0], app=key[1])
    last = ours(newest_first=True, limit=1)
    first = ours(is_ended=True, limit=1)
    if not last or not first or first[0].number > (up_to := last[0].number - kept):
        return []
    rows = ours(is_ended=True, after=after, limit=AT_ONCE)
    return [row for row in rows if row.number <= up_to]


def _builds_of(reader: Reader, rows: list[Deployment]) -> list[Build]:
    """Give the builds that no deployment is of but these, which have ended."""
    gone = {row.id for row in rows}
    names = dict.fromkeys(row.build for row in rows if row.build is not None)
    alone = [
        name
        for name in names
        if not any(
            row.id not in gone
            for row in reader.find(Deployment, build=name, newest_first=True, limit=len(gone) + 1)
        )
    ]
    return [build for name in alone if (build := reader.get(Build, name)) is not None]


def _unneeded(reader: Reader, key: MemberKey, kept: int) -> list[int]:
    """Give some of the oldest releases that are too many, but none that may still matter."""
    environment, app = key
    up_to = newest(reader, *key) - kept
    first = reader.find(Release, environment=environment, app=app, limit=1)
    if not first or first[0].number > up_to:
        return []
    needed = needed_by(reader, key)
    most = AT_ONCE
    while True:
        rows = reader.find(Release, environment=environment, app=app, limit=most)
        unneeded = [
            row.number
            for row in rows
            if row.number <= up_to
            and row.number not in needed
            and not reader.find(Run, pin=pin_name(*key, row.number), limit=1)
        ]
        if unneeded or len(rows) < most or rows[-1].number > up_to:
            return unneeded[:AT_ONCE]
        most *= 2


def needed_by(reader: Reader, key: MemberKey) -> set[int]:
    """Give the releases of an app that serve, served before, run or are under way."""
    environment, app = key
    there = reader.find(Container, environment=environment, app=app, retired=False)
    numbers: set[int | None] = {row.release for row in there}
    for row in reader.find(Deployment, environment=environment, app=app, is_ended=False):
        numbers |= {row.release, row.previous}
    member = reader.get(Member, environment, app)
    if member is not None:
        numbers |= {member.live, lookup.before(reader, member)}
    return {number for number in numbers if number is not None}
