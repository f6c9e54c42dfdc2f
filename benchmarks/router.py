"""Headway's HAProxy against HAProxy with a configuration written by hand, and changes to 300 apps."""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.installation import free_port, wait_for

from benchmarks.figure import Figure
from benchmarks.generator import Generator
from headway.model.ids import AppName, ContainerId, EnvironmentId
from headway.model.manifest import Protocol
from headway.model.route import Route, RouteTable, Target
from headway.routers.haproxy.router import HaproxyRouter

APPS, COPIES = 300, 3
SECONDS = 6
ROUNDS = 3


def run() -> list[Figure]:
    """Measure both in turn, several times; then changes."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> list[Figure]:
    port = free_port()
    upstream = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py"))],
        env={"PORT": str(port), "PATH": "/usr/bin:/bin"},
    )
    router = HaproxyRouter(folder / "router", http_port=free_port())
    await router.start()
    by_hand, hand_port = _by_hand(folder, port)
    try:
        await router.apply(_table([port]))
        own, hand = [], []
        for _ in range(ROUNDS):
            own.append(await _loaded(router.http_port))
            hand.append(await _loaded(hand_port))
        changes = await _changes(router)
    finally:
        by_hand.terminate()
        upstream.terminate()
        by_hand.wait()
        upstream.wait()
        await router.close(stop=True)
    rate = [sum(row["answers"].values()) / SECONDS for row in own]
    floor = [sum(row["answers"].values()) / SECONDS for row in hand]
    p99 = sorted(row["p50_ms"] for row in own)[1], sorted(row["p50_ms"] for row in hand)[1]
    ratio = sorted(rate)[1] / sorted(floor)[1]
    return [
        Figure(
            what="requests through headway's HAProxy",
            value=sorted(rate)[1],
            unit="/s",
            against=f"by hand {sorted(floor)[1]:,.0f} /s",
            ratio=ratio,
            goal="the same within noise (0.9×)",
            holds=ratio >= 0.9,
        ),
        Figure(
            what="median answer",
            value=p99[0],
            unit="ms",
            against=f"by hand {p99[1]:.2f} ms",
            ratio=p99[0] / p99[1],
        ),
        *changes,
    ]


def _by_hand(folder: Path, upstream: int) -> tuple["subprocess.Popen[bytes]", int]:
    from headway.routers.haproxy.binary import find

    port = free_port()
    config = folder / "hand.cfg"
    config.write_text(
        "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n"
        "  timeout tunnel 60s\n"
        f"frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n"
        f"backend b\n  server s 127.0.0.1:{upstream}\n"
    )
    found = find(None)
    binary = getattr(found, "path", found)
    process = subprocess.Popen([str(binary), "-f", str(config)], stderr=subprocess.DEVNULL)
    import socket

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(answers)
    return process, port


async def _loaded(port: int) -> dict:
    generator = Generator(port, "app-0.bench.localhost", SECONDS, 16)
    return await asyncio.to_thread(generator.wait)


def _table(ports: list[int], swapped: int = 0) -> RouteTable:
    environment = EnvironmentId("bench~1")
    routes = []
    for number in range(APPS if len(ports) > 1 else 1):
        targets = tuple(
            Target(
                container=ContainerId(f"c-{number}-{copy}-{swapped if copy == 0 else 0}"),
                host="127.0.0.1",
                port=ports[(number + copy + swapped) % len(ports)],
                weight=256,
                release=1,
            )
            for copy in range(COPIES if len(ports) > 1 else 1)
        )
        routes.append(
            Route(
                environment=environment,
                app=AppName(f"app-{number}"),
                expose="http",
                protocol=Protocol.HTTP,
                hosts=(f"app-{number}.bench.localhost",),
                targets=tuple(sorted(targets, key=lambda target: target.container)),
            )
        )
    return RouteTable(routes=tuple(sorted(routes, key=lambda route: route.key)))


async def _changes(router: HaproxyRouter) -> list[Figure]:
    ports = list(range(20000, 20050))
    began = time.perf_counter()
    await router.apply(_table(ports))
    grown = time.perf_counter() - began
    swaps = []
    for number in range(1, 8):
        began = time.perf_counter()
        await router.apply(_table(ports, number))
        swaps.append(time.perf_counter() - began)
    return [
        Figure(what=f"from 1 to {APPS} apps × {COPIES}: one reload", value=1000 * grown, unit="ms"),
        Figure(
            what=f"one server swapped in each of {APPS} apps",
            value=1000 * sorted(swaps)[3],
            unit="ms",
            against="the reload",
            ratio=sorted(swaps)[3] / grown,
        ),
    ]
