"""What the measuring loop keeps of releases, nodes and queues, on a simulated engine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from headway.control.errors import Invalid, NotFound
from headway.control.figures import Figures
from headway.control.measuring import Measuring
from headway.control.queries import figure_views
from headway.control.queries.figure_views import FigureQuestion
from headway.model.container import Container, ContainerState
from headway.model.figures import EVERYTHING, FiguresView, Measure, Subject
from headway.model.ids import ContainerId
from headway.model.job import Job
from headway.model.order import Order, Reading
from headway.model.route import RouterView, Traffic
from tests.simulation.conftest import APP, ENVIRONMENT

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
RELEASE = Subject(environment=ENVIRONMENT, app=APP, release=1)
OTHER = Subject(environment=ENVIRONMENT, app=APP, release=2)
MEMBER = Subject(environment=ENVIRONMENT, app=APP)


class Watched:
    """A plane whose clock and counters a test moves, ten seconds a look."""

    def __init__(self, plane) -> None:
        self.plane, self.world, self.engine = plane, plane.world, plane.engine
        self.traffic: dict[ContainerId, Traffic] = {}
        self.refused: dict[str, int] = {}
        self.at = NOON
        outside: Any = SimpleNamespace(now=lambda: self.at)
        self.world.clock = outside
        router: Any = SimpleNamespace(view=self._view)
        self.world.router = router
        self.loop = Measuring(self.world, plane.dispatch)

    async def _view(self) -> RouterView:
        return RouterView(traffic=dict(self.traffic), refused=dict(self.refused))

    async def look(self, seconds: float = 10) -> None:
        self.at += timedelta(seconds=seconds)
        self.engine.now = lambda: self.at
        await self.loop.beat(self.world.figures.step_of(self.at))

    async def copy(self, name: str, release: int) -> ContainerId:
        row = Container(
            id=ContainerId(name),
            environment=ENVIRONMENT,
            app=APP,
            process="web",
            release=release,
            node="here",
            state=ContainerState.HEALTHY,
            created_at=NOON,
        )
        order = Order(id=row.id, kind=row.kind, app=APP, name=name, argv=("true",))
        await self.engine.start(order, row.node)
        self.world.note(row)
        return row.id

    def spend(self, container: ContainerId, cpu_s: float, mib: int = 0) -> None:
        before = self.engine.readings.get(container, Reading())
        self.engine.readings[container] = Reading(
            cpu_s=before.cpu_s + cpu_s, memory_bytes=mib * 2**20
        )

    def answer(self, container: ContainerId, requests: int, ms: float, errors: int = 0) -> None:
        before = self.traffic.get(container, Traffic())
        self.traffic[container] = Traffic(
            requests=before.requests + requests, errors=before.errors + errors, response_ms=ms
        )

    def view(self, subject: Subject, over_s: float = 60, **how: Any) -> FiguresView:
        return self.world.figures.view(subject, self.at, over_s, **how)

    def values(self, subject: Subject, measure: Measure, over_s: float = 60) -> list[float | None]:
        (line,) = self.view(subject, over_s, measures=(measure,)).lines
        return list(line.values)


@pytest.fixture
async def watched(plane) -> AsyncIterator[Watched]:
    return Watched(plane)


async def test_an_app_uses_what_the_copies_of_its_releases_use_together(watched):
    one, two = await watched.copy("one", 1), await watched.copy("two", 2)
    await watched.look()
    watched.spend(one, cpu_s=5, mib=100)
    watched.spend(two, cpu_s=1, mib=20)
    await watched.look()
    assert watched.values(RELEASE, Measure.CPU)[-2:] == [None, 0.5]
    assert watched.values(OTHER, Measure.CPU)[-1] == 0.1
    assert watched.values(MEMBER, Measure.CPU)[-1] == 0.6
    assert watched.values(MEMBER, Measure.MEMORY)[-1] == 120
    assert watched.values(Subject(node="here"), Measure.CPU)[-1] == 0.6
    assert watched.values(EVERYTHING, Measure.MEMORY)[-1] == 120
    assert watched.world.figures.containers[one].cpu == 0.5
    assert watched.world.figures.nodes["here"].memory_mib == 120


async def test_requests_are_counted_by_release_and_their_times_weigh_by_how_many_there_were(
    watched,
):
    one, two = await watched.copy("one", 1), await watched.copy("two", 2)
    await watched.look()
    watched.answer(one, requests=90, ms=10)
    watched.answer(two, requests=10, ms=110, errors=5)
    await watched.look()
    assert watched.values(RELEASE, Measure.REQUESTS)[-1] == 9
    assert watched.values(OTHER, Measure.ERRORS)[-1] == 0.5
    assert watched.values(RELEASE, Measure.ERRORS)[-1] == 0
    assert watched.values(MEMBER, Measure.REQUESTS)[-1] == 10
    assert watched.values(MEMBER, Measure.RESPONSE)[-1] == 20
    await watched.look()
    assert watched.values(MEMBER, Measure.REQUESTS)[-1] == 0
    assert watched.values(MEMBER, Measure.RESPONSE)[-1] is None
    assert watched.values(EVERYTHING, Measure.REQUESTS)[-2:] == [10, 0]


async def test_before_it_was_looked_at_there_is_nothing_and_not_none_of_it(watched):
    await watched.look()
    queue = Subject(environment=ENVIRONMENT, app=APP, queue="default")
    assert watched.values(queue, Measure.WAITING, over_s=30) == [None, None, 0]
    assert watched.values(Subject(node="here"), Measure.CPU, over_s=30) == [None] * 3


async def test_where_figures_begin_is_told_as_long_as_more_is_asked_for(watched):
    assert watched.view(EVERYTHING).since is None
    await watched.look()
    began = watched.at
    for _ in range(3):
        await watched.look()
    since = watched.view(EVERYTHING, over_s=60).since
    assert since is not None
    assert abs((since - began).total_seconds()) <= 10
    assert watched.view(EVERYTHING, over_s=20).since is None


async def test_what_waits_and_since_when_is_kept_of_queues_and_jobs(watched, plane):
    await plane.release(Job(name="once", command="true"))
    lane_of_queue = Subject(environment=ENVIRONMENT, app=APP, queue="default")
    plane.dispatch.lanes.add([])
    await watched.look()
    plane.engine.go_away("here")  # nothing can start
    made = await plane.run("once")
    await plane.until(made, "queued")
    await watched.look(seconds=120)
    assert watched.values(lane_of_queue, Measure.WAITING)[-1] == 1
    assert (
        watched.values(Subject(environment=ENVIRONMENT, app=APP, job="once"), Measure.WAITING)[-1]
        == 1
    )
    assert watched.values(EVERYTHING, Measure.WAITING)[-1] == 1
    assert watched.values(lane_of_queue, Measure.OLDEST)[-1] == pytest.approx(120, abs=1)
    plane.engine.come_back("here")


async def test_a_node_that_does_not_answer_has_a_gap(watched):
    await watched.look()
    await watched.look()
    watched.engine.go_away("here")
    await watched.look()
    watched.engine.come_back("here")
    await watched.look()
    await watched.look()
    known = [value is not None for value in watched.values(Subject(node="here"), Measure.CPU)]
    assert known[-4:] == [True, False, False, True]


async def test_figures_of_a_day_are_means_and_of_an_hour_are_as_they_were(watched):
    one = await watched.copy("one", 1)
    for step in range(400):
        watched.spend(one, cpu_s=10 if step % 2 else 0, mib=step)
        await watched.look()
    hour, day = watched.view(RELEASE, 3600), watched.view(RELEASE, 24 * 3600)
    assert (hour.step_s, day.step_s) == (10, 300)
    assert (len(hour.lines[0].values), len(day.lines[0].values)) == (360, 288)
    assert set(hour.lines[0].values) == {0.0, 1.0}
    assert day.lines[0].values[-3] == pytest.approx(0.5)
    assert hour.begin == watched.at - timedelta(seconds=3590)
    tail = watched.view(RELEASE, 3600, since=watched.at - timedelta(seconds=20))
    assert tail.lines[1].values == hour.lines[1].values[-3:]


async def test_there_are_never_more_series_than_were_allowed_and_old_ones_are_forgotten():
    figures = Figures(10, 2)
    for step in range(3):
        figures.look(step)
        for node in ("a", "b", "c"):
            figures.note(step, Subject(node=node), Measure.CPU, 1.0)
    assert (figures.kept, len(figures.left_out)) == (2, 1)
    figures.forget(20_000)
    assert figures.kept == 0
    figures.look(20_001)
    figures.note(20_001, Subject(node="c"), Measure.CPU, 1.0)
    assert (figures.kept, len(figures.left_out)) == (1, 0)


@pytest.mark.parametrize(
    ("asked", "refusal", "code"),
    [
        ({"node": "nowhere"}, NotFound, "node-unknown"),
        ({"environment": "demo"}, Invalid, "figures-of-what"),
        ({"queue": "default"}, Invalid, "figures-of-what"),
        ({"node": "here", "environment": "demo", "app": APP}, Invalid, "figures-of-what"),
        ({"environment": "demo", "app": "nobody"}, NotFound, "app-not-in-environment"),
        ({"environment": "demo", "app": APP, "job": "never"}, NotFound, "job-unknown"),
        ({"environment": "demo", "app": APP, "queue": "never"}, NotFound, "queue-unknown"),
        ({"node": "here", "measures": (Measure.WAITING,)}, Invalid, "measure-unknown"),
    ],
)
async def test_what_there_are_no_figures_of_is_refused(watched, plane, asked, refusal, code):
    await plane.release(Job(name="once", command="true"))
    with pytest.raises(refusal) as refused:
        await figure_views.shown(watched.world, FigureQuestion(**asked))
    assert refused.value.code == code


async def test_what_no_copy_could_take_is_an_app_s_and_no_release_s(watched):
    one = await watched.copy("one", 1)
    await watched.look()
    watched.answer(one, requests=90, ms=10)
    watched.refused = {f"{ENVIRONMENT}.{APP}.http": 10, f"{ENVIRONMENT}.other.http": 20}
    await watched.look()
    assert watched.values(RELEASE, Measure.ERRORS)[-1] == 0
    assert watched.values(MEMBER, Measure.REQUESTS)[-1] == 10
    assert watched.values(MEMBER, Measure.ERRORS)[-1] == 1
    assert watched.values(MEMBER, Measure.RESPONSE)[-1] == 10
    without_release = Subject(environment=ENVIRONMENT, app="other")
    assert watched.values(without_release, Measure.ERRORS)[-1] == 2
    assert watched.values(EVERYTHING, Measure.ERRORS)[-1] == 3
    await watched.look()
    assert watched.values(MEMBER, Measure.ERRORS)[-1] == 0
