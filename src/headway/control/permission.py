"""What a deed is done to, and whether who asks may do it."""

from collections.abc import Iterable

from headway.calculate.permission import lacking
from headway.control import lookup
from headway.control.containers import one as container
from headway.control.deployments import one as deployment
from headway.control.dispatch import Dispatch
from headway.control.errors import NotAllowed
from headway.control.leases import one as lease
from headway.control.requests import DeadQuestion, StartRequest
from headway.control.runs import one as run
from headway.control.schedules import of_name
from headway.control.starting import begin
from headway.control.world import World
from headway.model.app import App, Source
from headway.model.deployment import Deployment
from headway.model.environment import PRODUCTION, Environment, Member
from headway.model.ids import AppName, Digest
from headway.model.lease import ClaimKind
from headway.model.role import HELD, INSTALLATION, LOCKS, OWN, Deed, DeedKind, Grant
from headway.ports.store import Reader, Writer

__all__ = ["INSTALLATION", "LOCKS", "OWN"]


def check(actor: str, grant: Grant, deed: Deed) -> None:
    """Let somebody do a deed.

    Raises:
        NotAllowed: They may not; the hint says who may.
    """
    because = lacking(grant, deed)
    if because is not None:
        raise refusal(actor, grant, because)


def refusal(actor: str, grant: Grant, because: str) -> NotAllowed:
    """Say that somebody may not do something, and who may."""
    whose = f" of {', '.join(grant.teams)}" if grant.teams else ""
    return NotAllowed(
        "not-allowed",
        f"{actor} is a {grant.role.value}{whose}, and may not do this",
        hint=because,
        next=("headway tokens ls",),
    )


def on(apps: Iterable[tuple[str, str | None]]) -> Deed:
    """A deed that is done to these apps, each with its team."""
    return Deed(kind=DeedKind.APPS, apps=tuple(apps))


async def on_apps(world: World, *apps: str) -> Deed:
    """A deed that is done to apps."""
    return await world.store.read(lambda reader: on(_owned(reader, apps)))


async def on_environment(world: World, name: str, actor: str | None = None) -> Deed:
    """A deed that is done to all apps of an environment.

    With an actor: one that its holder may do, whosever the apps are, as it ends or keeps them only.

    Raises:
        NotFound: There is none of this name.
    """

    def question(reader: Reader) -> Deed:
        owner = lookup.standing(reader, name)
        if _is_held(owner, actor):
            return HELD
        return on(_owned(reader, [row.app for row in reader.find(Member, environment=owner.id)]))

    return await world.store.read(question)


async def on_run(world: World, identity: str) -> Deed:
    """A deed that is done to a run."""
    return await on_apps(world, (await run(world, identity)).app)


async def on_dead(world: World, question: DeadQuestion) -> Deed:
    """A deed that is done to runs on the dead-letter list."""
    if question.runs:
        rows = [await run(world, identity) for identity in question.runs]
        return await on_apps(world, *dict.fromkeys(row.app for row in rows))
    if question.app is not None:
        return await on_apps(world, question.app)
    if question.environment is not None:
        return await on_environment(world, question.environment)
    return INSTALLATION


async def on_deployment(world: World, identity: str) -> Deed:
    """A deed that is done to a deployment."""
    return await on_apps(world, (await deployment(world, identity)).app)


async def on_container(world: World, identity: str) -> Deed:
    """A deed that is done to a container."""
    return await on_apps(world, (await container(world, identity)).app)


async def on_job(
    world: World, dispatch: Dispatch, environment: str, name: str, app: str | None = None
) -> Deed:
    """A deed that is done to a job."""
    target = await dispatch.targets.find(environment, name, app)
    return await on_apps(world, target.release.app)


async def on_schedule(world: World, environment: str, name: str) -> Deed:
    """A deed that is done to a schedule."""
    row = await world.store.read(
        lambda reader: of_name(reader, lookup.environment(reader, environment), name)
    )
    return await on_apps(world, row.app)


async def on_deploy(world: World, app: str, source: str | None) -> Deed:
    """A deed that moves an app to another release, of a source if one is named."""

    def question(reader: Reader) -> Deed:
        sent = _sent(reader, [Digest(source)]) if source else []
        return on([*_owned(reader, [app]), *sent])

    return await world.store.read(question)


async def on_start(world: World, actor: str, name: str, request: StartRequest) -> Deed:
    """A deed that starts apps: it is done to those that do not run there yet.

    In an environment that one holds, or that begins with this, all apps may be started as their
    teams made them: what an app needs is often another team's.

    Raises:
        HeadwayError: It cannot be started.
    """

    def rehearse(tx: Writer) -> None:
        sent = _sent(tx, request.sources)
        there = {row.id for row in tx.find(Deployment, is_ended=False)}
        started = begin(tx, world=world, actor=actor, name=name, request=request)
        if _is_held(lookup.standing(tx, name), actor):
            raise _Undone(on(sent) if sent else HELD)
        apps = [row.app for row in started.deployments if row.id not in there]
        raise _Undone(on([*_owned(tx, apps), *sent]))

    try:
        await world.store.write(rehearse)
    except _Undone as undone:
        return undone.deed
    raise AssertionError("a rehearsal must not be kept")


async def on_lease(world: World, actor: str, identity: str) -> Deed:
    """A deed that is done to a lease: its holder's matter, or an operator's."""
    view = await lease(world, identity)
    held = view.lease
    if "~" in held.id:
        return await on_environment(world, held.id.partition("~")[0], actor)
    return LOCKS if held.holder == actor else INSTALLATION


def on_claim(kind: ClaimKind) -> Deed:
    """A deed that claims something."""
    return LOCKS if kind is ClaimKind.LOCK else INSTALLATION


def on_source(known: App | None, source: Source) -> Deed:
    """A deed that makes a source its app's newest; it may give the app to another team."""
    owned = [(source.app, source.manifest.team)]
    if known is not None:
        owned.append((known.name, known.team))
    return on(owned)


def _is_held(owner: Environment, actor: str | None) -> bool:
    """Say whether an environment is its holder's own matter, which production is not."""
    return owner.lease.holder == actor and owner.name != PRODUCTION


class _Undone(Exception):
    """Carries a deed out of a transaction that must not be kept."""

    def __init__(self, deed: Deed) -> None:
        super().__init__("rehearsed only")
        self.deed = deed


def _owned(reader: Reader, apps: Iterable[str]) -> list[tuple[str, str | None]]:
    rows = ((app, reader.get(App, app)) for app in apps)
    return [(app, row.team if row else None) for app, row in rows]


def _sent(reader: Reader, digests: Iterable[Digest]) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for digest in digests:
        source = lookup.sent(reader, digest)
        found += on_source(reader.get(App, AppName(source.app)), source).apps
    return found
