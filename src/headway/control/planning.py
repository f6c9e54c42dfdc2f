"""Answers what a command would do, by doing it in a transaction that is then undone."""

from collections.abc import Callable, Iterable

from headway.calculate.foresee import foresee
from headway.control.snapshots import manifest_source, member
from headway.control.world import MemberKey, World
from headway.model.container import Container
from headway.model.plan import Change, Verb
from headway.model.snapshot import Reserved
from headway.model.view import PlannedChange, Started
from headway.ports.store import Writer


class _Undone(Exception):
    """Carries the answer out of a transaction that must not be kept."""

    def __init__(self, answer: Started) -> None:
        super().__init__("planned only")
        self.answer = answer


async def planned(
    world: World,
    deed: Callable[[Writer], Started],
    touched: Callable[[Started], Iterable[MemberKey]],
) -> Started:
    """Do a deed, follow the decisions it leads to, undo all of it, and give the list."""
    now = world.clock.now()

    def rehearse(tx: Writer) -> None:
        started = deed(tx)
        changes: list[PlannedChange] = []
        cpu, memory_mib = 0.0, 0
        for key in dict.fromkeys(touched(started)):
            snapshot = member(world, tx, *key)
            if snapshot is None:
                continue
            first = snapshot.deployments[0] if snapshot.deployments else None
            source = manifest_source(tx, first) if first else None
            for change in foresee(snapshot, now, source.manifest if source else None):
                changes.append(
                    PlannedChange(
                        app=key[1],
                        verb=change.verb.value,
                        what=change.what,
                        because=change.because,
                    )
                )
                sign = _sign(change)
                if isinstance(change.row, Container) and sign:
                    cpu += sign * change.row.resources.cpu
                    memory_mib += sign * change.row.resources.memory_mib
        raise _Undone(
            Started(
                environment=started.environment,
                deployments=started.deployments,
                unchanged=started.unchanged,
                plan=tuple(changes),
                reserves=Reserved(cpu=round(cpu, 6), memory_mib=memory_mib),
            )
        )

    try:
        await world.store.write(rehearse)
    except _Undone as undone:
        return undone.answer
    raise AssertionError("a rehearsal must not be kept")


def _sign(change: Change) -> int:
    return {Verb.START_CONTAINER: 1, Verb.STOP_CONTAINER: -1}.get(change.verb, 0)


def members_of(started: Started) -> list[MemberKey]:
    """Name the members that deployments were made for."""
    return [(row.environment, row.app) for row in started.deployments]


def ring(world: World, started: Started) -> None:
    """Have everything looked at that a command touched."""
    for key in members_of(started):
        world.bell.member(key)
    world.bell.build()
    world.bell.environment()
