"""Two installations on one machine know nothing of each other."""

import os
from functools import partial
from pathlib import Path

import pytest

from headway.model.ids import ContainerId
from headway.model.resources import Resources
from tests.contract.engine.conftest import opened
from tests.contract.engine.orders import begun, ended, eventually, order
from tests.integration.process_engine import behind

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.mark.skipif(not os.access(behind.CGROUPS / "memory", os.W_OK), reason="no control groups")
async def test_containers_of_one_id_have_control_groups_of_their_own(data: Path) -> None:
    async for one in opened(data / "one"):
        async for other in opened(data / "other"):
            small = order("exec sleep 600", resources=Resources(memory_mib=64))
            large = order("exec sleep 600", id=small.id, resources=Resources(memory_mib=128))
            await begun(one, small)
            alone = behind.groups(small.id)
            await begun(other, large)
            both = behind.groups(small.id)
            assert len(both) == 2 * len(alone) > 0
            behind.kill(behind.processes(data / "other", large.id)["shim"])
            await ended(other, large.id)
            await eventually(partial(_has_only, small.id, alone), "its own are gone")
            used = await one.usage(small.id)
            assert used is not None
            assert used.processes > 0


def _has_only(container: ContainerId, groups: list[Path]) -> bool:
    return behind.groups(container) == groups
