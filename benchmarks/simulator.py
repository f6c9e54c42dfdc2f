"""The wind tunnel's own speed: a week of workflow steps on 1,000 nodes, in one process.

`SIMULATOR_RUNS` makes it shorter: the same load on the same nodes, for less of the week.
"""

import os
import time

from benchmarks.figure import Figure
from headway.model.pool import NodeType
from headway.model.resources import Resources
from headway.model.scenario import JobLoad, Machines, Scenario
from headway.sim.tunnel import run as simulate

_WEEK_RUNS, _WEEK_HOURS = 1_000_000, 168
_NODES, _JOBS = 1000, 10
_GOAL_S = 180


def scenario(runs: int) -> Scenario:
    """Describe so many runs of ten jobs, as dense as a million in a week."""
    machine = NodeType(name="node", cpu=8, memory_mib=32_768)
    step = Resources(cpu=0.5, memory_mib=512)
    return Scenario(
        name="week",
        hours=_WEEK_HOURS * runs / _WEEK_RUNS,
        machines=(Machines(type=machine, count=_NODES),),
        jobs=tuple(
            JobLoad(
                name=f"step-{number}",
                runs_hour=_WEEK_RUNS / _WEEK_HOURS / _JOBS,
                duration_s=60,
                duration_sigma=0.8,
                resources=step,
            )
            for number in range(_JOBS)
        ),
    )


def run() -> list[Figure]:
    """Simulate, and compare with the goal by what a run took."""
    runs = int(os.environ.get("SIMULATOR_RUNS", str(_WEEK_RUNS)))
    began, began_cpu = time.monotonic(), time.process_time()
    report = simulate(scenario(runs))
    took_s, cpu_s = time.monotonic() - began, time.process_time() - began_cpu
    assert report.broken is None, report.broken
    ended = sum(report.runs.values())
    week_s = cpu_s * _WEEK_RUNS / ended
    return [
        Figure(what=f"{ended:,} runs on {_NODES:,} nodes", value=took_s, unit="s"),
        Figure(what="runs a second of processor time", value=ended / cpu_s, unit="1/s"),
        Figure(
            what="made-up time to processor time",
            value=report.hours * 3600 / cpu_s,
            unit="×",
        ),
        Figure(
            what="processor time for a million runs",
            value=week_s,
            unit="s",
            against="" if runs == _WEEK_RUNS else f"projected from {ended:,}",
            goal=f"under {_GOAL_S} s",
            holds=week_s < _GOAL_S,
        ),
    ]
