"""Which health check decides whether a container is healthy, and when it is good."""

from collections.abc import Iterable
from datetime import datetime

from headway.calculate.ending import end_of
from headway.model.container import Container, ContainerKind
from headway.model.manifest import HealthCheck, Process
from headway.model.release import Release

_WELL_S = 0.5
_UNASKED_S = 10.0
"""Whoever cannot be asked has to run for a while: what cannot be started well ends soon."""


def check_of(release: Release, container: Container) -> HealthCheck | None:
    """Give the check of a service container; None: running is healthy.

    A process type that exposes several ports is checked on the first.
    """
    if container.kind is not ContainerKind.SERVICE:
        return None
    process = release.manifest.process(container.process)
    return check_of_process(process) if process is not None else None


def check_of_process(process: Process) -> HealthCheck | None:
    """Give the check of a process type; None: running is healthy."""
    return process.health_check or (process.expose[0].health_check if process.expose else None)


def proves_itself_s(release: Release) -> float:
    """Say for how long a process type without a check runs until it has shown that it can.

    Where that is not said it is less than the time in which a deployment has to make progress.
    """
    deploy = release.manifest.deploy
    if deploy.min_healthy_s is not None:
        return deploy.min_healthy_s
    return min(_UNASKED_S, deploy.progress_deadline_s / 2)


def good_at(
    release: Release, check: HealthCheck | None, healthy_at: datetime, first_at: datetime
) -> datetime:
    """Say when a container is good that has been healthy without a break.

    Args:
        release: Its release.
        check: What it is asked; None: nothing.
        healthy_at: Since when it has been healthy.
        first_at: Since when the first copy of its process type and release has been.
    """
    said_s = release.manifest.deploy.min_healthy_s
    own = end_of(healthy_at, _WELL_S if said_s is None else said_s)
    if check is not None or said_s is not None:
        return own
    return max(own, end_of(first_at, proves_itself_s(release)))


def first_healthy(containers: Iterable[Container]) -> dict[tuple[int, str], datetime]:
    """Give since when the first copy of each release and process type has been healthy.

    One that has ended counts where it ran for long enough to have proved itself.
    """
    found: dict[tuple[int, str], datetime] = {}
    for row in containers:
        at = row.healthy_at
        if at is None or row.kind is not ContainerKind.SERVICE:
            continue
        if row.exit is not None and row.exit.at < end_of(at, _UNASKED_S):
            continue
        key = (row.release, row.process)
        found[key] = min(found.get(key, at), at)
    return found
