"""A deployment with everything that tells its story: its containers, its build, its reasons."""

from headway.control.deployments import get
from headway.control.rollout.snapshots import with_probe
from headway.control.world import World
from headway.model.build import Build
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import environment_name
from headway.model.story import DeploymentStory
from headway.ports.store import Reader

_CONTAINERS_MAX = 200
_REASONS_MAX = 50


async def story(world: World, identity: str) -> DeploymentStory:
    """Tell the story of a deployment, under way or over.

    Raises:
        NotFound: There is none with this id.
    """

    def question(reader: Reader) -> DeploymentStory:
        row = get(reader, identity)
        owner = reader.get(Environment, row.environment)
        member = reader.get(Member, row.environment, row.app)
        containers = reader.find(
            Container, deployment=row.id, newest_first=True, limit=_CONTAINERS_MAX
        )
        reasons = reader.events(subject=row.id, newest_first=True, limit=_REASONS_MAX)
        return DeploymentStory(
            deployment=row,
            environment=environment_name(row.environment),
            is_there=owner is not None and owner.state is EnvironmentState.ACTIVE,
            live=member.live if member else None,
            split=member.split if member else {},
            build=reader.get(Build, row.build) if row.build else None,
            containers=tuple(with_probe(world, one) for one in reversed(containers)),
            reasons=tuple(reversed(reasons)),
            next=_next(reader, row),
        )

    return await world.store.read(question)


def _next(reader: Reader, row: Deployment) -> Deployment | None:
    """Give the one after this, so that who looks at an old one sees that it is old."""
    later = reader.find(Deployment, environment=row.environment, app=row.app, after=row.id, limit=1)
    return later[0] if later else None
