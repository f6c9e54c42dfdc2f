"""Leases, their place in the line, and what they hold."""

from headway.model.ids import EnvironmentName
from headway.model.lease import Lease
from headway.model.value import Value


class LeaseView(Value, kw_only=True):
    """A lease, its place in the line, and what it holds."""

    lease: Lease
    ahead: int = 0
    """While it waits: how many wait ahead of it."""
    waiting: int = 0
    """How many wait for the same."""
    holds: tuple[EnvironmentName, ...] = ()
    """Environments that end with it."""
