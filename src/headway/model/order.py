"""An order to an engine: everything it needs to start one container."""

from datetime import datetime
from enum import StrEnum

import msgspec

from headway.model.build import Mount
from headway.model.container import ContainerKind, Exit
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId
from headway.model.job import Job
from headway.model.node import Node
from headway.model.resources import Resources
from headway.model.value import Value


class Network(StrEnum):
    """What of the network a container sees."""

    HOST = "host"
    """The node's own: how services listen and builds download."""
    NONE = "none"


class Order(Value, kw_only=True):
    """One container to start. The id makes starting it again harmless."""

    id: ContainerId
    kind: ContainerKind
    environment: EnvironmentId | None = None
    app: AppName
    name: str
    """For people, such as `demo/web.1`."""
    argv: tuple[str, ...]
    directory: str = "/app"
    variables: dict[str, str] = msgspec.field(default_factory=dict)
    """The whole environment of the process, ports excepted. May hold secrets: an engine keeps it
    out of files, arguments and logs."""
    secrets: tuple[str, ...] = ()
    """Names of the variables whose values are replaced in the log by `[NAME]`."""
    mounts: tuple[Mount, ...] = ()
    hosts: tuple[str, ...] = ()
    """Names that lead to the router (the loopback address on the embedded engine)."""
    expose: tuple[str, ...] = ()
    """Names of the ports to give: the first also becomes `PORT`, each `PORT_<NAME>`."""
    host_ports: dict[str, int] = msgspec.field(default_factory=dict)
    """Those of them that must be these ports of the machine; for any other one that is free."""
    ports: dict[str, int] = msgspec.field(default_factory=dict)
    """Ports inside the container, where the engine can keep them apart (docker)."""
    image: str | None = None
    resources: Resources = Resources()
    network: Network = Network.HOST
    stop_grace_s: float = 10.0
    jobs: tuple[Job, ...] = ()
    """For a runner: the jobs whose runs it will be handed."""
    reach: tuple[int, ...] = ()
    """For a runner: ports of the loopback that runs with the network `dependencies` may reach."""
    import_s: float = 300.0
    """For a runner: how long the modules of its jobs may take to be imported."""
    timeout_s: float | None = None
    """Ended with the reason `time limit …` when it runs longer."""


class ObservedState(StrEnum):
    """What an engine can know of a container."""

    STARTING = "starting"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"
    """It was started here and its end cannot be known."""


class Observed(Value, kw_only=True):
    """A fact about one container, as its engine sees it."""

    id: ContainerId
    state: ObservedState
    node: NodeId
    host: str = "127.0.0.1"
    ports: dict[str, int] = msgspec.field(default_factory=dict)
    """Expose name to the port at which it can be reached on `host`."""
    started_at: datetime | None = None
    exit: Exit | None = None


class Heard(Value, kw_only=True):
    """What an engine tells at a time: a listing of one node, or changes."""

    facts: tuple[Observed, ...] = ()
    node: Node | None = None
    """Set with a listing. Then `facts` are all containers of this node, as it is now: one that is
    missing is not there. Of a node that is `lost` nothing is known, and nothing is told."""


class Usage(Value, kw_only=True):
    """What a container uses now."""

    memory_bytes: int = 0
    cpu_s: float = 0.0
    processes: int = 0


class Reading(Value, kw_only=True):
    """What was used up to a moment, and is used in it."""

    cpu_s: float = 0.0
    """Processor time so far. It only rises, unless who counts began anew."""
    memory_bytes: int = 0
    """Without what the kernel only keeps for the next time, and gives away at need."""


class NodeReading(Value, kw_only=True):
    """What the containers of a node use."""

    node: NodeId
    at_s: float
    """When it was read, by a clock of the node's that is never set."""
    total: Reading
    """Of all of them; its `cpu_s` counts those that have ended, too."""
    containers: dict[ContainerId, Reading] = msgspec.field(default_factory=dict)
    """Of each that runs."""
