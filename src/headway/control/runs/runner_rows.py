"""The rows of runners: how one is asked for, and how it is told to end."""

from datetime import datetime

import msgspec

from headway.control.runs.slots import RunnerKey
from headway.control.subjects import event_of
from headway.control.world import World
from headway.machine.chance import drawn_hex
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.demand import Demand
from headway.model.ids import ContainerId
from headway.model.resources import Resources
from headway.ports.store import Writer

_PROCESS = "jobs"
RUNNER = Resources(cpu=0, memory_mib=512, processes=1024)
"""Of what holds a release's modules. Each run has its own beside it, but for what its process
touches before it is in a control group of its own: half a megabyte for each that begins. No cores:
it needs next to nothing of them, and any part would keep a run from each node that is full."""


def runner_row(world: World, key: RunnerKey) -> Container:
    """Make the row of a runner that is to start."""
    return Container(
        id=ContainerId(f"{key.app}-jobs-{drawn_hex(5)}"),
        environment=key.environment,
        app=key.app,
        kind=ContainerKind.RUNNER,
        process=_PROCESS,
        release=key.release,
        node=key.node,
        because=f"runs of v{key.release} are to start",
        resources=RUNNER,
        demand=world.where_leased(Demand(resources=RUNNER), key.environment),
        created_at=world.clock.now(),
    )


def ask_for(tx: Writer, row: Container) -> Container:
    """Put a new runner's row, with its event."""
    tx.record(event_of(row, "container.requested", row.created_at, row.because))
    return tx.put(row)


def tell_to_end(tx: Writer, runner: ContainerId, because: str, now: datetime) -> Container | None:
    """Put down that a runner is to end; None where it is ending, or has ended."""
    row = tx.get(Container, runner)
    if row is None or row.is_ended or row.state is ContainerState.STOPPING:
        return None
    tx.record(event_of(row, "container.stopping", now, because))
    stopping = msgspec.structs.replace(
        row, state=ContainerState.STOPPING, because=because, stopping_at=now
    )
    return tx.put(stopping)
