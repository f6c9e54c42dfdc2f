"""`after` of a schedule: the schedules of the same app whose runs it waits for."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import msgspec

from headway.model.schedule import Schedule


class Trouble(NamedTuple):
    """What is wrong with the `after` of a schedule."""

    schedule: str
    message: str
    hint: str = ""


def fanned_in(schedules: Sequence[Schedule]) -> tuple[tuple[Schedule, ...], tuple[Trouble, ...]]:
    """Put schedules in place of the jobs that `after` names, and say what is wrong.

    A name is that of a schedule or, where there is no such schedule, of a job: then all of its
    schedules are meant.
    """
    found: list[Schedule] = []
    troubles: list[Trouble] = []
    for schedule in schedules:
        after: list[str] = []
        for name in schedule.after:
            meant = _meant(name, schedule, schedules)
            if not meant:
                troubles.append(_unknown(name, schedule, schedules))
            after += meant
        found.append(msgspec.structs.replace(schedule, after=tuple(dict.fromkeys(after))))
    ring = circle(found)
    if ring:
        told = " → ".join(ring)
        troubles.append(Trouble(ring[0], f"schedules wait for one another: {told}"))
    return tuple(found), tuple(troubles)


def _meant(name: str, own: Schedule, schedules: Sequence[Schedule]) -> list[str]:
    if any(row.name == name for row in schedules):
        return [name]
    return [row.name for row in schedules if row.job == name and row.name != own.name]


def _unknown(name: str, own: Schedule, schedules: Sequence[Schedule]) -> Trouble:
    known = dict.fromkeys(word for row in schedules if row != own for word in (row.name, row.job))
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "it waits for schedules of its own app only"
    return Trouble(own.name, f"there is no schedule {name}, and none of a job {name}", hint)


def circle(schedules: Sequence[Schedule]) -> tuple[str, ...]:
    """Give schedules that wait for one another, the first one again at the end; or nothing.

    >>> a = Schedule(name="a", job="a", cron="0 6 * * *", after=("b",))
    >>> circle([a, Schedule(name="b", job="b", cron="0 6 * * *", after=("a",))])
    ('a', 'b', 'a')
    """
    after = {schedule.name: schedule.after for schedule in schedules}
    done: set[str] = set()
    for first in after:
        path: list[str] = []
        ways: list[Iterator[str]] = [iter((first,))]
        while ways:
            name = next(ways[-1], None)
            if name is None:
                ways.pop()
                done.update(path[-1:])
                del path[-1:]
            elif name in path:
                return (*path[path.index(name) :], name)
            elif name not in done:
                path.append(name)
                ways.append(iter(after.get(name, ())))
    return ()
