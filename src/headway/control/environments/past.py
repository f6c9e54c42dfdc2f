"""Environments that have ended: what each was, why it ended, and what is kept of it."""

from collections import Counter

from headway.control import lookup
from headway.control.world import World
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, EnvironmentState
from headway.model.past import Life, PastView
from headway.ports.store import Reader

_DEPLOYMENTS = 20
_LOOKED_AT = 1000
_CONTAINERS = 100
_LIVES = 20


async def life(world: World, name: str) -> PastView:
    """Give one life of an environment, by its id, or the last one of a name.

    Raises:
        NotFound: There never was one.
    """

    def question(reader: Reader) -> PastView:
        row = lookup.last_life(reader, name)
        deployments = reader.find(
            Deployment, environment=row.id, newest_first=True, limit=_LOOKED_AT
        )
        return PastView(
            life=_life(row),
            deployments=tuple(deployments[:_DEPLOYMENTS]),
            deployed=dict(Counter(one.app for one in deployments)),
            containers=tuple(
                reader.find(Container, environment=row.id, newest_first=True, limit=_CONTAINERS)
            ),
            others=tuple(
                _life(other)
                for other in reader.find(
                    Environment, name=row.name, newest_first=True, limit=_LIVES + 1
                )
                if other.id != row.id
            )[:_LIVES],
        )

    return await world.store.read(question)


async def last(world: World, name: str) -> Life | None:
    """Give the last life of a name, where it has ended and no other has begun."""

    def question(reader: Reader) -> Life | None:
        rows = reader.find(Environment, name=name, newest_first=True, limit=1)
        return _life(rows[0]) if rows and rows[0].state is EnvironmentState.ENDED else None

    return await world.store.read(question)


async def listing(world: World, limit: int = 100) -> list[Life]:
    """List environments that have ended, those that began last first."""

    def question(reader: Reader) -> list[Life]:
        rows = reader.find(
            Environment, state=EnvironmentState.ENDED, newest_first=True, limit=limit
        )
        return [_life(row) for row in rows]

    return await world.store.read(question)


def _life(row: Environment) -> Life:
    return Life(
        id=row.id,
        name=row.name,
        state=row.state,
        because=row.because,
        holder=row.lease.holder,
        until=row.lease.until,
        under=row.under,
        created_at=row.created_at,
        created_by=row.created_by,
        ended_at=row.ended_at,
    )
