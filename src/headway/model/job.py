"""A job: what runs can be made of, declared by an app."""

from enum import StrEnum
from typing import Any

import msgspec

from headway.model.placement import Placement
from headway.model.resources import Resources
from headway.model.value import Value


class Delivery(StrEnum):
    """How often a run may be attempted."""

    AT_MOST_ONCE = "at_most_once"
    """Never again once an attempt may have begun."""
    AT_LEAST_ONCE = "at_least_once"
    """Again, until one attempt succeeds or the retries are used up."""


class StartMode(StrEnum):
    """What a run's first process is made of."""

    WARM = "warm"
    """Forked from a process that holds the job's modules, into a sandbox of its own."""
    COLD = "cold"
    """Started anew."""


class Isolation(StrEnum):
    """What a run asks of its sandbox at least."""

    STANDARD = "standard"
    """A sandbox of its own, used once."""
    STRICT = "strict"
    """Also: started anew, as a user of its own, under every limit. Refused where that cannot be."""


class JobNetwork(StrEnum):
    """What of the network a run sees."""

    NONE = "none"
    DEPENDENCIES = "dependencies"
    """The router, by which its app's dependencies are reached, and headway; nothing else."""
    INTERNET = "internet"
    """The node's own network."""


class OneFails(StrEnum):
    """What becomes of a gang when one of it, other than its leader, does not succeed."""

    END = "end"
    """All of it ends: its leader has failed."""
    GO_ON = "go_on"


class Retries(Value, kw_only=True):
    """How failed attempts are followed by others. Times are in seconds."""

    most: int = 3
    """Attempts after the first."""
    delay_s: float = 1.0
    """Before the first retry; each later one waits twice as long, give or take a quarter."""
    delay_max_s: float = 300.0


class Job(Value, kw_only=True):
    """One job. It has either a command or a function."""

    name: str
    command: str = ""
    """Run by `/bin/sh -c` in `/app`, with the parameters as JSON on standard input."""
    function: str = ""
    """`module:name` of a Python function, found at build time."""
    doc: str = ""
    resources: Resources = Resources(cpu=1.0, memory_mib=1024)
    placement: Placement | None = None
    """None: the app's."""
    expected_s: float | None = None
    """How long a run is thought to take; None: as long as it may."""
    timeout_s: float = 600.0
    cpu_time_s: float | None = None
    """Processor time that an attempt may use, over all of its processes."""
    output_mib: int = 256
    """What an attempt may write to its output; its log keeps the end of it."""
    grace_s: float = 10.0
    """From SIGTERM to SIGKILL, when it is cancelled or late."""
    delivery: Delivery = Delivery.AT_MOST_ONCE
    retries: Retries = Retries()
    """For `at_least_once` only."""
    queue: str = "default"
    priority: int = 0
    """-100 … 100; higher ones start first within their queue."""
    concurrency: int | None = None
    """Runs of it at one time."""
    key_concurrency: int | None = None
    """Runs of it at one time with the same `unique` key."""
    locks: tuple[str, ...] = ()
    """What a run holds while it runs: names of locks, with `{parameter}`, `{app}` and
    `{environment}` in them filled in for each run."""
    gang: dict[str, int] = msgspec.field(default_factory=dict)
    """Jobs of the app, and how many runs of each start together with a run of it or not at all,
    and end with it. None of a gang is tried again by itself."""
    when_one_fails: OneFails = OneFails.END
    """For a gang."""
    start: StartMode = StartMode.WARM
    """Commands are always started cold."""
    reuse: int = 1
    """Runs that one process may do in turn. Above 1 they share memory, files and time limits."""
    network: JobNetwork = JobNetwork.NONE
    isolation: Isolation = Isolation.STANDARD
    parameters: dict[str, Any] | None = None
    """JSON Schema of the parameters, an object; None takes any object."""

    @property
    def is_warm(self) -> bool:
        """Whether its runs are forked from a process that holds its module."""
        strict = self.isolation is Isolation.STRICT
        return bool(self.function) and self.start is StartMode.WARM and not strict

    @property
    def gang_size(self) -> int:
        """How many runs start together, itself among them."""
        return 1 + sum(self.gang.values())

    @property
    def attempts_max(self) -> int:
        """How many attempts a run may have."""
        return 1 + self.retries.most if self.delivery is Delivery.AT_LEAST_ONCE else 1
