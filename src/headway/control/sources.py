"""Receives sources: what an app consists of, as somebody sent it."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime

from headway.control.errors import Conflict, Invalid
from headway.control.requests import Provenance
from headway.control.world import World
from headway.formats.units import counted
from headway.model.app import App, Source
from headway.model.event import Event
from headway.model.settings import Settings
from headway.model.view.app import SourceView
from headway.ports.builder import SourceRefused
from headway.ports.store import Writer


async def receive(
    world: World,
    actor: str,
    archive: AsyncIterator[bytes],
    provenance: Provenance,
    *,
    newest: bool = True,
    allow: Callable[[App | None, Source], None] = lambda _known, _source: None,
) -> SourceView:
    """Take an app's files; with `newest`, make them what `start` uses.

    Args:
        world: Where they are taken.
        actor: Who sends them.
        archive: The files, packed.
        provenance: Where they come from, as the sender says.
        newest: Whether `start` is to use them from now on.
        allow: Raises where the sender may not replace the app's source by this one.

    Raises:
        Invalid: The archive or its manifest cannot be used; nothing is kept then.
        Conflict: Another app would be one too many.
    """
    try:
        received = await world.sources.receive(archive, provenance.name)
    except SourceRefused as refused:
        raise Invalid("source-refused", str(refused)) from refused
    manifest = received.manifest.value
    if received.manifest.problems or manifest is None:
        raise Invalid(
            "manifest-invalid",
            f"the manifest has {counted(len(received.manifest.problems), 'mistake')}",
            problems=received.manifest.problems,
            next=("headway docs KEY",),
        )
    now = world.clock.now()

    def deed(tx: Writer) -> Source:
        source = tx.put(
            Source(
                digest=received.digest,
                app=manifest.name,
                manifest=manifest,
                size_bytes=received.size_bytes,
                commit=provenance.commit,
                branch=provenance.branch,
                dirty=provenance.dirty,
                created_at=now,
                created_by=actor,
            )
        )
        if newest:
            allow(tx.get(App, source.app), source)
            adopt(tx, source, actor, now, world.settings)
        return source

    return source_view(await world.store.write(deed))


def source_view(row: Source) -> SourceView:
    """Show a source."""
    return SourceView(
        digest=row.digest,
        app=row.app,
        size_bytes=row.size_bytes,
        commit=row.commit,
        branch=row.branch,
        dirty=row.dirty,
    )


def adopt_unless_older(
    tx: Writer, source: Source, actor: str, now: datetime, settings: Settings
) -> bool:
    """Make a source its app's newest, unless a later one is; say whether it is the newest.

    Going back to one of before does not change what `start` uses.

    Raises:
        Conflict: As `adopt`.
    """
    app = tx.get(App, source.app)
    newest = tx.get(Source, app.source) if app else None
    if newest is not None and source.created_at < newest.created_at:
        return False
    adopt(tx, source, actor, now, settings)
    return True


def adopt(tx: Writer, source: Source, actor: str, now: datetime, settings: Settings) -> None:
    """Make a source its app's newest: what `start` uses.

    Raises:
        Conflict: Another app would be one too many.
    """
    known = tx.get(App, source.app)
    if known is None and len(tx.find(App)) >= settings.apps_max:
        raise Conflict("too-many-apps", f"headway knows {settings.apps_max} apps already")
    tx.put(App(name=source.app, source=source.digest, team=source.manifest.team, updated_at=now))
    if known is None or known.source != source.digest:
        what = source.commit.id[:7] if source.commit else source.digest[:19]
        tx.record(
            Event(
                at=now,
                actor=actor,
                kind="app.source",
                subject=source.app,
                app=source.app,
                because=f"{actor} sent {what}{' with changes' if source.dirty else ''}",
            )
        )
