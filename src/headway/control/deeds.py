"""What a deed is done to, as it stands in a transaction."""

from collections.abc import Iterable

from headway.control import lookup
from headway.model.app import App, Source
from headway.model.environment import PRODUCTION, Environment
from headway.model.ids import AppName, Digest
from headway.model.role import Deed, DeedKind
from headway.ports.store import Reader


def on(apps: Iterable[tuple[str, str | None]]) -> Deed:
    """A deed that is done to these apps, each with its team."""
    return Deed(kind=DeedKind.APPS, apps=tuple(apps))


def on_source(known: App | None, source: Source) -> Deed:
    """A deed that makes a source its app's newest; it may give the app to another team."""
    owned = [(source.app, source.manifest.team)]
    if known is not None:
        owned.append((known.name, known.team))
    return on(owned)


def owned(reader: Reader, apps: Iterable[str]) -> list[tuple[str, str | None]]:
    """Give apps, each with its team."""
    rows = ((app, reader.get(App, app)) for app in apps)
    return [(app, row.team if row else None) for app, row in rows]


def sent(reader: Reader, digests: Iterable[Digest]) -> list[tuple[str, str | None]]:
    """Give the apps that sources are of, each with its team of now and the one it would get."""
    found: list[tuple[str, str | None]] = []
    for digest in digests:
        source = lookup.sent(reader, digest)
        found += on_source(reader.get(App, AppName(source.app)), source).apps
    return found


def is_held(owner: Environment, actor: str | None) -> bool:
    """Say whether an environment is its holder's own matter, which production is not."""
    return owner.lease.holder == actor and owner.name != PRODUCTION
