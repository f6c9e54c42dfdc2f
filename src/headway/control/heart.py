"""The heart: all loops, started and stopped together."""

import asyncio

from headway.control import lookup
from headway.control.builds import Builds
from headway.control.departures import Departures
from headway.control.environments.lifetimes import Lifetimes
from headway.control.fleet import Fleet
from headway.control.forgetting.retention import Retention
from headway.control.guard import repeatedly
from headway.control.leases.keeping import remember
from headway.control.leases.leasing import Leasing
from headway.control.measuring import Measuring
from headway.control.pool.monitoring import Monitoring
from headway.control.pool.pooling import Pools
from headway.control.pool.rebalances import Rebalances
from headway.control.prober import Prober
from headway.control.rollout.rollouts import Rollouts
from headway.control.routing import Routing
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.scheduling import Schedules
from headway.control.world import World


class Heart:
    """Runs every loop under its guard."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fleet = Fleet(world)
        self._prober = Prober(world)
        self.routing = Routing(world)
        self._builds = Builds(world)
        self.dispatch = Dispatch(world)
        self._rollouts = Rollouts(
            world, self._fleet, self._prober, self.routing, self.dispatch.starts.preempt
        )
        self.schedules = Schedules(world, self.dispatch)
        self._lifetimes = Lifetimes(world, self.routing, self.dispatch)
        self.pools = Pools(world, self.dispatch)
        self._monitoring = Monitoring(world, self.dispatch, self.pools)
        self._measuring = Measuring(world, self.dispatch)
        self._rebalances = Rebalances(world)
        self._leasing = Leasing(world)
        self._retention = Retention(world)
        self._departures = Departures(world, self._fleet)

    async def run(self) -> None:
        """Beat until cancelled."""
        world = self._world
        await remember(world)
        await self.dispatch.take_up()  # runs hold their places before anything else is placed
        await self._look_at_all()
        loops = {
            "engine": self._fleet.run,
            "routing": self.routing.run,
            "rollouts": self._rollouts.run,
            "builds": self._builds.run,
            "runs": self.dispatch.run,
            "schedules": self.schedules.run,
            "lifetimes": self._lifetimes.run,
            "leases": self._leasing.run,
            "retention": self._retention.run,
            "nodes": self._departures.run,
            "pools": self.pools.run,
            "rebalances": self._rebalances.run,
            "monitor": self._monitoring.run,
            "figures": self._measuring.run,
            "notices": self.pools.follow,
        }
        try:
            async with asyncio.TaskGroup() as group:
                for name, loop in loops.items():
                    group.create_task(repeatedly(world, name, loop), name=name)
        finally:
            await self.dispatch.close()
            await self._prober.close()
            await self._fleet.close()
            await self._builds.close()

    async def _look_at_all(self) -> None:
        """Look at everything once: what was going on before a restart goes on."""
        rows = await self._world.store.read(lookup.members)
        self.routing.expect(rows)
        for key in rows:
            self._world.bell.member(key)
