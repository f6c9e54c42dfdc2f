"""What is done for runs whose turn came and that found no room."""

from collections.abc import Sequence
from datetime import timedelta

from headway.calculate.placement import (
    Ask,
    Part,
    Promise,
    Site,
    awaited_for,
    preempt,
    preempt_together,
    reserve,
    reserve_together,
)
from headway.calculate.queueing.promised import promised_to
from headway.calculate.queueing.question import Ahead, Question
from headway.model.demand import Demand
from headway.model.ids import NodeId, RunId
from headway.model.preempting import Losing
from headway.model.run import Lane

_RESERVED_MAX = 16
"""Lanes for which room is reserved at one time; those behind them have none reserved."""
_IN_VAIN = timedelta(seconds=1)
"""How long nobody looks again who could give way, or when there will be room, after that was in
vain: it looks at many nodes."""


class Room:
    """Has others end for them, or reserves room before others pass them over."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def reserve(self, demand: Demand) -> bool:
        """Reserve room for those who are about to be passed over; says whether that is new."""
        question, fleet = self._question, self._question.fleet
        promised = {promise.whom for promise in fleet.promises()}
        is_new = False
        for lane, ahead in list(question.ahead.items()):
            alone = ahead.asks[0].demand
            if alone.priority < demand.priority or lane.name in promised:
                continue
            if len(promised) >= _RESERVED_MAX or self._is_in_vain("reserve", lane):
                continue
            if not self._is_passed_for_long(lane):
                continue
            made = self._promises(lane, ahead)
            if not made:
                self._note_in_vain("reserve", lane)
                continue
            for promise in made:
                fleet.promise(promise)
            promised.add(lane.name)
            is_new = True
        return is_new

    def _promises(self, lane: Lane, ahead: Ahead) -> list[Promise]:
        """Find the earliest moment at which a run will fit, or all of its gang."""
        question, fleet = self._question, self._question.fleet
        if ahead.parts:
            joint = reserve_together(fleet, ahead.parts, ahead.site, question.now)
            if joint is None:
                return []
            until, open_to = joint.at + question.patience, asked_of(ahead.parts)
            return [
                Promise(lane.name, node, (demand, *open_to), joint.awaited, until, joint.at)
                for node, demand in joint.places
            ]
        found = reserve(fleet, ahead.asks, question.now)
        if found is None:
            return []
        demands = (found.demand, ahead.asks[0].demand)
        until = found.at + question.patience
        return [Promise(lane.name, found.node, demands, found.awaited, until, found.at)]

    def seek(self, lane: Lane, at: int, asks: list[Ask], because: str) -> str:
        """Have something of lower priority give way to the next run of a lane.

        Args:
            lane: In which it waits.
            at: Its place there.
            asks: What of it may go where.
            because: Why it fits nowhere.

        Returns:
            What is waited for.
        """
        question, fleet = self._question, self._question.fleet
        question.ahead[lane] = Ahead(question.lanes[lane][at].run, asks)
        if said := self._way_given(lane, at, asks):
            return said
        if made := promised_to(fleet, lane):
            return f"{because}; {awaited_for(made[:1])}"
        kept = fleet.withheld(asks[0].demand, question.now) if fleet.has_promises else None
        return f"{because}; room on {kept.node} is kept for {kept.whom}" if kept else because

    def seek_together(
        self, lane: Lane, run: RunId, parts: list[Part], site: Site, because: str
    ) -> str:
        """Have all that is needed give way to the next gang of a lane, or nothing; see `seek`."""
        self._question.ahead[lane] = Ahead(run, [Ask(parts[0].alone)], parts, site)
        said = self._way_given_together(lane, run, parts, site)
        if not said and (made := promised_to(self._question.fleet, lane)):
            said = awaited_for(made)
        return f"{because}; {said}" if said else because

    def _way_given(self, lane: Lane, at: int, asks: list[Ask]) -> str:
        """Have something of lower priority end; says what does, or why it may not yet."""
        question, fleet = self._question, self._question.fleet
        alone = asks[0].demand
        if question.make_room is None or not fleet.yielding.to(alone):
            return ""
        if self._is_in_vain("preempt", lane):
            return question.in_vain["preempt", lane][1]
        made = len(self._made(lane))
        first = at + made
        if first >= len(question.lanes[lane]):
            return ""
        found = preempt(fleet, asks, question.now)
        said = ""
        if found is not None:
            run = question.lanes[lane][first].run
            promise = self._to_make(lane, found, found.node, (found.demand, alone))
            said = question.make_room(lane, run, found, [promise])
        if len(self._made(lane)) == made:
            self._note_in_vain("preempt", lane, said)
        return said

    def _way_given_together(self, lane: Lane, run: RunId, parts: list[Part], site: Site) -> str:
        """Have what is of lower priority end for one gang of a lane at a time."""
        question, fleet = self._question, self._question.fleet
        if question.make_room is None:
            return ""
        made, open_to = self._made(lane), asked_of(parts)
        if len(made) == len(parts) and all(promise.demands[0] in open_to for promise in made):
            return ""
        for promise in made:  # one of its nodes is gone, or its jobs are others by now
            fleet.withdraw(promise)
        if not fleet.yielding.to(parts[0].alone):
            return ""
        if self._is_in_vain("preempt", lane):
            return question.in_vain["preempt", lane][1]
        found = preempt_together(fleet, parts, site, question.now)
        said = ""
        if found is not None:
            promises = [
                self._to_make(lane, found, node, (demand, *open_to))
                for node, demand in found.places
            ]
            said = question.make_room(lane, run, found, promises)
        if not self._made(lane):
            self._note_in_vain("preempt", lane, said)
        return said

    def _to_make(
        self, lane: Lane, found: Losing, node: NodeId, demands: tuple[Demand, ...]
    ) -> Promise:
        until = self._question.now + self._question.patience
        return Promise(lane.name, node, demands, frozenset(found.all), until)

    def _made(self, lane: Lane) -> list[Promise]:
        """List what was promised to a lane that others were told to end for."""
        return [one for one in promised_to(self._question.fleet, lane) if one.at is None]

    def _is_passed_for_long(self, lane: Lane) -> bool:
        """Note that the next run of a lane is passed over; says whether that is enough."""
        question = self._question
        run = question.ahead[lane].run
        known = question.passed.get(lane)
        if known is None or known[0] != run:
            known = question.passed[lane] = (run, question.now)
        return question.now >= known[1] + question.passing

    def _is_in_vain(self, what: str, lane: Lane) -> bool:
        """Say whether it was tried in vain a moment ago."""
        found = self._question.in_vain.get((what, lane))
        return found is not None and self._question.now < found[0]

    def _note_in_vain(self, what: str, lane: Lane, because: str = "") -> None:
        self._question.in_vain[what, lane] = (self._question.now + _IN_VAIN, because)


def asked_of(parts: Sequence[Part]) -> tuple[Demand, ...]:
    """Give what those of a gang may take: each kind once."""
    asked = [demand for part in parts for demand in (part.alone, part.with_runner)]
    return tuple(one for at, one in enumerate(asked) if one not in asked[:at])
