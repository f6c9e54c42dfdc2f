"""Ports and disk of a machine that several nodes share."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.engines.process.ports import FIRST
from headway.model.ids import NodeId
from headway.model.node import ClosedPorts, Node
from headway.ports.engine import EngineError
from tests.contract.engine.conftest import emptied, opened
from tests.contract.engine.orders import DEADLINE_S, begun, order

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def heard(engine: ProcessEngine, port: int, *, taken: bool) -> str:
    """Wait until the node is told with or without a closed port; says who has it."""
    async with asyncio.timeout(DEADLINE_S):
        async for one in engine.observe():
            if one.node is not None and (one.node.closed((port,)) is not None) is taken:
                return (one.node.closed((port,)) or (0, ""))[1]
    raise AssertionError("it ended")


async def test_a_container_has_the_port_that_it_must_have(data: Path) -> None:
    port = free_port()
    async for engine in opened(data):
        wanted = order(
            "echo $PORT $PORT_ADMIN; exec sleep 600",
            expose=("sql", "admin"),
            host_ports={"sql": port},
        )
        fact = await begun(engine, wanted)
        assert fact.ports["sql"] == port
        assert fact.ports["admin"] >= FIRST
        assert (await begun(engine, wanted)).ports == fact.ports
        async for line in engine.logs(wanted.id, follow=True):
            assert line.text == f"{port} {fact.ports['admin']}"
            break


async def test_a_port_that_somebody_else_has_is_named_and_told_away_until_it_is_free(
    data: Path,
) -> None:
    async for engine in opened(data):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            wanted = order("exec sleep 600", expose=("sql",), host_ports={"sql": port})
            with pytest.raises(EngineError, match=rf"port {port} is taken .*pid {os.getpid()}"):
                await begun(engine, wanted)
            assert f"(pid {os.getpid()})" in await heard(engine, port, taken=True)
        await heard(engine, port, taken=False)
        assert (await begun(engine, wanted)).ports == {"sql": port}


async def test_a_node_that_is_asked_who_has_a_port_says_so_and_closes_it_until_it_is_free(
    data: Path,
) -> None:
    async for engine in opened(data):
        (node,) = await engine.nodes()
        own = order("exec sleep 600", expose=("sql",), host_ports={"sql": free_port()})
        await begun(engine, own)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            asked = await engine.look_at_ports(node.id, (port, *own.host_ports.values()))
            closed, who = asked.closed((port,)) or (0, "")
            assert closed == port
            assert f"(pid {os.getpid()})" in who
            assert asked.closed(own.host_ports.values()) is None
            assert f"(pid {os.getpid()})" in await heard(engine, port, taken=True)
        assert (await engine.look_at_ports(node.id, (port,))).closed((port,)) is None
        await heard(engine, port, taken=False)
        with pytest.raises(EngineError, match="there is no node nowhere"):
            await engine.look_at_ports(NodeId("nowhere"), (port,))


async def test_two_agents_of_a_machine_do_not_give_one_port_twice(data: Path) -> None:
    port = free_port()
    listen = (
        "import os, socket, time\n"
        "one = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "print('listens', flush=True)\ntime.sleep(600)"
    )
    async for engine in opened(data, nodes=2):
        one, two = await engine.nodes()
        ports = {"expose": ("sql",), "host_ports": {"sql": port}}
        first = order(argv=("python3", "-c", listen), **ports)
        await engine.start(first, one.id)
        async for _ in engine.logs(first.id, follow=True):
            break
        with pytest.raises(EngineError, match=f"port {port} is taken on this machine by python3"):
            await engine.start(order("exec sleep 600", **ports), two.id)


async def test_nodes_of_one_machine_tell_its_disk_and_what_is_closed_there(data: Path) -> None:
    router = ClosedPorts(first=7080, last=7080, by="headway's router")
    engine = ProcessEngine(data, nodes=2, closed_ports=(router,))
    try:
        await engine.open()
    except EngineError as error:
        pytest.skip(f"no sandbox can be made here: {error}")
    nodes: tuple[Node, ...] = await engine.nodes()
    assert len({node.machine_name for node in nodes}) == 1
    assert len({node.disk_mib for node in nodes}) == 1
    for node in nodes:
        assert node.closed((7080,)) == (7080, "headway's router")
        assert node.closed((FIRST,)) == (FIRST, "headway: it gives these to whom any will do")
        assert node.closed((5432,)) is None
    await emptied(engine)
    await engine.close(stop=True)
