"""What every filling of the provider port promises."""

import asyncio

import pytest

from headway.model.ids import NodeId, PoolName
from headway.model.machine import MachineState
from headway.ports.provider import NoCapacity, Provider, ProviderError

POOL = PoolName("default")
DEADLINE_S = 30.0


async def listed(provider: Provider) -> dict[str, MachineState]:
    return {row.id: row.state for row in await provider.machines()}


async def until(provider: Provider, machine: str, state: MachineState | None) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await listed(provider)).get(machine) is not state:
            await asyncio.sleep(0.005)


async def test_types_are_sorted_and_can_be_requested(provider):
    types = await provider.types()
    assert [kind.name for kind in types] == sorted(kind.name for kind in types)
    row = await provider.request(NodeId("n-1"), POOL, types[-1].name)
    assert (row.id, row.pool, row.type) == ("n-1", POOL, types[-1].name)
    await until(provider, "n-1", MachineState.RUNNING)


async def test_a_request_again_is_the_same_machine(provider):
    first = await provider.request(NodeId("n-1"), POOL, "small")
    again = await provider.request(NodeId("n-1"), POOL, "small")
    assert again.since == first.since
    assert list(await listed(provider)) == ["n-1"]


async def test_what_was_released_is_listed_no_more_and_does_not_come_back(provider):
    await provider.request(NodeId("n-1"), POOL, "small")
    await until(provider, "n-1", MachineState.RUNNING)
    await provider.release(NodeId("n-1"))
    assert (await listed(provider)).get("n-1") in (None, MachineState.ENDING)
    await provider.release(NodeId("n-1"))
    with pytest.raises(ProviderError):
        await provider.request(NodeId("n-2"), POOL, "no-such-type")


async def test_an_id_that_was_released_first_is_never_requested(provider):
    await provider.release(NodeId("n-9"))
    with pytest.raises(ProviderError):
        await provider.request(NodeId("n-9"), POOL, "small")
    assert await listed(provider) == {}


async def test_machines_are_sorted_by_id(provider):
    for name in ("n-2", "n-1", "n-3"):
        await provider.request(NodeId(name), POOL, "small")
    assert list(await listed(provider)) == ["n-1", "n-2", "n-3"]


async def test_a_type_that_is_used_up_says_so_and_others_are_there(provider):
    await provider.request(NodeId("n-1"), POOL, "large")
    with pytest.raises(NoCapacity, match="large"):
        await provider.request(NodeId("n-2"), POOL, "large")
    assert list(await listed(provider)) == ["n-1"]
    await provider.request(NodeId("n-2"), POOL, "small")
