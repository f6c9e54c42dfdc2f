"""What config was: who changed which keys, what releases have, what differs."""

from functools import partial

from headway.control import lookup
from headway.control.config.config import readable
from headway.control.config.differences import config_differences
from headway.control.errors import NotFound
from headway.control.rollout.releases import config_of
from headway.control.world import World
from headway.model.config import Config, ConfigChange, Setting
from headway.model.environment import Environment
from headway.model.ids import AppName
from headway.model.release import Release
from headway.model.view.config import ConfigValue, ConfigVersion
from headway.model.view.difference import ConfigDifference
from headway.ports.store import Reader

_RELEASES_MAX = 500


async def diff(world: World, name: str, app: str, from_: int, to: int) -> list[ConfigDifference]:
    """Compare the config of two releases.

    Raises:
        NotFound: One of them is not there.
    """

    def question(reader: Reader) -> list[ConfigDifference]:
        owner = lookup.environment(reader, name)
        rows = [_release(reader, owner, app, number) for number in (from_, to)]
        return config_differences(
            (rows[0].config, owner.id),
            (rows[1].config, owner.id),
            AppName(app),
            partial(readable, world),
        )

    return await world.store.read(question)


async def history(world: World, name: str, app: str) -> list[ConfigChange]:
    """List who changed which keys, newest first.

    Raises:
        NotFound: The environment is not there.
    """

    def question(reader: Reader) -> list[ConfigChange]:
        owner = lookup.environment(reader, name)
        config = reader.get(Config, owner.id, app)
        return list(reversed(config.history)) if config else []

    return await world.store.read(question)


async def version(world: World, name: str, app: str, number: int) -> ConfigVersion:
    """Give the config of an app as a change left it, as far as a release has it still.

    Raises:
        NotFound: The environment is not there, or no such change.
    """

    def question(reader: Reader) -> ConfigVersion:
        owner = lookup.environment(reader, name)
        config = config_of(reader, owner.id, AppName(app))
        change = next((row for row in config.history if row.number == number), None)
        if change is None:
            raise NotFound(
                "config-unknown",
                f"there is no change {number} of the config of {app} in {owner.name}",
                hint=f"the last is {config.number}" if config.number else "nothing was ever set",
                next=(f"headway config history -e {owner.name} -a {app}",),
            )
        kept = _kept(reader, config)
        settings = kept.get(number)
        before = kept.get(number - 1, {} if number == 1 else None)
        return ConfigVersion(
            environment=owner.name,
            app=AppName(app),
            change=change,
            last=config.number,
            releases=_releases(reader, owner, app, number),
            values=_values(world, owner, app, settings) if settings is not None else None,
            differences=tuple(
                config_differences(
                    (before, owner.id), (settings, owner.id), AppName(app), partial(readable, world)
                )
            )
            if settings is not None and before is not None
            else None,
        )

    return await world.store.read(question)


def _kept(reader: Reader, config: Config) -> dict[int, dict[str, Setting]]:
    """Find what is known of each number: releases have their config, and the last is there."""
    rows = reader.find(Release, environment=config.environment, app=config.app, limit=_RELEASES_MAX)
    return {**{row.config_number: row.config for row in rows}, config.number: config.settings}


def _releases(reader: Reader, owner: Environment, app: str, number: int) -> tuple[int, ...]:
    rows = reader.find(
        Release, environment=owner.id, app=app, newest_first=True, limit=_RELEASES_MAX
    )
    return tuple(row.number for row in rows if row.config_number == number)


def _values(
    world: World, owner: Environment, app: str, settings: dict[str, Setting]
) -> tuple[ConfigValue, ...]:
    return tuple(
        ConfigValue(
            key=key,
            value=readable(world, setting, owner.id, AppName(app), key),
            secret=setting.secret,
        )
        for key, setting in sorted(settings.items())
    )


def _release(reader: Reader, owner: Environment, app: str, number: int) -> Release:
    row = reader.get(Release, owner.id, app, number)
    if row is None:
        raise NotFound(
            "release-unknown",
            f"{app} has no release v{number} in {owner.name}",
            next=(f"headway history -e {owner.name} -a {app}",),
        )
    return row
