"""The few figures by which somebody sees at a glance how a whole installation does."""

from headway.control.runs.dispatch import Dispatch
from headway.control.runs.failures import RUNS_MAX
from headway.control.runs.jobs import take_up_failures
from headway.control.world import World
from headway.model.ids import AppName, EnvironmentName, RunId, environment_name
from headway.model.node import Node, NodeHold, NodeState
from headway.model.run import Run
from headway.model.value import Value
from headway.model.view.run import FailedRuns
from headway.ports.store import Reader


class RunFigures(Value, kw_only=True):
    """How many runs there are."""

    waiting: int = 0
    """That could start if there were room, or their turn."""
    running: int = 0
    dead: int = 0
    """On the dead-letter list."""


class AwayNode(Value, kw_only=True):
    """A node that does not take containers."""

    node: Node
    hold: NodeHold | None = None


class Stranded(Value, kw_only=True):
    """Runs that can never start, unless a larger node comes."""

    run: RunId
    """The first of them."""
    environment: EnvironmentName
    app: AppName
    job: str
    count: int
    because: str


def stranded(dispatch: Dispatch) -> tuple[Stranded, ...]:
    """List what waits and can never start, by lane."""
    lanes, counts = dispatch.lanes.lanes(), dispatch.lanes.counts()
    return tuple(
        Stranded(
            run=lanes[lane][0].run,
            environment=environment_name(lane.environment),
            app=lane.app,
            job=lane.job,
            count=counts[lane],
            because=because,
        )
        for lane, because in dispatch.starts.nevers().items()
        if lanes[lane]
    )


async def failed(world: World, dispatch: Dispatch) -> tuple[FailedRuns, ...]:
    """List the jobs of apps that are there whose runs failed lately; what is well since is last."""
    await take_up_failures(world, dispatch)
    there = await world.mirrors.members.all()
    return tuple(
        FailedRuns(
            environment=environment_name(environment),
            app=app,
            job=name,
            run=rows[-1].run,
            state=rows[-1].state,
            because=rows[-1].because,
            at=rows[-1].at,
            count=len(rows),
            is_more=len(rows) == RUNS_MAX,
            is_well=is_well,
        )
        for (environment, app, name), rows, is_well in dispatch.failures.lately(world.clock.now())
        if (environment, app) in there
    )


async def run_figures(world: World, dispatch: Dispatch) -> RunFigures:
    """Count runs by what somebody may have to do about them."""
    waiting = sum(dispatch.lanes.depths().values())

    def question(reader: Reader) -> RunFigures:
        running, dead = reader.count(Run, "active"), reader.count(Run, "dead")
        return RunFigures(waiting=waiting, running=running, dead=dead)

    return await world.store.read(question)


def away(world: World) -> tuple[AwayNode, ...]:
    """List the nodes that are not ready, the lost ones first."""
    found = [
        AwayNode(node=node, hold=world.roster.holds.get(node.id))
        for node in world.nodes
        if node.state is not NodeState.READY
    ]
    found.sort(key=lambda one: (one.node.state is not NodeState.LOST, one.node.id))
    return tuple(found)
