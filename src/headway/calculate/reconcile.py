"""Make the containers of a release as many as wanted: start what lacks, drain what is too much."""

from collections.abc import Iterable

import msgspec

from headway.calculate.container import is_live, is_staying
from headway.calculate.draft import Draft, Launch
from headway.calculate.placement import eligible
from headway.calculate.restart import restart_at, restarts_after
from headway.model.container import Container, ContainerState
from headway.model.deployment import Deployment
from headway.model.ids import NodeId
from headway.model.manifest import Process
from headway.model.release import Release


def keep(
    draft: Draft,
    release: Release,
    process: Process,
    wanted: int,
    because: str,
    deployment: Deployment | None = None,
) -> None:
    """Keep `wanted` containers of a process type in slots 1 … wanted.

    A daemon has one slot for each eligible node, whatever is wanted, unless that is none.
    A slot whose container ended is filled again after its back-off.
    """
    slots = _slots(draft, release, process, wanted)
    for slot, node in slots.items():
        launch = Launch(
            release=release,
            process=process.name,
            slot=slot,
            because=because,
            deployment=deployment,
            node=node,
        )
        _fill(draft, launch)
    for container in draft.staying(release.number, process.name):
        if container.slot not in slots:
            leave(draft, container, because)


def _slots(
    draft: Draft, release: Release, process: Process, wanted: int
) -> dict[int, NodeId | None]:
    if not process.daemon or wanted == 0:
        return dict.fromkeys(range(1, wanted + 1))
    nodes = eligible(draft.snapshot.nodes, release.manifest.placement)
    if not nodes:
        draft.pend(f"{process.name} is a daemon and no node matches its placement")
    return dict(enumerate(nodes, start=1))


def _fill(draft: Draft, launch: Launch) -> None:
    held = [
        row
        for row in draft.services(launch.release.number)
        if (row.process, row.slot) == (launch.process, launch.slot)
    ]
    if any(is_staying(row) for row in held):
        return
    if not held:
        draft.start(launch)
        return
    last = held[-1]
    if is_live(last):
        # One that leaves because its checks fail is followed when it has ended, with back-off,
        # as one that crashed is. Any other has a successor beside it at once.
        if last.probe is None or last.probe.healthy:
            draft.start(msgspec.structs.replace(launch, before=last))
        return
    at = restart_at(last)
    if at is not None and draft.now < at:
        draft.wake(at)
        return
    how = last.exit.sentence if last.exit else "it was lost"
    draft.start(
        msgspec.structs.replace(
            launch,
            because=f"{last.label} ended: {how}",
            before=last,
            restarts=restarts_after(last),
        )
    )


def leave(draft: Draft, container: Container, because: str) -> None:
    """Let a container go: by draining when it takes requests, at once otherwise."""
    if container.state in (ContainerState.HEALTHY, ContainerState.UNHEALTHY) and container.ports:
        draft.drain(container, because)
    else:
        draft.stop(container, because)


def release_all(draft: Draft, containers: Iterable[Container], because: str) -> None:
    """Let all of these go that were not asked to leave yet."""
    for container in containers:
        if is_staying(container):
            leave(draft, container, because)
