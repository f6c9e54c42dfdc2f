"""Which copies of an app may give way to others: those above the floor, while nothing else moves.

The fleet counts on what was offered a moment ago. What is decided by it is looked at once more by
the app's own decision, which alone sees how the other copies do: only then does a copy leave.
"""

from headway.calculate.rollout.container import is_staying
from headway.calculate.rollout.draft import Draft
from headway.model.container import Container
from headway.model.environment import EnvironmentState
from headway.model.ids import ContainerId
from headway.model.manifest import Process
from headway.model.preempting import Offer
from headway.model.release import Release


def offered(draft: Draft) -> tuple[Offer, ...]:
    """Give what may be taken of an app now."""
    release = draft.release(draft.member.live)
    is_active = draft.environment.state is EnvironmentState.ACTIVE
    if release is None or draft.member.stopped or draft.is_moving or not is_active:
        return ()
    offers = [
        Offer(copies=_copies(draft, release, process), floor=process.floor)
        for process in release.manifest.processes
        if process.floor is not None and not process.daemon
    ]
    return tuple(offer for offer in offers if offer.copies)


def why_stays(draft: Draft, release: Release, copy: Container) -> str:
    """Say why a copy that was to give way stays; empty where it may leave."""
    process = release.manifest.process(copy.process)
    if process is None or process.floor is None or process.daemon:
        return f"{copy.process} of {release.label} gives way to nothing"
    if draft.is_moving:
        return "a deployment is under way"
    left = _good(draft, release, process)
    left.pop(copy.slot, None)
    if len(left) < process.floor:
        return f"{process.floor} of {process.name} are to stay, and {len(left)} would be healthy"
    return ""


def _copies(draft: Draft, release: Release, process: Process) -> frozenset[ContainerId]:
    good = _good(draft, release, process)
    leaving = (
        row.id
        for row in draft.services(release.number)
        if row.process == process.name and row.preempted and not row.is_ended
    )
    return frozenset((*(row.id for row in good.values()), *leaving))


def _good(draft: Draft, release: Release, process: Process) -> dict[int, Container]:
    """Give one good copy of each slot that is wanted, without those that are to leave."""
    found: dict[int, Container] = {}
    for row in draft.services(release.number):
        is_wanted = row.process == process.name and row.slot <= draft.scale(process)
        is_leaving = row.preempted or draft.is_leaving(row.node)
        if is_wanted and is_staying(row) and not is_leaving and draft.is_good(row, release):
            found[row.slot] = row
    return found
