"""The containers of a node: started, watched until they end, and told of.

Their shims outlive who started them, and what is to be known of them is in their directories, so
that an agent which was killed and started again finds every one as it was.
"""

import asyncio
import os
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headway.engines.process.cgroups import left_behind, usage
from headway.engines.process.enter import Entered, enter
from headway.engines.process.machine import node
from headway.engines.process.measuring import Measuring
from headway.engines.process.ports import PortTaken
from headway.engines.process.shims import groups
from headway.engines.process.sockets import listening, processes
from headway.engines.process.spool import Spool
from headway.engines.process.starter import Starter
from headway.engines.process.taken import TakenPorts
from headway.model.ids import ContainerId
from headway.model.node import Node
from headway.model.order import NodeReading, Observed, ObservedState, Order, Usage
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineError, NoSuchContainer

_START_S = 15.0
"""How long a shim may take to say that its container runs, before the start is answered."""
_OVERDUE_S = 10.0
"""From the end of its grace until a container that is to stop must have ended."""
_CLEAR_AGAIN_S = 0.05
_CLEAR_TIMES = 100
_UNHEARD_MAX = 10_000
"""Changes that wait for a slow observer before it is sent away to ask for a new listing."""


class Containers:
    """Everything that is known of them, which is what their directories say."""

    def __init__(self, folder: Path, shared: Path, index: int) -> None:
        self._folder = folder / "containers"
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._starter = Starter(folder, shared, index)
        self._node = node(self._starter.hierarchy)
        self._measuring = Measuring(self._starter.hierarchy)
        self._facts: dict[ContainerId, Observed] = {}
        self._claimed: dict[ContainerId, tuple[int, ...]] = {}
        """Ports of containers that are being started, also by an agent that was killed at it."""
        self._watched: dict[ContainerId, int] = {}
        self._shims: dict[ContainerId, int] = {}
        """Of those that are watched, the supervisor's process."""
        self._starting: dict[ContainerId, asyncio.Task[Observed]] = {}
        self._taken_ports = TakenPorts(self._relist)
        self._observers: set[asyncio.Queue[Observed | None]] = set()

    def adopt(self) -> None:
        """Find every container as it is."""
        for folder in sorted(self._folder.iterdir()):
            spool = Spool(self._folder, ContainerId(folder.name))
            if spool.begun() and spool.ended() is None and not spool.is_held():
                spool.write_lost("its supervisor was killed, or the machine was restarted")
                self._clear(spool.id)
            fact = spool.observed()
            launch = spool.launch()
            if fact is None:
                if launch is not None:
                    self._claimed[spool.id] = tuple(launch.ports.values())
                continue
            self._facts[fact.id] = fact
            if fact.exit is None:
                self._watch(spool)

    async def start(self, order: Order, node: str) -> Observed:
        """Start a container once, however often it is asked for."""
        task = self._starting.get(order.id)
        if task is None:
            task = asyncio.create_task(self._start(order, node))
            self._starting[order.id] = task
            task.add_done_callback(lambda _: self._starting.pop(order.id, None))
        return await asyncio.shield(task)

    async def _start(self, order: Order, node: str) -> Observed:
        spool = Spool(self._folder, order.id)
        known = spool.observed()
        if known is not None:
            return known
        given = self._given(but=order.id)
        try:
            told, ports = self._starter.start(spool, order, node or self._node.id, given)
        except PortTaken as error:
            self._taken_ports.note(error.port)
            raise
        self._claimed[order.id] = ports
        try:
            await _heard(told, _START_S)
        finally:
            os.close(told)
        fact = await self._settled(spool)
        self._note(fact)
        self._claimed.pop(order.id, None)
        if fact.exit is None:
            self._watch(spool)
        return fact

    def _given(self, but: ContainerId | None = None) -> set[int]:
        """List the ports of all containers here but one."""
        live = (fact.ports.values() for fact in self._facts.values() if fact.exit is None)
        claimed = (ports for container, ports in self._claimed.items() if container != but)
        return {port for ports in (*live, *claimed) for port in ports}

    async def _settled(self, spool: Spool) -> Observed:
        """Wait until a shim has said what became of its container."""
        ends_at = asyncio.get_running_loop().time() + _START_S
        while True:
            fact = spool.observed()
            if fact is not None and fact.state is not ObservedState.STARTING:
                return fact
            if fact is not None and asyncio.get_running_loop().time() > ends_at:
                return fact
            if fact is None and not spool.is_held():
                said = (spool.path / "shim.err").read_text(errors="replace")[-500:].strip()
                if spool.observed() is None:
                    raise EngineError(f"its supervisor did not start: {said or 'it said nothing'}")
            await asyncio.sleep(0.02)

    def stop(self, container: ContainerId, grace_s: float) -> None:
        """Have a container end; one that is not there has."""
        spool = Spool(self._folder, container)
        if not spool.exists() or spool.ended() is not None:
            return
        spool.write_stop(grace_s)
        status = spool.status()
        if status is not None and spool.is_held():
            with suppress(ProcessLookupError):
                os.kill(status.shim, signal.SIGTERM)
            loop = asyncio.get_running_loop()
            loop.call_later(grace_s + _OVERDUE_S, self._end_overdue, spool)

    def _end_overdue(self, spool: Spool) -> None:
        """Kill a supervisor that has not carried out a stop: it hangs. All it has dies with it."""
        status = spool.status()
        if status is not None and spool.exists() and not spool.ended() and spool.is_held():
            with suppress(ProcessLookupError):
                os.kill(status.shim, signal.SIGKILL)

    def remove(self, container: ContainerId) -> None:
        """Forget an ended container."""
        spool = Spool(self._folder, container)
        if spool.ended() is None and spool.is_held():
            raise EngineError(f"{container} still runs")
        self._facts.pop(container, None)
        spool.remove()

    def _init_of(self, container: ContainerId) -> int:
        """Give the first process of a running container."""
        spool = Spool(self._folder, container)
        status, launch = spool.status(), spool.launch()
        fact = self._facts.get(container)
        if launch is not None and launch.runner is not None:
            raise EngineError(f"{container} does runs, each in a sandbox of its own")
        if status is None or not status.init or fact is None or fact.exit is not None:
            raise NoSuchContainer(f"{container} does not run")
        return status.init

    def usage(self, container: ContainerId) -> Usage | None:
        """Give what a running container uses."""
        launch = Spool(self._folder, container).launch()
        if launch is None or container not in self._watched:
            return None
        memory, cpu_s, count = usage(launch.group["folders"])
        if not count:
            count = len(processes(self._init_of(container))) if launch.runner is None else 1
        return Usage(memory_bytes=memory, cpu_s=cpu_s, processes=count)

    def measure(self) -> NodeReading:
        """Read what all running containers use."""
        return self._measuring.read(self._node.id, self._shims)

    def listening(self, container: ContainerId) -> tuple[str, ...]:
        """List where the processes of a running container listen."""
        return listening(self._init_of(container))

    async def enter(
        self, container: ContainerId, argv: tuple[str, ...], terminal: TerminalSize | None
    ) -> Entered:
        """Run a command in a running container."""
        init = self._init_of(container)
        launch = Spool(self._folder, container).launch()
        assert launch is not None
        return await enter(init, launch, argv, terminal=terminal)

    # --- telling ---------------------------------------------------------------------------------

    def node(self, ports: Collection[int] = ()) -> Node:
        """Give the node as it is now, once it was looked who else has some ports."""
        self._taken_ports.look_at({*ports} - self._given())
        return self._taken_ports.told(self._node)

    def listing(self) -> tuple[Observed, ...]:
        """Give every container as it is now."""
        return tuple(self._facts.values())

    @contextmanager
    def followed(self) -> Iterator[asyncio.Queue[Observed | None]]:
        """Have each change from now on; None says that a new listing is to be asked for."""
        changes: asyncio.Queue[Observed | None] = asyncio.Queue()
        self._observers.add(changes)
        try:
            yield changes
        finally:
            self._observers.discard(changes)

    def _note(self, fact: Observed) -> None:
        if self._facts.get(fact.id) == fact:
            return
        self._facts[fact.id] = fact
        for observer in list(self._observers):
            if observer.qsize() >= _UNHEARD_MAX:
                self._observers.discard(observer)
                observer.put_nowait(None)
            else:
                observer.put_nowait(fact)

    def _relist(self) -> None:
        """Have who observes this node ask for it anew: it has become another one."""
        for observer in self._observers:
            observer.put_nowait(None)
        self._observers.clear()

    # --- watching --------------------------------------------------------------------------------

    def _watch(self, spool: Spool) -> None:
        """Hear of a shim's end from the kernel, at once and without asking."""
        status = spool.status()
        if spool.id in self._watched:
            return
        pid = status.shim if status else 0
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            self._over(spool)
            return
        self._watched[spool.id], self._shims[spool.id] = descriptor, pid
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, self._over, spool)
        if not spool.is_held():  # it ended before it was watched; its pid may be another's now
            self._over(spool)

    def _over(self, spool: Spool) -> None:
        descriptor = self._watched.pop(spool.id, None)
        self._shims.pop(spool.id, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if spool.ended() is None:
            if spool.is_held():
                # A child that it was just starting has the lock for a moment longer.
                asyncio.get_running_loop().call_later(_CLEAR_AGAIN_S, self._watch, spool)
                return
            spool.write_lost("its supervisor was killed")
        self._clear(spool.id)
        fact = spool.observed()
        if fact is not None:
            self._note(fact)

    def _clear(self, container: ContainerId, times: int = _CLEAR_TIMES) -> None:
        """Remove what a supervisor that was killed could not: its processes are ending now."""
        launch = Spool(self._folder, container).launch()
        folders = launch.group["folders"] if launch is not None else ()
        if groups.clear(left_behind(folders)) and times:
            loop = asyncio.get_running_loop()
            loop.call_later(_CLEAR_AGAIN_S, self._clear, container, times - 1)


async def _heard(descriptor: int, within_s: float) -> None:
    """Wait until a pipe says something or is closed."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[None] = loop.create_future()

    def ready() -> None:
        if not heard.done():
            heard.set_result(None)

    loop.add_reader(descriptor, ready)
    try:
        async with asyncio.timeout(within_s):
            await heard
    except TimeoutError:
        return
    finally:
        loop.remove_reader(descriptor)
