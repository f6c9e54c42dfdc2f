"""When a container that ended is started again."""

from datetime import datetime, timedelta

from headway.model.container import Container

STEADY_S = 60.0
"""A container that was healthy this long has shown that it works: its failures are forgotten."""
BACKOFF_MAX_S = 60.0


def restarts_after(container: Container) -> int:
    """Count the failures in a row of a slot, the end of this container included.

    It is none of its failures when headway told it to end and yet wants it: `headway down`.
    """
    ended_at = container.exit.at if container.exit else None
    if container.healthy_at and ended_at:
        steady = ended_at - container.healthy_at >= timedelta(seconds=STEADY_S)
    else:
        steady = False
    told = container.exit is not None and container.exit.told and container.stopping_at is None
    return (0 if steady else container.restarts) + (0 if told else 1)


def backoff_s(restarts: int) -> float:
    """Say how long a slot waits after so many failures in a row.

    >>> [backoff_s(n) for n in (1, 2, 3, 4, 9)]
    [0.0, 1.0, 2.0, 4.0, 60.0]
    """
    if restarts <= 1:
        return 0.0
    return float(min(BACKOFF_MAX_S, 2.0 ** min(restarts - 2, 10)))


def restart_at(container: Container) -> datetime | None:
    """Say when the successor of an ended container may start; None: at once."""
    if container.exit is None:
        return None
    return container.exit.at + timedelta(seconds=backoff_s(restarts_after(container)))
