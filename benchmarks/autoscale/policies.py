"""The policies that are held against each other, each as its source says.

KEDA polls every 30 s and wants one node for each job that waits or runs, and gives back after 300 s.
Target tracking keeps busy at a share of all, asked once a minute, down only after 15 minutes below.
ECS managed scaling: every minute the metric M/N, clamped steps, no launch in a warm-up of 300 s, nodes
without tasks are given back after 15 low minutes. Okta's: grow by what waits and is older than its
patience, lazy ones after theirs, give back near the end of the paid hour. The prototype is the list
schedule that headway's decision began as.
"""

import heapq
import math

from benchmarks.autoscale.world import Machine, World


def _idle(world: World, for_s: float) -> list[Machine]:
    return [
        row
        for row in world.ready()
        if not row.running and row.idle is not None and world.now - row.idle >= for_s
    ]


def _last_minutes(world: World, last_s: float = 120.0) -> list[Machine]:
    return [row for row in world.ready() if not row.running and row.paid(world.now) <= last_s]


class QueueLength:
    """One node for each job: what KEDA's scalers do with a target of 1."""

    name = "queue length, 1 per node (KEDA)"
    fills_paid = False

    def beat(self, world: World) -> float:
        wanted = len(world.urgent) + len(world.lazy) + world.busy()
        there = len(world.machines)
        for _ in range(wanted - there):
            world.add(world.types[0])
        for row in _idle(world, 300.0)[: max(0, there - wanted)]:
            world.remove(row)
        return world.now + 30.0


class TargetTracking:
    """Keeps busy at a share of all nodes."""

    fills_paid = False

    def __init__(self, share: float) -> None:
        self.name = f"target tracking {share:.0%}"
        self._share = share
        self._low = 0

    def beat(self, world: World) -> float:
        there = len(world.machines)
        ready = max(1, len(world.ready()))
        waits = bool(world.urgent or world.lazy)
        use = world.busy() / ready
        wanted = math.ceil(ready * use / self._share)
        if (use > self._share and there <= ready) or (waits and there == 0):
            for _ in range(max(1, wanted - there)):
                world.add(world.types[0])
        self._low = self._low + 1 if use < 0.9 * self._share else 0
        if self._low >= 15:
            for row in _idle(world, 0.0)[: max(0, there - max(1, wanted))]:
                world.remove(row)
        return world.now + 60.0


class EcsManaged:
    """The published formula of ECS managed scaling, target capacity 100."""

    name = "ECS managed scaling, target 100"
    fills_paid = False

    def __init__(self) -> None:
        self._low = 0

    def beat(self, world: World) -> float:
        there = len(world.machines)
        wanted = len(world.urgent) + len(world.lazy) + world.busy()
        warming = any(world.now - row.since < 300.0 for row in world.machines.values())
        if wanted > there and (not warming or there == 0 or not world.starting()):
            for _ in range(min(10_000, wanted - there)):
                world.add(world.types[0])
        self._low = self._low + 1 if wanted < there else 0
        if self._low >= 15:
            for row in _idle(world, 0.0)[: there - wanted]:
                world.remove(row)
        return world.now + 60.0


class Okta:
    """Bacon's rules: patience, lazy queues, steps, and the paid hour."""

    fills_paid = False

    def __init__(self, patience_s: float, step: float, lazy_s: float, *, hourly: bool) -> None:
        self.name = (
            f"Okta's rules, patience {patience_s:.0f} s, step {step:g}, lazy {lazy_s / 60:.0f} min"
        )
        self._patience_s, self._step, self._lazy_s = patience_s, step, lazy_s
        self._hourly = hourly

    def beat(self, world: World) -> float:
        old = sum(world.now - world.jobs[n].at >= self._patience_s for n in world.urgent)
        old += sum(world.now - world.jobs[n].at >= self._lazy_s for n in world.lazy)
        lacks = old - world.starting()
        for _ in range(math.ceil(self._step * lacks) if lacks > 0 else 0):
            world.add(world.types[0])
        for row in _last_minutes(world) if self._hourly else _idle(world, 300.0):
            world.remove(row)
        return world.now + 30.0


class Prototype:
    """A list schedule over one-job nodes, every 30 s, as in the study that came before."""

    fills_paid = True

    def __init__(self, late_s: float, lazy_s: float, *, hourly: bool, hedged: bool) -> None:
        self.name = "the prototype's list schedule" + (", hedged" if hedged else "")
        self._late_s, self._lazy_s = late_s, lazy_s
        self._hourly, self._hedged = hourly, hedged

    def beat(self, world: World) -> float:
        now = world.now
        free = []
        for row in world.machines.values():
            if row.running:
                ((number, began),) = row.running.items()
                free.append(max(now + 10.0, began + world.jobs[number].guess_s))
            else:
                free.append(max(now, row.ready))
        heapq.heapify(free)
        boot_s = world.types[0].start_s
        new = 0
        for queue, late_s in ((world.urgent, self._late_s), (world.lazy, self._lazy_s)):
            for number in queue:
                job = world.jobs[number]
                starts = free[0] if free else float("inf")
                is_late = starts > job.at + late_s
                if self._hedged and now - job.at > late_s / 2:
                    is_late = True
                if is_late and now + boot_s < starts:
                    new += 1
                    heapq.heappush(free, now + boot_s + job.guess_s)
                else:
                    heapq.heapreplace(free, starts + job.guess_s)
        for _ in range(new):
            world.add(world.types[0])
        if not world.urgent and not world.lazy:
            for row in _last_minutes(world) if self._hourly else _idle(world, 300.0):
                world.remove(row)
        return now + 30.0
