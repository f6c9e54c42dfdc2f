"""What pages cost at a large place: bytes of the first one, and the server's time for each."""

import re
import time

import httpx2

from benchmarks.figure import Figure, percentile
from benchmarks.large import BIG, NODES, RUNS, app_name, run_id
from benchmarks.large_place import large

_TIMES = 40
_P95_MS = 50.0
_FIRST_KB = 100.0
_ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')
PAGES = (
    "/",
    "/apps",
    f"/apps/{app_name(0)}",
    "/envs",
    f"/envs/{BIG}",
    f"/envs/{BIG}/apps/{app_name(0)}",
    "/jobs",
    f"/jobs/{BIG}/{app_name(0)}/work",
    "/runs",
    f"/runs/{run_id(RUNS - 1)}",
    "/queues",
    "/schedules",
    "/nodes",
    f"/nodes/node-{NODES - 1}",
    "/pools",
    "/leases",
    "/routes",
    "/events",
    "/status",
)


def run() -> list[Figure]:
    """Ask for each page often, in turns, so that all see the same machine."""
    with large() as place, place.client() as client:
        first = _transferred(client, "/")
        times: dict[str, list[float]] = {path: [] for path in ("/healthz", *PAGES)}
        for path in times:
            client.get(path).raise_for_status()
        for _ in range(_TIMES):
            for path, took in times.items():
                began = time.perf_counter()
                client.get(path)
                took.append(1000 * (time.perf_counter() - began))
    floor = percentile(times.pop("/healthz"), 0.5)
    return [
        Figure(
            what="the first page, with all that it needs",
            value=first / 1000,
            unit="KB",
            goal=f"under {_FIRST_KB:.0f} KB",
            holds=first < 1000 * _FIRST_KB,
        ),
        *(_figure(path, took, floor) for path, took in times.items()),
    ]


def _figure(path: str, took: list[float], floor: float) -> Figure:
    p95 = percentile(took, 0.95)
    return Figure(
        what=f"{path}: p95",
        value=p95,
        unit="ms",
        against=f"p50 {percentile(took, 0.5):.1f} ms; /healthz {floor:.1f} ms",
        ratio=p95 / floor,
        goal=f"under {_P95_MS:.0f} ms",
        holds=p95 < _P95_MS,
    )


def _transferred(client: httpx2.Client, path: str) -> int:
    """Count the bytes that a browser gets which was never there."""
    page = client.get(path)
    answers = [page, *(client.get(url) for url in dict.fromkeys(_ASSET.findall(page.text)))]
    return sum(one.num_bytes_downloaded for one in answers)
