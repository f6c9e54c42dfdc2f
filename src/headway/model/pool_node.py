"""A node that headway asked a provider for, from the wish to the end."""

from datetime import datetime
from enum import StrEnum

from headway.model.ids import NodeId, PoolName
from headway.model.pool import NodeType
from headway.model.value import Value


class PoolNodeState(StrEnum):
    """What is to become of it. The provider is told to follow."""

    WANTED = "wanted"
    """Its provider has not said yet that it will come."""
    LENT = "lent"
    LEAVING = "leaving"
    """It is being emptied to be given back."""
    RELEASED = "released"
    """It is given back. It is forgotten when its provider lists it no more."""


class PoolNode(Value, kw_only=True):
    """One row for each machine. The id is chosen before the provider hears of it."""

    id: NodeId
    pool: PoolName
    kind: NodeType
    """As it was when the node was asked for; a pool's types may change meanwhile."""
    state: PoolNodeState
    because: str
    wanted_at: datetime
    lent_at: datetime | None = None
    """It is paid for from then on."""
    ready_at: datetime | None = None
    """When it was first seen as a node."""
    ends_at: datetime | None = None
    """Its provider has said that it takes it back then."""
    told_at: datetime | None = None
    """When its provider was last told what is to become of it."""
    is_retry: bool = False
    """Its type was not to be had when it was last asked for: that it is wanted is no news."""
    version: int = 0

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be there."""
        return self.state in (PoolNodeState.WANTED, PoolNodeState.LENT)
