"""`deploy`, `rollback`, `redeploy` and `scale`: what is asked for becomes a deployment."""

from functools import partial

import msgspec

from headway.calculate.rollout.choice import USE_ROLLING, beside_problem, to_go_back
from headway.calculate.rollout.scaling import scale_problems
from headway.control import lookup
from headway.control.environments.starting import check_dependencies
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.idempotency import answered
from headway.control.requests import DeployRequest
from headway.control.rollout.enlist import check_source, enlist, refuse_missing, wished
from headway.control.rollout.planning import members_of, planned, ring
from headway.control.rollout.releases import again_in_turn, has_config
from headway.control.sources import adopt_unless_older
from headway.control.world import World
from headway.model.deployment import Ask, Deployment, DeploymentKind
from headway.model.environment import Environment, Member
from headway.model.manifest import Canary, CanaryStep, Judgement, Manifest, Strategy
from headway.model.release import Release
from headway.model.view.change import Started
from headway.ports.store import Reader, Writer

_PERCENT_MAX = 99


async def deploy(world: World, actor: str, name: str, app: str, request: DeployRequest) -> Started:
    """Move an app to another release, or to another number of copies.

    Raises:
        NotFound: The environment, the app or the release is not there.
        Conflict: A rule refuses it as things are.
        Invalid: The request makes no sense.
    """
    deed = partial(_deploy, world=world, actor=actor, name=name, app=app, request=request)
    if request.plan:
        return await planned(world, deed, members_of)
    started = await world.store.write(answered(deed))
    ring(world, started)
    return started


def _deploy(
    tx: Writer, *, world: World, actor: str, name: str, app: str, request: DeployRequest
) -> Started:
    owner = lookup.environment(tx, name)
    if request.source is not None:
        source = lookup.sent(tx, request.source)
        adopt_unless_older(tx, source, actor, world.clock.now(), world.settings)
    elif request.kind is DeploymentKind.DEPLOY and tx.get(Member, owner.id, app) is None:
        lookup.source(tx, app)
    row = lookup.member(tx, owner, app)
    wish = msgspec.structs.replace(
        wished(owner.id, row.app, request.kind, actor, world.clock.now()),
        policy=_policy(request),
        asked_strategy=_asked(request),
        reason=request.reason,
        commits=request.commits,
    )
    fill = _FILL.get(request.kind)
    if fill is None:
        raise Invalid("kind-invalid", f"{request.kind.value} cannot be asked for")
    if request.kind is DeploymentKind.DEPLOY and _is_live(tx, row, request):
        return Started(environment=owner.name, unchanged=(row.app,))
    going_back = _going_back(tx, owner, row, request)
    if going_back is not None:
        return Started(environment=owner.name, deployments=(going_back,))
    wish = fill(tx, owner, row, wish, request)
    if wish.asked_strategy is not None:
        wish = msgspec.structs.replace(wish, strategy=wish.asked_strategy)
    _refuse_beside(wish.strategy, _target(tx, owner, row, wish))
    # Going back does not wait for what is to be undone.
    replace = request.replace or request.kind is DeploymentKind.ROLLBACK
    deployment = enlist(tx, wish, world.settings, replace=replace)
    return Started(environment=owner.name, deployments=(deployment,))


def _target(tx: Reader, owner: Environment, row: Member, wish: Deployment) -> Manifest:
    """Give the manifest of what an app is to move to."""
    if wish.release is not None:
        return _release(tx, owner, row, wish.release).manifest
    if wish.source is not None:
        return lookup.sent(tx, wish.source).manifest
    return _live(tx, owner, row).manifest  # it starts again once its turn has come


def _refuse_beside(strategy: Strategy, target: Manifest) -> None:
    """Refuse to run two releases beside each other where a machine has room for one.

    Raises:
        Invalid: That was asked for.
    """
    problem = beside_problem(strategy, target)
    if problem:
        raise Invalid("strategy-invalid", problem, hint=USE_ROLLING)


def _asked(request: DeployRequest) -> Strategy | None:
    if request.kind is DeploymentKind.SCALE:
        return None  # nothing moves to another release
    return Strategy.CANARY if request.canary_percent is not None else request.strategy


def _policy(request: DeployRequest) -> Canary | None:
    percent = request.canary_percent
    if percent is None:
        return None
    if not 1 <= percent <= _PERCENT_MAX:
        raise Invalid("canary-invalid", f"a canary takes 1 to 99 %, not {percent} %")
    return Canary(steps=(CanaryStep(weight_percent=percent),), judgement=Judgement.MANUAL)


def _fill_deploy(
    tx: Writer, owner: Environment, row: Member, wish: Deployment, request: DeployRequest
) -> Deployment:
    if request.source is None:
        source = lookup.source(tx, row.app)
    else:
        source = lookup.sent(tx, request.source)
        if source.app != row.app:
            raise Conflict("source-of-another", f"{request.source} is of {source.app}")
    refuse_missing(owner.name, {row.app: check_source(tx, owner.id, source)})
    check_dependencies(tx, owner, source.manifest)
    return msgspec.structs.replace(
        wish,
        source=source.digest,
        strategy=source.manifest.deploy.strategy,
        waits_for=source.manifest.dependencies if row.live is None else (),
    )


def _fill_rollback(
    tx: Writer, owner: Environment, row: Member, wish: Deployment, request: DeployRequest
) -> Deployment:
    under_way = tx.find(Deployment, environment=owner.id, app=row.app, is_ended=False)
    # While something is under way, what served before it is what serves now.
    number = request.release or (row.live if under_way else None) or _before(tx, owner, row)
    target = _release(tx, owner, row, number)
    if target.number == row.live and not under_way:
        raise Conflict(
            "release-live",
            f"{row.app} {target.label} is live already in {owner.name}",
            next=(f"headway history -e {owner.name} -a {row.app}",),
        )
    live = lookup.live(tx, row)
    strategy = to_go_back(target.manifest, live.manifest if live else None)
    return msgspec.structs.replace(wish, release=target.number, strategy=strategy)


def _going_back(
    tx: Writer, owner: Environment, row: Member, request: DeployRequest
) -> Deployment | None:
    """Give the rollback that is under way, where it is what is asked for.

    Who asks again has heard no answer; going back from it would be the last thing that they want.
    """
    if request.kind is not DeploymentKind.ROLLBACK:
        return None
    under_way = tx.find(Deployment, environment=owner.id, app=row.app, is_ended=False)
    newest = under_way[-1] if under_way else None
    if newest is None or newest.kind is not DeploymentKind.ROLLBACK or newest.asked is not Ask.NONE:
        return None
    return newest if request.release in (None, newest.release) else None


def _is_live(tx: Writer, row: Member, request: DeployRequest) -> bool:
    """Say whether what would be deployed serves already, with the config as it is now."""
    live = lookup.live(tx, row)
    if live is None or row.stopped:
        return False
    if tx.find(Deployment, environment=row.environment, app=row.app, is_ended=False):
        return False
    wanted = request.source or lookup.source(tx, row.app).digest
    return live.source == wanted and has_config(tx, live)


def _before(tx: Reader, owner: Environment, row: Member) -> int:
    """Give the release that served before the live one."""
    number = lookup.before(tx, row)
    if number is None:
        raise Conflict(
            "no-earlier-release",
            f"{row.app} has no earlier release in {owner.name} to go back to",
            next=(f"headway history -e {owner.name} -a {row.app}",),
        )
    return number


def _fill_redeploy(
    tx: Writer, owner: Environment, row: Member, wish: Deployment, _request: DeployRequest
) -> Deployment:
    live = _live(tx, owner, row)
    return again_in_turn(tx, live, wish)


def _fill_scale(
    tx: Writer, owner: Environment, row: Member, wish: Deployment, request: DeployRequest
) -> Deployment:
    live = _live(tx, owner, row)
    problems = scale_problems(live.manifest, request.scale)
    if not request.scale:
        problems = ("no scale was given, such as web=3",)
    if problems:
        shown = f"headway ps -e {owner.name}"
        raise Invalid("scale-invalid", "; ".join(problems), next=(shown,))
    return msgspec.structs.replace(
        wish,
        release=live.number,
        scale=request.scale,
        strategy=Strategy.ROLLING,
    )


_FILL = {
    DeploymentKind.DEPLOY: _fill_deploy,
    DeploymentKind.ROLLBACK: _fill_rollback,
    DeploymentKind.REDEPLOY: _fill_redeploy,
    DeploymentKind.SCALE: _fill_scale,
}


def _live(tx: Reader, owner: Environment, row: Member) -> Release:
    if row.live is None:
        raise Conflict(
            "nothing-live",
            f"{row.app} has no live release in {owner.name} yet",
            next=(f"headway why -e {owner.name} {row.app}",),
        )
    return _release(tx, owner, row, row.live)


def _release(tx: Reader, owner: Environment, row: Member, number: int) -> Release:
    release = tx.get(Release, owner.id, row.app, number)
    if release is None:
        raise NotFound(
            "release-unknown",
            f"{row.app} has no release v{number} in {owner.name}",
            next=(f"headway history -e {owner.name} -a {row.app}",),
        )
    return release
