"""Makes jobs, schedules and queues of values that are right one by one."""

from typing import Any

from headway.formats.placement import placement_of
from headway.formats.resources import resources_of
from headway.model.job import Delivery, Isolation, Job, JobNetwork, OneFails, Retries, StartMode
from headway.model.placement import Placement
from headway.model.queue import Queue
from headway.model.resources import MIB
from headway.model.schedule import CatchUp, Overlap, Schedule


def jobs_of(raw: dict[str, Any], placement: Placement) -> tuple[Job, ...]:
    """Make the jobs of `jobs:`, in its order; what one says of placement is beside the app's."""
    return tuple(_job(name, value, placement) for name, value in raw.items())


def _job(name: str, value: Any, app: Placement) -> Job:
    raw: dict[str, Any] = {"command": value} if isinstance(value, str) else value
    default = Job(name=name)
    return Job(
        name=name,
        command=raw.get("command", ""),
        doc=raw.get("doc", ""),
        resources=resources_of(raw.get("resources", {}), default.resources),
        placement=placement_of(raw["placement"], app) if "placement" in raw else None,
        expected_s=raw.get("expected"),
        timeout_s=raw.get("timeout", default.timeout_s),
        cpu_time_s=raw.get("cpu_time"),
        output_mib=_mebibytes(raw, default.output_mib),
        grace_s=raw.get("grace", default.grace_s),
        delivery=Delivery(raw.get("delivery", default.delivery.value)),
        retries=_retries(raw.get("retries", {})),
        queue=raw.get("queue", default.queue),
        priority=raw.get("priority", default.priority),
        concurrency=raw.get("concurrency"),
        key_concurrency=raw.get("key_concurrency"),
        locks=_listed(raw.get("lock", ())),
        gang=raw.get("gang", {}),
        when_one_fails=OneFails(raw.get("when_one_fails", default.when_one_fails.value)),
        start=StartMode.COLD,
        network=JobNetwork(raw.get("network", default.network.value)),
        isolation=Isolation(raw.get("isolation", default.isolation.value)),
        parameters=raw.get("parameters"),
    )


def _mebibytes(raw: dict[str, Any], default: int) -> int:
    return int(raw["output"]) // MIB if "output" in raw else default


def _listed(raw: Any) -> tuple[str, ...]:
    return (raw,) if isinstance(raw, str) else tuple(raw)


def _retries(raw: Any) -> Retries:
    if isinstance(raw, int):
        return Retries(most=raw)
    default = Retries()
    return Retries(
        most=raw.get("most", default.most),
        delay_s=raw.get("delay", default.delay_s),
        delay_max_s=raw.get("delay_max", default.delay_max_s),
    )


def schedules_of(raw: dict[str, dict[str, Any]]) -> tuple[Schedule, ...]:
    """Make the schedules of `schedules:`, in its order."""
    return tuple(
        Schedule(
            name=name,
            job=value.get("job", name),
            cron=value.get("cron", ""),
            timezone=value.get("timezone", "UTC"),
            parameters=value.get("parameters", {}),
            catch_up=CatchUp(value.get("catch_up", "one")),
            overlap=Overlap(value.get("overlap", "skip")),
            jitter_s=value.get("jitter", 0.0),
            after=tuple(value.get("after", ())),
        )
        for name, value in raw.items()
    )


def queues_of(raw: dict[str, dict[str, Any]]) -> tuple[Queue, ...]:
    """Make the queues of `queues:`, in its order."""
    default = Queue()
    return tuple(
        Queue(
            name=name,
            concurrency=value.get("concurrency"),
            rate=value.get("rate"),
            length_max=value.get("length_max", default.length_max),
            fair_by=value.get("fair_by", default.fair_by),
            lazy=value.get("lazy", default.lazy),
        )
        for name, value in raw.items()
    )
