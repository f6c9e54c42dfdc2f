"""What open pages cost while nothing happens: 200 event streams, at a large place."""

import contextlib
import time
from urllib.parse import quote

from benchmarks.figure import Figure
from benchmarks.idle import _cpu
from benchmarks.large import BIG
from benchmarks.large_place import large

STREAMS = 200
SECONDS = 60
_SETTLED_S = 15
_SHARE_MAX = 5.0
_PAGES = ("/", "/envs", f"/envs/{BIG}", "/nodes", "/runs")


def run() -> list[Figure]:
    """Measure the server's processor time beside its time without a page open."""
    with large() as place, contextlib.ExitStack() as stack:
        time.sleep(_SETTLED_S)
        alone = _share(place.pid)
        client = stack.enter_context(place.client())
        for number in range(STREAMS):
            page = _PAGES[number % len(_PAGES)]
            url = f"/live?page={quote(page)}"
            answer = stack.enter_context(
                client.stream("GET", url, headers={"accept": "text/event-stream"})
            )
            answer.raise_for_status()
        time.sleep(_SETTLED_S)
        share = _share(place.pid)
    return [
        Figure(
            what=f"{STREAMS} open pages, nothing happens",
            value=share,
            unit="% core",
            against=f"none open {alone:.2f} %",
            goal=f"under {_SHARE_MAX:.0f} %",
            holds=share < _SHARE_MAX,
        )
    ]


def _share(pid: int) -> float:
    before, at = _cpu(pid), time.monotonic()
    time.sleep(SECONDS)
    return 100 * (_cpu(pid) - before) / (time.monotonic() - at)
