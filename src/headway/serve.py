"""The composition root: the only file that knows every room.

`python -m headway.serve up` runs the control plane in the foreground; the command line calls it.
"""

import asyncio
import contextlib
import fcntl
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec

from headway import __version__
from headway.builders.builder import EngineBuilder
from headway.builders.sources import DirectorySources
from headway.control.tokens import create_local, owner
from headway.control.world import World
from headway.engines.process.engine import ProcessEngine
from headway.engines.process.provider import MachineProvider
from headway.formats.settings_yaml import FILE as SETTINGS_FILE
from headway.formats.settings_yaml import parse_settings
from headway.formats.units import counted
from headway.machine.clock import SteadyClock
from headway.machine.files import write_whole
from headway.machine.listening import PortTaken, listen
from headway.machine.own_log import log_to
from headway.machine.processes import birth
from headway.model.ids import ContainerId, NodeId
from headway.model.node import ClosedPorts, NodeState
from headway.model.problem import render_problem
from headway.model.settings import Settings
from headway.model.view.check import Check
from headway.ports.engine import EngineError
from headway.ports.router import RouterError
from headway.ports.store import StoreError
from headway.ports.vault import VaultError
from headway.routers.haproxy.router import HaproxyRouter
from headway.stores.sqlite import SqliteStore
from headway.stores.vault import FileVault

_CLEAR_GRACE_S = 10.0
_SILENT_LEAST_S, _SILENT_MAX_S = 2.0, 10.0
_SWITCH_S = 0.0005
"""So long the thread that writes waits for a busy event loop after each sync, and not 5 ms."""
MachineCheck = Callable[[], Awaitable[list[Check]]]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How this installation is run."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 7070
    http_port: int = 7080
    bind: str = "127.0.0.1"
    """Where the router listens."""
    hosts: tuple[str, ...] = ()
    """Names under which the API may be reached, beside those of the loopback address."""
    nodes: int | None = None
    """How many nodes this machine is; None: as many as last time."""
    lend: int | None = None
    """How many percent of it are kept for pools; None: as many as last time."""


class Refused(Exception):
    """The control plane cannot run here; the text says why and what to do."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What `server.json` says while a control plane runs."""

    url: str
    pid: int
    birth: int
    """When the process began: its number may be a stranger's after a crash."""
    http_port: int
    version: str
    started_at: datetime


@contextlib.contextmanager
def sole(data: Path) -> Iterator[None]:
    """Hold the data directory for one control plane; the kernel lets go when the process dies.

    Raises:
        Refused: Another one holds it.
    """
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(_already_running(data)) from None
        yield
    finally:
        os.close(descriptor)


def _already_running(data: Path) -> str:
    try:
        running = msgspec.json.decode((data / "server.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return (
            f"another headway runs on {data} and is about to start or to stop\n"
            "next: headway status · headway up, in a moment"
        )
    return (
        f"headway runs already: {running.url} (pid {running.pid}, data {data})\n"
        "next: headway status · headway down"
    )


async def run(options: Options, stop: asyncio.Event) -> None:
    """Run the control plane until `stop` is set.

    Raises:
        Refused: Something that it needs is missing or taken.
    """
    # Late, for `clear` needs none of it: it takes most of a second.
    from headway.api.app import create_app
    from headway.api.server import BACKLOG, serve
    from headway.control.heart import Heart
    from headway.web.house import House
    from headway.web.site import Site

    data = options.data
    async with contextlib.AsyncExitStack() as stack:
        try:
            listener = listen(options.host, options.port, option="--port", backlog=BACKLOG)
        except PortTaken as error:
            raise Refused(str(error)) from error
        stack.callback(listener.close)
        world, checks = await _compose(options, stack)
        heart = Heart(world)
        token = await _local_token(world, data)
        app = create_app(
            world,
            heart=heart,
            data=data,
            hosts=frozenset({*options.hosts, options.host}),
            stop=stop,
            machine_checks=checks,
            pages=[Site(House(world, heart, data, stop, checks))],
        )
        beating = asyncio.create_task(heart.run(), name="heart")
        stack.push_async_callback(_end, beating)
        url = f"http://{options.host}:{options.port}"
        running = Running(
            url=url,
            pid=os.getpid(),
            birth=birth(os.getpid()) or 0,
            http_port=options.http_port,
            version=__version__,
            started_at=world.started_at,
        )
        write_whole(data / "token", token.encode())
        write_whole(data / "server.json", msgspec.json.encode(running))
        stack.callback((data / "server.json").unlink, missing_ok=True)
        keep_for_good()
        sys.setswitchinterval(_SWITCH_S)
        await serve(app, listener, stop=stop)


def keep_for_good() -> None:
    """Have no collection look at what was made so far, which is never garbage: code and routes.

    It is a hundred thousand objects, and to look at them all stops everything for 50 ms.
    """
    gc.collect()
    gc.freeze()


async def _compose(
    options: Options, stack: contextlib.AsyncExitStack
) -> tuple[World, list[MachineCheck]]:
    data = options.data
    clock = SteadyClock()
    settings = _settings(data / SETTINGS_FILE)
    try:
        vault = FileVault.open_file(data / "key")
        store = await SqliteStore.open(data / "headway.db")
        stack.push_async_callback(store.close)
        # What is refused is refused before anything runs that outlives this process.
        router = HaproxyRouter(
            data / "router", http_port=options.http_port, bind=options.bind, limits=settings.router
        )
        await router.start()
        stack.push_async_callback(router.close, stop=False)
        silent_s = min(_SILENT_MAX_S, max(_SILENT_LEAST_S, settings.node_lost_after_s / 4))
        engine = ProcessEngine(
            data,
            nodes=options.nodes,
            lend=options.lend,
            silent_s=silent_s,
            closed_ports=_own_ports(options, settings),
        )
        await engine.open()
        stack.push_async_callback(engine.close)
        provider = MachineProvider(data, engine, clock=clock)
        await provider.open()
        stack.push_async_callback(provider.close)
    except (VaultError, StoreError, EngineError, RouterError) as error:
        raise Refused(str(error)) from error
    sources = DirectorySources(data, settings)
    world = World(
        clock=clock,
        store=store,
        engine=engine,
        router=router,
        sources=sources,
        builder=EngineBuilder(data, engine, sources),
        vault=vault,
        settings=settings,
        started_at=clock.now(),
        provider=provider,
        version=__version__,
        url=f"http://127.0.0.1:{options.port}",
    )
    return world, [engine.checks, router.checks, partial(_clock_checks, clock)]


def _own_ports(options: Options, settings: Settings) -> tuple[ClosedPorts, ...]:
    """List what headway itself listens on, or will."""
    first, last = settings.tcp_port_first, settings.tcp_port_last
    return (
        ClosedPorts(first=options.port, last=options.port, by="headway's API"),
        ClosedPorts(first=options.http_port, last=options.http_port, by="headway's router"),
        ClosedPorts(first=first, last=last, by="headway's router, for what is not HTTP"),
    )


def _settings(path: Path) -> Settings:
    """Read `settings.yaml`.

    Raises:
        Refused: It has mistakes.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    parsed = parse_settings(text, file=str(path))
    if parsed.value is None:
        said = "\n".join(f"  {render_problem(problem)}" for problem in parsed.problems)
        raise Refused(f"the settings have {counted(len(parsed.problems), 'mistake')}\n{said}")
    return parsed.value


async def _clock_checks(clock: SteadyClock) -> list[Check]:
    jumped_s = clock.jumped_s
    if not jumped_s:
        return [Check(name="clock", ok=True, detail="has not been set since headway began")]
    direction = "ahead" if jumped_s > 0 else "back"
    detail = (
        f"was set {direction} by {abs(jumped_s):.0f} s while headway ran, which goes on "
        "by the time before: no deadline and no lease has moved"
    )
    fix = "headway down --keep && headway up, when the machine's clock is right"
    return [Check(name="clock", ok=False, detail=detail, fix=fix)]


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _local_token(world: World, data: Path) -> str:
    """Give the token of this machine's own user, kept where only that user reads.

    One that was revoked or is not known is followed by another: who owns the directory owns all.
    """
    path = data / "token"
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_text().strip()
        if await owner(world, kept) is not None:
            return kept
    name = os.environ.get("SUDO_USER") or os.environ.get("USER") or "operator"
    return await create_local(world.store, name, world.clock.now())


# --- commands ------------------------------------------------------------------------------------


@click.group()
def main() -> None:
    """Run the control plane of this machine."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=7070)
@click.option("--http-port", default=7080)
@click.option("--bind", default="127.0.0.1")
@click.option("--allow-host", "hosts", multiple=True)
@click.option("--nodes", type=int)
@click.option("--lend", type=int)
@click.option("--log-file", type=click.Path(path_type=Path))
def up(data: Path, hosts: tuple[str, ...], log_file: Path | None, **rest: Any) -> None:
    """Run in the foreground until SIGINT or SIGTERM; containers go on."""
    options = Options(data=data.absolute(), hosts=hosts, **rest)
    log_to(log_file)
    try:
        with sole(options.data):
            # What is started inherits it, and must not depend on where somebody typed `up`.
            os.chdir(options.data)
            asyncio.run(_until_told(options))
    except Refused as refused:
        click.echo(f"headway: {refused}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"headway: {options.data} cannot be used: {error}", err=True)
        sys.exit(1)


async def _until_told(options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run(options, stop)


@main.command()
@click.option("--data", type=click.Path(path_type=Path), required=True)
def clear(data: Path) -> None:
    """End everything that a control plane left running: containers, agent, router. State stays."""
    data = data.absolute()
    log_to(data / "headway.log")
    try:
        with sole(data):
            count = asyncio.run(_clear(data))
    except Refused as refused:
        click.echo(f"headway: {refused}", err=True)
        sys.exit(1)
    click.echo(f"stopped {count} containers, the node agents and the router")


async def _clear(data: Path) -> int:
    """Containers are stopped in the engine only: their rows say that they are wanted again."""
    engine = ProcessEngine(data)
    await engine.open()
    provider = MachineProvider(data, engine, clock=SteadyClock())
    await provider.open()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLEAR_GRACE_S):
            await provider.settle()
    await provider.close()
    count, silent = await _end_all(engine)
    await engine.close(stop=True)
    router = HaproxyRouter(data / "router", http_port=0)
    await router.end_running()
    if silent:
        raise Refused(
            f"stopped {counted(count, 'container')} and the router, but what runs on "
            f"{', '.join(silent)} goes on: its agent does not answer\n"
            "next: end the agent, whose process is named in agent.lock, and headway down again"
        )
    return count


async def _end_all(engine: ProcessEngine) -> tuple[int, list[NodeId]]:
    """Stop what runs; gives how many that were, and the nodes that could not be asked."""
    unheard = {node.id for node in await engine.nodes()}
    running: set[ContainerId] = set()
    stopped: set[ContainerId] = set()
    silent: list[NodeId] = []
    async with asyncio.timeout(_CLEAR_GRACE_S + 10):
        async for heard in engine.observe():
            if heard.node is not None:
                unheard.discard(heard.node.id)
                if heard.node.state is NodeState.LOST:
                    silent.append(heard.node.id)
            for fact in heard.facts:
                if fact.exit is not None:
                    running.discard(fact.id)
                elif fact.id not in running:
                    running.add(fact.id)
                    stopped.add(fact.id)
                    await engine.stop(fact.id, _CLEAR_GRACE_S)
            if not unheard and not running:
                break
    return len(stopped), silent


if __name__ == "__main__":
    main()
