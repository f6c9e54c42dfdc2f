"""A figure, its measure of comparison, and the file that keeps it."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("results")


@dataclass(kw_only=True)
class Figure:
    """One measured value, and what it was held against in the same run."""

    what: str
    value: float
    unit: str
    against: str = ""
    """What it is compared with, and that one's value."""
    ratio: float | None = None
    goal: str = ""
    holds: bool | None = None
    """Whether the goal was met; None where there is none."""


def machine() -> str:
    """Describe the machine, for who reads the figures."""
    from benchmarks.work import syncs

    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {syncs():,.0f} fsync/s, load {load:.1f} before"
    )


def report(name: str, figures: list[Figure], on: str) -> bool:
    """Print figures side by side and keep them; gives whether every goal was met."""
    print(f"\n{name} · {on}")
    for figure in figures:
        mark = {True: "✓", False: "✗", None: " "}[figure.holds]
        ratio = f"{figure.ratio:.2f}×" if figure.ratio is not None else ""
        goal = f"goal {figure.goal}" if figure.goal else ""
        value = f"{figure.value:,.3f}".rstrip("0").rstrip(".")
        print(
            f" {mark} {figure.what:<48} {value:>12} {figure.unit:<8} {ratio:>8} {figure.against}  {goal}"
        )
    RESULTS.mkdir(exist_ok=True)
    kept = {
        "name": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": on,
        "figures": [asdict(figure) for figure in figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")
    return all(figure.holds is not False for figure in figures)


def percentile(values: list[float], share: float) -> float:
    """Give the value below which a share of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
