"""One HAProxy process, from its configuration to its end.

A reload starts a new process beside the old one. Both accept from the same inherited sockets
until the old one lets go of them; it then finishes what it has. Each process keeps its own
socket of the runtime API, so that what still runs in an old one is seen and counted.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

import msgspec

from headway.machine.own_log import Log
from headway.machine.sockets import named
from headway.model.value import Value
from headway.ports.router import RouterError
from headway.routers.haproxy import admin

_log = Log()
_SAID_MAX = 64 * 1024
_READY_S = 20.0


class Record(Value, kw_only=True):
    """What a process was started with, kept beside its configuration."""

    pid: int
    bind: str
    http_port: int
    sockets: dict[int, int]
    """Port to its descriptor in the process."""
    backends: dict[str, str]
    tcp_ports: dict[int, str]
    frontends: tuple[str, ...]
    retired: bool = False


class Generation:
    """A running HAProxy process."""

    def __init__(self, folder: Path, record: Record, pidfd: int) -> None:
        self.folder = folder
        self.number = int(folder.name)
        self.record = record
        self.pidfd = pidfd
        self.dead = asyncio.Event()
        self.retired_at: float | None = None
        self._said = bytearray()
        self._stderr: int | None = None
        asyncio.get_running_loop().add_reader(pidfd, self._ended)

    @property
    def admin(self) -> Path:
        """The socket of its runtime API."""
        return self.folder / "admin.sock"

    @property
    def hosts(self) -> str:
        """The path of its map of host names, which is also the map's name."""
        return str(self.folder / "hosts.map")

    @property
    def said(self) -> str:
        """What it wrote to its standard error, the end of it."""
        return self._said.decode(errors="replace").strip()

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self.pidfd)
        with contextlib.suppress(ChildProcessError):  # an adopted one is not our child
            os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        self._read_stderr()
        self.dead.set()

    def follow_stderr(self, descriptor: int) -> None:
        """Keep what the process writes to its standard error."""
        self._stderr = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._read_stderr)

    def _read_stderr(self) -> None:
        while self._stderr is not None:
            try:
                chunk = os.read(self._stderr, 65536)
            except BlockingIOError:
                return
            if not chunk:
                self._close_stderr()
                return
            self._said += chunk
            del self._said[:-_SAID_MAX]

    def _close_stderr(self) -> None:
        if self._stderr is not None:
            asyncio.get_running_loop().remove_reader(self._stderr)
            os.close(self._stderr)
            self._stderr = None

    async def ready(self) -> None:
        """Wait until it serves.

        Raises:
            RouterError: It ended, or does not answer; has what it said.
        """
        asked = asyncio.ensure_future(admin.ask(self.admin, ["show info"]))
        ended = asyncio.ensure_future(self.dead.wait())
        try:
            await asyncio.wait(
                {asked, ended}, timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not asked.done() or asked.exception() is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self.dead.wait()
                raise RouterError(f"HAProxy refused its configuration: {self.said or 'no answer'}")
        finally:
            for task in (asked, ended):
                task.cancel()
            await asyncio.gather(asked, ended, return_exceptions=True)

    async def retire(self, now_s: float) -> None:
        """Let it accept nothing more and finish what it has.

        Its frontends are shut one by one, rather than the whole process told to stop, because a
        stopping process closes its runtime API and could not be asked what still runs in it.
        """
        self.retired_at = self.retired_at or now_s
        if not self.record.retired:
            self.record = msgspec.structs.replace(self.record, retired=True)
            write_record(self.folder, self.record)
        commands = [f"shutdown frontend {name}" for name in self.record.frontends]
        try:
            await admin.ask(self.admin, commands)
        except admin.NoAnswer:
            # It would go on accepting connections that it does not serve.
            await self.end()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this very process, and never to a later one with its number."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    async def end(self, grace_s: float = 3.0) -> None:
        """End it now, with whatever it still serves."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await self.dead.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.dead.wait()

    def let_go(self) -> None:
        """Stop watching it; an ended one leaves nothing behind."""
        if not self.dead.is_set():
            asyncio.get_running_loop().remove_reader(self.pidfd)
        self._close_stderr()
        os.close(self.pidfd)
        if self.dead.is_set():
            shutil.rmtree(self.folder, ignore_errors=True)


def open_admin(folder: Path) -> socket.socket:
    """Make the listening socket of the runtime API, for its owner only."""
    path = folder / "admin.sock"
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with named(path) as name:
        opened.bind(name)
    path.chmod(0o600)
    opened.listen(64)
    opened.setblocking(False)
    return opened


def write_record(folder: Path, record: Record) -> None:
    """Replace a process's record as a whole."""
    write(folder / "record.json", msgspec.json.encode(record))


def write(path: Path, content: bytes) -> None:
    """Replace a file as a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def spawn(binary: Path, folder: Path, record: Record, inherited: Sequence[int]) -> Generation:
    """Start HAProxy on the configuration in a folder, in a session of its own.

    Raises:
        RouterError: The program could not be started.
    """
    # HAProxy must never wait for us to read: a full pipe loses text instead.
    read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, nothing, 1)]
    actions += [(os.POSIX_SPAWN_DUP2, write_end, 2)]
    actions += [(os.POSIX_SPAWN_DUP2, descriptor, descriptor) for descriptor in inherited]
    try:
        pid = os.posix_spawn(
            binary,
            [str(binary), "-db", "-f", str(folder / "haproxy.cfg")],
            {"PATH": os.defpath},
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGUSR1),
        )
    except OSError as error:
        os.close(read_end)
        raise RouterError(f"cannot start {binary}: {error.strerror}") from error
    finally:
        os.close(write_end)
        os.close(nothing)
    generation = Generation(folder, msgspec.structs.replace(record, pid=pid), os.pidfd_open(pid))
    generation.follow_stderr(read_end)
    write_record(folder, generation.record)
    return generation


async def adopt(folder: Path) -> Generation | None:
    """Take over the process of a folder if it still runs; otherwise clear the folder."""
    try:
        pid = await _pid(folder)
        pidfd = os.pidfd_open(pid)
    except (admin.NoAnswer, ValueError, ProcessLookupError) as error:
        _log.info("router.gone", generation=folder.name, because=str(error))
        shutil.rmtree(folder, ignore_errors=True)
        return None
    try:
        record = msgspec.json.decode((folder / "record.json").read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        # Started in the moment its control plane was killed, and never taken into service.
        record = Record(
            pid=pid, bind="", http_port=0, sockets={}, backends={}, tcp_ports={}, frontends=()
        )
    return Generation(folder, record, pidfd)


async def _pid(folder: Path) -> int:
    """Ask who listens on the folder's socket: nobody but ours can, in a folder that is ours."""
    (info,) = await admin.ask(folder / "admin.sock", ["show info"])
    lines = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
    return int(lines.get("Pid", ""))
