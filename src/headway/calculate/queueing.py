"""Whose turn it is: which queued runs start now, on which node, and why the others do not."""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from headway.calculate.demand import expected_end
from headway.calculate.placement import Ask, Fleet, Promise, preempt, reserve
from headway.model.demand import Demand
from headway.model.ids import AppName, EnvironmentId, NodeId, RunId
from headway.model.preempting import Preempting
from headway.model.run import Lane, key_name

Line = tuple[EnvironmentId, AppName, str]
"""A queue of an app in an environment."""

_SHARES_MAX = 1000
"""Tag values of one queue of which it is remembered how much they had: about so many."""
_SHARE_LEAST = 1e-6
"""What a turn costs at least, so that what needs next to nothing takes turns, too."""
_SKIPPED_MAX = 64
"""Runs passed over in one lane because their `unique` key is busy."""

_RESERVED_MAX = 16
"""Lanes for which room is reserved at one time; those behind them have none reserved."""

_IN_VAIN = timedelta(seconds=1)
"""How long nobody looks again who could give way, or when there will be room, after that was in
vain: it looks at many nodes."""

RATE_SPENT = "its rate allows no start now"
"""A reason that ends with this holds until `Rates.next_at`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A queued run, as far as its turn depends on it."""

    run: RunId
    """Ids rise with time, so the smaller came first."""
    unique: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run of a lane needs and may have."""

    demand: Demand
    job_limit: int | None = None
    key_limit: int | None = None


@dataclass(slots=True)
class Tallies:
    """What runs, counted by what limits it."""

    lines: dict[Line, int] = field(default_factory=dict)
    jobs: dict[tuple[EnvironmentId, AppName, str], int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)

    def add(self, lane: Lane, unique: str | None) -> None:
        """Count a run of a lane."""
        self._count(lane, unique, 1)

    def remove(self, lane: Lane, unique: str | None) -> None:
        """Count a run of a lane no more."""
        self._count(lane, unique, -1)

    def _count(self, lane: Lane, unique: str | None, by: int) -> None:
        _change(self.lines, lane.line, by)
        _change(self.jobs, (lane.environment, lane.app, lane.job), by)
        if unique is not None:
            _change(self.keys, _key(lane, unique), by)


@dataclass(frozen=True, slots=True)
class Crew:
    """The runners that can do a lane's runs."""

    ready: Collection[NodeId]
    """Nodes with one that takes runs now."""
    refused: Mapping[NodeId, str]
    """Nodes where none may be started now, and why."""
    demand: Demand
    """What a run and a runner for it need together, where there is none."""


@dataclass(slots=True)
class Turns:
    """How much each has had, so that the next turn goes to who had least.

    Start-time fair queueing (Goyal, Vin and Cheng, 1996): a start moves its queue, and within the
    queue the value of its `fair_by` tag, ahead by what it costs; who comes back after a pause joins
    at the present and has saved up nothing.
    """

    line_clock: float = 0.0
    lines: dict[Line, float] = field(default_factory=dict)
    fair_clock: dict[Line, float] = field(default_factory=dict)
    fair: dict[Line, dict[str, float]] = field(default_factory=dict)

    def line(self, line: Line) -> float:
        """When a queue's next turn is due."""
        return max(self.lines.get(line, 0.0), self.line_clock)

    def share(self, lane: Lane) -> float:
        """When a tag value's next turn is due within its queue."""
        line = lane.line
        own = self.fair.get(line, {}).get(lane.fair, 0.0)
        return max(own, self.fair_clock.get(line, 0.0))

    def took(self, lane: Lane, cost: float) -> None:
        """Count a start."""
        line = lane.line
        self.line_clock = self.line(line)
        self.lines[line] = self.line_clock + cost
        now = self.share(lane)
        self.fair_clock[line] = now
        shares = self.fair.setdefault(line, {})
        shares[lane.fair] = now + cost
        if len(shares) > 2 * _SHARES_MAX:  # who is least ahead of the present matters least
            ahead = heapq.nlargest(_SHARES_MAX, shares.items(), key=lambda pair: pair[1])
            self.fair[line] = dict(ahead)

    def forget(self, waiting: Collection[Line]) -> None:
        """Drop what is known of queues in which nothing waits any more."""
        for line in [line for line in self.lines if line not in waiting]:
            del self.lines[line]
            self.fair_clock.pop(line, None)
            self.fair.pop(line, None)


@dataclass(frozen=True, slots=True)
class Question:
    """All that a decision sees; `tallies`, `fleet`, `tokens` and `turns` are changed by it."""

    lanes: Mapping[Lane, Sequence[Entry]]
    """The first runs of each lane that has any, in order."""
    terms: Mapping[Lane, Terms]
    """Of the lanes whose runs may start; the others stand in `shut`."""
    shut: Mapping[Lane, str]
    """Why no run of a lane may start at all: paused, not deployed."""
    line_limits: Mapping[Line, int]
    tallies: Tallies
    fleet: Fleet
    now: datetime
    tokens: dict[Line, float]
    """Starts that a queue's rate allows now. Queues without a rate are not in it."""
    turns: Turns
    most: int
    """Starts decided at once."""
    crew: Callable[[Lane], Crew | None] = lambda _lane: None
    """Who does a lane's runs; None: every node can."""
    enlist: Callable[[Lane, NodeId], str] = lambda _lane, _node: ""
    """Have a runner started on a node; says why it takes no run yet."""
    ahead: dict[Lane, tuple[RunId, list[Ask]]] = field(default_factory=dict)
    """Lanes whose turn came and that found no room, with their next run and what it asks for. Kept
    from one decision to the next, for runs that start as soon as they are made."""
    in_vain: dict[tuple[str, Lane], tuple[datetime, str]] = field(default_factory=dict)
    """Until when not to look again for room for a lane, and why there is none; kept as `ahead`."""
    passed: dict[Lane, tuple[RunId, datetime]] = field(default_factory=dict)
    """Since when the next run of a lane is passed over; kept as `ahead` is."""
    passing: timedelta = timedelta(0)
    """For how long that is allowed. Most find room by then, and reserving leaves some unused."""
    patience: timedelta = timedelta(minutes=2)
    """How long reserved room is kept beyond the moment at which it should have been there."""
    make_room: Callable[[Lane, RunId, Demand, Preempting], str] | None = None
    """Have room made for a run of a lane, which asks for this; says how far that is, or nothing
    where it may not be now. None: nothing gives way."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A run that starts now."""

    lane: Lane
    entry: Entry
    node: NodeId


@dataclass(frozen=True, slots=True)
class Turn:
    """What was decided."""

    picks: list[Pick]
    reasons: dict[Lane, str]
    """Why the first run of a lane waits."""
    nevers: frozenset[Lane]
    """Those of which nothing can ever start, whatever leaves, unless a larger node comes."""


def take_turns(question: Question) -> Turn:
    """Pick runs until nothing more fits.

    What has a higher priority of placement starts before that of other queues. Those that are alike
    in it take turns, by the dominant share of what each had. Within a queue higher priorities come
    first, then the tag values take turns, and then those who came first. What cannot start holds up
    only those behind it in its lane.
    """
    decision = _Decision(question)
    heap = [decision.place_of(line) for line in decision.by_line]
    heapq.heapify(heap)
    while heap and len(decision.picks) < question.most:
        _, _, line = heapq.heappop(heap)
        if decision.pick_one(line) and decision.by_line[line]:
            heapq.heappush(heap, decision.place_of(line))
    return Turn(decision.picks, decision.reasons, frozenset(decision.nevers))


class _Decision:
    """One round of turns."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.picks: list[Pick] = []
        self.reasons: dict[Lane, str] = {}
        self.nevers: set[Lane] = set()
        self.by_line: dict[Line, list[Lane]] = {}
        self._taken: dict[Lane, set[int]] = {}
        self._next: dict[Lane, int] = {}
        self._crews: dict[Lane, Crew | None] = {}
        for lane, entries in question.lanes.items():
            if not entries:
                continue
            if lane in question.shut:
                self.reasons[lane] = question.shut[lane]
                continue
            self.by_line.setdefault(lane.line, []).append(lane)

    def place_of(self, line: Line) -> tuple[int, float, Line]:
        """Say which queue comes before which."""
        terms = self.question.terms
        priority = max(terms[lane].demand.priority for lane in self.by_line[line])
        return (-priority, self.question.turns.line(line), line)

    def pick_one(self, line: Line) -> bool:
        """Pick a queue's next run; says whether there was one."""
        because = self._held_up(line)
        if because:
            for lane in self.by_line[line]:
                self.reasons.setdefault(lane, because)
            return False
        while (first := self._first(line)) is not None:
            if self._pick(first):
                return True
            self.by_line[line].remove(first)
        return False

    def _held_up(self, line: Line) -> str:
        limit = self.question.line_limits.get(line)
        running = self.question.tallies.lines.get(line, 0)
        if limit is not None and running >= limit:
            return f"queue {line[2]}: {running} of {limit} run"
        tokens = self.question.tokens.get(line)
        if tokens is not None and tokens < 1:
            return f"queue {line[2]}: {RATE_SPENT}"
        return ""

    def _first(self, line: Line) -> Lane | None:
        """Give the lane whose turn it is."""
        question = self.question
        return min(
            self.by_line[line],
            key=lambda lane: (
                -question.terms[lane].demand.priority,
                -lane.priority,
                question.turns.share(lane),
                question.lanes[lane][self._next.get(lane, 0)].run,
            ),
            default=None,
        )

    def _pick(self, lane: Lane) -> bool:
        """Start the first run of a lane that may; False when the lane has none now."""
        question = self.question
        terms = question.terms[lane]
        job = (lane.environment, lane.app, lane.job)
        running = question.tallies.jobs.get(job, 0)
        if terms.job_limit is not None and running >= terms.job_limit:
            self.reasons[lane] = f"job {lane.job}: {running} of {terms.job_limit} run"
            return False
        found = self._entry(lane, terms)
        if found is None:
            return False
        node = self._node(lane, terms.demand)
        if node is None:
            return False
        index, entry = found
        self._take(lane, index, entry, terms.demand, node)
        return True

    def _entry(self, lane: Lane, terms: Terms) -> tuple[int, Entry] | None:
        """Find the first run whose key is free."""
        entries = self.question.lanes[lane]
        taken = self._taken.get(lane, set())
        skipped = 0
        for index in range(self._next.get(lane, 0), len(entries)):
            if index in taken:
                continue
            entry = entries[index]
            if terms.key_limit is None or entry.unique is None:
                return index, entry
            busy = self.question.tallies.keys.get(_key(lane, entry.unique), 0)
            if busy < terms.key_limit:
                return index, entry
            self.reasons[lane] = f"key {entry.unique}: {busy} of {terms.key_limit} run"
            skipped += 1
            if skipped >= _SKIPPED_MAX:
                break
        return None

    def _node(self, lane: Lane, demand: Demand) -> NodeId | None:
        """Choose a node, unless that would be at the cost of those whose turn came before."""
        ahead = self.question.ahead
        ahead.pop(lane, None)
        node = self._choose(lane, demand)
        if node is not None and ahead and self._reserve(demand):
            node = self._choose(lane, demand)
        return node

    def _reserve(self, demand: Demand) -> bool:
        """Reserve room for those who are about to be passed over; says whether that is new."""
        question, fleet = self.question, self.question.fleet
        promised = {promise.whom for promise in fleet.promises()}
        is_new = False
        for lane, (_, asks) in list(question.ahead.items()):
            alone = asks[0].demand
            if alone.priority < demand.priority or lane.name in promised:
                continue
            if len(promised) >= _RESERVED_MAX or self._is_in_vain("reserve", lane):
                continue
            if not self._is_passed_for_long(lane):
                continue
            found = reserve(fleet, asks, question.now)
            if found is None:
                self._note_in_vain("reserve", lane)
                continue
            until = found.at + question.patience
            demands = (found.demand, alone)
            fleet.promise(Promise(lane.name, found.node, demands, found.awaited, until, found.at))
            promised.add(lane.name)
            is_new = True
        return is_new

    def _is_passed_for_long(self, lane: Lane) -> bool:
        """Note that the next run of a lane is passed over; says whether that is enough."""
        question = self.question
        run = question.ahead[lane][0]
        known = question.passed.get(lane)
        if known is None or known[0] != run:
            known = question.passed[lane] = (run, question.now)
        return question.now >= known[1] + question.passing

    def _is_in_vain(self, what: str, lane: Lane) -> bool:
        """Say whether it was tried in vain a moment ago."""
        found = self.question.in_vain.get((what, lane))
        return found is not None and self.question.now < found[0]

    def _note_in_vain(self, what: str, lane: Lane, because: str = "") -> None:
        self.question.in_vain[what, lane] = (self.question.now + _IN_VAIN, because)

    def _choose(self, lane: Lane, demand: Demand) -> NodeId | None:
        """Choose a node: one with a runner of the lane's release before any other."""
        fleet, now = self.question.fleet, self.question.now
        crew = self._crew(lane)
        if crew is None:
            placed = fleet.place(demand, now)
            if placed.node is None:
                never = self._never(lane, demand)
                self.reasons[lane] = never or self._no_room(lane, [Ask(demand)], placed.because)
            return placed.node
        full: tuple[str, ...] = ()
        if crew.ready:
            placed = fleet.place(demand, now, among=crew.ready)
            if placed.node is not None:
                return placed.node
            full = placed.sentences
        placed = fleet.place(crew.demand, now, but=(*crew.ready, *crew.refused))
        if placed.node is not None:
            self.reasons[lane] = f"{placed.node}: {self.question.enlist(lane, placed.node)}"
        elif never := self._never(lane, demand):
            self.reasons[lane] = never
        elif never := self._never(lane, crew.demand):
            self.reasons[lane] = f"together with its runner, {never}"
        else:
            broken = (f"{node}: {why}" for node, why in sorted(crew.refused.items()))
            sentences = dict.fromkeys((*full, *broken, *placed.sentences))
            but = (*crew.ready, *crew.refused)
            asks = [Ask(demand, among=crew.ready), Ask(crew.demand, but=but)]
            because = "; ".join(sentences) or placed.because
            self.reasons[lane] = self._no_room(lane, asks, because)
        return None

    def _no_room(self, lane: Lane, asks: list[Ask], because: str) -> str:
        """Have something of lower priority give way; says what is waited for."""
        question, fleet = self.question, self.question.fleet
        question.ahead[lane] = question.lanes[lane][self._next.get(lane, 0)].run, asks
        if said := self._way_given(lane, asks):
            return said
        promises = [one for one in fleet.promises() if one.whom == lane.name]
        if promises:
            return f"{because}; {promises[0].sentence}"
        kept = fleet.withheld(asks[0].demand, question.now) if fleet.has_promises else None
        return f"{because}; room on {kept.node} is kept for {kept.whom}" if kept else because

    def _way_given(self, lane: Lane, asks: list[Ask]) -> str:
        """Have something of lower priority end; says what does, or why it may not yet."""
        question, fleet = self.question, self.question.fleet
        alone = asks[0].demand
        if question.make_room is None or not fleet.yields_to(alone):
            return ""
        if self._is_in_vain("preempt", lane):
            return question.in_vain["preempt", lane][1]
        made = self._made(lane)
        first = self._next.get(lane, 0) + made
        if first >= len(question.lanes[lane]):
            return ""
        found = preempt(fleet, asks, question.now)
        said = ""
        if found is not None:
            said = question.make_room(lane, question.lanes[lane][first].run, alone, found)
        if self._made(lane) == made:
            self._note_in_vain("preempt", lane, said)
        return said

    def _made(self, lane: Lane) -> int:
        """Count the runs of a lane for which something gives way."""
        promises = self.question.fleet.promises()
        return sum(one.at is None and one.whom == lane.name for one in promises)

    def _never(self, lane: Lane, demand: Demand) -> str:
        found = self.question.fleet.never(demand)
        if found is None:
            return ""
        self.nevers.add(lane)
        return f"{found.because}; {found.hint}"

    def _crew(self, lane: Lane) -> Crew | None:
        if lane not in self._crews:
            self._crews[lane] = self.question.crew(lane)
        return self._crews[lane]

    def _take(self, lane: Lane, index: int, entry: Entry, demand: Demand, node: NodeId) -> None:
        question = self.question
        line = lane.line
        question.fleet.hold(entry.run, node, demand, expected_end(demand, question.now))
        question.tallies.add(lane, entry.unique)
        if line in question.tokens:
            question.tokens[line] -= 1
        question.turns.took(lane, max(question.fleet.share(demand), _SHARE_LEAST))
        self.picks.append(Pick(lane, entry, node))
        self._advance(lane, index)

    def _advance(self, lane: Lane, index: int) -> None:
        taken = self._taken.setdefault(lane, set())
        taken.add(index)
        first = self._next.get(lane, 0)
        while first in taken:
            taken.discard(first)
            first += 1
        self._next[lane] = first
        if not self._has_more(lane):
            self.by_line[lane.line].remove(lane)

    def _has_more(self, lane: Lane) -> bool:
        return self._next.get(lane, 0) < len(self.question.lanes[lane])


def _change(counts: dict[Any, int], key: Any, by: int) -> None:
    count = counts.get(key, 0) + by
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)


def _key(lane: Lane, unique: str) -> str:
    return key_name(lane.environment, lane.app, lane.job, unique)
