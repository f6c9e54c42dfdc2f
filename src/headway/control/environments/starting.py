"""`start`: an environment on demand, with everything that the apps need."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

import msgspec

from headway.calculate.dependencies import resolve
from headway.control import deeds, lookup
from headway.control.environments.not_deployed import not_deployed
from headway.control.errors import Conflict, Invalid
from headway.control.idempotency import answered
from headway.control.known_sources import named
from headway.control.leases.keeping import remember
from headway.control.leases.under import refuse_elsewhere, usable
from headway.control.requests import StartRequest
from headway.control.rollout.enlist import (
    check_source,
    enlist,
    ensure_environment,
    ensure_member,
    refuse_missing,
    wished,
)
from headway.control.rollout.planning import members_of, planned, ring
from headway.control.sources import adopt_unless_older
from headway.control.world import World
from headway.model.app import App, Source
from headway.model.deployment import Deployment, DeploymentKind
from headway.model.environment import NOT_ENDED, Environment, Member
from headway.model.ids import AppName, Digest
from headway.model.manifest import Manifest
from headway.model.role import HELD, Deed
from headway.model.view.change import Started
from headway.ports.store import Reader, Writer


def _everything(_deed: Deed) -> None:
    """Allow it."""


async def start(
    world: World,
    actor: str,
    name: str,
    request: StartRequest,
    allow: Callable[[Deed], None] = _everything,
) -> Started:
    """Bring apps up with all that they need, in a new environment or in one that is there.

    What runs already is left as it is. Nothing is begun unless all of it can be.

    Args:
        world: Where.
        actor: Who asks.
        name: The environment.
        request: What is asked for.
        allow: Raises, in the transaction that starts them, where the actor may not do that.

    Raises:
        Invalid: A name, a lease, an app that is not known, or a cycle.
        Conflict: Required config is not set, an engine is missing, the environment is ending, or
            the lease to start it under is not held.
        NotAllowed: That lease is another's.
    """
    if not request.apps:
        raise Invalid(
            "no-apps", "no app was named", next=(f"headway start -e {name or 'NAME'} APP",)
        )

    def deed(tx: Writer) -> Started:
        sent = deeds.sent(tx, request.sources)  # before they are their apps' newest
        there = {row.id for row in tx.find(Deployment, is_ended=False)}
        started = begin(tx, world=world, actor=actor, name=name, request=request)
        apps = [row.app for row in started.deployments if row.id not in there]
        allow(_deed(tx, actor, name, apps, sent))
        return started

    if request.plan:
        return await planned(world, deed, members_of)
    started = await world.store.write(answered(deed))
    if request.under is not None:
        await remember(world)
    ring(world, started)
    return started


def begin(tx: Writer, *, world: World, actor: str, name: str, request: StartRequest) -> Started:
    """Enlist everything that `start` asks for, in a transaction of the caller's."""
    lookup.checked_name(name, "an environment")
    request = _taken(tx, world, actor, request)
    request = _chosen(tx, request, world.settings.releases_built_kept)
    order = resolved(tx, list(request.apps), request.chosen)
    _refuse_strange(request, order)
    known = _known_environment(tx, name)
    todo = [app for app in order if known is None or not _runs(tx, known, app)]
    missing: dict[AppName, list[str]] = {}
    for app in todo:
        source = _source(tx, app, request)
        missing[app] = check_source(tx, known.id if known else None, source)
    refuse_missing(name, missing)
    now = world.clock.now()
    lease = usable(tx, request.under, actor) if request.under else None
    environment = ensure_environment(tx, name, actor, now, world.settings, request.lease_s, lease)
    if lease is not None:
        refuse_elsewhere(environment, lease.id)
    deployments = []
    for app in todo:
        member = ensure_member(tx, environment.id, app, world.settings.members_max)
        wish = _deployment(tx, world, member, _source(tx, app, request), actor, request.reason)
        deployments.append(enlist(tx, wish, world.settings))
    running = [app for app in order if app not in todo]
    under_way = [
        row
        for app in running
        for row in tx.find(Deployment, environment=environment.id, app=app, is_ended=False)
    ]
    return Started(
        environment=environment.name,
        deployments=(*under_way, *deployments),
        unchanged=tuple(app for app in running if app not in {row.app for row in under_way}),
        not_deployed=not_deployed(
            tx,
            environment,
            {app: _source(tx, app, request) for app in order if app in request.meant},
            (*under_way, *deployments),
        ),
    )


def _deed(
    reader: Reader,
    actor: str,
    name: str,
    apps: list[AppName],
    sent: list[tuple[str, str | None]],
) -> Deed:
    """Say what a start is done to: the apps that did not run there yet, and those sent with it.

    In an environment that one holds, or that begins with this, all apps may be started as their
    teams made them: what an app needs is often another team's.
    """
    if deeds.is_held(lookup.standing(reader, name), actor):
        return deeds.on(sent) if sent else HELD
    return deeds.on([*deeds.owned(reader, apps), *sent])


def _taken(tx: Writer, world: World, actor: str, request: StartRequest) -> StartRequest:
    """Make sources that come with it the newest of their apps; older ones are used this once."""
    older: dict[AppName, Digest] = {}
    for digest in request.sources:
        source = lookup.sent(tx, digest)
        if not adopt_unless_older(tx, source, actor, world.clock.now(), world.settings):
            older[source.app] = digest
    return msgspec.structs.replace(request, chosen={**older, **request.chosen})


def _chosen(reader: Reader, request: StartRequest, most: int) -> StartRequest:
    """Find the sources that are asked for by their branch or commit."""
    found = {app: named(reader, app, word, most).digest for app, word in request.of.items()}
    return msgspec.structs.replace(request, chosen={**request.chosen, **found})


def _refuse_strange(request: StartRequest, order: tuple[AppName, ...]) -> None:
    strange = [app for app in request.of if app not in order]
    if strange:
        raise Invalid(
            "source-for-nothing",
            f"{', '.join(strange)} is not started, so that no source of it is needed",
        )


def _source(reader: Reader, app: AppName, request: StartRequest) -> Source:
    chosen = request.chosen.get(app)
    return lookup.sent(reader, chosen) if chosen else lookup.source(reader, app)


def resolved(
    reader: Reader, wanted: list[AppName], chosen: Mapping[AppName, Digest]
) -> tuple[AppName, ...]:
    """Give these apps and all that they need, dependencies first.

    What an app needs is what the source of it needs that was chosen, or else its newest.

    Raises:
        Invalid: An app is not known, or apps need one another in a circle.
    """
    resolution = resolve(lookup.manifests(reader, wanted, chosen), wanted)
    if resolution.missing:
        parts = [
            f"{app}, which {needed_by} needs" if needed_by else app
            for app, needed_by in resolution.missing
        ]
        raise Invalid(
            "app-unknown",
            f"headway does not know {'; '.join(parts)}",
            hint=_near(reader, [app for app, _ in resolution.missing])
            or "an app is known once its directory was sent",
            next=tuple(f"headway apps add PATH/TO/{app}" for app, _ in resolution.missing),
        )
    if resolution.cycle:
        raise Invalid(
            "dependency-cycle",
            f"apps need one another in a circle: {' → '.join(resolution.cycle)}",
            hint="take one of these out of `dependencies` in its headway.yaml",
        )
    return resolution.order


def _near(reader: Reader, missing: list[AppName]) -> str:
    known = [row.name for row in reader.find(App, limit=1000)]
    near = [match for app in missing for match in get_close_matches(app, known, n=1)]
    return f"did you mean {', '.join(near)}?" if near else ""


def _known_environment(reader: Reader, name: str) -> Environment | None:
    rows = reader.find(Environment, name=name, state=NOT_ENDED)
    return lookup.environment(reader, name) if rows else None


def _runs(reader: Reader, environment: Environment, app: AppName) -> bool:
    """Say whether an app is up, or on its way, so that starting it again changes nothing."""
    member = reader.get(Member, environment.id, app)
    if member is None:
        return False
    active = reader.find(Deployment, environment=environment.id, app=app, is_ended=False)
    return bool(active) or (member.live is not None and not member.stopped)


def _deployment(
    tx: Reader, world: World, member: Member, source: Source, actor: str, reason: str
) -> Deployment:
    """Start the newest source; or, where it was stopped, the release that served."""
    now = world.clock.now()
    live = lookup.live(tx, member)
    manifest = live.manifest if live else source.manifest
    return msgspec.structs.replace(
        wished(member.environment, member.app, DeploymentKind.START, actor, now),
        strategy=manifest.deploy.strategy,
        source=None if live else source.digest,
        release=live.number if live else None,
        waits_for=manifest.dependencies,
        reason=reason,
    )


def check_dependencies(reader: Reader, environment: Environment, manifest: Manifest) -> None:
    """Refuse to deploy an app whose dependencies are not in the environment.

    Raises:
        Conflict: One is not.
    """
    absent = [
        app for app in manifest.dependencies if reader.get(Member, environment.id, app) is None
    ]
    if absent:
        raise Conflict(
            "dependency-missing",
            f"{manifest.name} needs {', '.join(absent)}, not in {environment.name}",
            next=(f"headway start -e {environment.name} {' '.join(absent)}",),
        )
