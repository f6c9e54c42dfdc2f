"""Apps and their sources."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.scope import Actor, App, TheWorld
from headway.control import sources
from headway.control.permission import check, on_source
from headway.control.queries import apps
from headway.control.requests import Provenance
from headway.model.app import App as AppRow
from headway.model.app import Commit, Source
from headway.model.view.app import AppView, SourceView

router = APIRouter(tags=["apps"])
_Short = Annotated[str, Query(max_length=500)]


@router.post("/sources", responses=answers(SourceView))
async def receive_source(
    request: Request,
    world: TheWorld,
    actor: Actor,
    name: Annotated[str, Query(max_length=200, description="The directory's name.")] = "",
    commit: _Short = "",
    subject: _Short = "",
    author: _Short = "",
    branch: _Short = "",
    dirty: bool = False,
    newest: bool = True,
) -> Json:
    """Send an app's files as a gzipped tar archive.

    They become its newest source, which `start` uses; without `newest`, only once they are named
    by a start or a deployment.
    """
    provenance = Provenance(
        name=name,
        commit=Commit(id=commit, subject=subject, author=author) if commit else None,
        branch=branch or None,
        dirty=dirty,
    )

    def allow(known: AppRow | None, source: Source) -> None:
        check(actor, request.state.grant, on_source(known, source))

    view = await sources.receive(
        world, actor, request.stream(), provenance, newest=newest, allow=allow
    )
    return Json(view)


@router.get("/apps", responses=answers(list[AppView]))
async def list_apps(world: TheWorld) -> Json:
    """List all apps by name."""
    return Json(await apps.listing(world))


@router.get("/apps/{app}", responses=answers(AppView))
async def get_app(world: TheWorld, app: App) -> Json:
    """Give an app."""
    return Json(await apps.one(world, app))


@router.delete("/apps/{app}", responses=answers(None))
async def forget_app(world: TheWorld, actor: Actor, app: App) -> Json:
    """Forget an app that is in no environment."""
    await apps.forget(world, actor, app)
    return Json(None)
