"""Writes deployments into the store: the one way by which anything is set in motion."""

from datetime import datetime

import msgspec

from headway.calculate.lease import first_lease
from headway.control import lookup
from headway.control.errors import Conflict, Invalid
from headway.control.rollout import releases
from headway.control.subjects import event_of
from headway.machine.chance import drawn_hex
from headway.model.app import Source
from headway.model.build import Build, BuildState
from headway.model.deployment import Ask, Deployment, DeploymentKind
from headway.model.environment import NOT_ENDED, Environment, EnvironmentState, Member
from headway.model.event import Event
from headway.model.ids import (
    AppName,
    BuildId,
    DeploymentId,
    EnvironmentId,
    environment_id,
)
from headway.model.lease import Lease, Tenure
from headway.model.manifest import RunType, Strategy
from headway.model.settings import Settings
from headway.ports.store import Writer

_SUFFIX_BYTES = 3


def ensure_environment(
    tx: Writer,
    name: str,
    actor: str,
    now: datetime,
    settings: Settings,
    lease_s: float | None = None,
    under: Lease | None = None,
) -> Environment:
    """Give the active environment of this name, made when there is none.

    One that is made under another lease lasts as long as that.

    Raises:
        Invalid: The name or the length of its lease cannot be.
        Conflict: It is ending, or there are too many.
    """
    checked = lookup.checked_name(name, "an environment")
    rows = tx.find(Environment, name=name, state=NOT_ENDED)
    if rows:
        return lookup.environment(tx, name)
    count = len(tx.find(Environment, state=EnvironmentState.ACTIVE))
    if count >= settings.environments_max:
        raise Conflict(
            "too-many-environments",
            f"there are {count} environments, and no more are allowed",
            next=("headway envs ls", "headway envs destroy NAME"),
        )
    check_lease(lease_s, settings)
    tenure = first_lease(checked, actor, now, lease_s)
    if under is not None:
        tenure = Tenure(holder=tenure.holder, until=under.until)
    row = Environment(
        id=environment_id(checked, drawn_hex(_SUFFIX_BYTES)),
        lease=tenure,
        under=under.id if under else None,
        created_at=now,
        created_by=actor,
    )
    until = f"until {row.lease.until:%Y-%m-%d %H:%M} UTC" if row.lease.until else "without end"
    until += f", as long as {under.id}" if under else ""
    tx.record(event_of(row, "environment.created", now, f"leased to {actor} {until}", actor))
    return tx.put(row)


def check_lease(length_s: float | None, settings: Settings) -> None:
    """Refuse a lease that is no time or too long.

    Raises:
        Invalid: It is.
    """
    if length_s is None:
        return
    if not 1.0 <= length_s <= settings.lease_max_s:
        days = settings.lease_max_s / 86400
        raise Invalid(
            "lease-invalid",
            f"a lease of {length_s:g} s cannot be: from 1 s to {days:g} days",
            hint="such as 30m, 8h or 7d",
        )


def ensure_member(tx: Writer, environment: EnvironmentId, app: AppName, most: int) -> Member:
    """Give an app in an environment, made when it is not there.

    Raises:
        Conflict: There are too many.
    """
    row = tx.get(Member, environment, app)
    if row is not None:
        return row
    if len(tx.find(Member, environment=environment)) >= most:
        raise Conflict("too-many-apps", f"an environment holds at most {most} apps")
    return tx.put(Member(environment=environment, app=app))


def check_source(tx: Writer, environment: EnvironmentId | None, source: Source) -> list[str]:
    """List what keeps a source from being deployed here: required config that is not set.

    Raises:
        Conflict: It needs an engine that this installation does not have.
    """
    if source.manifest.run is RunType.DOCKER:
        raise Conflict(
            "needs-docker",
            f"{source.app} has `run: {{type: docker}}`, which needs the docker engine",
            hint="this installation runs processes; use `type: process`",
        )
    return releases.missing_config(tx, environment, source.manifest)


def refuse_missing(name: str, missing: dict[AppName, list[str]]) -> None:
    """Refuse when required config is not set, naming every key and how to set it.

    Raises:
        Conflict: Something is missing.
    """
    if not any(missing.values()):
        return
    parts = [f"{app} needs {', '.join(keys)}" for app, keys in missing.items() if keys]
    raise Conflict(
        "config-missing",
        f"required config is not set in {name}: {'; '.join(parts)}",
        hint="add --secret for what nobody may see",
        next=tuple(
            f"headway config set -e {name} -a {app} " + " ".join(f"{key}=…" for key in keys)
            for app, keys in missing.items()
            if keys
        ),
    )


def enlist(
    tx: Writer, deployment: Deployment, settings: Settings, *, replace: bool = False
) -> Deployment:
    """Queue a deployment behind those of the same app, or have them give way.

    The number is given here; a source that was never built gets its build.

    Raises:
        Conflict: Too many wait already.
    """
    environment, app, now = deployment.environment, deployment.app, deployment.created_at
    active = tx.find(Deployment, environment=environment, app=app, is_ended=False)
    if len(active) >= settings.deployments_waiting_max:
        raise Conflict(
            "too-many-deployments",
            f"{len(active)} deployments of {app} are under way or wait already",
            next=("headway deploy --replace", f"headway abort {active[0].id}"),
        )
    if replace:
        for row in active:
            asked = msgspec.structs.replace(row, asked=Ask.REPLACE, asked_by=deployment.created_by)
            tx.put(asked)
    last = tx.find(Deployment, environment=environment, app=app, newest_first=True, limit=1)
    row = msgspec.structs.replace(
        deployment,
        because=f"behind {active[0].id}" if active else deployment.because,
        number=last[0].number + 1 if last else 1,
        build=_ensure_build(tx, deployment) if deployment.source else None,
    )
    told = {"kind": row.kind.value, "number": row.number}
    because = row.reason or f"{row.kind.value} asked by {row.created_by}"
    tx.record(event_of(row, "deployment.requested", now, because, row.created_by, **told))
    return tx.put(row)


def wished(
    environment: EnvironmentId, app: AppName, kind: DeploymentKind, actor: str, now: datetime
) -> Deployment:
    """Begin a deployment that is asked for; its number comes when it is enlisted."""
    return Deployment(
        id=DeploymentId(f"dep-{drawn_hex(5)}"),
        environment=environment,
        app=app,
        number=0,
        kind=kind,
        strategy=Strategy.ROLLING,
        created_at=now,
        created_by=actor,
        progress_at=now,
    )


def _ensure_build(tx: Writer, deployment: Deployment) -> BuildId:
    """Give the build of a source that is under way, or a new one.

    A source that was built before is built again in no time: the builder knows its artifact.
    """
    assert deployment.source is not None
    under_way = (BuildState.RUNNING, BuildState.QUEUED)
    rows = tx.find(Build, app=deployment.app, source=deployment.source, state=under_way)
    if rows:
        return rows[0].id
    build = Build(
        id=BuildId(f"bld-{drawn_hex(5)}"),
        app=deployment.app,
        source=deployment.source,
        created_at=deployment.created_at,
        created_by=deployment.created_by,
    )
    tx.record(
        Event(
            at=build.created_at,
            actor=build.created_by,
            kind="build.requested",
            subject=build.id,
            environment=deployment.environment,
            app=build.app,
            because=f"deployment {deployment.id} needs it",
        )
    )
    return tx.put(build).id
