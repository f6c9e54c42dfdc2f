"""One process engine a test, and its directory to look behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from tests.contract.engine.conftest import data, opened

__all__ = ["data", "engine"]


@pytest.fixture
async def engine(data: Path) -> AsyncIterator[ProcessEngine]:
    async for made in opened(data):
        yield made
