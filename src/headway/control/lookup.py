"""Finds what people name: environments, apps, containers; and says what is near when it fails."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from headway.control.errors import Conflict, Invalid, NotFound
from headway.model.app import App, Source
from headway.model.deployment import Deployment, Phase
from headway.model.environment import NOT_ENDED, Environment, EnvironmentState, Member
from headway.model.ids import (
    AppName,
    DeploymentId,
    Digest,
    EnvironmentId,
    EnvironmentName,
    is_name,
)
from headway.model.manifest import Manifest
from headway.model.release import Release
from headway.model.settings import DEPLOYMENTS_LEAST
from headway.ports.store import Reader

_PAGE = 10
"""Deployments looked at at once: mostly the newest tells already what served before."""


def environment(reader: Reader, name: str) -> Environment:
    """Give the active environment of this name.

    Raises:
        NotFound: There is none.
        Conflict: It is ending.
    """
    row = standing(reader, name)
    if row.state is EnvironmentState.ENDING:
        raise Conflict(
            "environment-ending",
            f"{name} is ending: {row.because}",
            hint="its name is free when everything of it has ended, which takes seconds",
            next=(f"headway envs show {name}",),
        )
    return row


def members(reader: Reader) -> list[tuple[EnvironmentId, AppName]]:
    """List the apps of all environments that have not ended."""
    return [
        (owner.id, row.app)
        for owner in reader.find(Environment, state=NOT_ENDED)
        for row in reader.find(Member, environment=owner.id)
    ]


def apps(reader: Reader, owner: Environment) -> list[AppName]:
    """List the apps of an environment, by name."""
    return sorted(row.app for row in reader.find(Member, environment=owner.id))


def standing(reader: Reader, name: str) -> Environment:
    """Give the environment of this name, active or ending.

    Raises:
        NotFound: There is none.
        Invalid: None is named.
    """
    if not name:
        raise Invalid(
            "environment-missing",
            "no environment is named",
            hint="give `environment`; only a container may leave it out, as it is its own",
            next=("headway envs ls",),
        )
    rows = reader.find(Environment, name=name, state=NOT_ENDED)
    if not rows:
        known = [
            row.name for row in reader.find(Environment, state=EnvironmentState.ACTIVE, limit=1000)
        ]
        near = get_close_matches(name, known, n=1)
        ended = reader.find(Environment, name=name, newest_first=True, limit=1)
        raise NotFound(
            "environment-unknown",
            f"there is no environment {name}",
            hint=_ended(ended[0]) if ended else f"did you mean {near[0]}?" if near else "",
            next=(
                *((f"headway envs past {name}",) if ended else ()),
                f"headway start -e {name} APP",
                "headway envs ls",
            ),
        )
    return rows[0]


def _ended(row: Environment) -> str:
    at = f"at {row.ended_at:%Y-%m-%d %H:%M} UTC" if row.ended_at else ""
    return f"one ended {at}: {row.because}"


def last_life(reader: Reader, name: str) -> Environment:
    """Give the newest environment that has or had this name: an ended one has its history still.

    By its id, that one.

    Raises:
        NotFound: There never was one.
    """
    one = reader.get(Environment, name) if "~" in name else None
    if one is not None:
        return one
    rows = reader.find(Environment, name=name, newest_first=True, limit=1)
    return rows[0] if rows else environment(reader, name)


def member(reader: Reader, owner: Environment, app: str) -> Member:
    """Give an app in an environment.

    Raises:
        NotFound: It is not there.
    """
    row = reader.get(Member, owner.id, app)
    if row is None:
        known = [other.app for other in reader.find(Member, environment=owner.id)]
        near = get_close_matches(app, known, n=1)
        here = f"{owner.name} has {', '.join(sorted(known)) or 'no apps'}"
        raise NotFound(
            "app-not-in-environment",
            f"{app} is not in {owner.name}: {here}",
            hint=f"did you mean {near[0]}?" if near else "",
            next=(f"headway start -e {owner.name} {app}",)
            if reader.get(App, app)
            else ("headway apps add DIRECTORY", "headway apps ls"),
        )
    return row


def source(reader: Reader, app: str) -> Source:
    """Give the newest source of an app.

    Raises:
        NotFound: Headway does not know the app.
    """
    row = reader.get(App, app)
    found = reader.get(Source, row.source) if row else None
    if found is None:
        known = [other.name for other in reader.find(App, limit=1000)]
        near = get_close_matches(app, known, n=1)
        raise NotFound(
            "app-unknown",
            f"there is no app {app}",
            hint=f"did you mean {near[0]}?" if near else "",
            next=("headway apps add DIRECTORY", "headway apps ls"),
        )
    return found


def sent(reader: Reader, digest: Digest) -> Source:
    """Give a source that was received.

    Raises:
        NotFound: It was not, or it is kept no longer.
    """
    found = reader.get(Source, digest)
    if found is None:
        raise NotFound(
            "source-unknown",
            f"no source {digest} was received",
            next=("headway apps add DIRECTORY",),
        )
    return found


def manifests(
    reader: Reader, wanted: list[AppName], chosen: Mapping[AppName, Digest]
) -> dict[AppName, Manifest]:
    """Give the manifests of these apps and of all that they need, as far as they are known.

    Those of the sources that were chosen, else of the newest.
    """
    found: dict[AppName, Manifest] = {}
    waiting = list(wanted)
    while waiting:
        app = waiting.pop()
        if app in found:
            continue
        row = reader.get(App, app)
        digest = chosen.get(app) or (row.source if row else None)
        known = reader.get(Source, digest) if digest else None
        if known is not None:
            found[app] = known.manifest
            waiting.extend(known.manifest.dependencies)
    return found


def checked_name(name: str, what: str) -> EnvironmentName:
    """Give a name that may be used for something new.

    Raises:
        Invalid: It cannot be part of a host name.
    """
    if not is_name(name):
        raise Invalid(
            "name-invalid",
            f"{name!r} cannot name {what}",
            hint="lower-case letters, digits and single hyphens, a letter first, at most 40",
        )
    return EnvironmentName(name)


def environments(reader: Reader, name: str | None) -> list[Environment]:
    """Give the active environment of this name; without one, all that are active.

    Raises:
        NotFound: There is none of this name.
        Conflict: It is ending.
    """
    if name is not None:
        return [environment(reader, name)]
    return reader.find(Environment, state=EnvironmentState.ACTIVE)


def live(reader: Reader, row: Member | None) -> Release | None:
    """Give the release of an app that serves, if one does."""
    if row is None or not row.live:
        return None
    return reader.get(Release, row.environment, row.app, row.live)


def before(reader: Reader, row: Member) -> int | None:
    """Give the release that served before the live one, as far as the last deployments tell."""
    for past in _last_deployments(reader, row):
        moved = past.phase is Phase.SUCCEEDED and past.release == row.live
        if moved and past.previous and past.previous != row.live:
            return past.previous
    return None


def _last_deployments(reader: Reader, row: Member) -> Iterator[Deployment]:
    """Give as many as are kept in any case, the newest first."""
    before: DeploymentId | None = None
    for _ in range(DEPLOYMENTS_LEAST // _PAGE):
        page = reader.find(
            Deployment,
            environment=row.environment,
            app=row.app,
            newest_first=True,
            before=before,
            limit=_PAGE,
        )
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].id


def needs(reader: Reader, member_row: Member) -> tuple[AppName, ...]:
    """List what an app's live release depends on."""
    release = live(reader, member_row)
    return release.manifest.dependencies if release else ()
