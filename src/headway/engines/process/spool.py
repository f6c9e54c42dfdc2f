"""A container's directory: what is written there, and what can be read from it after a crash.

CONTAINERS/ID/lock launch.json started status.json stop.json exit.json log.N etc/
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from headway.machine.files import is_locked, write_whole
from headway.model.container import Exit
from headway.model.ids import ContainerId, NodeId
from headway.model.job import Job
from headway.model.order import Observed, ObservedState

T = TypeVar("T")


class Status(msgspec.Struct, frozen=True):
    """The processes of a container, as its shim wrote them."""

    shim: int
    sandbox: int = 0
    init: int = 0
    at: float = 0.0


class Ended(msgspec.Struct, frozen=True):
    """How a container ended, as its shim wrote it."""

    at: float
    status: int | None = None
    signal: int | None = None
    reason: str = ""
    lost: bool = False
    oom: bool = False
    told: bool = False


class RunLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """How the runs of one job are started."""

    job: Job
    group: dict[str, Any]
    """As a container's, with `RUN` in place of the name."""
    rlimits: tuple[tuple[str, int], ...]
    inodes: int


class RunnerLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner needs beyond what every container does."""

    runs: tuple[RunLaunch, ...]
    python: str
    """Our own Python, as containers see it."""
    zygote: str
    """Directory of the files that are seen in the zygote's sandbox."""
    making: str
    """The system-call filter of what makes sandboxes."""
    logs: str
    """Directory of the logs of runs."""
    users: str
    """Directory of the locks on the user ids of runs."""
    reach: tuple[int, ...]
    """Ports of the node's loopback that runs may reach whose network is `dependencies`."""
    missing: tuple[str, ...]
    """Limits that this machine does not enforce."""
    import_s: float = 300.0


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How a shim starts a container. What is secret is not in it."""

    at: float
    node: str
    name: str
    ports: dict[str, int]
    argv: tuple[str, ...]
    directory: str
    hostname: str
    network: str
    uid: int | None
    bwrap: str
    bwrap_root: str
    disable_userns: bool
    gathers: bool
    system: tuple[str, ...]
    mounts: tuple[tuple[str, str, bool], ...]
    seccomp: str
    group: dict[str, Any]
    rlimits: tuple[tuple[str, int], ...]
    memory_mib: int
    disk_bytes: int
    inodes: int
    log_bytes: int
    timeout_s: float | None
    stop_grace_s: float
    runner: RunnerLaunch | None = None


class Spool:
    """One container's directory."""

    def __init__(self, containers: Path, container: ContainerId) -> None:
        self.id = container
        self.path = containers / container

    def exists(self) -> bool:
        """Whether anything is kept of it."""
        return self.path.is_dir()

    def begun(self) -> bool:
        """Whether it may have begun to run."""
        return (self.path / "started").exists()

    def launch(self) -> Launch | None:
        """Give how it was to be started."""
        return _read(self.path / "launch.json", Launch)

    def status(self) -> Status | None:
        """Give its processes."""
        return _read(self.path / "status.json", Status)

    def ended(self) -> Ended | None:
        """Give how it ended; None while it runs, or when that is not known."""
        return _read(self.path / "exit.json", Ended)

    def is_held(self) -> bool:
        """Say whether a shim lives: it holds the lock until it dies, however it dies."""
        return is_locked(self.path / "lock")

    def write_launch(self, launch: Launch) -> None:
        """Keep how it is to be started."""
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        write_whole(self.path / "launch.json", msgspec.json.encode(launch))

    def write_stop(self, grace_s: float) -> None:
        """Keep that it is to end, before its shim is told."""
        write_whole(self.path / "stop.json", msgspec.json.encode({"grace_s": grace_s}))

    def write_lost(self, reason: str) -> None:
        """Keep that its end is not known."""
        ended = Ended(at=datetime.now(UTC).timestamp(), reason=reason, lost=True)
        write_whole(self.path / "exit.json", msgspec.json.encode(ended))

    def remove(self) -> None:
        """Forget it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def observed(self) -> Observed | None:
        """Say what can be known of it now; None when it has never begun."""
        launch = self.launch()
        if launch is None:
            return None
        ended = self.ended()
        status = self.status()
        started_at = datetime.fromtimestamp(status.at, UTC) if status else None
        if ended is not None:
            state = ObservedState.LOST if ended.lost else ObservedState.EXITED
            exit_ = Exit(
                status=ended.status,
                signal=ended.signal,
                reason=ended.reason,
                at=datetime.fromtimestamp(ended.at, UTC),
                oom=ended.oom,
                told=ended.told,
            )
        elif not self.begun() and not self.is_held():
            return None
        else:
            running = status is not None and status.init != 0
            state, exit_ = ObservedState.RUNNING if running else ObservedState.STARTING, None
        return Observed(
            id=self.id,
            state=state,
            node=NodeId(launch.node),
            ports=launch.ports,
            started_at=started_at,
            exit=exit_,
        )


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
