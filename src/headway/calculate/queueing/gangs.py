"""Runs that start together or not at all: which limits hold them up, and where they all go."""

from headway.calculate.placement.gang import Rehearsal, Site, rehearse
from headway.calculate.placement.part import Part
from headway.calculate.queueing.promised import promised_to
from headway.calculate.queueing.question import Crew, Question
from headway.calculate.runs.gang import together
from headway.model.run import Lane


class Gangs:
    """Looks at what a run and all that start with it need."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def held_up(self, lane: Lane) -> str:
        """Say which limit leaves no place for all of a gang."""
        question = self._question
        size, line = self.size(lane), lane.line
        limit = question.line_limits.get(line)
        running = question.tallies.lines.get(line, 0)
        if limit is not None and running + size > limit:
            return f"queue {lane.queue}: {running} of {limit} run, and its gang has {size}"
        for member, count in question.terms[lane].gang:
            most = question.terms[member].job_limit if member in question.terms else None
            job = (member.environment, member.app, member.job)
            running = question.tallies.jobs.get(job, 0)
            if most is not None and running + count > most:
                return f"job {member.job}: {running} of {most} run, and its gang has {count}"
        return ""

    def size(self, lane: Lane) -> int:
        """Count the runs of a gang, its leader among them."""
        return 1 + sum(count for _, count in self._question.terms[lane].gang)

    def lanes(self, lane: Lane) -> list[Lane]:
        """Give the lane of each of a gang, its leader's first."""
        gang = self._question.terms[lane].gang
        return [lane, *(member for member, count in gang for _ in range(count))]

    def parts(self, lane: Lane, crew: Crew | None) -> list[Part]:
        """Give what each asks for; a runner for one of them does the others' runs, too."""
        question, whom = self._question, lane.name
        leader = question.terms[lane].demand
        parts: dict[Lane, Part] = {}
        for member in dict.fromkeys(self.lanes(lane)):
            alone = with_runner = together(question.terms[member].demand, leader, whom)
            if crew is not None and (its := question.crew(member)) is not None:
                with_runner = together(its.demand, leader, whom)
            parts[member] = Part(member.job, alone, with_runner)
        return [parts[member] for member in self.lanes(lane)]

    def rehearse(self, parts: list[Part], site: Site) -> Rehearsal:
        """Place all of them as it is now, where room is promised or else anywhere; take it back."""
        fleet, now = self._question.fleet, self._question.now
        found = rehearse(fleet, parts, site, now)
        if found.because and site.promised:
            found = rehearse(fleet, parts, site._replace(promised=()), now)
        return found

    def site(self, lane: Lane, crew: Crew | None) -> Site:
        """Give the nodes that are different for who needs a runner, or has room promised."""
        ready, refused = (None, ()) if crew is None else (crew.ready, tuple(crew.refused))
        made = promised_to(self._question.fleet, lane)
        promised = [one.node for one in made] if len(made) == self.size(lane) else ()
        return Site(ready, refused, promised)

    @staticmethod
    def lacking(parts: list[Part], found: Rehearsal) -> str:
        """Name the first for which there is no room."""
        at = len(found.places)
        job = parts[at].job
        number = sum(part.job == job for part in parts[: at + 1])
        count = sum(part.job == job for part in parts)
        which = job if count == 1 else f"{job} {number} of {count}"
        return f"no room for {which} of its gang of {len(parts)}, which start together"
