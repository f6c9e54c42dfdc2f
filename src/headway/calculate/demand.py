"""What containers and runs of an app ask of a node, as its manifest says."""

from datetime import datetime, timedelta

import msgspec

from headway.model.container import Container
from headway.model.demand import Demand
from headway.model.job import Isolation, Job
from headway.model.manifest import Manifest, Process
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.tag import TagOperator, TagRule


def of_process(release: Release, process: Process) -> Demand:
    """Give what each copy of a process type asks for. Copies prefer nodes with fewest of them."""
    return Demand(
        resources=process.resources,
        where=_where(release.manifest),
        crowd=f"{release.environment}/{release.app}/{process.name}@{release.number}",
        spread=("node",),
    )


def of_command(manifest: Manifest, process: Process) -> Demand:
    """Give what a release command or a one-off asks for: what the process type has, once."""
    return Demand(resources=process.resources, where=_where(manifest))


def of_build() -> Demand:
    """Give what decides where builds may run: they reserve nothing, and ask for nothing special."""
    return Demand(resources=Resources())


def of_job(manifest: Manifest, job: Job) -> Demand:
    """Give what each run of a job asks for."""
    return Demand(
        resources=job.resources,
        where=_where(manifest),
        strict=job.isolation is Isolation.STRICT,
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
    return now + timedelta(seconds=demand.expected_s)


def of_container(container: Container) -> Demand:
    """Give what a container holds of its node."""
    return container.demand or Demand(resources=container.resources)


def _where(manifest: Manifest) -> tuple[TagRule, ...]:
    return tuple(
        TagRule(tag=tag, operator=TagOperator.IN, values=(value,))
        for tag, value in sorted(manifest.placement.tags.items())
    )
