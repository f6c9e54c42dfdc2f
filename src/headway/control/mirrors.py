"""What pages look at again and again: who is where and how, and what apps there are."""

from collections.abc import Collection
from typing import NamedTuple

from headway.control.member_rows import MemberRows, rows_in, rows_of
from headway.control.mirror import Mirror
from headway.model.app import App, Source
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import NOT_ENDED, Environment, Member
from headway.model.ids import AppName, EnvironmentId
from headway.model.release import Release
from headway.ports.store import Reader, Store

_Key = tuple[EnvironmentId, AppName]
_OF_MEMBER = ("environment", "app")


class KnownApp(NamedTuple):
    """An app and its newest source."""

    app: App
    source: Source


class Mirrors:
    """All of them."""

    def __init__(self, store: Store) -> None:
        self.environments: Mirror[EnvironmentId, Environment] = Mirror(
            store, {Environment: ("id",)}, _environments, lambda identity: identity
        )
        """Those that have not ended."""
        self.members: Mirror[_Key, MemberRows] = Mirror(
            store,
            dict.fromkeys((Member, Container, Deployment, Release), _OF_MEMBER),
            _members,
            lambda environment, app: (environment, app),
        )
        """The apps in them."""
        self.apps: Mirror[AppName, KnownApp] = Mirror(
            store, {App: ("name",)}, _apps, lambda name: name
        )
        """Those that headway knows."""


def _environments(
    reader: Reader, keys: Collection[EnvironmentId] | None
) -> dict[EnvironmentId, Environment]:
    if keys is None:
        return {row.id: row for row in reader.find(Environment, state=NOT_ENDED)}
    rows = reader.get_all(Environment, keys).values()
    return {row.id: row for row in rows if row.state in NOT_ENDED}


def _members(reader: Reader, keys: Collection[_Key] | None) -> dict[_Key, MemberRows]:
    if keys is None:
        there = reader.find(Environment, state=NOT_ENDED)
        every = [rows for owner in there for rows in rows_in(reader, owner.id)]
    else:
        members = (reader.get(Member, *key) for key in keys)
        every = [rows_of(reader, row) for row in members if row is not None]
    return {(rows.member.environment, rows.member.app): rows for rows in every}


def _apps(reader: Reader, keys: Collection[AppName] | None) -> dict[AppName, KnownApp]:
    found = reader.find(App) if keys is None else reader.get_all(App, keys).values()
    sources = reader.get_all(Source, {row.source for row in found})
    return {row.name: KnownApp(row, sources[row.source]) for row in found if row.source in sources}
