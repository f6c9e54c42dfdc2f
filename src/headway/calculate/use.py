"""What is used now, out of two readings of counters."""

from collections import Counter
from collections.abc import Mapping

from headway.model.figures import Use
from headway.model.ids import ContainerId, MemberKey
from headway.model.order import NodeReading, Reading
from headway.model.route import Traffic, owner_of
from headway.model.value import Value


class Answered(Value, kw_only=True):
    """What was answered between two looks."""

    requests: float = 0.0
    """A second."""
    errors: float = 0.0
    """A second."""
    response_ms: float = 0.0
    """Mean."""


def use(before: NodeReading | None, now: NodeReading) -> Use:
    """Say what a node uses."""
    elapsed_s = now.at_s - before.at_s if before is not None else 0.0
    return _use(before.total if before is not None else None, now.total, elapsed_s)


def uses(before: NodeReading | None, now: NodeReading) -> dict[ContainerId, Use]:
    """Say what each container of a node uses. One that is new began since the last reading."""
    elapsed_s = now.at_s - before.at_s if before is not None else 0.0
    known = {} if before is None else before.containers
    return {
        container: _use(known.get(container, _NOTHING), reading, elapsed_s)
        for container, reading in now.containers.items()
    }


_NOTHING = Reading()


def _use(before: Reading | None, now: Reading, elapsed_s: float) -> Use:
    spent_s = now.cpu_s - before.cpu_s if before is not None else -1.0
    known = elapsed_s > 0 and spent_s >= 0  # else who counts began anew
    return Use(cpu=spent_s / elapsed_s if known else None, memory_bytes=now.memory_bytes)


def answered(before: Traffic | None, now: Traffic, elapsed_s: float) -> Answered:
    """Say what a container answered between two looks at its counters.

    >>> answered(Traffic(requests=10), Traffic(requests=30, errors=5, response_ms=7.0), 10.0)
    Answered(requests=2.0, errors=0.5, response_ms=7.0)
    """
    requests = now.requests - (before.requests if before is not None else 0)
    errors = now.errors - (before.errors if before is not None else 0)
    if elapsed_s <= 0 or requests < 0 or errors < 0:  # the router began anew
        return Answered()
    return Answered(
        requests=requests / elapsed_s, errors=errors / elapsed_s, response_ms=now.response_ms
    )


def refused(
    before: Mapping[str, int], now: Mapping[str, int], elapsed_s: float
) -> dict[MemberKey, Answered]:
    """Say what of each app was refused between two looks, by the keys of its routes.

    >>> refused({"demo.web.http": 10}, {"demo.web.http": 30}, 10.0)
    {('demo', 'web'): Answered(requests=2.0, errors=2.0, response_ms=0.0)}
    """
    counts: Counter[MemberKey] = Counter()
    for key, count in now.items():
        counts[owner_of(key)] += max(0, count - before.get(key, 0))
    return {
        member: Answered(requests=count / elapsed_s, errors=count / elapsed_s)
        for member, count in counts.items()
        if count and elapsed_s > 0
    }
