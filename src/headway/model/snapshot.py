"""Snapshots: all that a decision sees. What is active, never history."""

import msgspec

from headway.model.build import Build
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, NodeId
from headway.model.lease import Lease
from headway.model.release import Release
from headway.model.route import RouterView
from headway.model.value import Value


class Readiness(Value, kw_only=True):
    """What an app says to those that depend on it."""

    ready: bool
    because: str
    hopeless: bool = False
    """It is not ready, and nothing under way will make it so."""


class Reserved(Value, kw_only=True):
    """What containers have reserved of a node."""

    cpu: float = 0.0
    memory_mib: int = 0
    disk_mib: int = 0
    """Of the machine, by what is on any of its nodes."""
    gpus: int = 0
    custom: dict[str, float] = msgspec.field(default_factory=dict)


class MemberSnapshot(Value, kw_only=True):
    """An app in an environment, with everything its next step depends on."""

    environment: Environment
    member: Member
    deployments: tuple[Deployment, ...] = ()
    """Those that have not ended, in order of number."""
    releases: dict[int, Release] = msgspec.field(default_factory=dict)
    """Every release that a container, deployment or the member names."""
    build: Build | None = None
    """Of the first deployment."""
    containers: tuple[Container, ...] = ()
    """Those not retired."""
    dependencies: dict[AppName, Readiness] = msgspec.field(default_factory=dict)
    vacated: frozenset[NodeId] = frozenset()
    """Nodes that drain and on which only daemons are left."""
    lease: Lease | None = None
    """That its environment was started under: it runs where that holds."""
    router: RouterView = RouterView()
    knows_nodes: bool = True
    """Headway has been up for so long that the nodes it knows are all that there are."""
