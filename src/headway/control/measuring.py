"""The loop that measures: what nodes and releases use, what is answered, what waits."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain

from headway.calculate.use import Answered, answered, refused, use, uses
from headway.control.runs.dispatch import Dispatch
from headway.control.world import CopyOf, World
from headway.machine.run_ids import age_s
from headway.model.figures import EVERYTHING, Measure, Subject, Use
from headway.model.ids import ContainerId, MemberKey, NodeId
from headway.model.order import NodeReading
from headway.model.route import RouterView
from headway.model.run import Lane
from headway.ports.engine import EngineUnavailable

_Row = tuple[Subject, Measure, float | None]
_AT_ONCE = 100
"""So many nodes are looked at, or figures noted, before others have their turn."""
_FORGET_STEPS = 60
"""Until what is too old is looked for again."""


class Measuring:
    """Looks once in each step. It asks the engine and the router, and never the store."""

    def __init__(self, world: World, dispatch: Dispatch) -> None:
        self._world = world
        self._dispatch = dispatch
        self._readings: dict[NodeId, NodeReading] = {}
        self._router = RouterView()
        self._asked_at: datetime | None = None

    async def run(self) -> None:
        """Look for ever; where nothing is to be measured, not at all."""
        clock, figures, step = self._world.clock, self._world.figures, 0
        while self._world.settings.figures_step_s:
            now = clock.now()
            step = max(step, figures.step_of(now)) + 1
            await asyncio.sleep(step * figures.step_s - now.timestamp())
            await self.beat(step)

    async def beat(self, step: int) -> None:
        """Look once, at the end of a step."""
        figures = self._world.figures
        used = await self._used()
        traffic, nobodys = await self._answers()
        figures.look(step)
        rows = chain(
            _of_nodes(figures.nodes),
            _of_releases(self._world.copies, used, traffic),
            _of_answers(EVERYTHING, (*traffic.values(), *nobodys.values())),
            _of_refused(nobodys),
            _of_runs(self._waiting(), self._running(), self._oldest()),
        )
        counted: set[tuple[Subject, Measure]] = set()
        for number, (subject, measure, value) in enumerate(rows, 1):
            figures.note(step, subject, measure, value)
            if measure.is_count:
                counted.add((subject, measure))
            if not number % _AT_ONCE:
                await asyncio.sleep(0)  # requests are answered meanwhile
        for subject, measure in figures.counted():
            if (subject, measure) not in counted:  # there is none of it any more
                figures.note(step, subject, measure, 0.0)
        if not step % _FORGET_STEPS:
            figures.forget(step)

    async def _used(self) -> dict[ContainerId, Use]:
        """Say what each container uses, and keep what each node does."""
        figures = self._world.figures
        try:
            readings = await self._world.engine.measure()
        except EngineUnavailable:  # who follows the engine tells of it
            readings = ()
        before, self._readings = self._readings, {row.node: row for row in readings}
        nodes: dict[NodeId, Use] = {}
        containers: dict[ContainerId, Use] = {}
        for number, row in enumerate(readings, 1):
            known = before.get(row.node)
            nodes[row.node] = use(known, row)
            containers.update(uses(known, row))
            if not number % _AT_ONCE:
                await asyncio.sleep(0)
        figures.nodes, figures.containers = nodes, containers
        return containers

    async def _answers(
        self,
    ) -> tuple[Mapping[ContainerId, Answered], Mapping[MemberKey, Answered]]:
        """Say what each container has answered since the last look, and for whom nobody could."""
        now = self._world.clock.now()
        view = await self._world.router.view()
        before, self._router = self._router, view
        since, self._asked_at = self._asked_at, now
        if since is None:
            return {}, {}
        elapsed_s = (now - since).total_seconds()
        found = {
            container: answered(before.traffic.get(container), row, elapsed_s)
            for container, row in view.traffic.items()
        }
        return found, refused(before.refused, view.refused, elapsed_s)

    # --- runs ----------------------------------------------------------------------------------

    def _waiting(self) -> Mapping[Lane, int]:
        return self._dispatch.lanes.counts()

    def _running(self) -> Mapping[Lane, int]:
        return Counter(row.lane for row in self._dispatch.under_way.all() if not row.is_over)

    def _oldest(self) -> dict[Lane, float]:
        """Say how long the first run of each lane has waited: its id tells when it was made."""
        now = self._world.clock.now()
        return {
            lane: age_s(entries[0].run, now)
            for lane, entries in self._dispatch.lanes.lanes().items()
            if entries
        }


def _of_nodes(used: Mapping[NodeId, Use]) -> Iterator[_Row]:
    """Give what nodes use, and all of them."""
    for node, row in used.items():
        yield from _of_machine(Subject(node=node), row)
    if used:
        yield from _of_machine(EVERYTHING, _sum(used.values()))


def _of_machine(subject: Subject, row: Use) -> Iterator[_Row]:
    yield subject, Measure.CPU, row.cpu
    yield subject, Measure.MEMORY, row.memory_mib


def _of_releases(
    copies: Mapping[ContainerId, CopyOf],
    used: Mapping[ContainerId, Use],
    traffic: Mapping[ContainerId, Answered],
) -> Iterator[_Row]:
    """Give what the copies of each release use and answer together, and all of them."""
    of: dict[CopyOf, list[ContainerId]] = {}
    for container, copy in copies.items():
        of.setdefault(copy, []).append(container)
    for copy, containers in of.items():
        subject = Subject(environment=copy.environment, app=copy.app, release=copy.release)
        known = [used[one] for one in containers if one in used]
        if known:
            yield from _of_machine(subject, _sum(known))
        yield from _of_answers(subject, [traffic[one] for one in containers if one in traffic])


def _of_refused(rows: Mapping[MemberKey, Answered]) -> Iterator[_Row]:
    """Give what of an app no copy could take: it is of none of its releases."""
    for (environment, app), row in rows.items():
        subject = Subject(environment=environment, app=app)
        yield subject, Measure.REQUESTS, row.requests
        yield subject, Measure.ERRORS, row.errors


def _of_answers(subject: Subject, rows: Iterable[Answered]) -> Iterator[_Row]:
    some = [row for row in rows if row.requests]
    if not some:
        return
    requests = sum(row.requests for row in some)
    yield subject, Measure.REQUESTS, requests
    yield subject, Measure.ERRORS, sum(row.errors for row in some)
    if subject is not EVERYTHING:
        weighed = sum(row.response_ms * row.requests for row in some)
        yield subject, Measure.RESPONSE, weighed / requests


def _of_runs(
    waiting: Mapping[Lane, int], running: Mapping[Lane, int], oldest: Mapping[Lane, float]
) -> Iterator[_Row]:
    """Give what waits and runs in each queue and of each job, and of all."""
    for measure, lanes in ((Measure.WAITING, waiting), (Measure.RUNNING, running)):
        counts: Counter[Subject] = Counter()
        for lane, count in lanes.items():
            for subject in (_queue(lane), _job(lane), EVERYTHING):
                counts[subject] += count
        yield from ((subject, measure, float(count)) for subject, count in counts.items())
    ages: dict[Subject, float] = {}
    for lane, waited_s in oldest.items():
        ages[_queue(lane)] = max(waited_s, ages.get(_queue(lane), 0.0))
    yield from ((subject, Measure.OLDEST, age) for subject, age in ages.items())


def _queue(lane: Lane) -> Subject:
    return Subject(environment=lane.environment, app=lane.app, queue=lane.queue)


def _job(lane: Lane) -> Subject:
    return Subject(environment=lane.environment, app=lane.app, job=lane.job)


def _sum(rows: Iterable[Use]) -> Use:
    """Add up; what was not measured yet is nothing, where anything was."""
    cpu, memory_bytes = None, 0
    for row in rows:
        if row.cpu is not None:
            cpu = row.cpu if cpu is None else cpu + row.cpu
        memory_bytes += row.memory_bytes
    return Use(cpu=cpu, memory_bytes=memory_bytes)
