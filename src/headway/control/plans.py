"""What the loops would do next, if nothing else happened."""

from headway.calculate.foresee import foresee
from headway.control import lookup
from headway.control.snapshots import manifest_source, member
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.view import PlannedChange
from headway.ports.store import Reader


async def upcoming(world: World, environment: str | None = None) -> list[PlannedChange]:
    """List what is to be done in an environment, or in all, in order, app by app.

    Raises:
        NotFound: The environment is not there.
    """
    view = await world.router.view()
    now = world.clock.now()

    def question(reader: Reader) -> list[PlannedChange]:
        owners = (
            [lookup.environment(reader, environment)]
            if environment is not None
            else reader.find(Environment, state=EnvironmentState.ACTIVE)
        )
        found: list[PlannedChange] = []
        for owner in owners:
            for row in reader.find(Member, environment=owner.id):
                snapshot = member(world, reader, owner.id, row.app, view)
                if snapshot is None:
                    continue
                first = snapshot.deployments[0] if snapshot.deployments else None
                source = manifest_source(reader, first) if first else None
                found += [
                    PlannedChange(
                        app=row.app,
                        verb=change.verb.value,
                        what=f"{owner.name}: {change.what}",
                        because=change.because,
                    )
                    for change in foresee(snapshot, now, source.manifest if source else None)
                ]
        return found

    return await world.store.read(question)
