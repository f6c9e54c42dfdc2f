"""Bugs in pools that grow and shrink."""

import asyncio

import msgspec

from headway.calculate.autoscale import clean
from headway.control.pool.pooling import Pools
from headway.control.pool.reading import PoolReading
from headway.model.pool_plan import PoolVerb
from headway.model.pool_snapshot import HostState
from tests.simulation.planted.bug import found_by


@found_by(seed=1)
def counting_no_node_that_is_starting(patch):
    snapshots = PoolReading.snapshots

    async def known(self, now, also=None):
        return [
            msgspec.structs.replace(
                row, hosts=tuple(host for host in row.hosts if host.state is not HostState.STARTING)
            )
            for row in await snapshots(self, now, also)
        ]

    patch.setattr(PoolReading, "snapshots", known)


@found_by(seed=6)
def giving_a_node_back_before_it_is_empty(patch):
    change = Pools.change

    async def at_once(self, pool, row):
        if row.verb is PoolVerb.DRAIN:
            row = msgspec.structs.replace(row, verb=PoolVerb.RELEASE)
        await change(self, pool, row)

    patch.setattr(Pools, "change", at_once)


@found_by(seed=7)
def not_asking_again_for_what_was_not_answered(patch):
    patch.setattr(clean, "_may_tell", lambda row, _now: row.told_at is None)


@found_by(seed=1)
def never_reading_the_list_of_a_provider(patch):
    async def nothing(_self, _provider, _rows, _now):
        await asyncio.sleep(0)

    patch.setattr(Pools, "_list", nothing)
