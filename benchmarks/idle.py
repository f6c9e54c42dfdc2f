"""What headway costs when nothing happens, with 50 containers: memory, and processor over a minute."""

import os
import subprocess
import time
from pathlib import Path

from tests.e2e.installation import wait_for

from benchmarks.figure import Figure
from benchmarks.place import app, installation

CONTAINERS = 50
SECONDS = 60
_TICK = os.sysconf("SC_CLK_TCK")


def run() -> list[Figure]:
    """Measure the three processes, and, apart, the shims."""
    with installation() as place:
        folder = app(place, "many", extra=f"scale: {{web: {CONTAINERS}}}\n", cpu="0.01")
        place.ok("start", "-e", "still", cwd=folder)
        wait_for(lambda: place.json("envs", "show", "still")["members"][0]["healthy"] == CONTAINERS)
        time.sleep(10)  # what was done for the start is over
        groups = {
            "control plane": [place.pid()],
            "agent": [int((place.data / "agent" / "agent.lock").read_text())],
            "HAProxy": _matching(f"{place.data}/router"),
        }
        shims = _matching("shim.py")
        before = {name: sum(map(_cpu, pids)) for name, pids in groups.items()}
        shims_before = sum(map(_cpu, shims))
        time.sleep(SECONDS)
        figures = []
        for name, pids in groups.items():
            share = 100 * (sum(map(_cpu, pids)) - before[name]) / SECONDS
            figures.append(
                Figure(what=f"{name}: memory", value=sum(map(_memory, pids)), unit="MiB")
            )
            figures.append(Figure(what=f"{name}: processor", value=share, unit="%"))
        memory = sum(figure.value for figure in figures if figure.unit == "MiB")
        share = sum(figure.value for figure in figures if figure.unit == "%")
        own = sum(map(_memory, _matching("fast.py")))
        return [
            *figures,
            Figure(
                what=f"all three, {CONTAINERS} containers: memory",
                value=memory,
                unit="MiB",
                against=f"the containers' own {own:.0f} MiB",
                ratio=memory / own if own else None,
                goal="under 250 MiB",
                holds=memory < 250,
            ),
            Figure(
                what="all three: processor",
                value=share,
                unit="%",
                against="one core",
                ratio=share / 100,
                goal="under 2 %",
                holds=share < 2,
            ),
            Figure(
                what=f"beside them, {len(shims)} shims: memory",
                value=sum(map(_memory, shims)),
                unit="MiB",
                against="each its fair share of what is common",
            ),
            Figure(
                what="the shims: processor",
                value=100 * (sum(map(_cpu, shims)) - shims_before) / SECONDS,
                unit="%",
            ),
        ]


def _matching(pattern: str) -> list[int]:
    said = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in said.stdout.split() if int(pid) != os.getpid()]


def _memory(pid: int) -> float:
    """Proportional set size: memory shared with others counts by its share."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _cpu(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / _TICK
