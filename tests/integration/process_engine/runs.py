"""Runners to try, and what to wait for of them."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from headway.engines.process.engine import ProcessEngine
from headway.model.build import Mount
from headway.model.container import ContainerKind
from headway.model.gang import Gang
from headway.model.ids import AppName, ContainerId, EnvironmentId, RunId
from headway.model.job import Job
from headway.model.order import Order
from headway.model.resources import Resources
from headway.model.run import RunFact, RunFactState, Task
from headway.ports.engine import Runner

DEADLINE_S = 60.0
SMALL = Resources(memory_mib=128, disk_mib=16, processes=32)
_numbers = itertools.count(1)


def slug(data: Path, code: str) -> Path:
    """Write a module of jobs where every user may read it."""
    folder = data / "slug"
    folder.mkdir(exist_ok=True)
    (folder / "tasks.py").write_text(code)
    return folder


def job(name: str, **fields: Any) -> Job:
    """Describe a job; it is the function of its name unless it says otherwise."""
    if "command" not in fields:
        fields.setdefault("function", f"tasks:{name}")
    fields.setdefault("resources", SMALL)
    fields.setdefault("grace_s", 0.5)
    return Job(name=name, **fields)


class Trial:
    """A runner and the line to it."""

    def __init__(self, engine: ProcessEngine, order: Order) -> None:
        self.engine = engine
        self.id = order.id
        self.order = order
        self.seen: list[RunFact] = []
        self.line: Runner
        self._news: AsyncIterator[tuple[RunFact, ...]]

    async def attach(self) -> Runner:
        """Open the line, in place of any before."""
        self.line = await self.engine.attach(self.id)
        self._news = aiter(self.line.facts())
        return self.line

    def send(self, job: str, timeout_s: float = 15.0, **parameters: Any) -> Task:
        """Hand a run over."""
        return self._hand_over(
            Task(
                run=RunId(f"{next(_numbers):05d}-{os.getpid()}"),
                attempt=1,
                job=job,
                parameters=msgspec.Raw(msgspec.json.encode(parameters)),
                timeout_s=timeout_s,
            )
        )

    def send_holding(self, job: str, *locks: str, fence: int, gang: Gang | None = None) -> Task:
        """Hand a run over that holds locks, or is one of a gang."""
        return self._hand_over(
            Task(
                run=RunId(f"{next(_numbers):05d}-{os.getpid()}"),
                attempt=1,
                job=job,
                parameters=msgspec.Raw(b"{}"),
                timeout_s=15.0,
                locks=locks,
                fence=fence,
                gang=gang,
            )
        )

    def _hand_over(self, task: Task) -> Task:
        self.line.send([task])
        return task

    async def until(self, task: Task, state: RunFactState) -> RunFact:
        """Wait for a fact."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for fact in self.seen:
                    if (fact.run, fact.attempt, fact.state) == (task.run, task.attempt, state):
                        return fact
                self.seen += await anext(self._news)

    async def ended(self, task: Task) -> RunFact:
        """Wait for an end."""
        return await self.until(task, RunFactState.ENDED)

    async def began(self, task: Task) -> RunFact:
        """Wait for a beginning."""
        return await self.until(task, RunFactState.BEGAN)

    async def run(self, job: str, timeout_s: float = 15.0, **parameters: Any) -> RunFact:
        """Have a run done."""
        return await self.ended(self.send(job, timeout_s, **parameters))

    async def value(self, job: str, **parameters: Any) -> Any:
        """Have a run done that succeeds, and give its result."""
        fact = await self.run(job, **parameters)
        assert fact.exit is not None
        assert fact.exit.status == 0, (fact.exit.sentence, fact.failure)
        assert fact.result is not None
        return msgspec.json.decode(fact.result)

    async def log(self, fact: RunFact | Task, **how: Any) -> list[tuple[str, str]]:
        """Read what a run wrote."""
        async with asyncio.timeout(DEADLINE_S):
            lines = self.engine.run_logs(fact.run, fact.attempt, **how)
            return [(line.stream.value, line.text) async for line in lines]


async def started(engine: ProcessEngine, data: Path, code: str, *jobs: Job, **fields: Any) -> Trial:
    """Start a runner, and open the line to it."""
    order = Order(
        id=ContainerId(f"runner-{os.getpid()}-{next(_numbers)}"),
        kind=ContainerKind.RUNNER,
        app=AppName("web"),
        environment=EnvironmentId("demo~7f3a2c"),
        name="demo/runner",
        argv=(),
        mounts=(Mount(source=str(slug(data, code)), path="/app"), *fields.pop("mounts", ())),
        jobs=jobs,
        **fields,
    )
    node, *_ = await engine.nodes()
    await engine.start(order, node.id)
    trial = Trial(engine, order)
    await trial.attach()
    return trial
