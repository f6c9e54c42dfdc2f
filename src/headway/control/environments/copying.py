"""`envs copy`: the apps of an environment, as they serve there, in a new one."""

from collections.abc import Mapping

import msgspec

from headway.control import lookup
from headway.control.environments.starting import begin
from headway.control.errors import Conflict
from headway.control.idempotency import answered
from headway.control.orders import config_place
from headway.control.requests import StartRequest
from headway.control.rollout.enlist import ensure_environment, ensure_member
from headway.control.rollout.planning import members_of, planned, ring
from headway.control.world import World
from headway.model.config import Config, ConfigChange, Setting
from headway.model.environment import NOT_ENDED, Environment
from headway.model.ids import AppName, Digest
from headway.model.view.change import Started
from headway.ports.store import Writer

NO_OTHERS: Mapping[AppName, str] = {}


async def copy(
    world: World,
    actor: str,
    name: str,
    to: str,
    lease_s: float | None,
    plan: bool,
    of: Mapping[AppName, str] = NO_OTHERS,
) -> Started:
    """Start the same apps, with the same config and scale, in a new environment. No data of it.

    The sources are those of the releases that serve; of an app that has none, the newest; and of
    those in `of`, the last that is kept of that branch or commit.

    Raises:
        NotFound: There is no environment of this name, or no such source.
        Conflict: The new name is taken.
        Invalid: The environment has no such app.
    """

    def deed(tx: Writer) -> Started:
        left = lookup.environment(tx, name)
        if tx.find(Environment, name=to, state=NOT_ENDED):
            raise Conflict(
                "environment-exists",
                f"there is an environment {to} already",
                next=(f"headway envs show {to}", "headway envs ls"),
            )
        now = world.clock.now()
        right = ensure_environment(tx, to, actor, now, world.settings, lease_s)
        apps = lookup.apps(tx, left)
        chosen: dict[AppName, Digest] = {}
        for app in apps:
            row = lookup.member(tx, left, app)
            fresh = ensure_member(tx, right.id, app, world.settings.members_max)
            tx.put(msgspec.structs.replace(fresh, scale=row.scale))
            _copy_config(world, tx, left, right, app, actor)
            live = lookup.live(tx, row)
            if live is not None:
                chosen[app] = live.source
        request = StartRequest(
            apps=tuple(apps),
            chosen=chosen,
            of=dict(of),
            lease_s=lease_s,
            reason=f"copy of {name}",
        )
        return begin(tx, world=world, actor=actor, name=to, request=request)

    if plan:
        return await planned(world, deed, members_of)
    started = await world.store.write(answered(deed))
    ring(world, started)
    return started


def _copy_config(
    world: World, tx: Writer, left: Environment, right: Environment, app: AppName, actor: str
) -> None:
    """Seal every value again: a sealed value opens only where it was sealed for."""
    config = tx.get(Config, left.id, app)
    if config is None:
        return
    settings: dict[str, Setting] = {}
    for key, setting in config.settings.items():
        text = world.vault.open(setting.sealed, config_place(left.id, app, key))
        settings[key] = msgspec.structs.replace(
            setting, sealed=world.vault.seal(text, config_place(right.id, app, key))
        )
    change = ConfigChange(number=1, at=world.clock.now(), by=actor, set=tuple(sorted(settings)))
    tx.put(Config(environment=right.id, app=app, settings=settings, history=(change,)))
