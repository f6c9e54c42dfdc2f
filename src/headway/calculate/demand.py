"""What containers and runs of an app ask of a node, as its manifest says."""

from datetime import datetime
from typing import Any

import msgspec

from headway.calculate.ending import end_of
from headway.model.container import Container
from headway.model.demand import Demand, Preemption
from headway.model.job import Delivery, Isolation, Job
from headway.model.manifest import Process
from headway.model.placement import Placement
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.tag import TagOperator, TagRule


def of_process(release: Release, process: Process) -> Demand:
    """Give what each copy of a process type asks for. Copies prefer nodes with fewest of them."""
    asked = process.placement or release.manifest.placement
    crowd = f"{release.environment}/{release.app}/{process.name}@{release.number}"
    return _demand(
        process.resources,
        asked,
        crowd=crowd,
        spread=asked.over,
        alone=asked.alone,
        apart=tuple(f"{release.environment}/{name}" for name in asked.apart),
        ports=process.host_ports,
    )


def of_command(release: Release, process: Process) -> Demand:
    """Give what a release command or a one-off asks for: what the process type has, once."""
    return _demand(process.resources, process.placement or release.manifest.placement)


def of_build() -> Demand:
    """Give what decides where builds may run: they reserve nothing, and ask for nothing special."""
    return Demand(resources=Resources())


def of_job(release: Release, job: Job) -> Demand:
    """Give what each run of a job asks for."""
    asked = _placement(release.manifest.placement, job)
    may_repeat = job.delivery is Delivery.AT_LEAST_ONCE
    return _demand(
        job.resources,
        asked,
        crowd=f"{release.environment}/{release.app}/{job.name}@jobs" if asked.alone else "",
        alone=asked.alone,
        strict=job.isolation is Isolation.STRICT,
        preemption=Preemption.ALLOWED if asked.preemptible and may_repeat else Preemption.NEVER,
        expected_s=job.expected_s if job.expected_s is not None else job.timeout_s,
    )


def _placement(app: Placement, job: Job) -> Placement:
    """Give a job's placement. What a Python function says of it is beside what its app says."""
    own = job.placement
    if own is None:
        return app
    if not job.function:
        return own
    preemptible = own.preemptible or app.preemptible
    return msgspec.structs.replace(app, pool=own.pool or app.pool, preemptible=preemptible)


def _demand(resources: Resources, asked: Placement, **fields: Any) -> Demand:
    tags = tuple(
        TagRule(tag=tag, operator=TagOperator.IN, values=(value,))
        for tag, value in sorted(asked.tags.items())
    )
    return Demand(
        resources=resources,
        where=(*tags, *asked.where),
        pool=asked.pool,
        priority=asked.priority,
        price_hour_max=asked.price_hour_max,
        **fields,
    )


def added(one: Resources, other: Resources) -> Resources:
    """Give resources in which two fit beside each other."""
    return msgspec.structs.replace(
        one, cpu=one.cpu + other.cpu, memory_mib=one.memory_mib + other.memory_mib
    )


def expected_end(demand: Demand, now: datetime) -> datetime | None:
    """Say when something is thought to end if it begins now; None if nobody knows."""
    if demand.expected_s is None:
        return None
    return end_of(now, demand.expected_s)


def of_container(container: Container) -> Demand:
    """Give what a container holds of its node."""
    return container.demand or Demand(resources=container.resources)
