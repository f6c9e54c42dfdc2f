"""A deployment that waits for a stranger's port asks for it ever less often, and is not late."""

import asyncio
from datetime import timedelta

import msgspec

from headway.control import deploying, nodes
from headway.control.requests import DeployRequest
from headway.model.app import Source
from headway.model.deployment import Deployment, Phase
from headway.model.ids import Digest, NodeId
from headway.model.manifest import CheckType, Expose, HealthCheck
from headway.model.node import Node
from headway.sim.network import MadeUpNetwork
from headway.sim.virtual import VirtualLoop, run_virtually
from tests.simulation.conftest import APP
from tests.simulation.test_standing import WEB, Shop

SENT = Digest("sha256:2")
PORT = (NodeId("here"), 5432)


def wanting_the_port(tx) -> None:
    old = tx.get(Source, Digest("sha256:1"))
    check = HealthCheck(type=CheckType.TCP)
    port = Expose(name="db", port=80, host_port=PORT[1], health_check=check)
    web = msgspec.structs.replace(WEB, expose=(port,))
    shape = msgspec.structs.replace(old.manifest, processes=(web,))
    tx.put(
        msgspec.structs.replace(
            old, digest=SENT, manifest=shape, created_at=old.created_at + timedelta(seconds=1)
        )
    )


def test_a_strangers_port_is_asked_about_ever_less_often_and_taken_soon_after_it_is_given_back():
    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, WEB, lends=False)
        await asyncio.sleep(5)
        shop.engine.join(Node(id=NodeId("closed"), cpu=1, memory_mib=4096))
        await asyncio.sleep(1)
        await nodes.cordon(shop.world, "me", "closed")
        shop.store.do(wanting_the_port)
        shop.engine.strangers[PORT] = "nginx (pid 7)"
        look, asked = shop.engine.look_at_ports, []

        async def noted(node, ports):
            asked.append(loop.time())
            return await look(node, ports)

        shop.engine.look_at_ports = noted
        await deploying.deploy(shop.world, "me", "demo", APP, DeployRequest(source=SENT))
        await asyncio.sleep(300)
        assert (await phase(shop)) is Phase.STARTING
        assert 10 < len(asked) < 30, asked
        shop.engine.strangers.clear()
        await asyncio.sleep(20)
        assert (await phase(shop)) is Phase.SUCCEEDED
        shop.plane.kill()
        await shop.plane.gone()

    network = MadeUpNetwork()
    network.answering = lambda _host, _port: True
    run_virtually(main, network)


async def phase(shop: Shop) -> Phase:
    rows = await shop.store.read(lambda tx: tx.find(Deployment, app=APP))
    return rows[-1].phase
