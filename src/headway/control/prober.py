"""Asks containers whether they are healthy, and records what changes."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from headway.calculate.rollout.container import Streak, is_staying, probed, streak_after
from headway.control.probe import ask
from headway.control.subjects import event_of
from headway.control.world import World
from headway.machine.chance import chance
from headway.model.container import Container, ContainerState
from headway.model.failure import ProbeAnswer
from headway.model.ids import ContainerId, MemberKey
from headway.model.manifest import HealthCheck
from headway.ports.store import Writer

_EAGER_FIRST_S = 0.05
_EAGER_MAX_S = 1.0
"""While starting, the time between two probes doubles from the first to this."""
_JITTER = 0.1


class Prober:
    """One small task for each container that has a health check."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tasks: dict[ContainerId, asyncio.Task[None]] = {}
        self._watched: dict[MemberKey, set[ContainerId]] = {}

    def watch(self, key: MemberKey, checks: Sequence[tuple[Container, HealthCheck]]) -> None:
        """Probe these containers of a member, and no others of it."""
        wanted = {
            container.id: (container, check)
            for container, check in checks
            if is_staying(container) and container.state is not ContainerState.PENDING
        }
        for gone in self._watched.get(key, set()) - set(wanted):
            self._tasks.pop(gone).cancel()
            self._world.probes.forget(gone)
        for identity, (container, check) in wanted.items():
            task = self._tasks.get(identity)
            if task is None or task.done():
                self._tasks[identity] = asyncio.create_task(
                    self._probe(container, check), name=f"probe {identity}"
                )
        if wanted:
            self._watched[key] = set(wanted)
        else:
            self._watched.pop(key, None)

    async def close(self) -> None:
        """End all probes."""
        for task in self._tasks.values():
            task.cancel()
        for task in self._tasks.values():
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        self._watched.clear()

    async def _probe(self, container: Container, check: HealthCheck) -> None:
        streak: Streak | None = None
        eager_s = _EAGER_FIRST_S
        row = container
        while True:
            answer = await ask(self._world.engine, row, check)
            streak = streak_after(streak, answer)
            answer = ProbeAnswer(
                asked=answer.asked,
                healthy=answer.healthy,
                answer=answer.answer,
                tries=streak.length,
                listening=answer.listening,
            )
            self._world.probes.note(row.id, answer)
            now = self._world.clock.now()
            if probed(row, check, answer, streak, now) != row:
                fresh = await self._record(row.id, check, answer, streak)
                if fresh is None:
                    return
                row = fresh
            if row.state is ContainerState.HEALTHY and answer.healthy:
                await asyncio.sleep(check.interval_s * chance().uniform(1 - _JITTER, 1 + _JITTER))
            else:
                await asyncio.sleep(min(eager_s, check.interval_s))
                eager_s = min(_EAGER_MAX_S, eager_s * 2)

    async def _record(
        self, container: ContainerId, check: HealthCheck, answer: ProbeAnswer, streak: Streak
    ) -> Container | None:
        now = self._world.clock.now()

        def deed(tx: Writer) -> Container | None:
            row = tx.get(Container, container)
            if row is None or not is_staying(row):
                return None
            after = probed(row, check, answer, streak, now)
            if after == row:
                return row
            stored = tx.put(after)
            if after.state is not row.state:
                because = f"{answer.asked} answered {answer.answer}"
                tx.record(event_of(row, f"container.{after.state.value}", now, because))
            return stored

        stored = await self._world.store.write(deed)
        if stored is not None:
            self._world.bell.member((stored.environment, stored.app))
        return stored
