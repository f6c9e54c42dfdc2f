"""Sources of an app that can be deployed again: its newest, and those of releases that are kept."""

from headway.calculate.offered import fate
from headway.control import lookup
from headway.control.errors import NotFound
from headway.control.sources import source_view
from headway.control.world import World
from headway.model.app import Source
from headway.model.deployment import Deployment
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import AppName, Digest
from headway.model.release import Release
from headway.model.view.app import Offered, SourceView
from headway.ports.store import Reader

_DIGEST_LEAST = 7
"""Letters of a commit or a digest that name it."""
_LOOKED_AT = 100
"""Releases and deployments among which is looked for what became of a source."""


async def listing(world: World, app: str) -> list[SourceView]:
    """List them, that which is deployed without more ado first, then the newest first.

    Raises:
        NotFound: Headway does not know the app.
    """
    most = world.settings.releases_built_kept
    return await world.store.read(
        lambda reader: [source_view(row) for row in known(reader, AppName(app), most)]
    )


async def offered(world: World, name: str, app: str) -> list[Offered]:
    """List them with what became of each in an environment, in the same order.

    Raises:
        NotFound: The app is not in the environment.
    """
    most = world.settings.releases_built_kept

    def question(reader: Reader) -> list[Offered]:
        owner = lookup.environment(reader, name)
        member = lookup.member(reader, owner, app)
        own: dict[str, str] = {"environment": owner.id, "app": member.app}
        releases = list(reader.find(Release, **own, newest_first=True, limit=_LOOKED_AT))
        deployments = list(reader.find(Deployment, **own, newest_first=True, limit=_LOOKED_AT))
        return [
            Offered(
                source=source_view(row),
                received_at=row.created_at,
                fate=fate(row.digest, releases, deployments, member.live),
            )
            for row in known(reader, member.app, most)
        ]

    return await world.store.read(question)


def known(reader: Reader, app: AppName, most: int) -> list[Source]:
    """Find the sources of an app whose files are kept.

    Args:
        reader: Where.
        app: Whose.
        most: Releases whose sources are kept, in each environment.

    Raises:
        NotFound: Headway does not know the app.
    """
    newest = lookup.source(reader, app)
    digests: dict[Digest, None] = {}
    for owner in reader.find(Environment, state=EnvironmentState.ACTIVE):
        if reader.get(Member, owner.id, app) is None:
            continue
        rows = reader.find(Release, environment=owner.id, app=app, newest_first=True, limit=most)
        digests |= dict.fromkeys(row.source for row in rows)
    digests.pop(newest.digest, None)
    older = [row for one in digests if (row := reader.get(Source, one)) is not None]
    older.sort(key=lambda row: row.created_at, reverse=True)
    return [newest, *older]


def named(reader: Reader, app: AppName, word: str, most: int) -> Source:
    """Find a source by its branch, its commit or its digest; the newest where several fit.

    Raises:
        NotFound: None is known that is named so.
    """
    rows = known(reader, app, most)
    found = next((row for row in rows if _is_named(row, word)), None)
    if found is None:
        there = ", ".join(dict.fromkeys(name for row in rows for name in _names(row)))
        raise NotFound(
            "source-unknown",
            f"headway keeps no source of {app} from {word!r}",
            hint=f"it keeps {there}; a branch, or the beginning of a commit or a digest, names one",
            next=(f"headway apps show {app}", "headway apps add DIRECTORY"),
        )
    return found


def _is_named(row: Source, word: str) -> bool:
    if word == row.branch:
        return True
    commit = row.commit.id if row.commit else ""
    long_enough = len(word) >= _DIGEST_LEAST
    return long_enough and (
        commit.startswith(word) or row.digest.partition("-")[2].startswith(word)
    )


def _names(row: Source) -> list[str]:
    name = row.commit.id[:_DIGEST_LEAST] if row.commit else row.digest.partition("-")[2][:12]
    return [row.branch, name] if row.branch else [name]
