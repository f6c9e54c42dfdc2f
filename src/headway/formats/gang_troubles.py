"""What lets a job's gang never start, or take less than it is to."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from headway.model.job import Job
from headway.model.words import and_more

_NAMED = 10


class GangTrouble(NamedTuple):
    """One mistake."""

    member: str
    """The job that the gang names."""
    message: str
    hint: str


def gang_troubles(job: Job, find: Callable[[str], Job | None]) -> Iterator[GangTrouble]:
    """Say which jobs cannot be of a job's gang as they are.

    Args:
        job: The leader's.
        find: Gives a job of the same manifest by its name. One that is not there is passed over.
    """
    for name, count in job.gang.items():
        member = find(name)
        if member is None or name == job.name:
            continue
        if member.gang or member.locks:
            yield GangTrouble(
                name,
                f"{name}, of its gang, cannot have a gang or a lock of its own",
                f"give the lock to {job.name}, which holds it while all of them run"
                if member.locks
                else f"name all that start together in the gang of {job.name}",
            )
        elif member.concurrency is not None and member.concurrency < count:
            yield GangTrouble(
                name,
                f"its gang has {count} of {name}, whose concurrency is {member.concurrency}",
                f"raise the concurrency of {name}, or ask for fewer",
            )


def gang_faults(job: Job, known: Mapping[str, Job]) -> Iterator[GangTrouble]:
    """Say all that is wrong with a job's gang, where all jobs of the app are known by their names.

    Of parameters it is what no run could ever get right, as all of a gang get the same.
    """
    yield from gang_troubles(job, known.get)
    for name in job.gang:
        member = known.get(name)
        if name == job.name:
            hint = "the run itself is its gang's leader: name the jobs of the others"
            yield GangTrouble(name, "a run is not started by itself once more", hint)
        elif member is None:
            hint = _instead(name, [other for other in known if other != job.name])
            yield GangTrouble(name, f"its gang needs the job {name}, and there is none", hint)
        else:
            for message in _misfits(job, member):
                hint = f"give {name} the parameters of {job.name}"
                yield GangTrouble(
                    name, f"{name}, of its gang, gets the same parameters: {message}", hint
                )


def _instead(name: str, others: list[str]) -> str:
    if near := get_close_matches(name, others, n=1):
        return f"did you mean {near[0]}?"
    return f"there is {and_more(sorted(others)[:_NAMED], len(others)) or 'no other job'}"


def _misfits(leader: Job, member: Job) -> Iterator[str]:
    """Say which parameters of the leader its member can never get, and the other way round."""
    ours, theirs = leader.parameters, member.parameters
    if ours is None or theirs is None:
        return
    for one, its, other, others in ((leader, ours, member, theirs), (member, theirs, leader, ours)):
        if others.get("additionalProperties") is not False or "patternProperties" in others:
            continue  # it takes names that it does not list
        known = others.get("properties", {})
        for name in its.get("required", ()):
            if name not in known:
                yield f"{one.name} needs {name}, which {other.name} does not take"
    for name in ours.get("required", ()):
        types = [_types(schema.get("properties", {}).get(name)) for schema in (ours, theirs)]
        if all(types) and not _meet(*types):
            said = [" or ".join(sorted(one)) for one in types]
            yield f"{name} is {said[0]} of {leader.name} and {said[1]} of {member.name}"


def _types(schema: Any) -> frozenset[str]:
    """Give the types that a parameter's schema names; none where it names none."""
    said = schema.get("type") if isinstance(schema, dict) else None
    return frozenset([said] if isinstance(said, str) else said if isinstance(said, list) else ())


def _meet(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    whole = {"integer", "number"}
    return bool(ours & theirs) or bool(ours & whole and theirs & whole)
