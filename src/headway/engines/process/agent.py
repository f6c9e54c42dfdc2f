"""The node agent: starts containers and hears of their ends. It decides nothing.

Run as `python -m headway.engines.process.agent DIRECTORY [SHARED INDEX]`: of several agents on one
machine each has a directory of its own, and all share that of the first. Killed and started again,
it finds every container as it was: their shims live on, and what is to be known of them is in their
directories.
"""

import asyncio
import fcntl
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from headway import __version__
from headway.engines.process import messages
from headway.engines.process.cgroups import left_behind, usage
from headway.engines.process.enter import Entered, enter
from headway.engines.process.machine import node
from headway.engines.process.measuring import Measuring
from headway.engines.process.messages import Answer, Request
from headway.engines.process.ports import PortTaken
from headway.engines.process.shims import groups
from headway.engines.process.sockets import listening, processes
from headway.engines.process.spool import Spool
from headway.engines.process.starter import Starter
from headway.engines.process.taken import TakenPorts
from headway.machine.sockets import named
from headway.model.ids import ContainerId
from headway.model.order import NodeReading, Observed, ObservedState, Order, Usage
from headway.ports.engine import EngineError, NoSuchContainer

_START_S = 15.0
"""How long a shim may take to say that its container runs, before the start is answered."""
_OVERDUE_S = 10.0
"""From the end of its grace until a container that is to stop must have ended."""
_CLEAR_AGAIN_S = 0.05
_CLEAR_TIMES = 100
_UNHEARD_MAX = 10_000
"""Changes that wait for a slow observer before it is sent away to ask for a new listing."""


class Agent:
    """Everything the agent knows, which is what the containers' directories say."""

    def __init__(self, folder: Path, shared: Path, index: int) -> None:
        self._containers = folder / "containers"
        self._containers.mkdir(mode=0o711, parents=True, exist_ok=True)
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

    # --- containers ------------------------------------------------------------------------------

    def adopt(self) -> None:
        """Find every container as it is."""
        for folder in sorted(self._containers.iterdir()):
            spool = Spool(self._containers, ContainerId(folder.name))
            if spool.begun() and spool.ended() is None and not spool.is_held():
                spool.write_lost("its supervisor was killed, or the machine was restarted")
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
        spool = Spool(self._containers, order.id)
        known = spool.observed()
        if known is not None:
            return known
        taken = {
            port
            for fact in self._facts.values()
            if fact.exit is None
            for port in fact.ports.values()
        }
        for other, ports in self._claimed.items():
            if other != order.id:
                taken.update(ports)
        try:
            told, ports = self._starter.start(spool, order, node or self._node.id, taken)
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

    def _relist(self) -> None:
        """Have who observes this node ask for it anew: it has become another one."""
        for observer in self._observers:
            observer.put_nowait(None)
        self._observers.clear()

    def stop(self, container: ContainerId, grace_s: float) -> None:
        """Have a container end; one that is not there has."""
        spool = Spool(self._containers, container)
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
        spool = Spool(self._containers, container)
        if spool.ended() is None and spool.is_held():
            raise EngineError(f"{container} still runs")
        self._facts.pop(container, None)
        spool.remove()

    def init_of(self, container: ContainerId) -> int:
        """Give the first process of a running container."""
        spool = Spool(self._containers, container)
        status, launch = spool.status(), spool.launch()
        fact = self._facts.get(container)
        if launch is not None and launch.runner is not None:
            raise EngineError(f"{container} does runs, each in a sandbox of its own")
        if status is None or not status.init or fact is None or fact.exit is not None:
            raise NoSuchContainer(f"{container} does not run")
        return status.init

    def usage(self, container: ContainerId) -> Usage | None:
        """Give what a running container uses."""
        launch = Spool(self._containers, container).launch()
        if launch is None or container not in self._watched:
            return None
        memory, peak, cpu_s, count = usage(launch.group["folders"])
        if not count:
            count = len(processes(self.init_of(container))) if launch.runner is None else 1
        return Usage(memory_bytes=memory, memory_peak_bytes=peak, cpu_s=cpu_s, processes=count)

    def measure(self) -> NodeReading:
        """Read what all running containers use."""
        return self._measuring.read(self._node.id, self._shims)

    async def enter(self, request: Request) -> Entered:
        """Run a command in a running container."""
        container = ContainerId(request.container)
        init = self.init_of(container)
        launch = Spool(self._containers, container).launch()
        assert launch is not None
        return await enter(init, launch, request.argv, terminal=request.terminal)

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
        launch = Spool(self._containers, container).launch()
        folders = launch.group["folders"] if launch is not None else ()
        if groups.clear(left_behind(folders)) and times:
            loop = asyncio.get_running_loop()
            loop.call_later(_CLEAR_AGAIN_S, self._clear, container, times - 1)

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

    # --- answering -------------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if not line:
            return
        try:
            request = messages.decode_request(line)
            if request.verb == "observe":
                await self._observe(reader, writer)
                return
            if request.verb == "exec":
                entered = await self.enter(request)
                writer.write(messages.encode(Answer()))
                await entered.carry(reader, writer)
                return
            answer = await self._answer(request)
        except NoSuchContainer as error:
            answer = Answer(error=str(error), code="unknown")
        except EngineError as error:
            answer = Answer(error=str(error), code="refused")
        except (OSError, ValueError) as error:
            answer = Answer(error=f"{type(error).__name__}: {error}", code="failed")
        writer.write(messages.encode(answer))
        await writer.drain()

    async def _answer(self, request: Request) -> Answer:
        container = ContainerId(request.container)
        match request.verb:
            case "start":
                assert request.order is not None
                return Answer(observed=await self.start(request.order, request.node))
            case "stop":
                self.stop(container, request.grace_s)
                return Answer()
            case "remove":
                self.remove(container)
                return Answer()
            case "nodes":
                told = self._taken_ports.told(self._node)
                return Answer(nodes=(told,), pid=os.getpid(), version=__version__)
            case "usage":
                return Answer(usage=self.usage(container))
            case "measure":
                return Answer(reading=self.measure())
            case "listening":
                return Answer(addresses=listening(self.init_of(container)))
            case _:
                raise EngineError(f"the agent does not know {request.verb!r}: versions differ")

    async def _observe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        changes: asyncio.Queue[Observed | None] = asyncio.Queue()
        self._observers.add(changes)
        gone = asyncio.create_task(reader.read(1))
        try:
            writer.write(messages.encode(Answer(listing=tuple(self._facts.values()))))
            await writer.drain()
            while not gone.done():
                following = asyncio.create_task(changes.get())
                await asyncio.wait({gone, following}, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    following.cancel()
                    return
                fact = following.result()
                if fact is None:
                    return
                writer.write(messages.encode(Answer(observed=fact)))
                await writer.drain()
        finally:
            gone.cancel()
            self._observers.discard(changes)


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


async def run(folder: Path, shared: Path, index: int) -> None:
    """Serve until told to end; containers live on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    agent = Agent(folder, shared, index)
    agent.adopt()
    socket = folder / "agent.sock"
    socket.unlink(missing_ok=True)
    with named(socket) as name:
        server = await asyncio.start_unix_server(
            agent.serve, path=name, limit=messages.LINE_BYTES_MAX, backlog=512
        )
    socket.chmod(0o600)
    async with server:
        await stop.wait()


def main() -> int:
    """Run the agent of a directory, unless one runs already."""
    folder = Path(sys.argv[1])
    shared, index = (Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[2:] else (folder, 0)
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    asyncio.run(run(folder, shared, index))
    return 0


if __name__ == "__main__":
    sys.exit(main())
