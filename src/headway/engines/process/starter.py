"""Turns an order into a shim that runs it."""

import math
import os
import sys
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from headway.engines.process import cgroups, host, machine, own_groups, seccomp
from headway.engines.process.identities import Identities
from headway.engines.process.ports import Ports
from headway.engines.process.spool import Launch, RunLaunch, RunnerLaunch, Spool
from headway.machine.files import write_whole
from headway.machine.processes import SYSTEM_PATH
from headway.model.container import ContainerKind
from headway.model.job import Job
from headway.model.order import Order
from headway.model.resources import MIB, Resources
from headway.ports.engine import EngineError

_SHIM = Path(__file__).with_name("shim.py")
_RUNNER = Path(__file__).with_name("runner.py")
_ZYGOTE = Path(__file__).with_name("zygote")
_INODES_PER_MIB = 256
_MEMLOCK_BYTES = MIB
_CPU_OF_RUNNERS = 1.0
"""What a container that reserves no cores weighs beside others while all are busy: a runner needs
next to none, but each run waits for what it starts, and with less its modules never load."""


class Starter:
    """Prepares containers' directories and starts their shims."""

    def __init__(self, folder: Path, shared: Path, index: int) -> None:
        """Prepare to start containers.

        Args:
            folder: The agent's own directory.
            shared: That of the first agent of the installation: who owns what, and the logs of
                runs, are one for the whole machine.
            index: Which agent this is, from 0.
        """
        self.identities = Identities(shared)
        self.hierarchy, self._held = own_groups.made(shared, index)
        # Another installation's agent on this machine may have a container of the same id.
        self._mark = own_groups.mark(shared)
        self._ports = Ports(str(shared), index)
        self._bubblewrap: host.Bubblewrap | None = None
        self._system = host.system_arguments(_extra())
        self._interpreters = host.interpreters()
        self._seccomp = folder / "seccomp.bpf"
        self._making = folder / "making.bpf"
        self._shared = shared
        filter_ = seccomp.program()
        if filter_ is not None:
            write_whole(self._seccomp, filter_)
            self._seccomp.chmod(0o644)
        write_whole(self._making, seccomp.program(makes_sandboxes=True) or b"")
        self._making.chmod(0o644)

    def start(
        self, spool: Spool, order: Order, node: str, taken: Collection[int]
    ) -> tuple[int, tuple[int, ...]]:
        """Start a container's shim; gives the descriptor on which it says that it runs, and ports.

        Raises:
            EngineError: It can never start here.
        """
        check(order)
        launch = self._launch(spool, order, node, taken)
        spool.write_launch(launch)
        spool.path.chmod(0o711)
        private = {
            "variables": _variables(order, launch.ports),
            "secrets": {
                name: order.variables[name] for name in order.secrets if name in order.variables
            },
        }
        program = _RUNNER if order.kind is ContainerKind.RUNNER else _SHIM
        told = _spawn(program, spool.path, msgspec.json.encode(private))
        return told, tuple(launch.ports.values())

    def _launch(self, spool: Spool, order: Order, node: str, taken: Collection[int]) -> Launch:
        owner = f"{order.environment or 'build'}/{order.app}"
        uid = self.identities.of(owner)
        if self._bubblewrap is None:
            self._bubblewrap = host.bubblewrap(uid)
        earlier = spool.launch()
        ports = (
            earlier.ports
            if earlier is not None
            else self._ports.give(order.expose, order.host_ports, taken)
        )
        hostname = f"{order.app}"[:63]
        resources = order.resources
        weighed = msgspec.structs.replace(resources, cpu=resources.cpu or _CPU_OF_RUNNERS)
        group = cgroups.group(self.hierarchy, f"{order.id}.{self._mark}", weighed)
        return Launch(
            at=time.time(),
            node=node,
            name=order.name,
            ports=ports,
            argv=order.argv,
            directory=order.directory,
            hostname=hostname,
            network=order.network.value,
            uid=uid,
            bwrap=self._bubblewrap.path,
            bwrap_root=self._bubblewrap.root,
            disable_userns=self._bubblewrap.disable_userns,
            gathers=self._bubblewrap.gathers,
            system=self._system,
            mounts=self._mounts(spool, order, hostname, uid),
            seccomp=str(self._seccomp) if self._seccomp.exists() else "",
            group={"folders": group.folders, "writes": group.writes, "joins": group.joins},
            rlimits=self._rlimits(resources, order.kind),
            memory_mib=resources.memory_mib,
            disk_bytes=resources.disk_mib * MIB,
            inodes=inodes(resources),
            log_bytes=resources.log_mib * MIB,
            timeout_s=order.timeout_s,
            stop_grace_s=order.stop_grace_s,
            runner=self._runner(order) if order.kind is ContainerKind.RUNNER else None,
        )

    def _mounts(
        self, spool: Spool, order: Order, hostname: str, uid: int | None
    ) -> tuple[tuple[str, str, bool], ...]:
        """Give what is seen of the machine, with files of its own below `/etc`."""
        files = host.etc_files(hostname, uid if uid is not None else os.getuid(), order.hosts)
        etc = spool.path / "etc"
        etc.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (etc / name).write_text(text)
            (etc / name).chmod(0o644)
        return (
            *((path, path, False) for path in self._interpreters),
            *((str(etc / name), f"/etc/{name}", False) for name in files),
            *((mount.source, mount.path, mount.writable) for mount in order.mounts),
        )

    def _runner(self, order: Order) -> RunnerLaunch:
        folders = {name: self._shared / name for name in ("runs", "users")}
        for folder in folders.values():
            folder.mkdir(mode=0o700, exist_ok=True)
        return RunnerLaunch(
            runs=tuple(self._run(order, job) for job in order.jobs),
            python=host.own_python(),
            zygote=str(_ZYGOTE),
            making=str(self._making),
            logs=str(folders["runs"]),
            users=str(folders["users"]),
            reach=order.reach,
            missing=self.hierarchy.missing,
            import_s=order.import_s,
        )

    def _run(self, order: Order, job: Job) -> RunLaunch:
        # Of what is forked, who collects it is told; of what bubblewrap starts, only a group tells.
        count_cpu = job.cpu_time_s is not None or not job.is_warm
        counted = cgroups.of_runs(self.hierarchy, count_cpu=count_cpu)
        group = cgroups.group(counted, "RUN", job.resources)
        rlimits = self._rlimits(job.resources, order.kind)
        if job.cpu_time_s is not None and not self.hierarchy.counts_cpu and job.reuse == 1:
            rlimits = (*rlimits, ("RLIMIT_CPU", math.ceil(job.cpu_time_s)))
        return RunLaunch(
            job=job,
            group={"folders": group.folders, "writes": group.writes, "joins": group.joins},
            rlimits=rlimits,
            inodes=inodes(job.resources),
        )

    def _rlimits(self, resources: Resources, kind: ContainerKind) -> tuple[tuple[str, int], ...]:
        limits = [
            ("RLIMIT_NOFILE", resources.open_files),
            ("RLIMIT_CORE", 0),
            ("RLIMIT_MEMLOCK", _MEMLOCK_BYTES),
            ("RLIMIT_MSGQUEUE", 0),
        ]
        if self._counts_anew():
            limits.append(("RLIMIT_NPROC", resources.processes))
        if not self.hierarchy.limits_memory:  # each process by itself: better than nothing
            limits.append(("RLIMIT_DATA", resources.memory_mib * MIB))
        if kind is ContainerKind.BUILD:
            # A build writes to the machine's disk: one file cannot outrun who watches its size.
            limits.append(("RLIMIT_FSIZE", resources.disk_mib * MIB))
        return tuple(limits)

    def _counts_anew(self) -> bool:
        """Whether a container's processes are counted in a user namespace, by no control group."""
        has_own = self._bubblewrap is not None and self._bubblewrap.gathers
        counts = has_own and machine.counts_processes_by_namespace()
        return counts and os.geteuid() != 0 and not self.hierarchy.limits_processes


def inodes(resources: Resources) -> int:
    """Give how many files a container may have of its own."""
    return max(1024, resources.disk_mib * _INODES_PER_MIB)


def check(order: Order) -> None:
    """Refuse an order that can never be carried out here.

    Raises:
        EngineError: It names a file that is not there, or an image.
    """
    if order.image is not None:
        raise EngineError("the process engine runs no images: that needs the docker engine")
    for mount in order.mounts:
        if not Path(mount.source).exists():
            raise EngineError(f"{mount.source}, to be seen at {mount.path}, is not there")


def _variables(order: Order, ports: dict[str, int]) -> dict[str, str]:
    given = {"PATH": SYSTEM_PATH, "HOME": "/home", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108
    for number, (name, port) in enumerate(ports.items()):
        if number == 0:
            given["PORT"] = str(port)
        given[f"PORT_{name.upper().replace('-', '_')}"] = str(port)
    return {**given, **order.variables, **{k: v for k, v in given.items() if k.startswith("PORT")}}


def _spawn(program: Path, folder: Path, private: bytes) -> int:
    """Start a supervisor in a session of its own, with what is secret in a file without a name."""
    secret = os.memfd_create("private")
    try:
        os.write(secret, private)
        os.lseek(secret, 0, os.SEEK_SET)
        told, tell = os.pipe2(os.O_CLOEXEC)
        try:
            _start(program, folder, secret, tell)
        except OSError as error:
            os.close(told)
            raise EngineError(f"no process can be started: {error}") from error
        finally:
            os.close(tell)
    finally:
        os.close(secret)
    return told


def _start(program: Path, folder: Path, secret: int, tell: int) -> None:
    actions = [
        (os.POSIX_SPAWN_DUP2, secret, 3),
        (os.POSIX_SPAWN_DUP2, tell, 4),
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(folder / "shim.err"), os.O_WRONLY | os.O_CREAT, 0o600),
    ]
    if min(secret, tell) <= 4:
        raise OSError("descriptors 3 and 4 are in use")
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", str(program), str(folder)],
        {},
        file_actions=actions,
        setsid=True,
    )


def _extra() -> tuple[str, ...]:
    """Directories that an operator wants every container to see, read-only."""
    return tuple(path for path in os.environ.get("HEADWAY_READ_ONLY", "").split(":") if path)
