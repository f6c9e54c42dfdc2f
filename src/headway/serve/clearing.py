"""The end of everything that a control plane left running."""

import asyncio
import contextlib
from pathlib import Path

from headway.engines.process.engine import ProcessEngine
from headway.engines.process.provider import MachineProvider
from headway.formats.units import counted
from headway.machine.clock import SteadyClock
from headway.model.ids import ContainerId, NodeId
from headway.model.node import NodeState
from headway.routers.haproxy.router import HaproxyRouter
from headway.serve.installation import Refused

_GRACE_S = 10.0


async def clear(data: Path) -> int:
    """End containers, agents and router; gives how many containers there were.

    They are stopped in the engine only: their rows say that they are wanted again.

    Raises:
        Refused: Something goes on, for its agent does not answer.
    """
    engine = ProcessEngine(data)
    await engine.open()
    provider = MachineProvider(data, engine, clock=SteadyClock())
    await provider.open()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await provider.settle()
    await provider.close()
    count, silent = await _end_all(engine)
    await engine.close(stop=True)
    router = HaproxyRouter(data / "router", http_port=0)
    await router.end_running()
    if silent:
        raise Refused(
            f"stopped {counted(count, 'container')} and the router, but what runs on "
            f"{', '.join(silent)} goes on: its agent does not answer\n"
            "next: end the agent, whose process is named in agent.lock, and headway down again"
        )
    return count


async def _end_all(engine: ProcessEngine) -> tuple[int, list[NodeId]]:
    """Stop what runs; gives how many that were, and the nodes that could not be asked."""
    unheard = {node.id for node in await engine.nodes()}
    running: set[ContainerId] = set()
    stopped: set[ContainerId] = set()
    silent: list[NodeId] = []
    async with asyncio.timeout(_GRACE_S + 10):
        async for heard in engine.observe():
            if heard.node is not None:
                unheard.discard(heard.node.id)
                if heard.node.state is NodeState.LOST:
                    silent.append(heard.node.id)
            for fact in heard.facts:
                if fact.exit is not None:
                    running.discard(fact.id)
                elif fact.id not in running:
                    running.add(fact.id)
                    stopped.add(fact.id)
                    await engine.stop(fact.id, _GRACE_S)
            if not unheard and not running:
                break
    return len(stopped), silent
