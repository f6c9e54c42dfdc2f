"""Which health check decides whether a container is healthy, and when it is good."""

from headway.model.container import Container, ContainerKind
from headway.model.manifest import HealthCheck, Process
from headway.model.release import Release

_CHECKED_S = 0.5
_UNCHECKED_S = 10.0
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


def good_after_s(release: Release, check: HealthCheck | None) -> float:
    """Say for how long a container with this check is to be healthy to count as good.

    Where that is not said it is less than the time in which a deployment has to make progress.
    """
    deploy = release.manifest.deploy
    if deploy.min_healthy_s is not None:
        return deploy.min_healthy_s
    usual_s = _UNCHECKED_S if check is None else _CHECKED_S
    return min(usual_s, deploy.progress_deadline_s / 2)
