"""What is done for runs whose turn came and that found no room."""

from datetime import timedelta

from headway.calculate.placement import Ask, Part, Promise, Site, preempt, reserve, reserve_together
from headway.calculate.queueing.question import Ahead, Question
from headway.model.demand import Demand
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
            asked = [demand for part in ahead.parts for demand in (part.alone, part.with_runner)]
            open_to = tuple(one for at, one in enumerate(asked) if one not in asked[:at])
            until = joint.at + question.patience
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
        if said := self._promised(lane):
            return f"{because}; {said}"
        kept = fleet.withheld(asks[0].demand, question.now) if fleet.has_promises else None
        return f"{because}; room on {kept.node} is kept for {kept.whom}" if kept else because

    def seek_together(
        self, lane: Lane, at: int, parts: list[Part], site: Site, because: str
    ) -> str:
        """Note that all of a gang found no room; nothing gives way to so many at once."""
        run = self._question.lanes[lane][at].run
        self._question.ahead[lane] = Ahead(run, [Ask(parts[0].alone)], parts, site)
        said = self._promised(lane)
        return f"{because}; {said}" if said else because

    def _promised(self, lane: Lane) -> str:
        promises = [one for one in self._question.fleet.promises() if one.whom == lane.name]
        return promises[0].sentence if promises else ""

    def _way_given(self, lane: Lane, at: int, asks: list[Ask]) -> str:
        """Have something of lower priority end; says what does, or why it may not yet."""
        question, fleet = self._question, self._question.fleet
        alone = asks[0].demand
        if question.make_room is None or not fleet.yielding.to(alone):
            return ""
        if self._is_in_vain("preempt", lane):
            return question.in_vain["preempt", lane][1]
        made = self._made(lane)
        first = at + made
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
        promises = self._question.fleet.promises()
        return sum(one.at is None and one.whom == lane.name for one in promises)

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
