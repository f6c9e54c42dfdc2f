"""A plan: what a decision would change, each change with its reason."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from headway.model.container import Container
from headway.model.demand import Demand
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.ids import NodeId
from headway.model.preempting import Offer, Preempting
from headway.model.value import Value


class Verb(StrEnum):
    """What a change does."""

    START_CONTAINER = "start_container"
    DRAIN_CONTAINER = "drain_container"
    STOP_CONTAINER = "stop_container"
    LOSE_CONTAINER = "lose_container"
    KEEP_CONTAINER = "keep_container"
    RETIRE_CONTAINER = "retire_container"
    CREATE_RELEASE = "create_release"
    ADVANCE_DEPLOYMENT = "advance_deployment"
    SHARE_TRAFFIC = "share_traffic"
    SET_MEMBER = "set_member"
    WARN_LEASE = "warn_lease"
    END_ENVIRONMENT = "end_environment"


class Change(Value, kw_only=True):
    """One row as it should be, and why. The world follows the rows."""

    verb: Verb
    row: Environment | Member | Deployment | Container
    what: str
    """For people, such as `start web.1 (v2)`."""
    because: str


class MachinePort(NamedTuple):
    """A port of the machine of which a node is, or is a part."""

    node: NodeId
    port: int


class Plan(Value, kw_only=True):
    """Changes in the order they are to be made, and when to decide again at the latest."""

    changes: tuple[Change, ...] = ()
    wake_at: datetime | None = None
    """None: nothing changes by time alone."""
    pending: str = ""
    """Why something wanted could not be planned, such as a container that fits nowhere."""
    lacks: tuple[Demand, ...] = ()
    """What fits nowhere, each as often as it is wanted."""
    preempting: tuple[Preempting, ...] = ()
    """What is to give way to some of that."""
    offers: tuple[Offer, ...] = ()
    """Its copies that may give way to others."""
    ports: tuple[MachinePort, ...] = ()
    """What it counts on for what starts, now or once others have left, and what nodes last said is
    taken where that keeps something away: whether somebody who is not ours has one is for who makes
    the plan true to find out."""
