"""The loop that bounds what is kept: logs, rows, events, artifacts, sources."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial

from headway.control.forgetting.old_deployments import OldDeployments, needed_by
from headway.control.forgetting.old_environments import forget_environments
from headway.control.forgetting.old_sources import forget_sources
from headway.control.idempotency import forget_answers
from headway.control.leases.settling import forget_over
from headway.control.pacing import paced
from headway.control.removing import Removing
from headway.control.runs.forgetting import forget_runs
from headway.control.world import World
from headway.machine.own_log import Log
from headway.model.app import App
from headway.model.build import Artifact, Build, BuildState
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import NOT_ENDED, Environment, Member
from headway.model.ids import Digest, MemberKey
from headway.model.release import Release
from headway.model.run import Run
from headway.model.value import Value
from headway.ports.store import Reader, Writer

_log = Log()
_EVERY_S = 600.0
_EVENTS_AT_ONCE = 300
"""Events forgotten in one transaction, so that writers wait milliseconds at most."""
_BUILD_KEPT = timedelta(days=1)


class InUse(Value, kw_only=True):
    """What must not be deleted."""

    artifacts: tuple[Artifact, ...]
    sources: frozenset[Digest]


class Retention:
    """Deletes, every ten minutes, what the settings do not keep."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._removing = Removing(world)
        self._old_deployments = OldDeployments(world, self._removing)

    async def run(self) -> None:
        """Collect at the start and then every ten minutes, for ever."""
        while True:
            await self.collect()
            self._world.troubles.pop("retention", None)
            await asyncio.sleep(_EVERY_S)

    async def collect(self) -> None:
        """Collect once."""
        world = self._world
        await self._forget_containers()
        await forget_runs(world, self._removing)
        await forget_environments(world, self._removing)
        await self._old_deployments.forget()
        self._removing.forget()
        await forget_answers(world)
        kept = world.settings.leases_kept
        await paced(lambda: world.store.write(lambda tx: forget_over(tx, kept)))
        began = world.clock.now()
        in_use = await world.store.read(self.in_use)
        freed = await world.builder.collect(in_use.artifacts)
        kept_sources = await forget_sources(world, in_use.sources, began)
        freed += await world.sources.collect(kept_sources)
        newest = await world.store.read(lambda reader: reader.events(newest_first=True, limit=1))
        if newest:
            before = newest[0].sequence - world.settings.events_kept
            await paced(lambda: world.store.prune(before, limit=_EVENTS_AT_ONCE))
        if freed:
            _log.info("collected what nothing needs", freed_bytes=freed)

    async def _forget_containers(self) -> None:
        """Forget ended containers, oldest first, with their logs."""
        world = self._world
        retired = await world.store.read(
            lambda reader: reader.find(Container, retired=True, newest_first=True)
        )
        kept: dict[tuple[str, str], int] = {}
        gone: list[Container] = []
        for row in retired:
            key = (row.environment, row.app)
            kept[key] = kept.get(key, 0) + 1
            if (
                kept[key] > world.settings.containers_kept_per_app
                or sum(kept.values()) > world.settings.containers_kept
            ):
                gone.append(row)
        for row in gone:
            if not await self._removing.left((row.id,)):
                await world.store.write(partial(_delete, container=row))

    def in_use(self, reader: Reader) -> InUse:
        """List what active environments, builds under way and apps need."""
        artifacts: dict[Digest, Artifact] = {}
        sources = {app.source for app in reader.find(App)}
        active = reader.find(Environment, state=NOT_ENDED)
        pinned = _pinned(reader)
        for environment in active:
            for release in self._releases(reader, environment, pinned):
                artifacts[release.artifact.digest] = release.artifact
                sources.add(release.source)
        for deployment in reader.find(Deployment, is_ended=False):
            if deployment.source:
                sources.add(deployment.source)
        now = self._world.clock.now()
        for build in reader.find(Build, newest_first=True, limit=1000):
            if build.state in (BuildState.QUEUED, BuildState.RUNNING):
                sources.add(build.source)
            elif build.artifact and build.ended_at and now - build.ended_at < _BUILD_KEPT:
                artifacts[build.artifact.digest] = build.artifact
        return InUse(artifacts=tuple(artifacts.values()), sources=frozenset(sources))

    def _releases(
        self, reader: Reader, environment: Environment, pinned: Mapping[MemberKey, Collection[int]]
    ) -> list[Release]:
        """Releases that run, may be rolled back to, or are waited for by runs."""
        found: list[Release] = []
        kept = self._world.settings.releases_built_kept
        for member in reader.find(Member, environment=environment.id):
            found += reader.find(
                Release, environment=environment.id, app=member.app, newest_first=True, limit=kept
            )
            key = environment.id, member.app
            for number in needed_by(reader, key).union(pinned.get(key, ())):
                release = reader.get(Release, *key, number)
                found += [release] if release else []
        return found


def _pinned(reader: Reader) -> dict[MemberKey, list[int]]:
    """Give the releases that are to run what has not ended, by their apps."""
    found: dict[MemberKey, list[int]] = {}
    for name in reader.tally(Run, "pin"):
        environment, app, number = name.split("/")
        found.setdefault((environment, app), []).append(int(number))
    return found


def _delete(tx: Writer, container: Container) -> None:
    tx.delete(Container, container.id)
