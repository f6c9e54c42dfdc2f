"""Which health check decides whether a container is healthy."""

from headway.model.container import Container, ContainerKind
from headway.model.manifest import HealthCheck
from headway.model.release import Release


def check_of(release: Release, container: Container) -> HealthCheck | None:
    """Give the check of a service container; None: running is healthy.

    A process type that exposes several ports is checked on the first.
    """
    if container.kind is not ContainerKind.SERVICE:
        return None
    process = release.manifest.process(container.process)
    if process is None:
        return None
    return process.health_check or (process.expose[0].health_check if process.expose else None)
