"""How a log of a million lines opens: the server's time, the browser's, and the browser's memory."""

import os
import time

from playwright.sync_api import sync_playwright
from tests.e2e.browser import CHROMIUM, FLAGS, visiting
from tests.e2e.installation import Installation, wait_for

from benchmarks.figure import Figure, percentile
from benchmarks.idle import _matching, _memory
from benchmarks.place import installation
from benchmarks.work import below

LINES = 1_000_000
_TIMES = 20
_OPENS_MS = 200.0
_MEMORY_MB = 50.0
_SETTLED_S = 5
_MANIFEST = """\
run: {type: process, command: 'python3 -S write.py'}
resources: {cpu: 0.1, max_mem: 64MiB, log: 512MiB}
"""
_WRITE = f"""\
import signal, sys
for number in range({LINES}):
    print(f"{{number:>8}} a request for /orders/{{number % 977}} was answered in {{number % 89}} ms")
print("all is written", flush=True)
signal.pause()
"""


def run() -> list[Figure]:
    """Have an app write so many lines, then open its log at the end, often."""
    with installation() as place:
        folder = place.app("writer", "one", manifest=_MANIFEST, **{"write.py": _WRITE})
        place.ok("start", "-e", "logs", cwd=folder)
        wait_for(
            lambda: "all is written" in place.ok("logs", "-e", "logs", "--tail", "3"), within_s=300
        )
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            try:
                return _figures(place, browser)
            finally:
                browser.close()


def _figures(place: Installation, browser) -> list[Figure]:
    with visiting(browser, place) as visitor:
        page = visitor.page
        time.sleep(_SETTLED_S)
        empty = _renderer_mb()
        visitor.go("/envs/logs/logs")
        assert "all is written" in page.inner_text("main")
        time.sleep(_SETTLED_S)
        with_log = _renderer_mb() - empty
        server, whole = [], []
        for _ in range(_TIMES):
            page.reload()
            times = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
            server.append(times["responseEnd"] - times["requestStart"])
            whole.append(times["domContentLoadedEventEnd"] - times["requestStart"])
    p95 = percentile(whole, 0.95)
    return [
        Figure(
            what=f"a log of {LINES:,} lines opens at its end: p95",
            value=p95,
            unit="ms",
            against=f"p50 {percentile(whole, 0.5):.0f} ms, of it the server {percentile(server, 0.5):.0f} ms",
            goal=f"under {_OPENS_MS:.0f} ms",
            holds=p95 < _OPENS_MS,
        ),
        Figure(
            what="what the log takes of the browser's memory",
            value=with_log,
            unit="MB",
            against=f"beside what the first page takes, {empty:.0f} MB",
            goal=f"under {_MEMORY_MB:.0f} MB",
            holds=with_log < _MEMORY_MB,
        ),
    ]


def _renderer_mb() -> float:
    """Weigh what draws the page: script, nodes, styles and pictures of all open windows."""
    own = set(below(os.getpid()))
    drawing = [pid for pid in _matching("chromium.*--type=renderer") if pid in own]
    return sum(map(_memory, drawing)) * 1.048576
