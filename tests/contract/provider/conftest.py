"""The providers that the contract is tried on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.engines.process.machine import size
from headway.engines.process.provider import MachineProvider
from headway.model.pool import NodeType
from headway.ports.provider import Provider
from headway.sim.provider import SimulatedProvider
from tests.contract.engine.conftest import data, opened

__all__ = ["data", "large", "provider", "small"]


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def small() -> NodeType:
    """A type of which there are many."""
    return NodeType(name="small", cpu=0.1, memory_mib=64, price_hour=0.1, start_s=0.01)


@pytest.fixture
def large() -> NodeType:
    """A type of which there is one."""
    cpu, memory_mib = size()
    return NodeType(
        name="large", cpu=0.3 * cpu, memory_mib=memory_mib // 4, price_hour=0.4, start_s=0.01
    )


@pytest.fixture(params=["simulated", "this machine"])
async def provider(
    request: pytest.FixtureRequest, data: Path, small: NodeType, large: NodeType
) -> AsyncIterator[Provider]:
    if request.param == "simulated":
        made = SimulatedProvider([small, large], clock=RealClock(), room={"large": 1})
        yield made
        made.close()
        return
    async for engine in opened(data, lend=50):
        lends = MachineProvider(data, engine, clock=RealClock())
        await lends.open()
        yield lends
        for row in await lends.machines():
            await lends.release(row.id)
        await lends.settle()
        assert await lends.machines() == ()
