"""A pool: a set of nodes with a template and a scaling policy."""

from enum import StrEnum

import msgspec

from headway.model.ids import PoolName
from headway.model.node import DEFAULT_POOL
from headway.model.value import Value


class PlacementPolicy(StrEnum):
    """Which of the nodes that fit is taken."""

    PACK = "pack"
    """The one with least left afterwards, so that others stay empty and can be given back."""
    SPREAD = "spread"
    """The one with fewest of the same crowd, then with most left."""
    BALANCED = "balanced"
    """The one whose resources are then used most evenly, then with most left."""


class NodeType(Value, kw_only=True):
    """A kind of machine that a provider can start."""

    name: str
    cpu: float
    memory_mib: int
    disk_mib: int | None = None
    """None: nobody counts it."""
    gpus: int = 0
    custom: dict[str, float] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    price_hour: float = 0.0
    billing_s: float = 1.0
    """What is begun is paid: 1 for billing by the second, 3600 by the hour."""
    billing_least_s: float = 60.0
    """Paid at least, however short it lived."""
    start_s: float = 180.0
    """From the request until it takes containers."""
    spot: bool = False
    life_max_s: float | None = None
    """It is ended at this age at the latest."""


class Window(Value, kw_only=True):
    """Times in which other bounds hold, such as nights and weekends."""

    cron: str
    """When it begins."""
    length_s: float
    timezone: str = "UTC"
    nodes_min: int | None = None
    nodes_max: int | None = None


class Scaling(Value, kw_only=True):
    """When a pool grows and shrinks. Times are in seconds."""

    nodes_min: int = 0
    nodes_max: int = 10
    warm: int = 0
    """Nodes kept empty beyond what is needed now."""
    late_s: float = 180.0
    """A node is added only for what would otherwise start later than this."""
    patient_late_s: float = 1800.0
    """The same for what has a priority below 0. Runs of a lazy queue never add a node."""
    idle_s: float = 180.0
    """Billed by the second: a node that nothing needs is given back after so long. About as long as
    one takes to start is right: by then it has cost what another would (the ski-rental rule).
    Billed by the hour it is given back shortly before its paid hour ends."""
    drain_s: float = 600.0
    """How long what runs on a node that is given back may take to leave."""
    cost_hour_max: float | None = None
    """Sum of the prices of its nodes."""
    windows: tuple[Window, ...] = ()
    """The first that is open holds."""


class MonitorRules(Value, kw_only=True):
    """What the monitor goes by for what runs in a pool; None: what the installation is set to."""

    stuck_s: float | None = None
    """What could start and has not for so long is flagged."""
    long_factor: float | None = None
    """What runs so many times longer than nine in ten of its like is flagged, too."""
    cancel_factor: float | None = None
    """What runs so many times longer is cancelled; 0: nothing is for that."""


class Pool(Value, kw_only=True):
    """As an operator declares it."""

    name: PoolName = DEFAULT_POOL
    policy: PlacementPolicy = PlacementPolicy.PACK
    dedicated: bool = False
    """It takes only demands that name it."""
    types: tuple[NodeType, ...] = ()
    """What it may be made of. None: its nodes are there or not, and it never scales."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    """Of each of its nodes, beside the type's own."""
    scaling: Scaling = Scaling()
    monitor: MonitorRules = MonitorRules()
    version: int = 0
