"""What every filling of the provider port promises."""

import asyncio

import pytest

from headway.model.ids import NodeId, PoolName
from headway.model.machine import MachineState
from headway.model.pool import NodeType
from headway.ports.provider import NoCapacity, Provider, ProviderError, ProviderUnavailable

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

POOL = PoolName("default")
DEADLINE_S = 30.0


async def listed(provider: Provider) -> dict[str, MachineState]:
    return {row.id: row.state for row in await provider.machines()}


async def until(provider: Provider, machine: str, state: MachineState | None) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await listed(provider)).get(machine) is not state:
            await asyncio.sleep(0.005)


async def test_what_is_requested_comes_to_run(provider, small):
    row = await provider.request(NodeId("n-1"), POOL, small)
    assert (row.id, row.pool, row.type) == ("n-1", POOL, small.name)
    await until(provider, "n-1", MachineState.RUNNING)


async def test_what_can_never_be_had_is_refused(provider):
    huge = NodeType(name="huge", cpu=1e6, memory_mib=2**40)
    with pytest.raises(ProviderError, match="huge") as refused:
        await provider.request(NodeId("n-1"), POOL, huge)
    assert not isinstance(refused.value, NoCapacity | ProviderUnavailable)
    assert await listed(provider) == {}


async def test_a_request_again_is_the_same_machine(provider, small):
    first = await provider.request(NodeId("n-1"), POOL, small)
    again = await provider.request(NodeId("n-1"), POOL, small)
    assert again.since == first.since
    assert list(await listed(provider)) == ["n-1"]


async def test_what_was_released_is_listed_no_more_and_does_not_come_back(provider, small):
    await provider.request(NodeId("n-1"), POOL, small)
    await until(provider, "n-1", MachineState.RUNNING)
    await provider.release(NodeId("n-1"))
    assert (await listed(provider)).get("n-1") in (None, MachineState.ENDING)
    await provider.release(NodeId("n-1"))
    await until(provider, "n-1", None)
    with pytest.raises(ProviderError, match="n-1"):
        await provider.request(NodeId("n-1"), POOL, small)
    assert await listed(provider) == {}


async def test_an_id_that_was_released_first_is_never_requested(provider, small):
    await provider.release(NodeId("n-9"))
    with pytest.raises(ProviderError):
        await provider.request(NodeId("n-9"), POOL, small)
    assert await listed(provider) == {}


async def test_machines_are_sorted_by_id(provider, small):
    for name in ("n-2", "n-1", "n-3"):
        await provider.request(NodeId(name), POOL, small)
    assert list(await listed(provider)) == ["n-1", "n-2", "n-3"]


async def test_a_type_that_is_used_up_says_so_and_others_are_there(provider, small, large):
    await provider.request(NodeId("n-1"), POOL, large)
    with pytest.raises(NoCapacity, match="large"):
        await provider.request(NodeId("n-2"), POOL, large)
    assert list(await listed(provider)) == ["n-1"]
    await provider.request(NodeId("n-2"), POOL, small)


async def test_what_can_never_be_had_is_known_before_it_is_asked_for(provider, small, large):
    huge = NodeType(name="huge", cpu=1e6, memory_mib=2**40)
    with pytest.raises(ProviderError) as refused:
        await provider.request(NodeId("n-1"), POOL, huge)
    assert provider.refusal(huge) == str(refused.value)
    await provider.request(NodeId("n-2"), POOL, large)
    assert [provider.refusal(kind) for kind in (small, large)] == ["", ""]
