"""Orders to try engines with, and what to wait for."""

import asyncio
import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from headway.model.container import ContainerKind
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.log import LogLine
from headway.model.node import NodeState
from headway.model.order import Observed, Order
from headway.model.terminal import TerminalSize
from headway.ports.engine import Engine, EngineUnavailable

DEADLINE_S = 20.0
_numbers = itertools.count(1)


def order(script: str = "", **fields: Any) -> Order:
    """Make an order for a shell script, with an id of its own."""
    fields.setdefault("id", ContainerId(f"trial-{os.getpid()}-{next(_numbers)}"))
    fields.setdefault("argv", ("/bin/sh", "-c", script))
    fields.setdefault("app", AppName("web"))
    fields.setdefault("environment", EnvironmentId("demo~7f3a2c"))
    return Order(kind=ContainerKind.ONE_OFF, name="demo/web.1", directory="/", **fields)


async def begun(engine: Engine, wanted: Order) -> Observed:
    """Start an order on the engine's last node."""
    *_, node = await engine.nodes()
    return await engine.start(wanted, node.id)


async def until(engine: Engine, container: ContainerId, holds: Callable[[Observed], bool]) -> Any:
    """Observe until a container is as wanted, through every loss of the engine's agent."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with suppress(EngineUnavailable):
                async for heard in engine.observe():
                    for fact in heard.facts:
                        if fact.id == container and holds(fact):
                            return fact


async def ended(engine: Engine, container: ContainerId) -> Observed:
    """Wait for a container's end."""
    fact = await until(engine, container, lambda fact: fact.exit is not None)
    assert fact.exit is not None
    return fact


async def lines(engine: Engine, container: ContainerId, **how: Any) -> list[LogLine]:
    """Read the log."""
    async with asyncio.timeout(DEADLINE_S):
        return [line async for line in engine.logs(container, **how)]


async def texts(engine: Engine, container: ContainerId, **how: Any) -> list[str]:
    """Read the log's texts."""
    return [line.text for line in await lines(engine, container, **how)]


async def said(engine: Engine, container: ContainerId, text: str) -> None:
    """Wait until a running container has written a line."""
    async with asyncio.timeout(DEADLINE_S):
        log = engine.logs(container, follow=True)
        async for line in log:
            if line.text == text:
                return
    raise AssertionError(f"{container} ended and never wrote {text!r}")


async def result(engine: Engine, wanted: Order) -> tuple[Observed, list[str]]:
    """Run an order to its end and give how it ended and what it wrote."""
    await begun(engine, wanted)
    fact = await ended(engine, wanted.id)
    return fact, await texts(engine, wanted.id)


async def run_inside(
    engine: Engine,
    container: ContainerId,
    *argv: str,
    terminal: TerminalSize | None = None,
    given: bytes = b"",
) -> tuple[int, bytes, bytes]:
    """Run a command in a container; gives its status, stdout and stderr."""
    async with asyncio.timeout(DEADLINE_S):
        session = await engine.exec(container, argv, terminal=terminal)
        if not terminal:
            if given:
                await session.send(given)
            await session.send(b"")
        found = {"stdout": b"", "stderr": b""}
        async for stream, part in session.output():
            found[stream] += part
        return await session.close(), found["stdout"], found["stderr"]


async def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds of the machine."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never so: {what}") from None


async def first(engine: Engine) -> tuple[Observed, ...]:
    """Give the full listing that an observation begins with, of all nodes that answer."""
    unheard = {node.id for node in await engine.nodes()}
    found: list[Observed] = []
    async with asyncio.timeout(DEADLINE_S):
        async for heard in engine.observe():
            if heard.node is not None and heard.node.id in unheard:
                unheard.discard(heard.node.id)
                found += heard.facts
            if not unheard:
                break
    return tuple(found)


async def listed(engine: Engine, node: NodeId, state: NodeState) -> tuple[Observed, ...]:
    """Wait until a node is listed in a state, and give what is there then."""
    async with asyncio.timeout(DEADLINE_S):
        async for heard in engine.observe():
            if heard.node is not None and (heard.node.id, heard.node.state) == (node, state):
                return heard.facts
    raise AssertionError("an engine's facts end only with an error")
