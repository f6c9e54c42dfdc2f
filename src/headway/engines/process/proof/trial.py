"""Tries the attacks in a real container and in real runs of this machine."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from headway.engines.process import host
from headway.engines.process.starter import inodes
from headway.model.build import Mount
from headway.model.container import ContainerKind
from headway.model.ids import AppName, ContainerId, EnvironmentId, RunId
from headway.model.job import Job
from headway.model.node import NodeState
from headway.model.order import Network, Order
from headway.model.resources import Resources
from headway.model.run import RunFact, RunFactState, Task
from headway.model.value import Value
from headway.ports.engine import Engine, EngineError

OWNER = "doctor/self-test"
_ENVIRONMENT, _APP = OWNER.split("/")
_SMALL = Resources(memory_mib=64, disk_mib=4, processes=24, open_files=256)
_PACKAGE = "proof"
_PROGRAM = f"from {_PACKAGE}.attacks import main; main()"
_ATTEMPT_S = 20.0
_MOUNTS = (Mount(source=str(Path(__file__).parent), path=f"/app/{_PACKAGE}"),)


class Found(Value, kw_only=True):
    """What the attacks got out."""

    places: dict[str, dict[str, str]]
    """`container`, `run` or `run started anew` → attack → what it got out, empty for nothing."""
    eaten: str = ""
    """The limit that ended a run which ate more memory than is allowed; empty: none did."""


async def tried(engine: Engine) -> Found:
    """Try everything.

    Raises:
        EngineError: No sandbox could be tried.
        TimeoutError: The machine was too busy.
    """
    with _listening() as (port, name):
        asked: dict[str, Any] = {
            "disk_mib": _SMALL.disk_mib,
            "inodes": inodes(_SMALL),
            "processes": _SMALL.processes,
            "port": port,
            "name": name,
        }
        async with asyncio.timeout(_ATTEMPT_S):
            contained, (ran, anew, eaten) = await asyncio.gather(
                _in_container(engine, asked), _in_runs(engine, asked)
            )
    return Found(places={"container": contained, "run": ran, "run started anew": anew}, eaten=eaten)


@contextmanager
def _listening() -> Iterator[tuple[int, str]]:
    """Listen where no sandbox without a network may come: on the loopback, and by a bare name."""
    name = f"headway-{secrets.token_hex(8)}"
    with (
        socket.create_server(("127.0.0.1", 0)) as loopback,
        socket.socket(socket.AF_UNIX) as named,
    ):
        named.bind(f"\0{name}")
        named.listen()
        yield loopback.getsockname()[1], name


def _order(kind: ContainerKind, argv: tuple[str, ...], jobs: tuple[Job, ...] = ()) -> Order:
    return Order(
        id=ContainerId(f"self-test-{secrets.token_hex(5)}"),
        kind=kind,
        environment=EnvironmentId(_ENVIRONMENT),
        app=AppName(_APP),
        name=f"{OWNER}.1",
        argv=argv,
        variables={"PATH": f"{Path(host.own_python()).parent}:/usr/bin:/bin"},
        mounts=_MOUNTS,
        resources=_SMALL,
        network=Network.NONE,
        jobs=jobs,
        timeout_s=_ATTEMPT_S,
        stop_grace_s=0.5,
    )


@asynccontextmanager
async def _started(engine: Engine, order: Order) -> AsyncIterator[None]:
    """Have a container, and leave nothing of it."""
    node = next(node for node in await engine.nodes() if node.state is not NodeState.LOST)
    await engine.start(order, node.id)
    try:
        yield
    finally:
        await engine.stop(order.id, 0)
        await _ended(engine, order.id)
        await engine.remove(order.id)


async def _ended(engine: Engine, container: ContainerId) -> None:
    async for heard in engine.observe():
        if any(fact.id == container and fact.exit is not None for fact in heard.facts):
            return


async def _in_container(engine: Engine, asked: dict[str, Any]) -> dict[str, str]:
    argv = (host.own_python(), "-S", "-c", _PROGRAM, json.dumps(asked))
    order = _order(ContainerKind.ONE_OFF, argv)
    async with _started(engine, order):
        await _ended(engine, order.id)
        said = [line.text async for line in engine.logs(order.id)]
    try:
        return msgspec.json.decode(said[-1], type=dict[str, str])
    except (IndexError, msgspec.DecodeError):
        raise EngineError(f"the self-test did not run: {' '.join(said)[-500:]}") from None


async def _in_runs(
    engine: Engine, asked: dict[str, Any]
) -> tuple[dict[str, str], dict[str, str], str]:
    attacks = f"{_PACKAGE}.attacks"
    job = Job(name="warm", function=f"{attacks}:run", resources=_SMALL, grace_s=0.5)
    eats = msgspec.structs.replace(job, name="eats", function=f"{attacks}:eat")
    anew = msgspec.structs.replace(job, name="anew", start="cold")
    order = _order(ContainerKind.RUNNER, (), (job, anew, eats))
    async with _started(engine, order):
        line = await engine.attach(order.id)
        tasks = [
            _task("warm", asked),
            _task("anew", asked),
            _task("eats", {"memory_mib": _SMALL.memory_mib}),
        ]
        line.send(tasks)
        ends: dict[str, RunFact] = {}
        async for facts in line.facts():
            ends |= {fact.run: fact for fact in facts if fact.state is RunFactState.ENDED}
            if len(ends) == len(tasks):
                break
        await line.close()
    await engine.remove_runs({task.run for task in tasks})
    warm, cold, eaten = (ends[task.run] for task in tasks)
    return _result(warm), _result(cold), eaten.limit


def _task(job: str, parameters: dict[str, Any]) -> Task:
    return Task(
        run=RunId(f"self-{secrets.token_hex(8)}"),
        attempt=1,
        job=job,
        parameters=msgspec.Raw(msgspec.json.encode(parameters)),
        timeout_s=_ATTEMPT_S,
    )


def _result(fact: RunFact) -> dict[str, str]:
    try:
        return msgspec.json.decode(fact.result, type=dict[str, str])
    except msgspec.DecodeError:
        said = fact.failure.message if fact.failure else fact.exit.sentence if fact.exit else ""
        raise EngineError(f"the self-test did not run: {said}") from None
