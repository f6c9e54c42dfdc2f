"""Which nodes this machine lends to pools: DATA/lent.json, which is right at every moment.

What is to be is written there before it is done, and what was done is taken out afterwards, so that
whoever reads it after a crash goes on where it was left.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from headway.engines.process.split import LENT_MAX, NODES_MAX
from headway.machine.files import write_whole
from headway.model.ids import NodeId, PoolName
from headway.model.machine import Machine, MachineState
from headway.model.node import Node
from headway.model.pool import NodeType

_FILE = "lent.json"
_GONE_MAX = 1000
"""So many ids of machines that are gone are remembered; a request is never so late."""


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """A node that was asked for, until nothing of it is left."""

    id: NodeId
    index: int
    """Which directory and control groups it has."""
    pool: PoolName
    kind: NodeType
    since: datetime
    is_ending: bool = False

    def node(self, machine: Node) -> Node:
        """Give its part of the machine."""
        kind = self.kind
        return msgspec.structs.replace(
            machine,
            id=self.id,
            cpu=kind.cpu,
            memory_mib=kind.memory_mib,
            custom=kind.custom,
            tags={**machine.tags, **kind.tags, "node": self.id, "pool": self.pool},
            pool=self.pool,
            type=kind.name,
            price_hour=kind.price_hour,
            spot=kind.spot,
            since=self.since,
        )

    def machine(self, *, is_up: bool) -> Machine:
        """Say how it is."""
        state = MachineState.RUNNING if is_up else MachineState.STARTING
        return Machine(
            id=self.id,
            pool=self.pool,
            type=self.kind.name,
            state=MachineState.ENDING if self.is_ending else state,
            since=self.since,
        )


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, and ids that are not to be used again."""

    machines: tuple[Lent, ...] = ()
    gone: tuple[NodeId, ...] = ()
    """The newest last."""

    def find(self, machine: NodeId) -> Lent | None:
        """Give the one with this id."""
        return next((row for row in self.machines if row.id == machine), None)

    @property
    def free(self) -> int | None:
        """An index that none has."""
        taken = {row.index for row in self.machines}
        indices = range(NODES_MAX, NODES_MAX + LENT_MAX)
        return next((index for index in indices if index not in taken), None)

    def having(self, row: Lent) -> "Ledger":
        """Give it with this one, new or in the place of what it was."""
        others = tuple(other for other in self.machines if other.id != row.id)
        rows = sorted((*others, row), key=lambda row: row.id)
        return msgspec.structs.replace(self, machines=tuple(rows))

    def without(self, machine: NodeId) -> "Ledger":
        """Give it without this one, whose id is not to be used again."""
        others = tuple(row for row in self.machines if row.id != machine)
        gone = (*(name for name in self.gone if name != machine), machine)
        return msgspec.structs.replace(self, machines=others, gone=gone[-_GONE_MAX:])


def read(data: Path) -> Ledger:
    """Give what was written last; nothing, where nothing was."""
    try:
        return msgspec.json.decode((data / _FILE).read_bytes(), type=Ledger)
    except FileNotFoundError:
        return Ledger()


def write(data: Path, ledger: Ledger) -> None:
    """Have it survive."""
    write_whole(data / _FILE, msgspec.json.encode(ledger))
