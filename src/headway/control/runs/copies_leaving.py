"""Copies of services that are to give way: told by their rows, done by the loop of their app."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from headway.calculate.rollout.container import is_staying
from headway.control.runs.preemptions import Taking
from headway.control.subjects import event_of
from headway.control.world import World
from headway.model.container import Container
from headway.ports.store import Writer


def preempt(tx: Writer, takings: Iterable[Taking], now: datetime) -> list[Container]:
    """Write down whose place is taken; whether and when each leaves its app decides."""
    rows: list[Container] = []
    for taking in takings:
        for copy in taking.found.containers:
            row = tx.get(Container, copy)
            if row is None or not is_staying(row) or row.preempted:
                continue
            tx.record(event_of(row, "container.preempted", now, taking.because))
            rows.append(tx.put(msgspec.structs.replace(row, preempted=taking.because)))
    return rows


def made_known(world: World, copies: Iterable[Container]) -> None:
    """Count on it that they leave, and have their apps looked at."""
    for row in copies:
        world.note(row)
        world.bell.member((row.environment, row.app))
