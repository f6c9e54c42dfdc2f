"""A scenario: a made-up world for the wind tunnel, and what goes wrong in it."""

import msgspec

from headway.model.ids import PoolName
from headway.model.job import Delivery
from headway.model.pool import NodeType, PlacementPolicy, Pool
from headway.model.resources import Resources
from headway.model.value import Value


class Faults(Value, kw_only=True):
    """How often what goes wrong.

    `_hour` counts how often in an hour, on average; `_share` is a part of all calls, 0 to 1.
    """

    plane_kills_hour: float = 0.0
    """The control plane is killed, at any moment."""
    await_kills_share: float = 0.0
    """It is killed right before or behind a call to its store or engine."""
    runner_kills_hour: float = 0.0
    container_kills_hour: float = 0.0
    engine_cuts_hour: float = 0.0
    """The engine's agent dies: containers go on, and nobody hears of them for a while."""
    line_cuts_hour: float = 0.0
    node_deaths_hour: float = 0.0
    """A node dies with all that runs on it, and comes back empty."""
    clock_jumps_hour: float = 0.0
    """The machine's clock is set, by up to five minutes in either direction."""
    unavailable_share: float = 0.0
    """The engine does not answer, and does nothing."""
    lost_answers_share: float = 0.0
    """The engine does what it was asked, and the answer is lost."""
    slow_share: float = 0.0
    """An answer, a listing or a fact takes up to `slow_s`."""
    twice_share: float = 0.0
    """A fact is told again later."""
    spot_notices_hour: float = 0.0
    """The provider takes a spot machine back, half a minute to two minutes after it said so."""
    machine_losses_hour: float = 0.0
    """A machine of the provider's is gone for good, without a word."""
    strangers_hour: float = 0.0
    """The provider lists a machine that nobody asked for, and bills it."""
    provider_cuts_hour: float = 0.0
    """The provider answers nobody for a while."""
    provider_silent_share: float = 0.0
    """The provider does not answer, and does nothing."""
    provider_lost_share: float = 0.0
    """The provider does what it was asked, and the answer is lost."""
    provider_slow_share: float = 0.0
    """The provider takes up to 40 s in either direction: longer than anybody waits for it."""
    refused_share: float = 0.0
    """Of requests: there is no machine of this type now."""
    stillborn_share: float = 0.0
    """Of machines: they never become nodes, and are paid for."""
    short_share: float = 0.0
    """Of machines: they have three quarters of what their type promises."""
    slow_s: float = 5.0
    away_s: float = 90.0
    """What died is back after this at the latest."""

    @property
    def any(self) -> bool:
        """Whether anything goes wrong at all."""
        lengths = ("slow_s", "away_s")
        fields = (name for name in self.__struct_fields__ if name not in lengths)
        return any(getattr(self, name) > 0 for name in fields)


class Machines(Value, kw_only=True):
    """Nodes of one type that are there from the beginning."""

    type: NodeType
    count: int = 1
    nodes_each: int = 1
    """Nodes that each machine is: of the type's cores and memory each, with one disk for all."""


class ServiceLoad(Value, kw_only=True):
    """A service of the made-up world."""

    name: str
    scale: int = 2
    resources: Resources = Resources(cpu=0.25, memory_mib=256)
    host_port: int | None = None
    """A port of its machine that each copy must have."""
    healthy_after_s: float = 3.0
    deploys_hour: float = 0.0
    broken_share: float = 0.0
    """Of the releases deployed: they never become healthy."""
    short_environments_hour: float = 0.0
    """It is also started in environments of its own that last half an hour."""
    placement_priority: int = 0
    """Over what is placed already where that is `preemptible`."""
    preemptible: bool = False
    """Whether its copies above `floor` give way to a higher placement_priority."""
    floor: int = 1


class JobLoad(Value, kw_only=True):
    """Runs of one job."""

    name: str
    runs_hour: float = 60.0
    burst: int = 1
    """Runs that come together."""
    duration_s: float = 30.0
    """The median."""
    duration_sigma: float = 0.5
    """Of the logarithm of the duration; 0: all take the same."""
    expected_s: float | None = None
    """How long placement thinks that they take; None: as long as they may."""
    resources: Resources = Resources(cpu=1.0, memory_mib=1024)
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    fail_share: float = 0.0
    cancel_share: float = 0.0
    deadline_s: float | None = None
    concurrency: int | None = None
    priority: int = 0
    placement_priority: int = 0
    """Over other queues, and over what is placed already where that is `preemptible`."""
    preemptible: bool = False
    gang: int = 0
    """Others that start together with each run, or not at all."""
    gang_cpu: float | None = None
    """Cores of each of these; None: as many as the run itself. All else of them is as its own."""
    locks: tuple[str, ...] = ()
    """What a run holds as it runs; `{account}` is one of so many that there are."""
    accounts: int = 3
    claims_hour: float = 0.0
    """How often somebody who is no run claims one of these locks."""


class TraceColumns(Value, kw_only=True):
    """Which columns of a trace say what; `at` and `end` or `duration` are in seconds."""

    at: str
    end: str = ""
    duration: str = ""
    cpu: str
    cpu_unit: float = 1.0
    """Cores in one of what the column counts: 0.001 for millicores."""
    memory: str
    memory_unit: float = 1.0
    """MiB in one of what the column counts: 1024 for GiB."""
    pool: str = ""
    """Where each is to run; nothing there: anywhere."""


class TraceLoad(Value, kw_only=True):
    """Runs that were recorded somewhere."""

    file: str
    columns: TraceColumns
    speed: float = 1.0
    """2: an hour of the trace passes in half an hour."""
    rows_max: int = 1_000_000


class TraceRow(Value, kw_only=True):
    """One run of a trace."""

    at_s: float
    """Behind the first."""
    duration_s: float
    cpu: float
    memory_mib: int
    pool: PoolName | None = None
    """Where it is to run; None: anywhere."""


class Scenario(Value, kw_only=True):
    """A world, its load and its mishaps. With its seed it is one run, always the same."""

    name: str = "scenario"
    seed: int = 1
    hours: float = 3.0
    policy: PlacementPolicy = PlacementPolicy.PACK
    """How nodes are chosen."""
    pools: tuple[Pool, ...] = ()
    """Their nodes come from a simulated provider."""
    machines: tuple[Machines, ...] = ()
    services: tuple[ServiceLoad, ...] = ()
    jobs: tuple[JobLoad, ...] = ()
    trace: TraceLoad | None = None
    faults: Faults = Faults()
    runs_kept: int = 20_000
    """Ended runs that the made-up installation keeps."""
    settle_s: float = 10_800.0
    """After the load and the mishaps: time for everything to come to its end."""
    stalled_s: float = float("inf")
    """So long nothing of it may come to its end then."""

    @property
    def kinds(self) -> tuple[NodeType, ...]:
        """What its provider offers."""
        return tuple(kind for pool in self.pools for kind in pool.types)


class Broken(Value, kw_only=True):
    """An invariant that did not hold."""

    at_s: float
    invariant: str
    what: str


class Waits(Value, kw_only=True):
    """How long runs waited for their first attempt, in seconds."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    most: float = 0.0


class Sample(Value, kw_only=True):
    """How a world was at one moment."""

    at_s: float
    cpu: float
    """Share of the cores that there were."""
    memory: float
    waiting: int
    """Runs that had not begun."""
    wait_s: float
    """The longest that a run had waited which began since the sample before."""
    nodes: int
    cost_hour: float
    """What was spent since the sample before, as if it went on for an hour."""


class Report(Value, kw_only=True):
    """What came of a scenario."""

    scenario: str
    seed: int
    hours: float
    policy: str
    runs: dict[str, int] = msgspec.field(default_factory=dict)
    """How many ended how."""
    waits: Waits = Waits()
    missed_deadlines: int = 0
    preemptions: int = 0
    """Of runs, and of copies of services."""
    copies_preempted: int = 0
    """Those of them that were copies of services."""
    attempts: int = 0
    node_hours: float = 0.0
    node_hours_used: float = 0.0
    """Of nodes on which something was."""
    node_hours_bound: float = 0.0
    """No packing of the same work uses fewer: the scarcest resource, as if it could be poured."""
    cost: float = 0.0
    """Of the nodes that were there from the beginning, by the hour, and of the provider's bill."""
    launches: int = 0
    """Machines that the provider was asked for."""
    pending: dict[str, float] = msgspec.field(default_factory=dict)
    """Why runs waited and pools did not grow, to the hours that they did, most first."""
    cpu_used: float = 0.0
    """Mean share of all cores that was reserved by what ran."""
    memory_used: float = 0.0
    faults: dict[str, int] = msgspec.field(default_factory=dict)
    """What went wrong, and how often."""
    broken: Broken | None = None
    events: int = 0
    digest: str = ""
    """Of the event log: the same seed gives the same one."""
    series: tuple[Sample, ...] = ()
    """Every so often, how it was."""

    @property
    def packing(self) -> float:
        """The bound as a share of what was used; 1 is perfect."""
        return self.node_hours_bound / self.node_hours_used if self.node_hours_used else 1.0
