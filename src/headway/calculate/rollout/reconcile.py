"""Make the containers of a release as many as wanted: start what lacks, drain what is too much."""

from collections.abc import Iterable, Sequence
from itertools import count

import msgspec

from headway.calculate.rollout.container import is_live, is_staying
from headway.calculate.rollout.draft import Draft, Launch
from headway.calculate.rollout.offering import why_stays
from headway.calculate.rollout.restart import restart_at, restarts_after
from headway.model.container import Container, ContainerState
from headway.model.deployment import Deployment
from headway.model.ids import NodeId
from headway.model.manifest import Process, Strategy
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
    A slot whose container ended is filled again after its back-off. One whose node is drained is
    filled elsewhere before it leaves; a daemon leaves when nothing else is there any more.
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
            last = process.daemon and draft.is_leaving(container.node)
            drained = f"{container.node} is drained, and nothing else is there any more"
            leave(draft, container, drained if last else because)


def _slots(
    draft: Draft, release: Release, process: Process, wanted: int
) -> dict[int, NodeId | None]:
    if not process.daemon or wanted == 0:
        return dict.fromkeys(range(1, wanted + 1))
    nodes = draft.eligible(release, process)
    if not nodes:
        draft.pend(f"{process.name} is a daemon and no node matches its placement")
    return _slots_of_nodes(draft, release, process, nodes)


def _slots_of_nodes(
    draft: Draft, release: Release, process: Process, nodes: tuple[NodeId, ...]
) -> dict[int, NodeId | None]:
    """Give each node a slot of its own, for as long as a daemon is there."""
    slots: dict[int, NodeId | None] = {}
    wanted, taken = frozenset(nodes), set[NodeId | None]()
    for row in draft.services(release.number):
        if row.process != process.name or row.node in taken:
            continue
        if row.node in wanted or (is_staying(row) and not draft.is_vacated(row.node)):
            taken.discard(slots.get(row.slot))
            taken.add(row.node)
            slots[row.slot] = row.node
    free = (slot for slot in count(1) if slot not in slots)
    new = [node for node in nodes if node not in taken]
    return dict(sorted((slots | dict(zip(free, new, strict=False))).items()))


def _fill(draft: Draft, launch: Launch) -> None:
    held = draft.in_slot(launch.release.number, launch.process, launch.slot)
    staying = [row for row in held if is_staying(row)]
    if any(draft.is_leaving(row.node) for row in staying) and launch.node is None:
        move(draft, launch, held)
        return
    if any(row.preempted for row in staying):
        give_way(draft, launch, held)
        return
    if staying:
        _keep_one(draft, launch.release, staying)
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
    if last.preempted:
        because = f"there is room again: {last.label} gave way"
        draft.start(msgspec.structs.replace(launch, before=last, because=because))
        return
    how = last.exit.account if last.exit else "it was lost"
    follow(draft, msgspec.structs.replace(launch, because=f"{last.label} ended: {how}"), last)


def _keep_one(draft: Draft, release: Release, staying: list[Container]) -> None:
    """A move that is not needed any more leaves two copies: the first that is good stays."""
    if len(staying) == 1:
        return
    kept = next((row for row in staying if draft.is_good(row, release)), staying[0])
    for row in staying:
        if row is not kept:
            leave(draft, row, f"{kept.id} on {kept.node} need not move any more")


def move(draft: Draft, launch: Launch, held: Sequence[Container]) -> None:
    """Have a copy elsewhere take over before one leaves a node that is drained."""
    leaving = [row for row in held if is_staying(row) and draft.is_leaving(row.node)]
    taken = [row for row in held if is_staying(row) and row not in leaving]
    old = leaving[-1]
    because = f"{old.node} is drained"
    good = [row for row in taken if draft.is_good(row, launch.release)]
    for row in leaving if good else ():
        leave(draft, row, f"{because}; {good[0].id} on {good[0].node} has taken over")
    later = [row for row in held if row.created_at > old.created_at]
    if taken or any(is_live(row) for row in later):
        return
    launch = msgspec.structs.replace(launch, because=because)
    if draft.is_in_the_way(old, launch):
        leave(draft, old, f"{because}; another starts when it has ended: it has the same port")
    elif launch.release.manifest.deploy.strategy is Strategy.RECREATE:
        if draft.finds_room(launch):
            leave(draft, old, f"{because}; another starts when it has ended: never two at a time")
    elif later:
        follow(draft, launch, later[-1])
    else:
        draft.start(msgspec.structs.replace(launch, before=old))


def give_way(draft: Draft, launch: Launch, held: Sequence[Container]) -> None:
    """Have a copy leave whose place another takes, behind one elsewhere where there is room."""
    staying = [row for row in held if is_staying(row)]
    old = next(row for row in staying if row.preempted)
    others = [row for row in staying if not row.preempted]
    good = [row for row in others if draft.is_good(row, launch.release)]
    if good:
        leave(draft, old, f"{old.preempted}; {good[0].id} on {good[0].node} has taken over")
        return
    if others:
        return
    was_tried = any(row.created_at > old.created_at for row in held)
    is_single = launch.release.manifest.deploy.strategy is Strategy.RECREATE
    why = why_stays(draft, launch.release, old)
    if why:
        draft.stay(old, why)
    elif not was_tried and not is_single and draft.fits_elsewhere(launch, old.node):
        draft.start(msgspec.structs.replace(launch, before=old, because=old.preempted))
    else:
        leave(draft, old, old.preempted)


def follow(draft: Draft, launch: Launch, last: Container) -> None:
    """Start the successor of a container that ended, after its back-off."""
    at = restart_at(last)
    if at is not None and draft.now < at:
        draft.wake(at)
        return
    restarts = restarts_after(last)
    draft.start(msgspec.structs.replace(launch, before=last, restarts=restarts))


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
