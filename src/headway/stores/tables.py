"""Which nouns are stored, under which key, and by which fields they can be asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Any

import msgspec

from headway.model.answer import Answer
from headway.model.app import App, Source
from headway.model.build import Build
from headway.model.config import Config
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.lease import Fences, Lease
from headway.model.node import NodeHold
from headway.model.pool import Pool
from headway.model.pool_node import PoolNode
from headway.model.queue import QueueHold
from headway.model.rebalance import Rebalancing
from headway.model.release import Release
from headway.model.run import Run
from headway.model.schedule import ScheduleState
from headway.model.session import Link, Session
from headway.model.token import Token
from headway.model.value import Value


@dataclass(frozen=True)
class Table:
    """Where the rows of one noun are kept."""

    kind: type[Value]
    name: str
    key: tuple[str, ...]
    fields: tuple[str, ...] = ()
    """Fields and properties, beside those of the key, that can be asked for.

    A migration that adds one fills it: of a row that is read it is taken from the document.
    """
    counted: tuple[str, ...] = ()
    """Those of them that ever more rows have: how many is kept with each change."""
    changing: str = ""
    """The one of them that is set while a row is about to change again."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns that can be asked for."""
        return tuple(dict.fromkeys((*self.key, *self.fields)))

    @cached_property
    def changing_at(self) -> int | None:
        """Which column says that a row is about to change again."""
        return self.columns.index(self.changing) if self.changing else None

    @cached_property
    def values_of(self) -> Callable[[Value], tuple[Any, ...]]:
        """Give what a row has in each of these columns, as SQLite takes it at once.

        Binding a `StrEnum` as it is takes four microseconds more: SQLite's module looks for a way
        to adapt what is not exactly a text.
        """
        enums = {
            field.name
            for field in msgspec.structs.fields(self.kind)
            if isinstance(field.type, type) and issubclass(field.type, Enum)
        }
        found = attrgetter(*(f"{name}._value_" if name in enums else name for name in self.columns))
        return found if len(self.columns) > 1 else lambda row: (found(row),)

    @cached_property
    def versioned(self) -> bool:
        """Whether rows carry a version that guards against lost updates."""
        return "version" in self.kind.__struct_fields__


_TABLES = (
    Table(Answer, "answers", ("key",), ("at_us",)),
    Table(App, "apps", ("name",)),
    Table(Build, "builds", ("id",), ("app", "source", "state")),
    Table(Config, "configs", ("environment", "app")),
    Table(
        Container,
        "containers",
        ("id",),
        ("environment", "app", "retired", "kind", "state", "deployment", "release", "node"),
    ),
    Table(Deployment, "deployments", ("id",), ("environment", "app", "is_ended", "build")),
    Table(Environment, "environments", ("id",), ("name", "state", "under")),
    Table(Fences, "fences", ("name",)),
    Table(
        Lease, "leases", ("id",), ("open_claim", "open_kind", "due_us", "ended_us"), ("ended_us",)
    ),
    Table(Link, "links", ("hash",), ("token",)),
    Table(Member, "members", ("environment", "app")),
    Table(Release, "releases", ("environment", "app", "number")),
    Table(NodeHold, "node_holds", ("node",)),
    Table(Pool, "pools", ("name",)),
    Table(PoolNode, "pool_nodes", ("id",), ("pool",)),
    Table(QueueHold, "queue_holds", ("environment", "app", "name")),
    Table(Rebalancing, "rebalancings", ("id",), ("state",)),
    Table(
        Run,
        "runs",
        ("id",),
        (
            "owner",
            "state",
            "open_in",
            "lane",
            "due_us",
            "deadline_us",
            "awaits",
            "active",
            "dead",
            "unsuccessful",
            "key_name",
            "unique_name",
            "ended_us",
            "pin",
        ),
        counted=("dead", "ended_us"),
        changing="active",
    ),
    Table(ScheduleState, "schedules", ("environment", "app", "name"), ("due_us",)),
    Table(Session, "sessions", ("id",), ("hash", "token")),
    Table(Source, "sources", ("digest",), ("app",)),
    Table(Token, "tokens", ("id",), ("hash",)),
)

TABLES: dict[type[Value], Table] = {table.kind: table for table in _TABLES}
