"""Who uses a simulated installation: they deploy, start environments, and ask for runs."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from headway.control import deploying, sources
from headway.control.environments import starting
from headway.control.requests import DeployRequest, Invocation, Provenance, StartRequest
from headway.control.runs import invoking, runs
from headway.machine.run_ids import RunIds
from headway.model.ids import AppName, Digest, RunId
from headway.model.job import Job, Retries
from headway.model.manifest import (
    CheckType,
    Deploy,
    Expose,
    HealthCheck,
    Manifest,
    Process,
)
from headway.model.placement import Placement
from headway.model.queue import Queue
from headway.model.resources import Resources
from headway.model.scenario import JobLoad, Scenario, ServiceLoad, TraceRow
from headway.sim.claims import Asked, Claimants
from headway.sim.plane import Plane

_HOUR_S = 3600.0
_JOBS = AppName("jobs")
_ENVIRONMENT = "production"
_WHO = "somebody"
_LEASE_S = 1800.0
_TOGETHER = 1000
"""Runs of a trace that are asked for by one request, where they come at the same time."""


class Installation(Asked, Protocol):
    """What users reach."""

    def asked(self, runs: list[RunId]) -> None:
        """Note that runs are asked for now."""
        ...

    def accepted(self, runs: list[RunId]) -> None:
        """Note that runs were promised."""
        ...


class Users:
    """All users of a scenario."""

    def __init__(
        self, scenario: Scenario, trace: tuple[TraceRow, ...], there: Installation
    ) -> None:
        self._scenario = scenario
        self._trace = trace
        self._there = there
        self._chances = random.Random(f"{scenario.seed}/users")  # noqa: S311 (no secret)
        self._ids = RunIds(self._chances.getrandbits)

    def _chance(self) -> random.Random:
        """Give a user chances of its own, so that none depends on how fast another is."""
        return random.Random(self._chances.getrandbits(64))  # noqa: S311

    async def settle_in(self) -> None:
        """Deploy everything once."""
        scenario = self._scenario
        for load in scenario.services:
            await self._start(_ENVIRONMENT, await self._send(service(load, 0, broken=False)))
        jobs = [job for load in scenario.jobs for job in _jobs(load)] + list(
            shapes(self._trace).values()
        )
        if jobs:
            limits = tuple(Queue(name=load.name, length_max=1_000_000) for load in scenario.jobs)
            queues = (*limits, Queue(name="default", length_max=2_000_000))
            manifest = Manifest(name=_JOBS, processes=(), jobs=tuple(jobs), queues=queues)
            await self._start(_ENVIRONMENT, await self._send(manifest))

    def all(self) -> list[Coroutine[Any, Any, None]]:
        """Give what each of them does, for ever."""
        users: list[Coroutine[Any, Any, None]] = []
        for load in self._scenario.services:
            if load.deploys_hour > 0:
                users.append(self._deploy(load, self._chance()))
            if load.short_environments_hour > 0:
                users.append(self._come_and_go(load, self._chance()))
        users += [self._invoke(load, self._chance()) for load in self._scenario.jobs]
        claimed = [load for load in self._scenario.jobs if load.locks and load.claims_hour > 0]
        users += [Claimants(load, self._chance(), self._there).claim() for load in claimed]
        if self._trace:
            users.append(self._replay())
        return users

    # --- services --------------------------------------------------------------------------------

    async def _send(self, manifest: Manifest) -> tuple[AppName, Digest]:
        sent = msgspec.json.encode(manifest)

        async def archive() -> AsyncIterator[bytes]:
            yield sent

        view = await self._there.ask(
            lambda plane: sources.receive(
                plane.world, _WHO, archive(), Provenance(name=manifest.name)
            )
        )
        return manifest.name, view.digest

    async def _start(
        self, environment: str, sent: tuple[AppName, Digest], lease_s: float | None = None
    ) -> None:
        request = StartRequest(apps=(sent[0],), chosen=dict([sent]), lease_s=lease_s)
        await self._there.ask(lambda plane: starting.start(plane.world, _WHO, environment, request))

    async def _deploy(self, load: ServiceLoad, chance: random.Random) -> None:
        number = 0
        while True:
            await asyncio.sleep(chance.expovariate(load.deploys_hour / _HOUR_S))
            number += 1
            broken = chance.random() < load.broken_share
            name, digest = await self._send(service(load, number, broken=broken))
            request = DeployRequest(source=digest, replace=chance.random() < 0.3)
            await self._there.ask(
                lambda plane, name=name, request=request: deploying.deploy(  # type: ignore[misc]
                    plane.world, _WHO, _ENVIRONMENT, name, request
                )
            )

    async def _come_and_go(self, load: ServiceLoad, chance: random.Random) -> None:
        number = 0
        while True:
            await asyncio.sleep(chance.expovariate(load.short_environments_hour / _HOUR_S))
            number += 1
            sent = await self._send(service(load, 0, broken=False))
            await self._start(f"short-{load.name}-{number}", sent, _LEASE_S)

    # --- runs ------------------------------------------------------------------------------------

    async def _invoke(self, load: JobLoad, chance: random.Random) -> None:
        while True:
            await asyncio.sleep(chance.expovariate(load.runs_hour / load.burst / _HOUR_S))
            wishes = [self._wish(load, chance) for _ in range(load.burst)]
            await self._ask_for(load.name, wishes, load.deadline_s)
            if chance.random() < load.cancel_share:
                await asyncio.sleep(chance.uniform(0, load.duration_s))
                await self._cancel(wishes[0])

    def _wish(self, load: JobLoad, chance: random.Random) -> Invocation:
        length_s = load.duration_s * chance.lognormvariate(0, load.duration_sigma)
        wish: dict[str, Any] = {"sleep_s": round(length_s, 3)}
        if chance.random() < load.fail_share:
            wish["fail"] = "made up"
        if load.locks:
            wish["account"] = chance.randint(1, load.accounts)
        return Invocation(parameters=msgspec.Raw(msgspec.json.encode(wish)))

    async def _ask_for(
        self, job: str, wishes: list[Invocation], deadline_s: float | None = None
    ) -> None:
        """Ask with ids of one's own, so that asking again makes nothing twice."""
        named: list[Invocation] = []

        async def deed(plane: Plane) -> Any:
            now = plane.world.clock.now()
            if not named:
                until = None if deadline_s is None else now + timedelta(seconds=deadline_s)
                named.extend(
                    msgspec.structs.replace(wish, id=self._ids.make(now), deadline_at=until)
                    for wish in wishes
                )
                wishes[:] = named
                self._there.asked([row.id for row in named if row.id is not None])
            return await invoking.invoke(
                plane.world, plane.heart.dispatch, _WHO, _ENVIRONMENT, job, named, app=_JOBS
            )

        made = await self._there.ask(deed)
        if made is not None:
            self._there.accepted([row.id for row in made])

    async def _cancel(self, wish: Invocation) -> None:
        identity = wish.id
        if identity is not None:
            await self._there.ask(
                lambda plane: runs.cancel(plane.world, plane.heart.dispatch, _WHO, identity)
            )

    async def _replay(self) -> None:
        loop = asyncio.get_running_loop()
        began_s, place = loop.time(), 0
        while place < len(self._trace):
            row = self._trace[place]
            await asyncio.sleep(max(0.0, began_s + row.at_s - loop.time()))
            name = shape_of(row)
            wishes: list[Invocation] = []
            while (
                place < len(self._trace)
                and len(wishes) < _TOGETHER
                and self._trace[place].at_s <= row.at_s
                and shape_of(self._trace[place]) == name
            ):
                raw = msgspec.json.encode({"sleep_s": self._trace[place].duration_s})
                wishes.append(Invocation(parameters=msgspec.Raw(raw)))
                place += 1
            await self._ask_for(name, wishes)


def service(load: ServiceLoad, number: int, *, broken: bool) -> Manifest:
    """Describe one release of a made-up service; what it does is in its variables."""
    variables: dict[str, str | None] = {
        "HEALTHY_AFTER_S": f"{load.healthy_after_s:g}",
        "NUMBER": str(number),
    }
    if broken:
        variables["BROKEN"] = "1"
    check = HealthCheck(type=CheckType.HTTP, interval_s=60.0, grace_s=120.0)
    process = Process(
        name="web",
        command="serve",
        scale=load.scale,
        resources=load.resources,
        expose=(Expose(name="http", port=80, host_port=load.host_port, health_check=check),),
        floor=load.floor if load.preemptible else None,
    )
    deploy = Deploy(progress_deadline_s=900.0)
    return Manifest(
        name=AppName(load.name),
        processes=(process,),
        env=variables,
        deploy=deploy,
        placement=Placement(priority=load.placement_priority),
    )


def _jobs(load: JobLoad) -> list[Job]:
    """Give a made-up job, and that of what starts together with its runs."""
    job = _job(load)
    if not load.gang:
        return [job]
    cpu = load.resources.cpu if load.gang_cpu is None else load.gang_cpu
    member = Job(
        name=f"{load.name}-member",
        command="made up",
        resources=msgspec.structs.replace(load.resources, cpu=cpu),
        expected_s=load.expected_s,
        timeout_s=job.timeout_s,
    )
    return [msgspec.structs.replace(job, gang={member.name: load.gang}), member]


def _job(load: JobLoad) -> Job:
    return Job(
        name=load.name,
        command="made up",
        resources=load.resources,
        delivery=load.delivery,
        expected_s=load.expected_s,
        timeout_s=max(600.0, 20 * load.duration_s),
        queue=load.name,
        priority=load.priority,
        placement=Placement(priority=load.placement_priority, preemptible=load.preemptible),
        concurrency=load.concurrency,
        locks=load.locks,
        retries=Retries(most=8, delay_s=2.0, delay_max_s=60.0),
    )


def shape_of(row: TraceRow) -> str:
    """Name the job that runs of this size, and of this pool, are runs of."""
    size = f"c{round(row.cpu * 1000)}-m{row.memory_mib}"
    return f"{size}-{row.pool}" if row.pool else size


def shapes(trace: tuple[TraceRow, ...]) -> dict[str, Job]:
    """Give a job for each size in a trace."""
    found: dict[str, Job] = {}
    for row in trace:
        name = shape_of(row)
        if name not in found:
            resources = Resources(cpu=row.cpu, memory_mib=row.memory_mib)
            found[name] = Job(
                name=name,
                command="made up",
                resources=resources,
                timeout_s=1e9,
                placement=Placement(pool=row.pool),
            )
    return found
