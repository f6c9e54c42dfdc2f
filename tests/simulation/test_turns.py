"""What waits behind a deployment goes on from what that brought, not from what served before."""

import asyncio
from functools import partial

import msgspec
import pytest

from headway.control import builds, deploying, deployments
from headway.control.config import config
from headway.control.environments import copying
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.requests import ConfigRequest, DeployRequest, NewValue
from headway.model.app import Source
from headway.model.deployment import Ask, Deployment, DeploymentKind, Phase
from headway.model.environment import Member
from headway.model.ids import Digest
from headway.model.release import Release
from headway.sim.network import MadeUpNetwork
from headway.sim.virtual import VirtualLoop, run_virtually
from tests.simulation.conftest import APP, ENVIRONMENT
from tests.simulation.pools_world import BEGAN
from tests.simulation.test_standing import WEB, Shop

NEW = Digest("sha256:2")


def newer(tx) -> None:
    old = tx.get(Source, Digest("sha256:1"))
    tx.put(msgspec.structs.replace(old, digest=NEW, created_at=BEGAN))


async def redeploy(shop: Shop) -> None:
    wish = DeployRequest(kind=DeploymentKind.REDEPLOY)
    await deploying.deploy(shop.world, "me", "demo", APP, wish)


async def scale(shop: Shop) -> None:
    wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"web": 2})
    await deploying.deploy(shop.world, "me", "demo", APP, wish)


async def configure(shop: Shop) -> None:
    wish = ConfigRequest(set={"COLOUR": NewValue(value="blue")})
    await config.change(shop.world, "me", "demo", APP, wish)


@pytest.mark.parametrize("deed", [redeploy, scale, configure])
def test_what_waits_behind_a_deployment_keeps_what_that_brought(deed):
    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, WEB, lends=False)
        await asyncio.sleep(5)
        shop.store.do(newer)
        wish = DeployRequest(kind=DeploymentKind.DEPLOY, source=NEW)
        await deploying.deploy(shop.world, "me", "demo", APP, wish)
        await deed(shop)
        await asyncio.sleep(300)
        found = await shop.store.read(partial(_found))
        assert found == ([Phase.SUCCEEDED, Phase.SUCCEEDED], NEW)
        shop.plane.kill()
        await shop.plane.gone()

    run_virtually(main, MadeUpNetwork())


@pytest.mark.parametrize("deed", [redeploy, configure])
def test_what_is_asked_behind_a_deployment_that_fails_starts_what_serves_again(deed):
    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, WEB, lends=False)
        await asyncio.sleep(5)
        wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"web": 9})
        await deploying.deploy(shop.world, "me", "demo", APP, wish)
        await deed(shop)
        (first, second) = await shop.store.read(lambda tx: tx.find(Deployment, app=APP))
        assert second.release is None
        await deployments.ask(shop.world, "me", first.id, Ask.ABORT)
        await asyncio.sleep(300)
        rows = await shop.store.read(lambda tx: tx.find(Deployment, app=APP))
        assert [row.phase for row in rows] == [Phase.ABORTED, Phase.SUCCEEDED]
        assert rows[1].release == 2
        shop.plane.kill()
        await shop.plane.gone()

    run_virtually(main, MadeUpNetwork())


def test_what_cannot_be_scaled_or_copied_and_what_is_not_there_names_what_to_ask_next():
    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, WEB, lends=False)
        await asyncio.sleep(5)
        wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"worker": 2})
        with pytest.raises(Invalid, match="has no process worker") as refused:
            await deploying.deploy(shop.world, "me", "demo", APP, wish)
        assert refused.value.next == ("headway ps -e demo",)
        with pytest.raises(Conflict, match="demo already") as taken:
            await copying.copy(shop.world, "me", "demo", "demo", None, plan=False)
        assert taken.value.next == ("headway envs show demo", "headway envs ls")
        with pytest.raises(NotFound) as unknown:
            await builds.one(shop.world, "bld-1")
        assert unknown.value.next == ("headway builds ls",)
        shop.plane.kill()
        await shop.plane.gone()

    run_virtually(main, MadeUpNetwork())


def _found(tx) -> tuple[list[Phase], Digest]:
    member = tx.get(Member, ENVIRONMENT, APP)
    rows = tx.find(Deployment, environment=ENVIRONMENT, app=APP)
    return [row.phase for row in rows], tx.get(Release, ENVIRONMENT, APP, member.live).source


def test_config_that_is_so_already_is_said_to_be_unchanged():
    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, WEB, lends=False)
        await asyncio.sleep(5)
        wish = ConfigRequest(set={"COLOUR": NewValue(value="blue")})
        first, second = [await config.change(shop.world, "me", "demo", APP, wish) for _ in range(2)]
        assert (first.unchanged, first.deployment is None, first.serves) == (False, False, True)
        assert (second.unchanged, second.deployment is None, second.serves) == (True, True, True)
        foreseen = await config.change(
            shop.world, "me", "demo", APP, msgspec.structs.replace(wish, plan=True)
        )
        assert foreseen.unchanged
        shop.plane.kill()
        await shop.plane.gone()

    run_virtually(main, MadeUpNetwork())
