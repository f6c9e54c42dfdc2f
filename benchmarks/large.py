"""A large place to look at: 1,000 apps, 100,000 runs and 2,000 nodes behind the real server.

The store, the loops, the server and the pages are headway's own; nodes and containers are the wind
tunnel's, since two thousand machines are not at hand. Run as `python -m benchmarks.large FOLDER PORT`.
"""

import asyncio
import random
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from headway.api.app import create_app
from headway.api.server import BACKLOG, serve
from headway.control.heart import Heart
from headway.control.tokens import create_local
from headway.control.world import World
from headway.machine.clock import SteadyClock
from headway.machine.listening import listen
from headway.model.app import App, Source
from headway.model.build import Artifact
from headway.model.environment import Environment, Member
from headway.model.ids import (
    AppName,
    ContainerId,
    Digest,
    EnvironmentId,
    EnvironmentName,
    NodeId,
    RunId,
    environment_id,
)
from headway.model.job import Job
from headway.model.lease import Tenure
from headway.model.manifest import Manifest, Process
from headway.model.node import Node
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.run import Attempt, Run, RunState
from headway.model.settings import Settings
from headway.ports.store import Writer
from headway.serve.plane import keep_for_good
from headway.sim.engine import SimulatedEngine
from headway.sim.outside import SimulatedBuilder, SimulatedRouter, SimulatedSources, SimulatedVault
from headway.stores.sqlite import SqliteStore
from headway.web.house import House
from headway.web.site import Site

APPS, RUNS, NODES = 1_000, 100_000, 2_000
ENVIRONMENTS = 50
_BATCH = 5_000
_SMALL = Resources(cpu=0.1, memory_mib=64)
_ENDS = (RunState.SUCCEEDED,) * 18 + (RunState.FAILED, RunState.TIMED_OUT)
BIG = EnvironmentName("env-0")


def app_name(place: int) -> AppName:
    """Name an app."""
    return AppName(f"app-{place}")


def environment(place: int) -> EnvironmentId:
    """Name the one life of the environment in which an app is."""
    return environment_id(EnvironmentName(f"env-{place % ENVIRONMENTS}"), "1")


def run_id(place: int) -> RunId:
    """Name a run; later ones sort behind."""
    return RunId(f"k{place:015d}")


async def fill(store: SqliteStore, now: datetime) -> None:
    """Write everything down."""
    await store.write(lambda tx: _environments(tx, now))
    await store.write(lambda tx: _apps(tx, now))
    for first in range(0, RUNS, _BATCH):
        await store.write(lambda tx, first=first: _runs(tx, range(first, first + _BATCH), now))


def _environments(tx: Writer, now: datetime) -> None:
    for place in range(ENVIRONMENTS):
        tx.put(
            Environment(
                id=environment(place),
                lease=Tenure(holder="ana", until=now + timedelta(hours=8 + place)),
                created_at=now,
                created_by="ana",
            )
        )


def _apps(tx: Writer, now: datetime) -> None:
    for place in range(APPS):
        name, digest = app_name(place), Digest(f"{place:064x}")
        manifest = Manifest(
            name=name,
            processes=(Process(name="web", command="serve", resources=_SMALL),),
            jobs=(Job(name="work", command="work", resources=_SMALL),),
        )
        tx.put(
            Source(
                digest=digest,
                app=name,
                manifest=manifest,
                size_bytes=1_000,
                created_at=now,
                created_by="ana",
            )
        )
        tx.put(App(name=name, source=digest, updated_at=now))
        tx.put(Member(environment=environment(place), app=name, live=1))
        tx.put(
            Release(
                environment=environment(place),
                app=name,
                number=1,
                fingerprint=digest,
                artifact=Artifact(digest=digest, slug=digest),
                manifest=manifest,
                source=digest,
                created_at=now,
                created_by="ana",
            )
        )


def _runs(tx: Writer, places: range, now: datetime) -> None:
    chance = random.Random(places.start)
    for place in places:
        at = now - timedelta(seconds=3 * (RUNS - place))
        state = chance.choice(_ENDS)
        took = timedelta(seconds=chance.expovariate(1 / 20))
        tx.put(
            Run(
                id=run_id(place),
                environment=environment(place),
                app=app_name(place % APPS),
                job="work",
                parameters=msgspec.Raw(b'{"place": %d}' % place),
                state=state,
                queue="default",
                tags={"team": f"team-{place % 7}"},
                attempts=(
                    Attempt(
                        number=1,
                        release=1,
                        runner=ContainerId(f"app-{place % APPS}-runner-1"),
                        node=NodeId(f"node-{place % NODES}"),
                        ordered_at=at,
                        began_at=at,
                        ended_at=at + took,
                        outcome=state,
                    ),
                ),
                created_at=at,
                created_by="ana",
                ended_at=at + took,
            )
        )


def _nodes() -> list[Node]:
    return [
        Node(
            id=NodeId(f"node-{place}"),
            cpu=16,
            memory_mib=65_536,
            tags={"zone": f"z{place % 3}"},
        )
        for place in range(NODES)
    ]


async def main(folder: Path, port: int) -> None:
    """Fill the store, let the loops live, and serve until told to stop."""
    clock, stop = SteadyClock(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = await SqliteStore.open(folder / "headway.db")
    await fill(store, clock.now())
    router = SimulatedRouter()
    world = World(
        clock=clock,
        store=store,
        engine=SimulatedEngine(_nodes(), lambda: datetime.now(UTC)),
        router=router,
        sources=SimulatedSources(),
        builder=SimulatedBuilder(lambda: 1.0),
        vault=SimulatedVault(),
        settings=Settings(),
        started_at=clock.now(),
        version="0",
    )
    heart = Heart(world)
    beating = asyncio.create_task(heart.run())
    site = Site(House(world=world, heart=heart, data=folder, stop=stop))
    app = create_app(
        world, heart=heart, data=folder, hosts=frozenset({"127.0.0.1"}), stop=stop, pages=(site,)
    )
    (folder / "token").write_text(await create_local(store, "ana", clock.now()))
    keep_for_good()
    await serve(app, listen("127.0.0.1", port, option="--port", backlog=BACKLOG), stop=stop)
    beating.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
