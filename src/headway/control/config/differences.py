"""What differs between two environments, or two releases."""

from collections.abc import Callable, Mapping

from headway.model.config import Config, Setting
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, EnvironmentId
from headway.model.release import Release
from headway.model.view.difference import ConfigDifference, Difference
from headway.ports.store import Reader

Readable = Callable[[Setting, EnvironmentId, AppName, str], str | None]


def compare(
    reader: Reader, left: Environment, right: Environment, readable: Readable
) -> list[Difference]:
    """List the apps that differ, by name."""
    sides = [
        {row.app: row for row in reader.find(Member, environment=side.id)} for side in (left, right)
    ]
    found: list[Difference] = []
    for app in sorted(set(sides[0]) | set(sides[1])):
        releases = [_live(reader, side.get(app)) for side in sides]
        configs = [reader.get(Config, side.id, app) for side in (left, right)]
        config = config_differences(
            (configs[0].settings if configs[0] else {}, left.id),
            (configs[1].settings if configs[1] else {}, right.id),
            app,
            readable,
        )
        meanings = {
            _meaning(side.get(app), live) for side, live in zip(sides, releases, strict=True)
        }
        same = all(releases) and len(meanings) == 1
        if not same or config:
            found.append(
                Difference(
                    app=app,
                    left=_label(sides[0].get(app), releases[0]),
                    right=_label(sides[1].get(app), releases[1]),
                    config=tuple(config),
                )
            )
    return found


def config_differences(
    before: tuple[Mapping[str, Setting], EnvironmentId],
    after: tuple[Mapping[str, Setting], EnvironmentId],
    app: AppName,
    readable: Readable,
) -> list[ConfigDifference]:
    """List the keys whose values differ, by key. Equal marks mean equal values."""
    found: list[ConfigDifference] = []
    for key in sorted(set(before[0]) | set(after[0])):
        old, new = before[0].get(key), after[0].get(key)
        if old is not None and new is not None and old.mark == new.mark:
            continue
        secret = bool((old and old.secret) or (new and new.secret))
        found.append(
            ConfigDifference(
                key=key,
                before=readable(old, before[1], app, key) if old and not secret else None,
                after=readable(new, after[1], app, key) if new and not secret else None,
                secret=secret,
                was_set=old is not None,
                is_set=new is not None,
            )
        )
    return found


def _live(reader: Reader, member: Member | None) -> Release | None:
    if member is None or member.live is None:
        return None
    return reader.get(Release, member.environment, member.app, member.live)


def _meaning(member: Member | None, release: Release | None) -> str:
    if member is None or release is None:
        return ""
    return f"{release.artifact.digest} {release.manifest!r} {member.scale} {member.stopped}"


def _label(member: Member | None, release: Release | None) -> str:
    if member is None:
        return "absent"
    if release is None:
        return "no release"
    commit = f" ({release.commit.id[:7]}{'+' if release.dirty else ''})" if release.commit else ""
    return f"{release.label}{commit}{_scale(member)}{', stopped' if member.stopped else ''}"


def _scale(member: Member) -> str:
    return "".join(f" {name}={count}" for name, count in sorted(member.scale.items()))
