"""The queued runs, as far as their turn may come soon."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from headway.calculate.queueing import Entry, Line
from headway.control.world import World
from headway.model.ids import AppName, EnvironmentId, RunId
from headway.model.run import Lane, Run, lane_of

_WINDOW = 512
"""Runs of one lane held in memory; the others are in the store, found by index."""


def entry_of(run: Run) -> Entry:
    """Give what a run's turn depends on."""
    return Entry(run.id, run.unique, run.locks)


class _Window:
    """The first runs of one lane, and how many it has in all."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.count = 0
        self.late: list[Entry] | None = None
        """While it is being filled: what came meanwhile, which the store may or may not show."""
        self.left: set[RunId] = set()
        """While it is being filled: what starts or was cancelled; the store may show it still."""

    @property
    def has_more(self) -> bool:
        """Whether the store has some that are not held here."""
        return self.count > len(self.entries)


class Lanes:
    """Follows which runs are queued. A million of them cost what a thousand do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._windows: dict[Lane, _Window] = {}
        self._depths: dict[Line, int] = {}

    async def open(self) -> None:
        """Count what the store has."""
        counts = await self._world.store.read(lambda reader: reader.tally(Run, "lane"))
        for name, count in counts.items():
            lane = Lane.parse(name)
            self._windows.setdefault(lane, _Window())
            self._change(lane, count)

    def depth(self, line: Line) -> int:
        """Count the queued runs of a queue."""
        return self._depths.get(line, 0)

    def count(self, environment: EnvironmentId, app: AppName, job: str) -> int:
        """Count the queued runs of a job."""
        return sum(
            window.count
            for lane, window in self._windows.items()
            if (lane.environment, lane.app, lane.job) == (environment, app, job)
        )

    def depths(self) -> Mapping[Line, int]:
        """Count the queued runs of each queue that has any."""
        return self._depths

    @property
    def are_empty(self) -> bool:
        """Whether nothing is queued at all."""
        return not self._windows

    def lanes(self) -> Mapping[Lane, Sequence[Entry]]:
        """Give the first runs of each lane. Call `fill` before."""
        return {lane: window.entries for lane, window in self._windows.items()}

    def counts(self) -> Mapping[Lane, int]:
        """Count the queued runs of each lane, highest priority first."""
        lanes = sorted(self._windows, key=lambda lane: -lane.priority)
        return {lane: self._windows[lane].count for lane in lanes}

    def is_empty(self, line: Line) -> bool:
        """Say whether nothing of a queue is queued."""
        return self.depth(line) == 0

    def add(self, runs: Iterable[Run]) -> None:
        """Take over runs that were just queued, in the order in which they were put."""
        for run in runs:
            lane, entry = lane_of(run), entry_of(run)
            window = self._windows.setdefault(lane, _Window())
            if window.late is not None:
                window.late.append(entry)
            elif not window.has_more and len(window.entries) < _WINDOW:
                window.entries.append(entry)
            self._change(lane, 1)

    def put_back(self, lane: Lane, entry: Entry) -> None:
        """Take over that a run that was taken out is queued still, before all others."""
        window = self._windows.setdefault(lane, _Window())
        if window.late is not None:  # the store shows it
            window.left.discard(entry.run)
        else:
            window.entries.appendleft(entry)
        self._change(lane, 1)

    def take(self, lane: Lane, run: RunId) -> None:
        """Take a run out that starts, or was cancelled."""
        window = self._windows.get(lane)
        if window is None:
            return
        if window.late is not None:
            window.left.add(run)
        entries = window.entries
        if entries and entries[0].run == run:
            entries.popleft()
        else:
            window.entries = deque(entry for entry in entries if entry.run != run)
        self._change(lane, -1)

    async def fill(self, starting: Iterable[RunId]) -> None:
        """Read more of the lanes whose windows run low, but for runs that are being started."""
        low = [
            (lane, window)
            for lane, window in self._windows.items()
            if window.has_more and len(window.entries) < _WINDOW // 4
        ]
        for lane, window in low:
            await self._fill(lane, window, starting)

    async def _fill(self, lane: Lane, window: _Window, starting: Iterable[RunId]) -> None:
        limit = 2 * _WINDOW
        window.late, window.left = [], set(starting)
        try:
            rows = await self._world.store.read(
                lambda reader: reader.find(Run, lane=lane.name, limit=limit)
            )
        finally:
            late, window.late = window.late, None
            left, window.left = window.left, set()
        found = [entry_of(run) for run in rows if run.id not in left]
        if len(rows) < limit:  # this is all of it: what is counted is put right
            known = {entry.run for entry in found}
            found += [entry for entry in late if entry.run not in known]
            self._change(lane, len(found) - window.count)
        window.entries = deque(found[:_WINDOW])

    def _change(self, lane: Lane, by: int) -> None:
        """Count more or fewer runs of a lane; one that has none is forgotten."""
        window = self._windows[lane]
        window.count = max(0, window.count + by)
        if window.count == 0 and window.late is None:
            del self._windows[lane]
        depth = self._depths.get(lane.line, 0) + by
        if depth > 0:
            self._depths[lane.line] = depth
        else:
            self._depths.pop(lane.line, None)
