"""Runs all benchmarks, or those that are named."""

import importlib
import signal
import sys

from benchmarks.figure import machine, report

NAMES = (
    "router",
    "canary",
    "deploy",
    "idle",
    "rollout",
    "clean",
    "cron",
    "latency",
    "throughput",
    "enqueue",
    "death",
    "scale",
    "neighbour",
    "idle-jobs",
    "placement",
    "packing",
    "autoscaling",
    "simulator",
    "pages",
    "streams",
    "logs",
)


def main() -> int:
    """Run and report; the status says whether every goal was met."""
    # So that what was begun is ended, too, when time is up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = sys.argv[1:] or NAMES
    good = True
    for name in wanted:
        if name not in NAMES:
            print(f"there is no benchmark {name}: {', '.join(NAMES)}")
            return 2
        on = machine()
        figures = importlib.import_module(f"benchmarks.{name.replace('-', '_')}").run()
        good = report(name, figures, on) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
