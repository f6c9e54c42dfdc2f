"""Whether a release can ever run anywhere, so that nobody waits for it in vain."""

from collections.abc import Iterable, Sequence

from headway.calculate.demand import of_process
from headway.calculate.placement import Copies
from headway.calculate.placement.never import Never
from headway.calculate.rollout.draft import Draft
from headway.model.demand import Demand
from headway.model.failure import Failure
from headway.model.release import Release
from headway.model.resources import Resources

_NOTHING = Resources(cpu=0, memory_mib=0)


def never_fits(draft: Draft, release: Release) -> Failure | None:
    """Say what of a release can never run anywhere; None where all may, or too little is known."""
    if not draft.snapshot.knows_nodes:
        return None
    wanted: list[Copies] = []
    for process in release.manifest.processes:
        count = draft.scale(process)
        if process.daemon or not count:
            continue
        demand = draft.where_leased(of_process(release, process))
        found = draft.fleet.never(demand)
        if found is not None:
            draft.doubt(demand)
            return _failure(f"{process.name} ({release.label})", found)
        if demand.alone or demand.apart or demand.ports:
            wanted.append(Copies(process.name, demand, count))
    found = draft.fleet.too_few([*wanted, *_needed_apart(draft, release, wanted)])
    if found is None:
        return None
    for copies in wanted:
        draft.doubt(copies.demand)
    return _failure(release.label, found)


def _needed_apart(draft: Draft, release: Release, wanted: Sequence[Copies]) -> Iterable[Copies]:
    """Give what is there and stays there, as it is needed: other apps may leave."""
    for crowd in dict.fromkeys(name for copies in wanted for name in copies.demand.apart):
        _, app, *process = crowd.split("/")
        if app in release.manifest.dependencies and draft.fleet.has(crowd):
            yield Copies("/".join((app, *process)), Demand(resources=_NOTHING, crowd=crowd), 1)


def _failure(what: str, found: Never) -> Failure:
    return Failure(
        code="never-fits",
        because=f"{what}: {found.because}",
        hints=(found.hint,),
        next=("headway nodes ls", "headway pools ls"),
    )
