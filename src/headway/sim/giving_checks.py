"""Invariants of services that give way: which do, how many at once, when, and their return."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from headway.calculate.demand import of_container
from headway.calculate.rollout.container import is_staying
from headway.control.world import World
from headway.model.container import Container, ContainerState
from headway.model.deployment import MOVING, Deployment
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.release import Release
from headway.ports.store import Reader
from headway.sim.checks import Odd
from headway.sim.store import MemoryStore

_LEAVES = frozenset({"container.draining", "container.stopping"})


@dataclass(slots=True)
class GivingChecks:
    """Watches copies that leave so that another takes their place."""

    store: MemoryStore
    fail: Callable[[str, str], None]
    world: Callable[[], World | None]

    def happened(self, event: Event) -> None:
        """Look at a copy in the transaction in which it begins to leave."""
        if event.kind in _LEAVES:
            self.store.ask(lambda reader: self._left(reader, reader.get(Container, event.subject)))

    def _left(self, reader: Reader, row: Container | None) -> None:
        if row is None or not row.preempted or not row.because.startswith(row.preempted):
            return
        release = reader.get(Release, row.environment, row.app, row.release)
        process = release.manifest.process(row.process) if release else None
        what = f"{row.label} ({row.id}) of {row.app} leaves: {row.preempted}"
        if process is None or process.floor is None:
            self.fail("who may not be preempted is not", what)
            return
        if row.state is ContainerState.STOPPING and row.draining_at is not None:
            return  # it began to leave before a deployment began, or others failed
        active = reader.find(Deployment, environment=row.environment, app=row.app, is_ended=False)
        if any(one.phase in MOVING for one in active):
            self.fail("nothing gives way in the midst of a deployment", what)
        left = _healthy(reader, row)
        if row.slot not in left and len(left) < process.floor:
            said = f"{what}; {len(left)} are healthy, and {process.floor} are to stay"
            self.fail("what is to stay stays", said)

    def odd(self) -> Iterator[tuple[Odd, float]]:
        """Give those that are away though there is room for them."""
        world = self.world()
        if world is not None:
            yield from ((one, 0.0) for one in self.store.ask(lambda reader: _late(reader, world)))


def _like(reader: Reader, like: Container) -> list[Container]:
    """Give the copies of the same process of the same release."""
    return [
        row
        for row in reader.find(Container, environment=like.environment, app=like.app, retired=False)
        if (row.process, row.release) == (like.process, like.release)
    ]


def _healthy(reader: Reader, like: Container) -> set[int]:
    """Give the slots that have a copy which does well, and is not to give way."""
    return {
        row.slot
        for row in _like(reader, like)
        if row.state is ContainerState.HEALTHY and not row.preempted
    }


def _away(reader: Reader, like: Container) -> set[int]:
    """Give the slots that nobody fills as their last copy gave way."""
    rows = _like(reader, like)
    there = {row.slot for row in rows if is_staying(row)}
    return {row.slot for row in rows if row.preempted and not is_staying(row)} - there


def _late(reader: Reader, world: World) -> list[Odd]:
    found: list[Odd] = []
    for row in reader.find(Container, retired=False):
        owner = reader.get(Environment, row.environment)
        member = reader.get(Member, row.environment, row.app)
        is_wanted = (
            owner is not None
            and owner.state is EnvironmentState.ACTIVE
            and member is not None
            and member.live == row.release
        )
        if row.preempted and row.is_ended and is_wanted and row.slot in _away(reader, row):
            demand = of_container(row)
            if world.fleet.place(demand, world.clock.now()).node is not None:
                what = f"{row.label} of {row.app} gave way, and there is room again"
                found.append((f"away {row.id}", ("who gave way comes back", what)))
    return found
