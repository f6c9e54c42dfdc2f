"""What one `headway.yaml` describes, after validation and with every default filled in."""

from enum import StrEnum
from functools import lru_cache

import msgspec

from headway.model.ids import AppName
from headway.model.job import Job
from headway.model.placement import Placement
from headway.model.queue import DEFAULT, Queue
from headway.model.resources import Resources
from headway.model.schedule import Schedule
from headway.model.value import Value

FILE = "headway.yaml"


class RunType(StrEnum):
    """How the app's containers are made."""

    PROCESS = "process"
    DOCKER = "docker"


class CheckType(StrEnum):
    """How health is asked for."""

    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"


class HealthCheck(Value, kw_only=True):
    """How to ask a container whether it is healthy. Times are in seconds."""

    type: CheckType
    path: str = "/"
    """HTTP only. Healthy is a status from 200 to 399."""
    command: str = ""
    """Command only: run in the container by a shell; healthy is exit status 0."""
    interval_s: float = 5.0
    """Between two probes of a healthy container. While starting, probes come faster."""
    timeout_s: float = 2.0
    healthy_threshold: int = 1
    unhealthy_threshold: int = 3
    grace_s: float = 30.0
    """A container that is not healthy this long after its start has failed."""


class Protocol(StrEnum):
    """What the router speaks on an exposed port."""

    HTTP = "http"
    TCP = "tcp"


class Expose(Value, kw_only=True):
    """One port on which the app can be reached."""

    name: str
    port: int
    """Port inside a docker container. A process listens on `$PORT` (`$PORT_<NAME>`) instead."""
    host_port: int | None = None
    """The port of its machine at which each copy is; None: any that is free."""
    protocol: Protocol = Protocol.HTTP
    health_check: HealthCheck


class Process(Value, kw_only=True):
    """One process type, such as `web` or `worker`."""

    name: str
    command: str
    """Run by `/bin/sh -c` in `/app`."""
    scale: int = 1
    expose: tuple[Expose, ...] = ()
    health_check: HealthCheck | None = None
    """For a process that exposes nothing; without one, running is healthy, and good for longer."""
    resources: Resources = Resources()
    placement: Placement | None = None
    """None: the app's."""
    daemon: bool = False
    """Runs once on each matching node; `scale` is ignored."""
    drain_s: float = 10.0
    """How long in-flight requests may take to end before the container is told to stop."""
    stop_grace_s: float = 10.0
    """From SIGTERM to SIGKILL."""
    floor: int | None = None
    """Good copies that stay when something of higher priority needs the room of the others; None:
    all of them."""

    @property
    def host_ports(self) -> tuple[int, ...]:
        """Ports of its machine that each copy has to have: no two copies are on one."""
        return tuple(row.host_port for row in self.expose if row.host_port is not None)


class Strategy(StrEnum):
    """How a deployment moves an app to another release."""

    ROLLING = "rolling"
    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    RECREATE = "recreate"


BESIDE = (Strategy.BLUE_GREEN, Strategy.CANARY)
"""Strategies by which two releases run beside each other."""


class Judgement(StrEnum):
    """Who lets a canary go on."""

    TIMED = "timed"
    """Each step lasts its pause."""
    MANUAL = "manual"
    """Each step waits for `headway promote`."""
    AUTOMATIC = "automatic"
    """Each step lasts its pause and needs the new release to be no worse than the old."""


class CanaryStep(Value, kw_only=True):
    """A share of requests for the new release, and how long it is kept."""

    weight_percent: int
    pause_s: float = 60.0


class Canary(Value, kw_only=True):
    """The steps of a canary and how it is judged."""

    steps: tuple[CanaryStep, ...] = (CanaryStep(weight_percent=10), CanaryStep(weight_percent=50))
    judgement: Judgement = Judgement.AUTOMATIC
    requests_min: int = 100
    """Automatic: requests the new release must have answered in a step before it is judged."""
    error_rate_margin_percent: float = 1.0
    """Automatic: points by which its share of 5xx answers may exceed the old release's."""
    latency_ratio_max: float = 1.5
    """Automatic: its mean response time against the old release's (differences under 5 ms pass)."""


class Deploy(Value, kw_only=True):
    """How this app is deployed. Times are in seconds."""

    strategy: Strategy = Strategy.ROLLING
    min_healthy_s: float | None = None
    """A container counts as good once it has been healthy this long without a break; None: as long
    as is due with a health check, or without one (`calculate/rollout/check.py`)."""
    progress_deadline_s: float = 600.0
    """A deployment that makes no progress this long has failed."""
    surge: int = 1
    """Rolling: containers of the new release started ahead, per process type."""
    canary: Canary = Canary()


class Volume(Value, kw_only=True):
    """A directory that is kept across releases of an environment and deleted with it."""

    name: str
    path: str
    """Absolute path inside the container."""


class BuildSpec(Value, kw_only=True):
    """How a source becomes an artifact."""

    command: str | None = None
    """Run by `/bin/sh -c` in the source; what it leaves behind is the artifact."""
    output: str = "."
    """Directory below the source that becomes the artifact."""
    timeout_s: float = 900.0
    resources: Resources = Resources(
        cpu=1.0, memory_mib=2048, processes=1024, open_files=8192, disk_mib=4096, log_mib=16
    )
    image: str | None = None
    """Docker only: run this image instead of building one."""


class Manifest(Value, kw_only=True):
    """One app."""

    name: AppName
    run: RunType = RunType.PROCESS
    build: BuildSpec = BuildSpec()
    processes: tuple[Process, ...]
    env: dict[str, str | None] = msgspec.field(default_factory=dict)
    """Config keys. With a value: a default. With None: required, set per environment."""
    external_hosts: tuple[str, ...] = ()
    dependencies: tuple[AppName, ...] = ()
    release_command: str | None = None
    """Run once, by `/bin/sh -c` in a container of the new release, before it takes traffic."""
    release_timeout_s: float = 600.0
    deploy: Deploy = Deploy()
    volumes: tuple[Volume, ...] = ()
    placement: Placement = Placement()
    team: str | None = None
    shepherds: tuple[str, ...] = ()
    jobs: tuple[Job, ...] = ()
    """In a release also those that the build found."""
    schedules: tuple[Schedule, ...] = ()
    queues: tuple[Queue, ...] = ()
    """Those that the file speaks of; any other has the defaults."""

    def job(self, name: str) -> Job | None:
        """Give the job of this name, if there is one."""
        for job in self.jobs:
            if job.name == name:
                return job
        return None

    def queue(self, name: str) -> Queue:
        """Give a queue, with the defaults where the file does not speak of it."""
        for queue in self.queues:
            if queue.name == name:
                return queue
        return _undeclared(name)

    @property
    def queue_names(self) -> frozenset[str]:
        """Names of the queues that runs may be asked for in."""
        named = (row.name for row in self.queues)
        return frozenset({DEFAULT, *named, *(job.queue for job in self.jobs)})

    @property
    def host_ports(self) -> tuple[int, ...]:
        """Ports of its machine that copies of the app have to have."""
        return tuple(port for process in self.processes for port in process.host_ports)

    def process(self, name: str) -> Process | None:
        """Give the process type of this name, if there is one."""
        return next((process for process in self.processes if process.name == name), None)


@lru_cache(maxsize=1000)
def _undeclared(name: str) -> Queue:
    return Queue(name=name)
