"""The HAProxy processes of one router: the current one, and those that only finish."""

import asyncio
import contextlib
import os
import resource
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from headway.machine.own_log import Log
from headway.model.route import RouteTable
from headway.model.settings import RouterLimits
from headway.model.value import Value
from headway.routers.haproxy import config
from headway.routers.haproxy.binary import Binary, find
from headway.routers.haproxy.doors import Doors
from headway.routers.haproxy.generation import (
    Generation,
    Record,
    adopt,
    open_admin,
    spawn,
    write,
)

_log = Log()


class Setup(Value, kw_only=True):
    """How HAProxy is to be run."""

    folder: Path
    bind: str
    http_port: int
    program: Path | None
    """HAProxy to use; None looks for one."""
    limits: RouterLimits
    run_as: tuple[int, int] | None


class Processes:
    """Starts, adopts, retires and buries HAProxy processes."""

    def __init__(self, setup: Setup, ended: Callable[[Generation], None]) -> None:
        self.setup = setup
        self.doors = Doors(setup.bind)
        self.current: Generation | None = None
        self._ended = ended
        self._alive: dict[int, Generation] = {}
        self._number = 0
        self._binary: Binary | None = None
        self._watching: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> list[Generation]:
        """All processes, the oldest first."""
        return list(self._alive.values())

    @property
    def retired(self) -> list[Generation]:
        """Processes that only finish, the oldest first."""
        return [row for row in self._alive.values() if row is not self.current]

    async def open(self) -> None:
        """Find HAProxy, and take over what still runs of an earlier control plane.

        Raises:
            RouterError: No usable HAProxy.
        """
        self._binary = await find(self.setup.program)
        self.setup.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = os.listdir(self.setup.folder)  # noqa: PTH208 (iterdir is no faster)
        numbers = sorted(int(name) for name in names if name.isdecimal())
        self._number = numbers[-1] if numbers else 0
        for number in numbers:
            await self._adopt(self.setup.folder / str(number))
        for generation in self.retired:
            await generation.retire(asyncio.get_running_loop().time())
        if self.current is not None:
            self.doors.take_back(self.current.pidfd, self.current.record.sockets)
            _log.info("router.adopted", pid=self.current.record.pid)

    async def _adopt(self, folder: Path) -> None:
        generation = await adopt(folder)
        if generation is None:
            return
        if not generation.record.frontends:
            await generation.end()
            generation.let_go()
            return
        self._watch(generation)
        if not generation.record.retired:
            self.current = generation

    def needs_replacement(self, table: RouteTable) -> bool:
        """Say whether a table needs what the runtime API of the current process cannot do.

        A backend that is no longer wanted stays, without a host and without servers, until the
        next replacement: it costs nothing, and a replacement may leave old connections behind.
        """
        if self.current is None or self.is_elsewhere:
            return True
        record = self.current.record
        missing = config.backends(table).items() - record.backends.items()
        return bool(missing) or config.tcp_ports(table) != record.tcp_ports

    @property
    def is_elsewhere(self) -> bool:
        """Whether the current process listens where it no longer should."""
        if self.current is None:
            return False
        record = self.current.record
        return (record.bind, record.http_port) != (self.setup.bind, self.setup.http_port)

    async def replace(self, table: RouteTable) -> None:
        """Start a process with this table, and retire the others once it serves.

        Raises:
            RouterError: HAProxy refused, or a port is taken. Nothing was changed.
        """
        if not self._alive:
            self.doors.process_died()
        ports = [self.setup.http_port, *config.tcp_ports(table)]
        opened = self.doors.require(ports)
        try:
            self.current = await self._launch(table, ports)
        except BaseException:
            self.doors.close(opened)
            raise
        now_s = asyncio.get_running_loop().time()
        for generation in self.retired:
            await generation.retire(now_s)
        for generation in self.retired[: -self.setup.limits.retired_max]:
            _log.warning("router.too-many-retired", pid=generation.record.pid)
            await generation.end()
        self.doors.keep_only(ports)

    async def _launch(self, table: RouteTable, ports: Sequence[int]) -> Generation:
        assert self._binary is not None
        self._number += 1
        folder = self.setup.folder / str(self._number)
        folder.mkdir(mode=0o700)
        try:
            with open_admin(folder) as listener:
                record = self._write_configuration(folder, table, ports, listener.fileno())
                inherited = [listener.fileno(), *record.sockets.values()]
                generation = spawn(self._binary.path, folder, record, inherited)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        try:
            await generation.ready()
        except BaseException:
            await generation.end()
            generation.let_go()
            raise
        self._watch(generation)
        return generation

    def _write_configuration(
        self, folder: Path, table: RouteTable, ports: Sequence[int], admin_fd: int
    ) -> Record:
        setup = self.setup
        descriptors = {port: self.doors.descriptors[port] for port in ports}
        tcp_ports = config.tcp_ports(table)
        wiring = config.Wiring(
            http_fd=descriptors[setup.http_port],
            tcp_fds=descriptors,
            admin_fd=admin_fd,
            hosts=str(folder / "hosts.map"),
            limits=setup.limits,
            connections_max=min(setup.limits.connections_max, _connections_possible()),
            run_as=setup.run_as,
        )
        write(folder / "hosts.map", config.render_hosts(table).encode())
        write(folder / "haproxy.cfg", config.render(table, wiring).encode())
        return Record(
            pid=0,
            bind=setup.bind,
            http_port=setup.http_port,
            sockets=descriptors,
            backends=config.backends(table),
            tcp_ports=tcp_ports,
            frontends=(config.HTTP_FRONTEND, *map(config.tcp_frontend, tcp_ports)),
        )

    def _watch(self, generation: Generation) -> None:
        self._alive[generation.number] = generation
        task = asyncio.create_task(self._mourn(generation))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _mourn(self, generation: Generation) -> None:
        await generation.dead.wait()
        del self._alive[generation.number]
        generation.let_go()
        if generation is self.current:
            self.current = None
            _log.error("router.died", pid=generation.record.pid, said=generation.said[-2000:])
        self._ended(generation)

    async def close(self, *, stop: bool) -> None:
        """Let go of all processes; with `stop`, end them."""
        for task in list(self._watching):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if stop:
            await asyncio.gather(*(generation.end() for generation in self.alive))
        for generation in self.alive:
            generation.let_go()
        self._alive.clear()
        self.current = None
        self.doors.keep_only(())


def _connections_possible() -> int:
    """Give how many connections the limit on descriptors allows: two descriptors each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reserve = 600
    return 1_000_000 if hard == resource.RLIM_INFINITY else max(64, (hard - reserve) // 2)
