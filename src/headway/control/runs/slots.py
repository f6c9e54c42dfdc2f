"""The runners that there are, and which of them are to be looked at."""

import asyncio
import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import NamedTuple

from headway.control.runs.silence import Silence
from headway.model.container import Container, ContainerState
from headway.model.ids import AppName, ContainerId, EnvironmentId, MemberKey, NodeId, RunId
from headway.ports.engine import Runner


class RunnerKey(NamedTuple):
    """What a runner is for."""

    environment: EnvironmentId
    app: AppName
    release: int
    node: NodeId


@dataclass(slots=True)
class Slot:
    """One runner, from when it is wanted until it has ended."""

    key: RunnerKey
    container: Container
    silence: Silence
    line: Runner | None = None
    busy: set[RunId] = field(default_factory=set)
    idle_since: datetime | None = None
    is_wanted: bool = False
    """Whether a run would start in it once its line is open, asked since it was looked at."""
    is_ending: bool = False
    stopped_for: str = ""
    is_cut_short: bool = False
    """Whether its runs were told to end, as their app, environment or node is to be left."""
    following: "asyncio.Task[None] | None" = None
    concluding: "set[asyncio.Task[None]]" = field(default_factory=set)
    """What writes down ends that it told of."""
    look_at: datetime | None = None
    """When it is looked at although nothing changes; set by `Slots` alone."""


class Taking(NamedTuple):
    """Which runners of a release take runs."""

    ready: list[NodeId]
    """The nodes of those that do."""
    refused: dict[NodeId, str]
    """The nodes of those that do not any more, and why."""
    opening: list[Slot]
    """Those that will when their line is open."""


def member_of(slot: Slot) -> MemberKey:
    """Give the app in the environment that a runner belongs to."""
    return slot.key.environment, slot.key.app


class Slots:
    """Finds runners by what is known of them, and those to look at without looking at all.

    A runner is looked at when something about it, its app or the nodes changed, and at the time
    that was said when it was looked at last. Whatever changes a slot says so by `touch`.
    """

    def __init__(self) -> None:
        self._by_key: dict[RunnerKey, Slot] = {}
        self._by_container: dict[ContainerId, Slot] = {}
        self._by_member: dict[MemberKey, dict[RunnerKey, Slot]] = {}
        self._taking: dict[tuple[EnvironmentId, AppName, int], Taking] = {}
        """By release, until one of its runners changes."""
        self._touched: dict[RunnerKey, Slot] = {}
        self._members: dict[MemberKey, None] = {}
        self._are_all_touched = False
        self._times: list[tuple[datetime, int, Slot]] = []
        """A heap. A time that is not its slot's `look_at` any more means nothing."""
        self._numbers = count()

    # --- finding ---------------------------------------------------------------------------------

    def __contains__(self, key: RunnerKey) -> bool:
        return key in self._by_key

    def all(self) -> Iterable[Slot]:
        """Give every runner."""
        return self._by_key.values()

    def get(self, key: RunnerKey) -> Slot | None:
        """Give the runner for something."""
        return self._by_key.get(key)

    def by_container(self, container: ContainerId) -> Slot | None:
        """Give the runner in a container."""
        return self._by_container.get(container)

    def taking(self, environment: EnvironmentId, app: AppName, release: int) -> Taking:
        """Say which runners of a release take runs: every run that comes asks."""
        known = self._taking.get((environment, app, release))
        if known is not None:
            return known
        found = Taking([], {}, [])
        for key, slot in self._by_member.get((environment, app), {}).items():
            if key.release != release:
                continue
            self._taking[environment, app, release] = found  # nothing is kept of one without any
            if slot.is_ending or slot.container.state is ContainerState.STOPPING:
                found.refused[key.node] = "its runner is ending"
            elif slot.line is not None:
                found.ready.append(key.node)
            else:
                found.opening.append(slot)
        return found

    def has(self, slot: Slot) -> bool:
        """Say whether a runner has not ended, nor another taken its place."""
        return self._by_key.get(slot.key) is slot

    def add(self, slot: Slot) -> None:
        """Take up a runner; one that was there for the same is forgotten."""
        earlier = self._by_key.get(slot.key)
        if earlier is not None:
            self.remove(earlier)
        self._by_key[slot.key] = slot
        self._by_container[slot.container.id] = slot
        self._by_member.setdefault(member_of(slot), {})[slot.key] = slot
        self.touch(slot)

    def remove(self, slot: Slot) -> None:
        """Forget a runner that has ended."""
        del self._by_key[slot.key]
        del self._by_container[slot.container.id]
        others = self._by_member[member_of(slot)]
        del others[slot.key]
        if not others:
            del self._by_member[member_of(slot)]
        self._touched.pop(slot.key, None)
        self.changed(slot)
        slot.look_at = None

    # --- looking ---------------------------------------------------------------------------------

    def changed(self, slot: Slot) -> None:
        """Note that a runner may take runs now, or none any more."""
        self._taking.pop(slot.key[:3], None)

    def touch(self, slot: Slot) -> None:
        """Have a runner looked at: something about it changed."""
        self.changed(slot)
        if self.has(slot):
            self._touched[slot.key] = slot

    def touch_member(self, key: MemberKey) -> None:
        """Have the runners of an app in an environment looked at."""
        self._members[key] = None

    def touch_all(self) -> None:
        """Have every runner looked at."""
        self._are_all_touched = True

    def due(self, now: datetime) -> list[Slot]:
        """List the runners to look at; each is due until it is said that it was looked at."""
        while self._times and self._times[0][0] <= now:
            at, _, slot = heapq.heappop(self._times)
            if slot.look_at == at:
                slot.look_at = None
                self.touch(slot)
        members, self._members = self._members, {}
        for member in members:
            self._touched |= self._by_member.get(member, {})
        if self._are_all_touched:
            self._are_all_touched = False
            self._touched |= self._by_key
        return list(self._touched.values())

    def looked(self, slot: Slot) -> None:
        """Note that a runner is being looked at: what changes from now on counts again."""
        self._touched.pop(slot.key, None)

    def look_at(self, slot: Slot, at: datetime) -> None:
        """Have a runner looked at once more at a time, or earlier where that was said before."""
        if self.has(slot) and (slot.look_at is None or at < slot.look_at):
            slot.look_at = at
            heapq.heappush(self._times, (at, next(self._numbers), slot))

    def next_at(self) -> datetime | None:
        """Give when a runner is to be looked at next, if nothing changes."""
        while self._times and self._times[0][2].look_at != self._times[0][0]:
            heapq.heappop(self._times)
        return self._times[0][0] if self._times else None
