"""Headway's HAProxy against HAProxy with a configuration written by hand, and changes to 300 apps."""

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.e2e.installation import free_port

from benchmarks import wrk
from benchmarks.figure import Figure
from headway.model.ids import AppName, ContainerId, EnvironmentId
from headway.model.manifest import Protocol
from headway.model.route import Route, RouteTable, Target
from headway.routers.haproxy.binary import find
from headway.routers.haproxy.router import HaproxyRouter

APPS, COPIES = 300, 3
SECONDS = 4
ROUNDS = 8
HOST = "app-0.bench.localhost"
FORWARDED = (
    "  http-request del-header Forwarded\n"
    "  http-request del-header X-Real-IP\n"
    "  http-request set-header X-Forwarded-For %[src]\n"
    "  http-request set-header X-Forwarded-Proto http\n"
    "  http-request set-header X-Forwarded-Host %[req.hdr(host)]\n"
    "  http-request set-header X-Forwarded-Port %[dst_port]\n"
)
TIMEOUTS = (
    "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n"
)


def run() -> list[Figure]:
    """Measure both in turn, several times; then changes."""
    wrk.ensure()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> list[Figure]:
    binary = (await find()).path
    upstream_port, hand_port, bare_port = free_port(), free_port(), free_port()
    # The app behind is an HAProxy, too: nothing slower than what is measured.
    upstream = _haproxy(
        binary,
        folder / "upstream.cfg",
        f"frontend f\n  bind 127.0.0.1:{upstream_port}\n"
        '  http-request return status 200 content-type text/plain string "hello"\n',
    )
    # Written for the same duties: the app by its host name, told who asked and nothing forged,
    # and an answer that never came asked for again.
    by_hand = _haproxy(
        binary,
        folder / "hand.cfg",
        f"frontend f\n  bind 127.0.0.1:{hand_port}\n{FORWARDED}"
        f"  use_backend app if {{ hdr(host) -i {HOST} }}\n"
        "backend app\n  retries 3\n  option redispatch\n  balance roundrobin\n"
        "  retry-on conn-failure empty-response\n"
        "  http-request disable-l7-retry unless { method GET HEAD OPTIONS }\n"
        f"  server s 127.0.0.1:{upstream_port}\n",
    )
    bare = _haproxy(
        binary,
        folder / "bare.cfg",
        f"frontend f\n  bind 127.0.0.1:{bare_port}\n  default_backend app\n"
        f"backend app\n  server s 127.0.0.1:{upstream_port}\n",
    )
    router = HaproxyRouter(folder / "router", http_port=free_port())
    try:
        await router.start()
        await router.apply(_table([upstream_port]))
        runs: dict[int, list[wrk.Loaded]] = {router.http_port: [], hand_port: [], bare_port: []}
        for _ in range(ROUNDS):
            for port, found in runs.items():
                found.append(await asyncio.to_thread(wrk.load, port, HOST, SECONDS))
        changes = await _changes(router)
    finally:
        for process in (upstream, by_hand, bare):
            process.terminate()
            process.wait()
        await router.close(stop=True)
    return [*_compared(*runs.values()), *changes]


def _compared(
    own: list[wrk.Loaded], hand: list[wrk.Loaded], bare: list[wrk.Loaded]
) -> list[Figure]:
    rate, floor = median(row.rate for row in own), median(row.rate for row in hand)
    p99, p99_floor = median(row.p99_ms for row in own), median(row.p99_ms for row in hand)
    # Noise is what the hand-written one's own runs differ by, in this very run.
    noise = max(row.rate for row in hand) / min(row.rate for row in hand)
    late_noise = max(row.p99_ms for row in hand) / min(row.p99_ms for row in hand)
    bare_rate = median(row.rate for row in bare)
    return [
        Figure(
            what="requests through headway's HAProxy",
            value=rate,
            unit="/s",
            against=f"by hand {floor:,.0f} /s",
            ratio=rate / floor,
            goal=f"the same within noise ({1 / noise:.2f}×)",
            holds=rate / floor >= 1 / noise,
        ),
        Figure(
            what="the same, against one that only passes on",
            value=rate,
            unit="/s",
            against=f"bare {bare_rate:,.0f} /s: no host, no header, no retry",
            ratio=rate / bare_rate,
        ),
        Figure(
            what="99 of 100 answered within",
            value=p99,
            unit="ms",
            against=f"by hand {p99_floor:.2f} ms",
            ratio=p99 / p99_floor,
            goal=f"the same within noise ({late_noise:.2f}×)",
            holds=p99 / p99_floor <= late_noise,
        ),
        Figure(
            what="failed",
            value=sum(row.failed for row in own),
            unit="",
            goal="0",
            holds=not any(row.failed for row in own),
        ),
    ]


def _haproxy(binary: Path, config: Path, text: str) -> "subprocess.Popen[bytes]":
    config.write_text(f"{TIMEOUTS}{text}")
    process = subprocess.Popen([str(binary), "-db", "-f", str(config)], stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    assert process.poll() is None, f"HAProxy refuses {config}"
    return process


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
