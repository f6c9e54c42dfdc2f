"""A machine: what a provider lends, before, while and after it is a node."""

from datetime import datetime
from enum import StrEnum

from headway.model.ids import NodeId, PoolName
from headway.model.value import Value


class MachineState(StrEnum):
    """What its provider says of a machine."""

    STARTING = "starting"
    RUNNING = "running"
    """It is there. Its engine may need a moment more to show it as a node."""
    ENDING = "ending"
    """It is being taken back, and is paid for until it is listed no more."""


class Machine(Value, kw_only=True):
    """One machine as its provider lists it. Its id is the id of the node that it becomes."""

    id: NodeId
    pool: PoolName
    type: str
    """Of the provider's node types."""
    state: MachineState
    since: datetime
    """It is paid for from then on."""
    ends_at: datetime | None = None
    """The provider has said that it takes it back then."""
