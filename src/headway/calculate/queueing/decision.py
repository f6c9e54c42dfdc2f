"""Whose turn it is: which queued runs start now, on which node, and why the others do not."""

import heapq
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from headway.calculate.demand import expected_end
from headway.calculate.placement import Ask
from headway.calculate.placement.never import Never
from headway.calculate.queueing.claims import Claims
from headway.calculate.queueing.gangs import Gangs
from headway.calculate.queueing.line import Line
from headway.calculate.queueing.promised import keep_for
from headway.calculate.queueing.question import Crew, Entry, Pick, Question, Turn
from headway.calculate.queueing.room import Room, asked_of
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.run import Lane

RATE_SPENT = "its rate allows no start now"
"""A reason that ends with this holds until `Rates.next_at`."""
_SHOWN = 3
_SHARE_LEAST = 1e-6
"""What a turn costs at least, so that what needs next to nothing takes turns, too."""


def take_turns(question: Question) -> Turn:
    """Pick runs until nothing more fits.

    What has a higher priority of placement starts before that of other queues. Those that are alike
    in it take turns, by the dominant share of what each had. Within a queue higher priorities come
    first, then the tag values take turns, and then those who came first. What cannot start holds up
    only those behind it in its lane.
    """
    decision = Decision(question)
    decision.keep_promises()
    heap = [(0, 0.0, line) for line in decision.by_line]
    if len(heap) > 1:
        heap = [decision.place_of(line) for line in decision.by_line]
        heapq.heapify(heap)
    while heap and len(decision.picks) < question.most:
        _, _, line = heap[0]
        if not (decision.pick_one(line) and decision.by_line[line]):
            heapq.heappop(heap)
        elif len(heap) > 1:  # otherwise it is its turn again, wherever it stands
            heapq.heapreplace(heap, decision.place_of(line))
    return decision.turn()


def pick_first(question: Question) -> Pick | None:
    """Pick the first run of one lane, where it may start now; why it may not is not said."""
    (lane,) = question.lanes
    decision = Decision(question)
    if lane.line in decision.by_line:  # otherwise it is shut
        decision.pick_one(lane.line)
    return decision.picks[0] if decision.picks else None


class _Cost(NamedTuple):
    """What each run of a lane takes."""

    share: float
    until: datetime | None


class Decision:
    """One round of turns."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.picks: list[Pick] = []
        self.reasons: dict[Lane, str] = {}
        self.nevers: set[Lane] = set()
        self.by_line: dict[Line, list[Lane]] = {}
        self._claims = Claims(question)
        self._enlisting: set[Lane] = set()
        self._taken: dict[Lane, set[int]] = {}
        self._next: dict[Lane, int] = {}
        self._crews: dict[Lane, Crew | None] = {}
        self._costs: dict[Lane, _Cost] = {}
        for lane, entries in question.lanes.items():
            if not entries:
                continue
            if lane in question.shut:
                self.reasons[lane] = question.shut[lane]
                continue
            self.by_line.setdefault(lane.line, []).append(lane)

    @cached_property
    def _room(self) -> Room:
        return Room(self.question)

    @cached_property
    def _gangs(self) -> Gangs:
        return Gangs(self.question)

    def keep_promises(self) -> None:
        """Hold nothing for runs that ask for other things by now than they were promised."""
        fleet = self.question.fleet
        promised = {promise.whom for promise in fleet.promises()} if fleet.has_promises else ()
        for lane in [lane for lane in self.question.lanes if lane.name in promised]:
            keep_for(fleet, lane, self._asked(lane))

    def _asked(self, lane: Lane) -> tuple[Demand, ...]:
        """Give all that a run of a lane may take, or any of its gang; nothing while it is shut."""
        if lane in self.question.shut:
            return ()
        terms, crew = self.question.terms[lane], self._crew(lane)
        if terms.gang:
            return asked_of(self._gangs.parts(lane, crew))
        return (terms.demand,) if crew is None else (terms.demand, crew.demand)

    def turn(self) -> Turn:
        """Give what was decided."""
        started = {pick.entry.run for pick in self.picks}
        return Turn(
            self.picks,
            self.reasons,
            frozenset(self.nevers),
            self._claims.new(),
            self._claims.held_up,
            self._claims.idle(
                started, lambda lane: lane in self.reasons and lane not in self._enlisting
            ),
        )

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
        question, lanes = self.question, self.by_line[line]
        if len(lanes) == 1:
            return lanes[0]
        return min(
            lanes,
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
        found = self._claims.find(lane, terms, self._next.get(lane, 0), self._taken.get(lane, ()))
        if isinstance(found, str):
            self.reasons |= {lane: found} if found else {}
            return False
        index, entry = found
        if terms.gang:
            return self._pick_together(lane, index, entry)
        node = self._node(lane, terms.demand)
        if node is None:
            return False
        self._take(lane, index, Pick(lane, entry, node), [terms.demand])
        return True

    def _pick_together(self, lane: Lane, index: int, entry: Entry) -> bool:
        """Start a run and all of its gang, or none of them."""
        question, gangs, crew = self.question, self._gangs, self._crew(lane)
        if because := gangs.held_up(lane):
            self.reasons[lane] = because
            return False
        question.ahead.pop(lane, None)
        parts, site = gangs.parts(lane, crew), gangs.site(lane, crew)
        found = gangs.rehearse(parts, site)
        if not found.because and question.ahead and self._room.reserve(parts[0].alone):
            found = gangs.rehearse(parts, site)
        if found.because:
            lacking = gangs.lacking(parts, found)
            fleet = question.fleet
            never = fleet.never(parts[len(found.places)].alone) or fleet.never_together(parts)
            if never is not None:
                self.reasons[lane] = f"{lacking}: {self._said(lane, never)}"
            else:
                because = f"{lacking}: {found.because}"
                self.reasons[lane] = self._room.seek_together(lane, entry.run, parts, site, because)
            return False
        if found.fresh:
            said = [f"{node}: {question.enlist(lane, node)}" for node in found.fresh]
            self.reasons[lane] = "; ".join(said[:_SHOWN])
            self._enlisting.add(lane)
            return False
        leader, *lanes = gangs.lanes(lane)
        nodes = [node for node, _ in found.places]
        members = tuple(
            Pick(member, Entry(question.new_run()), node)
            for member, node in zip(lanes, nodes[1:], strict=True)
        )
        demands = [part.alone for part in parts]
        self._take(lane, index, Pick(leader, entry, nodes[0], members), demands)
        return True

    def _node(self, lane: Lane, demand: Demand) -> NodeId | None:
        """Choose a node, unless that would be at the cost of those whose turn came before."""
        ahead = self.question.ahead
        ahead.pop(lane, None)
        node = self._choose(lane, demand)
        if node is not None and ahead and self._room.reserve(demand):
            node = self._choose(lane, demand)
        return node

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
            self._enlisting.add(lane)
        elif never := self._never(lane, crew.demand, demand):
            self.reasons[lane] = never
        else:
            broken = (f"{node}: {why}" for node, why in sorted(crew.refused.items()))
            sentences = dict.fromkeys((*full, *broken, *placed.sentences))
            but = (*crew.ready, *crew.refused)
            asks = [Ask(demand, among=crew.ready), Ask(crew.demand, but=but)]
            because = "; ".join(sentences) or placed.because
            self.reasons[lane] = self._no_room(lane, asks, because)
        return None

    def _no_room(self, lane: Lane, asks: list[Ask], because: str) -> str:
        return self._room.seek(lane, self._next.get(lane, 0), asks, because)

    def _never(self, lane: Lane, demand: Demand, alone: Demand | None = None) -> str:
        found = self.question.fleet.never(demand, alone)
        return "" if found is None else self._said(lane, found)

    def _said(self, lane: Lane, found: Never) -> str:
        self.nevers.add(lane)
        return f"{found.because}; {found.hint}"

    def _crew(self, lane: Lane) -> Crew | None:
        if lane not in self._crews:
            self._crews[lane] = self.question.crew(lane)
        return self._crews[lane]

    def _take(self, lane: Lane, index: int, pick: Pick, demands: Sequence[Demand]) -> None:
        question = self.question
        share = 0.0
        for one, demand in zip((pick, *pick.members), demands, strict=True):
            cost = self._costs.get(one.lane) or self._cost(one.lane)
            question.fleet.hold(one.entry.run, one.node, demand, cost.until)
            question.tallies.add(one.lane, one.entry.unique)
            share += cost.share
            if lane.line in question.tokens:
                question.tokens[lane.line] -= 1
        self._claims.starts(pick.entry)
        question.turns.took(lane, max(share, _SHARE_LEAST))
        self.picks.append(pick)
        self._advance(lane, index)

    def _cost(self, lane: Lane) -> _Cost:
        demand = self.question.terms[lane].demand
        share, until = self.question.fleet.share(demand), expected_end(demand, self.question.now)
        cost = self._costs[lane] = _Cost(share, until)
        return cost

    def _advance(self, lane: Lane, index: int) -> None:
        first = self._next.get(lane, 0)
        if index != first:
            self._taken.setdefault(lane, set()).add(index)
            return
        first += 1
        if taken := self._taken.get(lane):
            while first in taken:
                taken.discard(first)
                first += 1
        self._next[lane] = first
        if not self._has_more(lane):
            self.by_line[lane.line].remove(lane)

    def _has_more(self, lane: Lane) -> bool:
        return self._next.get(lane, 0) < len(self.question.lanes[lane])
