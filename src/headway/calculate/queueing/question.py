"""All that a decision about turns sees, and what it answers."""

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from headway.calculate.placement import Ask, Fleet, Part, Promise, Site
from headway.calculate.queueing.line import Line
from headway.calculate.queueing.tallies import Tallies
from headway.calculate.queueing.turns import Turns
from headway.calculate.runs.locking import Locks
from headway.model.demand import Demand
from headway.model.ids import NodeId, RunId
from headway.model.preempting import Losing
from headway.model.run import Lane


class Entry(NamedTuple):
    """A queued run, as far as its turn depends on it."""

    run: RunId
    """Ids rise with time, so the smaller came first."""
    unique: str | None = None
    locks: tuple[str, ...] = ()


class Terms(msgspec.Struct, frozen=True, gc=False):
    """What a run of a lane needs and may have."""

    demand: Demand
    job_limit: int | None = None
    key_limit: int | None = None
    gang: tuple[tuple[Lane, int], ...] = ()
    """What each of its runs starts together with, or not at all: so many runs of each of these
    lanes, which are there for nothing else."""


class Crew(msgspec.Struct, frozen=True, gc=False):
    """The runners that can do a lane's runs."""

    ready: Collection[NodeId]
    """Nodes with one that takes runs now."""
    refused: Mapping[NodeId, str]
    """Nodes where none may be started now, and why."""
    demand: Demand
    """What a run and a runner for it need together, where there is none."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A run whose turn came and that found no room."""

    run: RunId
    asks: list[Ask]
    """What of it may go where: one of them is enough."""
    parts: list[Part] = field(default_factory=list)
    """Of a gang: what each of its runs asks for, all at once."""
    site: Site = field(default_factory=lambda: Site(None, ()))


@dataclass(slots=True)
class Question:
    """All that a decision sees; `tallies`, `fleet`, `tokens` and `turns` are changed by it."""

    lanes: Mapping[Lane, Sequence[Entry]]
    """The first runs of each lane that has any, in order."""
    terms: Mapping[Lane, Terms]
    """Of the lanes whose runs may start; the others stand in `shut`."""
    shut: Mapping[Lane, str]
    """Why no run of a lane may start at all: paused, not deployed."""
    line_limits: Mapping[Line, int]
    tallies: Tallies
    fleet: Fleet
    now: datetime
    tokens: dict[Line, float]
    """Starts that a queue's rate allows now. Queues without a rate are not in it."""
    turns: Turns
    most: int
    """Starts decided at once."""
    under_way: Container[RunId] = frozenset()
    """Runs that are not picked though a lane has them: what tells of one thing may come twice."""
    crew: Callable[[Lane], Crew | None] = lambda _lane: None
    """Who does a lane's runs; None: every node can."""
    locks: Locks = field(default_factory=lambda: Locks({}))
    """The lines of what the first runs of lanes hold as they run."""
    enlist: Callable[[Lane, NodeId], str] = lambda _lane, _node: ""
    """Have a runner started on a node; says why it takes no run yet."""
    new_run: Callable[[], RunId] = lambda: RunId("")
    """Choose the id of a run that starts together with another."""
    ahead: dict[Lane, Ahead] = field(default_factory=dict)
    """Lanes whose turn came and that found no room, with their next run. Kept from one decision to
    the next, for runs that start as soon as they are made."""
    in_vain: dict[tuple[str, Lane], tuple[datetime, str]] = field(default_factory=dict)
    """Until when not to look again for room for a lane, and why there is none; kept as `ahead`."""
    passed: dict[Lane, tuple[RunId, datetime]] = field(default_factory=dict)
    """Since when the next run of a lane is passed over; kept as `ahead` is."""
    passing: timedelta = timedelta(0)
    """For how long that is allowed. Most find room by then, and reserving leaves some unused."""
    patience: timedelta = timedelta(minutes=2)
    """How long reserved room is kept beyond the moment at which it should have been there."""
    make_room: Callable[[Lane, RunId, Losing, Sequence[Promise]], str] | None = None
    """Have room made for a run of a lane, and promise it; says how far that is, or nothing where it
    may not be now. None: nothing gives way."""


class Pick(NamedTuple):
    """A run that starts now."""

    lane: Lane
    entry: Entry
    node: NodeId
    members: "tuple[Pick, ...]" = ()
    """The others of its gang, which start with it or not at all."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was decided."""

    picks: list[Pick]
    reasons: dict[Lane, str]
    """Why the first run of a lane waits."""
    nevers: frozenset[Lane]
    """Those of which nothing can ever start, whatever leaves, unless a larger node comes."""
    claims: dict[RunId, tuple[str, ...]] = field(default_factory=dict)
    """What runs that only a lock holds up are to stand in line for, and do not yet."""
    held_up: dict[RunId, str] = field(default_factory=dict)
    """Why those wait; others of their lanes may wait for something else."""
    idle: tuple[RunId, ...] = ()
    """Runs that stand in a line and do not start for another reason than a lock: what is kept for
    them is of no use to anybody."""
