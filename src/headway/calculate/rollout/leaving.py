"""Containers that leave: drained, late or unhealthy, ended, forgotten."""

from headway.calculate.ending import end_of
from headway.calculate.rollout.check import check_of
from headway.calculate.rollout.draft import Draft
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.deployment import Phase
from headway.model.environment import EnvironmentState

_JUDGING = frozenset({Phase.STARTING, Phase.PAUSED})


def let_go(draft: Draft) -> None:
    """Stop what has drained or was not healthy in time; drain what is unhealthy."""
    for container in list(draft.containers.values()):
        if container.state is ContainerState.DRAINING:
            _stop_drained(draft, container)
        elif container.state is ContainerState.STARTING:
            _stop_late(draft, container)
        elif container.kind is ContainerKind.SERVICE and _failed_while_live(draft, container):
            probe = container.probe
            answer = f"{probe.asked} answered {probe.answer}" if probe else "its checks fail"
            draft.drain(container, f"it is unhealthy: {answer}")


def _stop_drained(draft: Draft, container: Container) -> None:
    router = draft.snapshot.router
    assert container.draining_at is not None
    release = draft.release(container.release)
    process = release.manifest.process(container.process) if release else None
    ends_at = end_of(container.draining_at, process.drain_s if process else 0)
    traffic = router.traffic.get(container.id)
    in_flight = traffic.in_flight if traffic else 0
    if container.id in router.targets:
        return  # after a restart its time may be over before the table has followed
    if in_flight == 0:
        draft.stop(container, f"{container.because}; its requests have ended")
    elif draft.now >= ends_at:
        draft.stop(
            container, f"{container.because}; {in_flight} requests were still open at the limit"
        )
    else:
        draft.wake(ends_at)


def _stop_late(draft: Draft, container: Container) -> None:
    release = draft.release(container.release)
    check = check_of(release, container) if release else None
    if check is None or container.started_at is None:
        return
    late_at = end_of(container.started_at, check.grace_s)
    if draft.now >= late_at:
        draft.stop(container, f"it was not healthy within {check.grace_s:g} s of its start")
    else:
        draft.wake(late_at)


def _failed_while_live(draft: Draft, container: Container) -> bool:
    """An unhealthy container goes, unless a deployment under way judges its release by it."""
    return container.state is ContainerState.UNHEALTHY and not any(
        row.release == container.release != row.previous and row.phase in _JUDGING
        for row in draft.deployments.values()
    )


def retire_ended(draft: Draft) -> None:
    """Forget ended containers that nothing will follow and no deployment will explain."""
    for container in list(draft.containers.values()):
        if not container.is_ended or container.retired:
            continue
        if container.kind is not ContainerKind.SERVICE:
            if not _is_awaited(draft, container):
                draft.retire(container)
            continue
        successors = [
            row
            for row in draft.in_slot(container.release, container.process, container.slot)
            if row.created_at > container.created_at
        ]
        if successors or not _is_wanted(draft, container):
            draft.retire(container)


def _is_awaited(draft: Draft, container: Container) -> bool:
    return any(
        row.release_container == container.id and not row.is_ended
        for row in draft.deployments.values()
    )


def _is_wanted(draft: Draft, container: Container) -> bool:
    if draft.environment.state is not EnvironmentState.ACTIVE:
        return False
    numbers = {draft.member.live} | {
        row.release for row in draft.deployments.values() if not row.is_ended
    }
    release = draft.release(container.release)
    process = release.manifest.process(container.process) if release else None
    if container.release not in numbers or release is None or process is None:
        return False
    if process.daemon:
        return container.node in draft.eligible(release, process)
    return container.slot <= draft.scale(process)
