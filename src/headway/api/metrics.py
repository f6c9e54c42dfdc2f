"""What Prometheus is told: read when it asks, so that nothing is kept twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from headway.control.runs import queues
from headway.control.runs.dispatch import Dispatch
from headway.control.world import World
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import environment_name
from headway.model.route import owner_of
from headway.model.run import Run
from headway.ports.store import Reader


async def observe(world: World, dispatch: Dispatch) -> CollectorRegistry:
    """Give the figures of this moment."""
    registry = CollectorRegistry()

    def gauge(name: str, help_: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"headway_{name}", help_, labels, registry=registry)

    states, phases, environments, events = await world.store.read(_count)
    gauge("info", "This headway.", ("version",)).labels(world.version).set(1)
    gauge("uptime_seconds", "Since it started.").set(
        (world.clock.now() - world.started_at).total_seconds()
    )
    containers = gauge("containers", "Containers not forgotten, by state.", ("state",))
    for state, count in states.items():
        containers.labels(state).set(count)
    deployments = gauge("deployments_under_way", "Deployments by phase.", ("phase",))
    for phase, count in phases.items():
        deployments.labels(phase).set(count)
    gauge("environments", "Environments that have not ended.").set(environments)
    gauge("events", "Events since the beginning.").set(events)
    gauge("loops_in_trouble", "Loops whose last error was not recovered from.").set(
        len(world.troubles)
    )
    nodes = gauge("nodes", "Nodes by state.", ("state",))
    for state, count in Counter(node.state.value for node in world.nodes).items():
        nodes.labels(state).set(count)
    cores = gauge("reserved_cores", "Cores reserved.", ("node",))
    for identity, reserved in world.fleet.reserved_cores().items():
        cores.labels(identity).set(reserved)
    await _observe_queues(world, dispatch, gauge)
    registry.register(_Refused((await world.router.view()).refused))
    return registry


class _Refused(Collector):
    """What the router answered itself."""

    def __init__(self, refused: Mapping[str, int]) -> None:
        self._refused = refused

    def collect(self) -> Iterator[Metric]:
        """Give a counter for each app: one that is set, as the router counts."""
        help_ = "Requests that no copy of an app could take, so that the router refused them."
        family = CounterMetricFamily("headway_router_refused", help_, labels=("environment", "app"))
        counts: Counter[tuple[str, str]] = Counter()
        for key, count in self._refused.items():
            environment, app = owner_of(key)
            counts[environment_name(environment), app] += count  # one of that name may be leaving
        for labels, count in sorted(counts.items()):
            family.add_metric(labels, count)
        yield family


async def _observe_queues(world: World, dispatch: Dispatch, gauge: Callable[..., Gauge]) -> None:
    labels = ("environment", "app", "queue")
    waiting = gauge("queue_waiting", "Runs that wait for their turn.", labels)
    running = gauge("queue_running", "Runs that are under way.", labels)
    oldest = gauge("queue_oldest_seconds", "How long the run that waits longest has.", labels)
    for view in await queues.listing(world, dispatch, None):
        place = (view.environment, view.app, view.queue.name)
        waiting.labels(*place).set(view.waiting)
        running.labels(*place).set(view.running)
        oldest.labels(*place).set(view.oldest_s or 0)
    dead = await world.store.read(lambda reader: reader.count(Run, "dead"))
    gauge("runs_dead", "Runs on the dead-letter list.").set(dead)


def _count(reader: Reader) -> tuple[Counter[str], Counter[str], int, int]:
    newest = reader.events(newest_first=True, limit=1)
    return (
        Counter(row.state.value for row in reader.find(Container, retired=False)),
        Counter(row.phase.value for row in reader.find(Deployment, is_ended=False)),
        len(reader.find(Environment, state=EnvironmentState.ACTIVE)),
        newest[0].sequence if newest else 0,
    )
