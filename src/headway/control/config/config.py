"""Config of an app in an environment: set, shown, compared. A change makes a new release."""

from functools import partial

import msgspec

from headway.control import lookup
from headway.control.errors import Conflict, Invalid, NotFound
from headway.control.orders import config_place
from headway.control.requests import ConfigRequest
from headway.control.rollout.enlist import enlist, ensure_environment, wished
from headway.control.rollout.planning import members_of, planned, ring
from headway.control.rollout.releases import again_in_turn, config_of
from headway.control.subjects import event_of
from headway.control.world import World
from headway.formats.config_key import key_problem, shortened
from headway.model.config import Config, ConfigChange, Setting
from headway.model.deployment import Deployment, DeploymentKind
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, EnvironmentId
from headway.model.manifest import Manifest
from headway.model.release import Release
from headway.model.settings import Settings
from headway.model.view.change import Started
from headway.model.view.config import ConfigValue, ConfigView
from headway.ports.store import Reader, Writer
from headway.ports.vault import VaultError


async def show(world: World, name: str, app: str, reveal: bool) -> ConfigView:
    """Show an app's config. Secrets are never shown; `reveal` shows the other values.

    Raises:
        NotFound: The environment is not there.
    """

    def question(reader: Reader) -> ConfigView:
        owner = lookup.environment(reader, name)
        return _view(world, reader, owner, AppName(app), reveal=reveal)

    return await world.store.read(question)


async def change(
    world: World, actor: str, name: str, app: str, request: ConfigRequest
) -> ConfigView:
    """Set and unset keys, all or none; an app that runs gets a new release.

    The environment is made when it is not there, so that config can be set before a first start.

    Raises:
        Invalid: A key cannot be, or all values together are too large.
        NotFound: Headway knows no such app.
    """
    deed = partial(_change, world=world, actor=actor, name=name, app=AppName(app), request=request)
    if request.plan:
        rehearsed = await rehearse(world, actor, name, app, request)
        return await _foreseen(world, name, app, rehearsed)
    started, owner = await world.store.write(deed)
    ring(world, started)
    view = await world.store.read(
        lambda reader: _view(world, reader, owner, AppName(app), reveal=False)
    )
    return msgspec.structs.replace(
        view,
        deployment=next(iter(started.deployments), None),
        unchanged=bool(started.unchanged),
    )


async def rehearse(
    world: World, actor: str, name: str, app: str, request: ConfigRequest
) -> Started:
    """Say what a change would start, stop and move.

    Raises:
        Invalid: As `change`.
        NotFound: As `change`.
    """
    deed = partial(_change, world=world, actor=actor, name=name, app=AppName(app), request=request)
    return await planned(world, lambda tx: deed(tx)[0], members_of)


async def _foreseen(world: World, name: str, app: str, started: Started) -> ConfigView:
    try:
        view = await show(world, name, app, reveal=False)
    except NotFound:  # the environment would be made
        view = ConfigView(environment=started.environment, app=AppName(app), number=0)
    return msgspec.structs.replace(
        view,
        unchanged=bool(started.unchanged),
        plan=started.plan,
        obstacles=started.obstacles,
    )


def _change(
    tx: Writer, *, world: World, actor: str, name: str, app: AppName, request: ConfigRequest
) -> tuple[Started, Environment]:
    if not request.set and not request.unset:
        raise Invalid(
            "nothing-to-change", "no key was given", next=("headway config set KEY=VALUE",)
        )
    lookup.source(tx, app)
    now = world.clock.now()
    owner = ensure_environment(tx, name, actor, now, world.settings)
    config = config_of(tx, owner.id, app)
    _check(config, request, world.settings)
    settings = _with(world, config, request)
    _refuse_needed(tx, owner, app, request, settings)
    changed = _changed(config.settings, settings)
    if not changed:
        return Started(environment=owner.name, unchanged=(app,)), owner
    entry = ConfigChange(
        number=config.number + 1,
        at=now,
        by=actor,
        set=tuple(key for key in changed if key in settings),
        unset=tuple(key for key in changed if key not in settings),
    )
    tx.put(msgspec.structs.replace(config, settings=settings, history=(*config.history, entry)))
    because = request.reason or f"{actor} changed {', '.join(changed)}"
    keys = {"set": entry.set, "unset": entry.unset}
    tx.record(event_of(config, "config.changed", now, because, actor, **keys))
    wish = msgspec.structs.replace(
        wished(owner.id, app, DeploymentKind.CONFIG, actor, now),
        config_changed=tuple(changed),
        reason=because,
    )
    deployments = _deploy(tx, wish, world.settings) if request.deploy else ()
    return Started(environment=owner.name, deployments=deployments), owner


def _with(world: World, config: Config, request: ConfigRequest) -> dict[str, Setting]:
    """Give the settings as they are asked for; what was a secret stays one."""
    settings = {key: row for key, row in config.settings.items() if key not in request.unset}
    for key, new in request.set.items():
        settings[key] = Setting(
            sealed=world.vault.seal(new.value, config_place(config.environment, config.app, key)),
            mark=world.vault.mark(new.value),
            secret=new.secret or (key in config.settings and config.settings[key].secret),
        )
    return settings


def _check(config: Config, request: ConfigRequest, settings: Settings) -> None:
    problems = [
        f"{shortened(key)}: {problem}"
        for key in request.set
        if (problem := key_problem(key)) is not None
    ]
    unknown = [key for key in request.unset if key not in config.settings]
    problems += [f"{key}: is not set" for key in unknown]
    for key, new in request.set.items():
        if "\0" in new.value:
            problems.append(f"{key}: its value has a NUL byte, which no environment can hold")
    if len(set(config.settings) | set(request.set)) > settings.config_keys_max:
        problems.append(f"an app has at most {settings.config_keys_max} keys")
    size = sum(len(new.value.encode()) for new in request.set.values())
    if size > settings.config_bytes_max:
        problems.append(f"{size} bytes of values, of at most {settings.config_bytes_max}")
    if problems:
        raise Invalid("config-invalid", "; ".join(problems))


def _refuse_needed(
    tx: Writer,
    owner: Environment,
    app: AppName,
    request: ConfigRequest,
    settings: dict[str, Setting],
) -> None:
    """Refuse to take away what the live release needs.

    Raises:
        Conflict: A required key would be without a value.
    """
    member = tx.get(Member, owner.id, app)
    live = lookup.live(tx, member)
    if live is None or not request.deploy:
        return
    needed = [
        key
        for key in request.unset
        if live.manifest.env.get(key, "") is None and key not in settings
    ]
    if needed:
        raise Conflict(
            "config-needed",
            f"{app} {live.label} needs {', '.join(needed)}",
            hint="take it out of `env` in its headway.yaml, and deploy that, first",
        )


def _changed(before: dict[str, Setting], after: dict[str, Setting]) -> list[str]:
    return sorted(
        key
        for key in set(before) | set(after)
        if key not in before
        or key not in after
        or (before[key].mark, before[key].secret) != (after[key].mark, after[key].secret)
    )


def _deploy(tx: Writer, wish: Deployment, settings: Settings) -> tuple[Deployment, ...]:
    """Give a running app a release with the new config."""
    member = tx.get(Member, wish.environment, wish.app)
    if member is None or member.live is None or member.stopped:
        return ()
    live = tx.get(Release, wish.environment, wish.app, member.live)
    assert live is not None
    return (enlist(tx, again_in_turn(tx, live, wish), settings),)


def readable(
    world: World, setting: Setting, environment: EnvironmentId, app: AppName, key: str
) -> str | None:
    """Open a value that may be shown; None for a secret."""
    if setting.secret:
        return None
    try:
        return world.vault.open(setting.sealed, config_place(environment, app, key))
    except VaultError as error:
        return f"(cannot be opened: {error})"


def _view(
    world: World, reader: Reader, owner: Environment, app: AppName, *, reveal: bool
) -> ConfigView:
    config = reader.get(Config, owner.id, app)
    settings = config.settings if config else {}
    manifest = _manifest(reader, owner, app)
    declared = manifest.env if manifest else {}
    values: list[ConfigValue] = []
    for key in sorted(set(settings) | set(declared)):
        setting, default = settings.get(key), declared.get(key)
        shown = readable(world, setting, owner.id, app, key) if setting else default
        values.append(
            ConfigValue(
                key=key,
                value=shown if reveal or setting is None else None,
                secret=bool(setting and setting.secret),
                required=key in declared and default is None,
                default=setting is None and default is not None,
            )
        )
    missing = tuple(
        key for key, default in sorted(declared.items()) if default is None and key not in settings
    )
    return ConfigView(
        environment=owner.name,
        app=app,
        number=config.number if config else 0,
        values=tuple(values),
        missing=missing,
        serves=_serves(reader.get(Member, owner.id, app)),
    )


def _serves(member: Member | None) -> bool:
    return member is not None and member.live is not None and not member.stopped


def _manifest(reader: Reader, owner: Environment, app: AppName) -> Manifest | None:
    member = reader.get(Member, owner.id, app)
    live = lookup.live(reader, member)
    return live.manifest if live else lookup.source(reader, app).manifest
