"""The holders of modules of a runner, one a network, and the processes made ahead of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from headway.engines.process.runs.child import Child
from headway.engines.process.runs.child import Owner as ChildOwner
from headway.engines.process.runs.loop import Loop
from headway.engines.process.runs.plan import Plan
from headway.engines.process.runs.pool import Needs, Pool
from headway.engines.process.runs.users import Users
from headway.engines.process.runs.work import Work
from headway.engines.process.runs.zygote import Zygote


class Owner(ChildOwner, Needs, Protocol):
    """Who is told of both."""

    def zygote_failed(self, network: str, failure: dict[str, Any]) -> None:
        """The modules are not held any more, or never were."""


class Held:
    """One network's zygote, told apart from those before and after it."""

    def __init__(self, zygotes: Zygotes, network: str) -> None:
        self._zygotes = zygotes
        self._network = network

    def zygote_ready(self) -> None:
        """Have processes made."""
        self._zygotes.ready(self._network)

    def zygote_ended(self, failure: dict[str, Any]) -> None:
        """Have those fail who waited."""
        self._zygotes.ended(self._network, failure)


class Zygotes:
    """All of them."""

    def __init__(
        self,
        loop: Loop,
        plan: Plan,
        works: dict[str, Work],
        log: Callable[[bytes, list[tuple[bytes, bool]]], None],
        owner: Owner,
    ) -> None:
        self._loop, self._plan, self._log, self._owner = loop, plan, log, owner
        self._jobs: dict[str, list[dict[str, Any]]] = {}
        for work in works.values():
            if work.is_warm:
                self._jobs.setdefault(work.network, []).append(work.job)
        self._zygotes: dict[str, Zygote] = {}
        self._pools: dict[tuple[str, str], Pool] = {}
        self._homes: dict[Child, Pool] = {}
        self._is_closed = False

    @property
    def are_over(self) -> bool:
        """Whether nothing of them runs."""
        return not self._zygotes and not self._homes

    def pool_of(
        self, work: Work, users: Users | None, names: Callable[[], str], owner: Owner
    ) -> Pool:
        """Give the pool of a job; jobs that are alike in their sandboxes share it."""
        alike = [work.job["resources"], work.job["cpu_time_s"], self._plan.reach(work.job)]
        key = work.network, json.dumps(alike, sort_keys=True)
        pool = self._pools.get(key)
        if pool is None:
            pool = Pool(self._loop, self._plan, work.run, users, names, owner, owner)
            pool.homes = self._homes
            self._pools[key] = pool
        return pool

    def start(self) -> None:
        """Have all modules imported."""
        for network in self._jobs:
            self.want(network)

    def want(self, network: str) -> None:
        """Have a network's modules held, if they are not."""
        if network in self._zygotes or self._is_closed:
            return
        jobs = self._jobs[network]
        held = Held(self, network)
        zygote = Zygote(self._loop, self._plan, network, jobs, self._log, held)
        self._zygotes[network] = zygote
        self._loop.after(self._plan.import_s, zygote.late)
        for pool in self._of(network):
            pool.zygote = zygote

    def ready(self, network: str) -> None:
        """Make processes ahead."""
        for pool in self._of(network):
            pool.fill()

    def ended(self, network: str, failure: dict[str, Any]) -> None:
        """Forget a zygote; the next run that needs one has another made."""
        del self._zygotes[network]
        for pool in self._of(network):
            pool.zygote = None
        self._owner.zygote_failed(network, failure)

    def parked(self, child: Child) -> Pool:
        """Hear that a process waits; gives whose it is."""
        pool = self._homes[child]
        pool.parked(child)
        return pool

    def gone(self, child: Child) -> tuple[Pool, bool]:
        """Hear that a process is gone; gives whose it was, and whether none can be made."""
        pool = self._homes.pop(child)
        return pool, pool.gone(child)

    def close(self) -> None:
        """End all of them."""
        self._is_closed = True
        for pool in self._pools.values():
            pool.close()
        for zygote in self._zygotes.values():
            zygote.kill()

    def _of(self, network: str) -> list[Pool]:
        return [pool for (name, _), pool in self._pools.items() if name == network]
