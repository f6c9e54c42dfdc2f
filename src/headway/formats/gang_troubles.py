"""What lets a job's gang never start, or take less than it is to."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from headway.model.job import Job


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
