"""Node-hours and waits of a pool over bursty CI, a small team, a recorded cluster and a mixed month.

The policies share one event-driven world, so that only their decisions differ: queue length (KEDA),
target tracking, the published formula of ECS managed scaling, Okta's rules, and the list schedule that
this decision began as, made anew. Under hourly billing the cost with a known future is a linear
program; billed by the second it is the work itself. TRACES names a folder with the public cluster
traces; cases that need them are left out without it. CASES takes some of the cases, by number.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.autoscale.bound import hourly_bound
from benchmarks.autoscale.load import (
    HOUR_S,
    Job,
    guessed,
    mixed_month,
    openb,
    small_ci,
    synthetic_ci,
)
from benchmarks.autoscale.ours import Ours
from benchmarks.autoscale.policies import EcsManaged, Okta, Prototype, QueueLength, TargetTracking
from benchmarks.autoscale.world import Policy, Result, World
from benchmarks.figure import Figure, percentile
from headway.model.pool import NodeType, Scaling

TRACES = Path(os.environ.get("TRACES", Path(__file__).parents[2] / "shared" / "traces"))
CASES = os.environ.get("CASES", "")
LATE_S, PATIENT_S = 180.0, 1800.0
_SEED = 7


@dataclass(frozen=True)
class Case:
    """A load, and how well its durations are known."""

    name: str
    load: Callable[[], list[Job] | None]
    sigma: float
    rivals: bool = False
    """All policies are tried, not the prototype only."""


CASES_ALL = (
    Case("week of CI, durations known", synthetic_ci, 0.0, rivals=True),
    Case("week of CI, durations wrong by σ=0.6", synthetic_ci, 0.6),
    Case("week of CI, durations wrong by σ=1.0", synthetic_ci, 1.0),
    Case("small team, durations known", small_ci, 0.0),
    Case("small team, durations wrong by σ=0.6", small_ci, 0.6),
    Case("recorded cluster (openb), durations known", lambda: openb(TRACES), 0.0),
    Case("recorded cluster (openb), σ=0.6", lambda: openb(TRACES), 0.6),
)


def run() -> list[Figure]:
    """Try every policy on every case, under both kinds of billing."""
    figures: list[Figure] = []
    chosen = [int(number) for number in CASES.split(",") if number] or range(len(CASES_ALL) + 1)
    for number in chosen:
        if number == len(CASES_ALL):
            figures += _mixed()
            continue
        case = CASES_ALL[number]
        jobs = case.load()
        if jobs is None:
            print(f"  left out: {case.name}: no traces in {TRACES}")
            continue
        guessed(jobs, case.sigma, _SEED)
        for hourly in (True, False):
            figures += _case(case, jobs, hourly=hourly)
    return figures


def _kind(*, hourly: bool, cores: int = 1) -> NodeType:
    billing_s = HOUR_S if hourly else 1.0
    return NodeType(
        name="m", cpu=cores, memory_mib=4096 * cores, price_hour=1.0, billing_s=billing_s
    )


def _case(case: Case, jobs: list[Job], *, hourly: bool) -> list[Figure]:
    kind = _kind(hourly=hourly)
    billing = "hourly" if hourly else "per second"
    where = f"{case.name}, {billing}"
    prototype = Prototype(LATE_S, PATIENT_S, hourly=hourly, hedged=case.sigma > 0)
    before = _try(prototype, jobs, kind, where)
    rivals: list[Policy] = []
    if case.rivals:
        rivals = [
            QueueLength(),
            TargetTracking(0.7),
            TargetTracking(0.9),
            EcsManaged(),
            Okta(0.0, 1.0, PATIENT_S, hourly=hourly),
            Okta(120.0, 0.3, 3600.0, hourly=hourly),
        ]
    others = [_try(rival, jobs, kind, where) for rival in rivals]
    ours = _try(Ours([kind], Scaling(nodes_max=5000), sigma=case.sigma), jobs, kind, where)
    work = sum(job.runs_s for job in jobs) / HOUR_S
    bound = hourly_bound(jobs, LATE_S, PATIENT_S) if hourly else work
    p95, p95_before = percentile(ours.urgent, 0.95), percentile(before.urgent, 0.95)
    against = f"prototype {before.hours:,.0f} h"
    for rival, result in zip(rivals, others, strict=True):
        against += f" · {rival.name} {result.hours:,.0f} h"
    if bound is not None:
        against += f" · known future {bound:,.0f} h"
    lazy = percentile(ours.lazy, 0.95), percentile(before.lazy, 0.95)
    return [
        Figure(
            what=where,
            value=ours.hours,
            unit="node-h",
            against=against,
            ratio=ours.hours / before.hours,
            goal="no more than the prototype",
            holds=ours.hours <= 1.005 * before.hours,
        ),
        Figure(
            what="  urgent wait, p95",
            value=p95,
            unit="s",
            against=f"prototype {p95_before:,.0f} s; lazy p95 {lazy[0]:,.0f} s, prototype {lazy[1]:,.0f} s",
            ratio=p95 / p95_before if p95_before else None,
            goal="no longer than the prototype's",
            holds=p95 <= p95_before + 1.0,
        ),
    ]


def _mixed() -> list[Figure]:
    """Many to a node of 8 cores, over a month: beside what the work itself takes."""
    figures = []
    for hourly in (True, False):
        jobs = guessed(mixed_month(), 0.6, _SEED)
        kind = _kind(hourly=hourly, cores=8)
        where = f"mixed month on 8 cores, σ=0.6, {'hourly' if hourly else 'per second'}"
        ours = _try(
            Ours([kind], Scaling(nodes_max=500), least_s=15.0, sigma=0.6), jobs, kind, where
        )
        work = sum(job.runs_s * max(job.cpu / 8, job.memory / 32) for job in jobs) / HOUR_S
        figures.append(
            Figure(
                what=where,
                value=ours.hours,
                unit="node-h",
                against=f"the work itself {work:,.0f} h; urgent p95 {percentile(ours.urgent, 0.95):,.0f} s",
                ratio=ours.hours / work,
            )
        )
    return figures


def _try(policy: Policy, jobs: list[Job], kind: NodeType, where: str) -> Result:
    began = time.perf_counter()
    result = World(jobs, policy, [kind], most=5000).run()
    waits = f"{percentile(result.urgent, 0.5):.0f}/{percentile(result.urgent, 0.95):.0f}"
    print(
        f"  {where:<58} {policy.name:<52} {result.hours:>7,.0f} h  urgent p50/p95 {waits:>8} s  "
        f"lazy p95 {percentile(result.lazy, 0.95):>5.0f} s  {result.launches:>6} launches  "
        f"{time.perf_counter() - began:5.1f} s",
        flush=True,
    )
    return result
