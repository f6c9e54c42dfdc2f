"""What the loops would do next, if nothing else happened."""

from headway.calculate.rollout.foresee import Manifests, foretell
from headway.control import lookup
from headway.control.rollout.planning import giving_way, going_on
from headway.control.rollout.snapshots import member, to_build
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.snapshot import MemberSnapshot
from headway.model.view.change import PlannedChange
from headway.ports.store import Reader


async def upcoming(world: World, environment: str | None = None) -> list[PlannedChange]:
    """List what is to be done in an environment, or in all, in order, app by app.

    Raises:
        NotFound: The environment is not there.
    """
    view = await world.router.view()
    now = world.clock.now()

    def question(reader: Reader) -> list[tuple[str, MemberSnapshot, Manifests]]:
        owners = (
            [lookup.environment(reader, environment)]
            if environment is not None
            else reader.find(Environment, state=EnvironmentState.ACTIVE)
        )
        found: list[tuple[str, MemberSnapshot, Manifests]] = []
        for owner in owners:
            for row in reader.find(Member, environment=owner.id):
                snapshot = member(world, reader, owner.id, row.app, view)
                if snapshot is None:
                    continue
                found.append((owner.name, snapshot, to_build(reader, snapshot.deployments)))
        return found

    seen = await world.store.read(question)
    found: list[PlannedChange] = []
    with world.fleet.trial():
        for name, snapshot, manifests in seen:
            foresight = foretell(snapshot, now, world.fleet, manifests)
            found += giving_way(snapshot.member.app, foresight, f"{name}: ")
            found += [
                PlannedChange(
                    app=snapshot.member.app,
                    verb=change.verb.value,
                    what=f"{name}: {change.what}",
                    because=change.because,
                )
                for change in foresight.changes
            ]
            found += going_on(snapshot.member.app, foresight, f"{name}: ")
    return found
