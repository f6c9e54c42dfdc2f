"""Which fillings of which ports make this installation."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from headway import __version__
from headway.builders.builder import EngineBuilder
from headway.builders.sources import DirectorySources
from headway.control.world import World
from headway.engines.process.engine import ProcessEngine
from headway.engines.process.machine import size
from headway.engines.process.provider import MachineProvider
from headway.formats.settings_yaml import FILE as SETTINGS_FILE
from headway.formats.settings_yaml import parse_settings
from headway.formats.units import counted
from headway.machine.clock import SteadyClock
from headway.model.node import ClosedPorts
from headway.model.problem import render_problem
from headway.model.settings import Settings
from headway.model.view.check import Check
from headway.ports.engine import EngineError
from headway.ports.router import RouterError
from headway.ports.store import StoreError
from headway.ports.vault import VaultError
from headway.routers.haproxy.router import HaproxyRouter
from headway.serve.installation import Options, Refused
from headway.stores.sqlite import SqliteStore
from headway.stores.vault import FileVault

_SILENT_LEAST_S, _SILENT_MAX_S = 2.0, 10.0
MachineCheck = Callable[[], Awaitable[list[Check]]]


async def compose(options: Options, stack: AsyncExitStack) -> tuple[World, list[MachineCheck]]:
    """Give the world as it is here, and what can be said of its machine.

    What was opened is closed with the stack.

    Raises:
        Refused: Something that it needs is missing or taken.
    """
    data = options.data
    clock = SteadyClock()
    settings = _settings(data / SETTINGS_FILE)
    try:
        size()
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
