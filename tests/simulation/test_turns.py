"""What waits behind a deployment goes on from what that brought, not from what served before."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from headway.control import builds, deploying, deployments
from headway.control.config import config
from headway.control.environments import copying
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.requests import ConfigRequest, DeployRequest, NewValue
from headway.model.app import Source
from headway.model.container import Container
from headway.model.deployment import Ask, Deployment, DeploymentKind, Phase
from headway.model.environment import Member
from headway.model.ids import Digest
from headway.model.manifest import Deploy, Expose, Process, Protocol, Strategy
from headway.model.release import Release
from headway.model.view.change import Started
from headway.sim.network import MadeUpNetwork
from headway.sim.virtual import VirtualLoop, run_virtually
from tests.simulation.conftest import APP, ENVIRONMENT
from tests.simulation.pools_world import BEGAN
from tests.simulation.test_standing import HALF, TCP, WEB, Shop

NEW = Digest("sha256:2")


def newer(tx, digest: Digest = NEW, **changed: Any) -> None:
    old = tx.get(Source, Digest("sha256:1"))
    shape = msgspec.structs.replace(old.manifest, **changed)
    tx.put(msgspec.structs.replace(old, digest=digest, manifest=shape, created_at=BEGAN))


async def redeploy(shop: Shop, strategy: Strategy | None = None) -> None:
    wish = DeployRequest(kind=DeploymentKind.REDEPLOY, strategy=strategy)
    await deploying.deploy(shop.world, "me", "demo", APP, wish)


async def deploy(
    shop: Shop, digest: Digest = NEW, *, plan: bool = False, **changed: Any
) -> Started:
    """Deploy a new source, whose manifest differs so."""
    shop.store.do(partial(newer, digest=digest, **changed))
    wish = DeployRequest(kind=DeploymentKind.DEPLOY, source=digest, plan=plan)
    return await deploying.deploy(shop.world, "me", "demo", APP, wish)


def rows_of(shop: Shop) -> list[Deployment]:
    return shop.store.ask(lambda tx: tx.find(Deployment, environment=ENVIRONMENT, app=APP))


def releases_of(shop: Shop) -> list[Release]:
    return shop.store.ask(lambda tx: tx.find(Release, environment=ENVIRONMENT, app=APP))


def in_turn(scenario: Callable[[Shop], Awaitable[None]], *processes: Process) -> None:
    """Have a scenario happen to an app that serves."""

    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, WEB, lends=False)
        if processes:
            shop.store.do(lambda tx: _with(tx, processes))
        await asyncio.sleep(35)
        await scenario(shop)
        shop.plane.kill()
        await shop.plane.gone()

    network = MadeUpNetwork()
    network.answering = lambda _host, _port: True
    run_virtually(main, network)


def _with(tx, processes: tuple[Process, ...]) -> None:
    live = tx.get(Release, ENVIRONMENT, APP, 1)
    shape = msgspec.structs.replace(live.manifest, processes=processes)
    tx.put(msgspec.structs.replace(live, manifest=shape))


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
        await deploy(shop)
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


def test_config_that_is_set_while_a_deployment_is_built_is_in_its_release_and_restarts_nothing():
    async def scenario(shop: Shop) -> None:
        await deploy(shop)
        await configure(shop)
        await asyncio.sleep(300)
        (_, config_set) = rows_of(shop)
        assert (config_set.phase, config_set.release) == (Phase.SUCCEEDED, 2)
        assert config_set.because == "v2 has this config already: it was made meanwhile"
        assert [(row.number, sorted(row.config)) for row in releases_of(shop)] == [
            (1, []),
            (2, ["COLOUR"]),
        ]
        started = shop.store.ask(lambda tx: tx.find(Container, environment=ENVIRONMENT, app=APP))
        assert sorted(row.release for row in started) == [1, 2]
        events = shop.store.ask(lambda tx: tx.events(subject=config_set.id))
        assert [row.because for row in events][-1] == config_set.because

    in_turn(scenario)


def test_config_that_is_set_once_a_release_was_made_has_one_of_its_own():
    async def scenario(shop: Shop) -> None:
        await deploy(shop)
        while len(releases_of(shop)) == 1:
            await asyncio.sleep(1)
        await configure(shop)
        await asyncio.sleep(300)
        assert [(row.number, sorted(row.config)) for row in releases_of(shop)] == [
            (1, []),
            (2, []),
            (3, ["COLOUR"]),
        ]

    in_turn(scenario)


def test_a_value_that_becomes_a_secret_makes_a_release_though_it_is_the_same():
    """By the release's word, and not by the value's, logs are masked."""

    async def scenario(shop: Shop) -> None:
        await configure(shop)
        await asyncio.sleep(300)
        wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"web": 9})  # for which is no room
        await deploying.deploy(shop.world, "me", "demo", APP, wish)
        secret = ConfigRequest(set={"COLOUR": NewValue(value="blue", secret=True)})
        await config.change(shop.world, "me", "demo", APP, secret)
        await deployments.ask(shop.world, "me", rows_of(shop)[1].id, Ask.ABORT)
        await asyncio.sleep(300)
        hidden = [(row.number, row.config["COLOUR"].secret) for row in releases_of(shop)[1:]]
        assert hidden == [(2, False), (3, True)]

    in_turn(scenario)


@pytest.mark.parametrize("seconds", [0, 0.5], ids=["build queued", "build running"])
def test_a_plan_of_config_behind_a_build_starts_each_copy_once(seconds):
    async def scenario(shop: Shop) -> None:
        await deploy(shop)
        await asyncio.sleep(seconds)
        wish = ConfigRequest(set={"COLOUR": NewValue(value="blue")})
        started = await config.rehearse(shop.world, "me", "demo", APP, wish)
        told = [row.what for row in started.plan]
        assert [what for what in told if what.startswith("start web.1")] == ["start web.1 (v2)"]
        assert told[-1] == "nothing is to be done"
        assert started.plan[-1].because == "v2 has this config already"
        assert started.deployments == ()  # its id would never be seen again

    in_turn(scenario)


def test_a_plan_of_a_deployment_behind_another_has_each_with_its_own_process_types():
    async def scenario(shop: Shop) -> None:
        await deploy(shop)
        await asyncio.sleep(0.5)
        worker = Process(name="worker", command="exec sleep 600")
        started = await deploy(shop, Digest("sha256:3"), plan=True, processes=(WEB, worker))
        told = [row.what for row in started.plan if row.what.startswith("start ")]
        assert told == ["start web.1 (v2)", "start web.1 (v3)", "start worker.1 (v3)"]

    in_turn(scenario)


@pytest.mark.parametrize("deed", [redeploy, configure])
def test_what_waited_moves_by_the_strategy_of_what_it_deploys(deed):
    async def scenario(shop: Shop) -> None:
        await deploy(shop, deploy=Deploy(strategy=Strategy.RECREATE))
        while len(releases_of(shop)) == 1:
            await asyncio.sleep(1)
        await deed(shop)
        await asyncio.sleep(300)
        assert [(row.phase, row.strategy) for row in rows_of(shop)] == [
            (Phase.SUCCEEDED, Strategy.RECREATE),
            (Phase.SUCCEEDED, Strategy.RECREATE),
        ]

    in_turn(scenario)


def test_a_strategy_that_was_asked_for_is_kept_until_its_turn():
    async def scenario(shop: Shop) -> None:
        await deploy(shop, deploy=Deploy(strategy=Strategy.RECREATE))
        await redeploy(shop, Strategy.BLUE_GREEN)
        await asyncio.sleep(300)
        assert rows_of(shop)[1].strategy is Strategy.BLUE_GREEN
        assert rows_of(shop)[1].phase is Phase.SUCCEEDED

    in_turn(scenario)


def test_a_strategy_that_cannot_be_of_what_was_deployed_meanwhile_fails_with_what_can():
    async def scenario(shop: Shop) -> None:
        port = Expose(
            name="mqtt", port=1883, host_port=1883, protocol=Protocol.TCP, health_check=TCP
        )
        await deploy(shop, processes=(msgspec.structs.replace(WEB, expose=(port,)),))
        await redeploy(shop, Strategy.BLUE_GREEN)
        await asyncio.sleep(300)
        (first, second) = rows_of(shop)
        assert (first.phase, second.phase) == (Phase.SUCCEEDED, Phase.FAILED)
        assert "one machine has port 1883 once" in second.failure.because
        assert second.failure.hints == (
            "use rolling: a copy leaves before its successor has the port",
        )
        assert len(releases_of(shop)) == 2

    in_turn(scenario)


def test_a_scale_of_what_the_deployment_before_it_took_away_fails_and_changes_nothing():
    worker = Process(name="worker", command="exec sleep 600", resources=HALF, scale=0)

    async def scenario(shop: Shop) -> None:
        await deploy(shop)
        wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"worker": 2, "web": 2})
        await deploying.deploy(shop.world, "me", "demo", APP, wish)
        await asyncio.sleep(300)
        failed = rows_of(shop)[1]
        assert (failed.phase, failed.release) == (Phase.FAILED, 2)
        because = "its turn has come, and shop has no process worker: it has web"
        assert (failed.because, failed.failure.because) == (because, because)
        assert failed.failure.next == ("headway ps -e demo",)
        assert shop.store.ask(lambda tx: tx.get(Member, ENVIRONMENT, APP)).scale == {}

    in_turn(scenario, WEB, worker)
