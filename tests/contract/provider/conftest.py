"""The providers that the contract is tried on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from headway.model.pool import NodeType
from headway.ports.provider import Provider
from headway.sim.provider import SimulatedProvider


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture(params=["simulated"])
async def provider(request) -> AsyncIterator[Provider]:
    types = [
        NodeType(name="small", cpu=2, memory_mib=4096, price_hour=0.1, start_s=0.01),
        NodeType(name="large", cpu=8, memory_mib=16384, price_hour=0.4, start_s=0.01),
    ]
    made = SimulatedProvider(types, clock=RealClock(), room={"large": 1})
    yield made
    made.close()
    await asyncio.sleep(0)
