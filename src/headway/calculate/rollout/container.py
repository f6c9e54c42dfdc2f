"""What a fact about a container makes of its row."""

from datetime import datetime

import msgspec

from headway.model.container import Container, ContainerState, Exit
from headway.model.failure import ProbeAnswer
from headway.model.manifest import HealthCheck
from headway.model.order import Observed, ObservedState
from headway.model.value import Value

_LIVE = frozenset(
    {
        ContainerState.PENDING,
        ContainerState.STARTING,
        ContainerState.HEALTHY,
        ContainerState.UNHEALTHY,
        ContainerState.DRAINING,
        ContainerState.STOPPING,
    }
)


def observed(container: Container, fact: Observed, *, checked: bool, now: datetime) -> Container:
    """Take over what the engine knows. An end is final; the same fact twice changes nothing.

    Args:
        container: The row as it is.
        fact: What the engine says.
        checked: Whether a health check decides that it is healthy; otherwise running is healthy.
        now: Aware UTC instant.
    """
    if container.is_ended:
        return container
    if fact.state in (ObservedState.EXITED, ObservedState.LOST):
        state = ContainerState.EXITED if fact.state is ObservedState.EXITED else ContainerState.LOST
        exit_ = fact.exit or Exit(reason="its end could not be observed", at=now)
        return msgspec.structs.replace(
            container,
            state=state,
            exit=msgspec.structs.replace(exit_, at=_possible(exit_.at, container, now)),
            started_at=container.started_at or _started_at(container, fact, now),
        )
    row = msgspec.structs.replace(
        container,
        host=fact.host,
        ports=fact.ports or container.ports,
        started_at=container.started_at or _started_at(container, fact, now),
    )
    if row.state is ContainerState.PENDING:
        row = msgspec.structs.replace(row, state=ContainerState.STARTING)
    running = fact.state is ObservedState.RUNNING
    if running and not checked and row.state is ContainerState.STARTING:
        row = msgspec.structs.replace(
            row, state=ContainerState.HEALTHY, healthy_at=row.started_at or now
        )
    return row


def _started_at(container: Container, fact: Observed, now: datetime) -> datetime | None:
    return None if fact.started_at is None else _possible(fact.started_at, container, now)


def _possible(at: datetime, container: Container, now: datetime) -> datetime:
    """Give the nearest time that can be: an engine reads a clock that may have been set."""
    return max(container.created_at, min(at, now))


def lost(container: Container, because: str, now: datetime) -> Container:
    """Mark a container whose engine does not know it any more."""
    return msgspec.structs.replace(
        container, state=ContainerState.LOST, exit=Exit(reason=because, at=now)
    )


class Streak(Value, kw_only=True):
    """Probes in a row with the same verdict."""

    healthy: bool
    length: int


def streak_after(streak: Streak | None, answer: ProbeAnswer) -> Streak:
    """Count one more answer."""
    if streak is None or streak.healthy is not answer.healthy:
        return Streak(healthy=answer.healthy, length=1)
    return Streak(healthy=answer.healthy, length=streak.length + 1)


def probed(
    container: Container, check: HealthCheck, answer: ProbeAnswer, streak: Streak, now: datetime
) -> Container:
    """Judge a container by its last probes.

    A row changes only when the verdict or what was answered changed, so a steady container
    writes nothing.
    """
    if container.state not in (
        ContainerState.STARTING,
        ContainerState.HEALTHY,
        ContainerState.UNHEALTHY,
    ):
        return container
    state, healthy_at = container.state, container.healthy_at
    if answer.healthy and streak.length >= check.healthy_threshold:
        if state is not ContainerState.HEALTHY:
            state, healthy_at = ContainerState.HEALTHY, now
    elif (
        not answer.healthy
        and state is ContainerState.HEALTHY
        and streak.length >= check.unhealthy_threshold
    ):
        state, healthy_at = ContainerState.UNHEALTHY, None
    told = container.probe
    same = told is not None and (told.answer, told.healthy) == (answer.answer, answer.healthy)
    if state is container.state and (same or answer.healthy):
        return container
    return msgspec.structs.replace(container, state=state, healthy_at=healthy_at, probe=answer)


def is_live(container: Container) -> bool:
    """Say whether it runs or is about to."""
    return container.state in _LIVE


def is_staying(container: Container) -> bool:
    """Say whether it runs, or is about to, and nobody has asked it to leave."""
    return is_live(container) and container.state not in (
        ContainerState.DRAINING,
        ContainerState.STOPPING,
    )


def is_leaving(container: Container) -> bool:
    """Say whether it was asked to leave, and holds its room until it has ended."""
    return is_live(container) and not is_staying(container)


def is_coming_up(container: Container) -> bool:
    """Say whether it starts, or has ended though nobody asked it to leave: it starts again."""
    if container.is_ended:
        return container.draining_at is None and container.stopping_at is None
    return container.state in (ContainerState.PENDING, ContainerState.STARTING)
