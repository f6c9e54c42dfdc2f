"""The queued runs, as far as their turn may come soon."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from headway.calculate.queueing import Entry, Line
from headway.control.world import World
from headway.model.ids import AppName, EnvironmentId, RunId
from headway.model.run import Lane, Run, lane_of

_Counted = TypeVar("_Counted")
_WINDOW = 512
"""Runs of one lane held in memory; the others are in the store, found by index."""
_PARTS = ("id", "unique", "locks")
"""What of a run is an entry: its parameters alone may be much larger than all else."""


def entry_of(run: Run) -> Entry:
    """Give what a run's turn depends on."""
    return Entry(run.id, run.unique, run.locks)


class _Window:
    """The first runs of one lane, and how many it has in all.

    What the store shows and what is told come in no order: a reading may have a run before it is
    told that it is queued, and lack one before it is told that it is not. So no run is held twice,
    and a count goes for sure only once a reading has reached the lane's end.
    """

    def __init__(self, beyond: int = 0, *, is_whole: bool = True) -> None:
        self._entries: deque[Entry] = deque()
        self._held: set[RunId] = set()
        self._beyond = beyond
        """How many the store has that are not held here, as far as is known."""
        self.is_whole = is_whole
        """Whether the store has no other than those."""
        self._late: dict[RunId, Entry] | None = None
        """While it is being read: what came meanwhile, which the store may or may not show."""
        self.counted = 0
        """How many of it are in the count of its queue."""
        self._left: set[RunId] = set()
        """While it is being read: what starts or was cancelled; the store may show it still."""

    @property
    def entries(self) -> Sequence[Entry]:
        """Those that are held, first come first."""
        return self._entries

    @property
    def count(self) -> int:
        """How many the lane has, held or not."""
        return len(self._entries) + self._beyond + len(self._late or ())

    @property
    def is_over(self) -> bool:
        """Whether the lane has no runs any more."""
        return self.count == 0 and self.is_whole and self._late is None

    @property
    def is_low(self) -> bool:
        """Whether more is to be read of it."""
        return len(self._entries) < _WINDOW // 4 and (self._beyond > 0 or not self.is_whole)

    def add(self, entry: Entry) -> None:
        """Put one behind all others, unless it is held."""
        if entry.run in self._held:
            return
        if self._late is not None:
            self._late[entry.run] = entry
        elif self._beyond or not self.is_whole or len(self._entries) >= _WINDOW:
            self._beyond += 1
        else:
            self._entries.append(entry)
            self._held.add(entry.run)

    def expect(self, entry: Entry) -> bool:
        """Put one behind all others that is about to be stored; not where that may lack others."""
        if self._late is not None or self._beyond or not self.is_whole:
            return False
        if entry.run in self._held or len(self._entries) >= _WINDOW:
            return False
        self.add(entry)
        return True

    def put_back(self, entry: Entry) -> None:
        """Put one before all others, unless it is held."""
        self._left.discard(entry.run)
        if self._late is not None:
            self._late[entry.run] = entry
        elif entry.run not in self._held:
            self._entries.appendleft(entry)
            self._held.add(entry.run)

    def take(self, run: RunId) -> None:
        """Take one out, wherever it is."""
        if self._late is not None:
            self._left.add(run)
            if self._late.pop(run, None) is not None:
                return  # it is in no other count
        if run not in self._held:
            if self._beyond:
                self._beyond -= 1
                self.is_whole = False
            return
        self._held.discard(run)
        if self._entries[0].run == run:
            self._entries.popleft()
        else:
            self._entries = deque(entry for entry in self._entries if entry.run != run)

    def open(self, starting: Iterable[RunId]) -> None:
        """Begin a reading, which may show runs that are being started."""
        self._late, self._left = {}, set(starting)

    def fill(self, read: Sequence[Entry], *, is_all: bool) -> None:
        """Hold what a reading shows, but for what has left meanwhile."""
        found = {entry.run: entry for entry in read if entry.run not in self._left}
        if is_all:
            found |= {run: entry for run, entry in (self._late or {}).items() if run not in found}
        total = len(found) if is_all else max(self.count, len(found))
        self._late, self._left = None, set()
        self._entries = deque(list(found.values())[:_WINDOW])
        self._held = {entry.run for entry in self._entries}
        self._beyond = total - len(self._entries)
        self.is_whole = is_all

    def give_up(self) -> None:
        """End a reading that failed."""
        self._beyond += len(self._late or ())
        self._late, self._left, self.is_whole = None, set(), False


class Lanes:
    """Follows which runs are queued. A million of them cost what a thousand do."""

    def __init__(self, world: World, under_way: Collection[RunId]) -> None:
        self._world = world
        self._under_way = under_way
        self._windows: dict[Lane, _Window] = {}
        self._depths: Counter[Line] = Counter()
        self._jobs: Counter[tuple[EnvironmentId, AppName, str]] = Counter()
        self._expected: dict[RunId, Lane] = {}

    async def open(self) -> None:
        """Count what the store has. What is told meanwhile may be in it, or not."""
        counts = await self._world.store.read(lambda reader: reader.tally(Run, "lane"))
        told = dict.fromkeys(self._windows, 0)
        there = {Lane.parse(name): count for name, count in counts.items()}
        self._windows = {
            lane: _Window(count, is_whole=False) for lane, count in (told | there).items()
        }
        self._depths, self._jobs = Counter(), Counter()
        for lane in self._windows:
            self._recount(lane)

    # --- asking ----------------------------------------------------------------------------------

    def depth(self, line: Line) -> int:
        """Count the queued runs of a queue."""
        return self._depths[line]

    def count(self, environment: EnvironmentId, app: AppName, job: str) -> int:
        """Count the queued runs of a job."""
        return self._jobs[environment, app, job]

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
        return {lane: count for lane in lanes if (count := self._windows[lane].count)}

    def is_empty(self, line: Line) -> bool:
        """Say whether nothing of a queue is queued."""
        return line not in self._depths

    # --- changes ---------------------------------------------------------------------------------

    def add(self, runs: Iterable[Run]) -> None:
        """Take over runs that were just queued, in the order in which they were put."""
        for run in runs:
            if run.id not in self._under_way:  # else it was read, and started, before it was told
                lane = lane_of(run)
                self._window(lane).add(entry_of(run))
                self._recount(lane)

    def expect(self, runs: Iterable[Run]) -> set[RunId]:
        """Hold runs that are about to be put as queued, and give those that are held by that.

        So whose turn it is is not first found out when it is durable that they are queued: that
        they start is written down behind it, often in the same transaction. Whoever has them held
        calls `put` or `not_put` of them.
        """
        held = set()
        for run in runs:
            if run.id not in self._under_way:
                lane = lane_of(run)
                if self._window(lane).expect(entry_of(run)):
                    self._expected[run.id] = lane
                    held.add(run.id)
                self._recount(lane)
        return held

    def expected(self, run: RunId) -> Lane | None:
        """Give the lane in which a run is expected; of one of that id another may be known."""
        return self._expected.get(run)

    def put(self, runs: Iterable[RunId]) -> None:
        """Hear that runs that were expected are durable."""
        for run in runs:
            self._expected.pop(run, None)

    def not_put(self, runs: Iterable[RunId], *, is_sure: bool) -> None:
        """Take runs out that were expected, and are not there; or may be, where it is not sure."""
        for run in runs:
            lane = self._expected.pop(run)
            self.take(lane, run)
            if not is_sure:
                self.doubt(lane)

    def put_back(self, lane: Lane, entry: Entry) -> None:
        """Take over that a run that was taken out is queued still, before all others."""
        self._window(lane).put_back(entry)
        self._recount(lane)

    def take(self, lane: Lane, run: RunId) -> None:
        """Take a run out that starts, or was cancelled."""
        if lane in self._windows:
            self._windows[lane].take(run)
            self._recount(lane)

    def doubt(self, lane: Lane) -> None:
        """Have a lane read again: it may have a run that `add` took for one under way."""
        self._window(lane).is_whole = False

    async def fill(self) -> None:
        """Read more of the lanes whose windows run low."""
        for lane in [lane for lane, window in self._windows.items() if window.is_low]:
            await self._fill(lane, self._windows[lane])

    async def _fill(self, lane: Lane, window: _Window) -> None:
        limit = _WINDOW + len(self._under_way)  # which the store may show as queued still
        window.open(self._under_way)
        try:
            read = await self._world.store.read(
                lambda reader: reader.parts(Run, _PARTS, Entry, lane=lane.name, limit=limit)
            )
        except BaseException:
            window.give_up()
            raise
        window.fill(read, is_all=len(read) < limit)
        self._recount(lane)

    def _window(self, lane: Lane) -> _Window:
        return self._windows.setdefault(lane, _Window())

    def _recount(self, lane: Lane) -> None:
        """Count a lane's queue and job after a change; a lane that has no runs is forgotten."""
        window = self._windows[lane]
        more = window.count - window.counted
        window.counted = window.count
        _add(self._depths, lane.line, more)
        _add(self._jobs, (lane.environment, lane.app, lane.job), more)
        if window.is_over:
            del self._windows[lane]


def _add(counts: Counter[_Counted], what: _Counted, more: int) -> None:
    """Count more or fewer of something; what there is none of is forgotten."""
    counts[what] += more
    if counts[what] <= 0:
        del counts[what]
