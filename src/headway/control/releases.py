"""Makes releases: artifact, config and manifest under the next number."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from headway.calculate.fingerprint import fingerprint
from headway.control import lookup
from headway.formats.gang_troubles import gang_faults
from headway.formats.parameters import parameter_problems
from headway.model.app import Source
from headway.model.build import Artifact, Build
from headway.model.config import Config
from headway.model.deployment import Deployment, Phase, advanced
from headway.model.environment import Member
from headway.model.failure import Failure
from headway.model.ids import AppName, EnvironmentId
from headway.model.manifest import Manifest, Protocol
from headway.model.release import Release
from headway.model.schedule import Schedule
from headway.model.settings import Settings
from headway.ports.store import Reader, Writer


def newest(reader: Reader, environment: EnvironmentId, app: AppName) -> int:
    """Give the number of an app's newest release in an environment; 0 where there is none."""
    rows = reader.find(Release, environment=environment, app=app, newest_first=True, limit=1)
    return rows[0].number if rows else 0


def missing_config(
    reader: Reader, environment: EnvironmentId | None, manifest: Manifest
) -> list[str]:
    """List the required config keys that are not set, sorted."""
    config = reader.get(Config, environment, manifest.name) if environment else None
    settings = config.settings if config else {}
    return sorted(
        key for key, default in manifest.env.items() if default is None and key not in settings
    )


def made(tx: Writer, deployment: Deployment, settings: Settings, now: datetime) -> Deployment:
    """Make the release of a deployment: of its build, else of what serves, or fail the deployment.

    A build that means the same as the live release makes none: the live one is used.
    """
    if deployment.build is None:
        member = tx.get(Member, deployment.environment, deployment.app)
        live = lookup.live(tx, member)
        assert live is not None  # what has none is not started again
        return msgspec.structs.replace(deployment, release=again(tx, live, deployment, now).number)
    return _from_build(tx, deployment, settings, now)


def _from_build(
    tx: Writer, deployment: Deployment, settings: Settings, now: datetime
) -> Deployment:
    build = tx.get(Build, deployment.build) if deployment.build else None
    source = tx.get(Source, deployment.source) if deployment.source else None
    assert build is not None and build.artifact is not None and source is not None  # noqa: PT018
    manifest = with_commands(source.manifest, build.artifact)
    failure = _unfit(tx, deployment, manifest) or give_ports(
        tx, deployment.environment, deployment.app, manifest, settings
    )
    if failure is not None:
        failed = msgspec.structs.replace(deployment, failure=failure)
        return advanced(failed, Phase.FAILED, now, "failed", failure.because)
    release = make(tx, deployment, manifest, build.artifact, source, now)
    return msgspec.structs.replace(deployment, release=release.number)


def again_in_turn(tx: Writer, live: Release, deployment: Deployment) -> Deployment:
    """Have what serves start again: what does now, or what does once its turn has come."""
    environment, app = deployment.environment, deployment.app
    if tx.find(Deployment, environment=environment, app=app, is_ended=False, limit=1):
        return deployment
    number = again(tx, live, deployment, deployment.created_at).number
    return msgspec.structs.replace(deployment, release=number)


def again(tx: Writer, live: Release, deployment: Deployment, now: datetime) -> Release:
    """Make a new release of the same artifact with the config as it is now."""
    config = tx.get(Config, live.environment, live.app)
    settings = config.settings if config else {}
    release = msgspec.structs.replace(
        live,
        number=newest(tx, live.environment, live.app) + 1,
        config=settings,
        config_number=config.number if config else 0,
        fingerprint=fingerprint(live.artifact, live.manifest, settings),
        created_at=now,
        created_by=deployment.created_by,
    )
    return tx.put(release)


def make(
    tx: Writer,
    deployment: Deployment,
    manifest: Manifest,
    artifact: Artifact,
    source: Source,
    now: datetime,
) -> Release:
    """Give the live release when it means the same, else a new one."""
    environment, app = deployment.environment, deployment.app
    config = tx.get(Config, environment, app)
    settings = config.settings if config else {}
    meaning = fingerprint(artifact, manifest, settings)
    member = tx.get(Member, environment, app)
    live = lookup.live(tx, member)
    if live is not None and live.fingerprint == meaning:
        return live
    return tx.put(
        Release(
            environment=environment,
            app=app,
            number=newest(tx, environment, app) + 1,
            fingerprint=meaning,
            artifact=artifact,
            manifest=manifest,
            config=settings,
            config_number=config.number if config else 0,
            source=source.digest,
            commit=source.commit,
            branch=source.branch,
            dirty=source.dirty,
            created_at=now,
            created_by=deployment.created_by,
        )
    )


def with_commands(manifest: Manifest, artifact: Artifact) -> Manifest:
    """Fill in what the builder found: commands of process types that have none, and jobs."""
    processes = tuple(
        process
        if process.command
        else msgspec.structs.replace(process, command=artifact.processes.get(process.name, ""))
        for process in manifest.processes
    )
    jobs = (*manifest.jobs, *artifact.jobs)
    return msgspec.structs.replace(manifest, processes=processes, jobs=jobs)


def give_ports(
    tx: Writer,
    environment: EnvironmentId,
    app: AppName,
    manifest: Manifest,
    settings: Settings,
) -> Failure | None:
    """Give each expose that is not HTTP a port of the router, for the member's whole life.

    Gives why not, where there are not enough.
    """
    member = tx.get(Member, environment, app)
    assert member is not None
    wanted = [
        expose.name
        for process in manifest.processes
        for expose in process.expose
        if expose.protocol is not Protocol.HTTP and expose.name not in member.tcp_ports
    ]
    if not wanted:
        return None
    taken = {port for row in tx.find(Member) for port in row.tcp_ports.values()}
    ports = range(settings.tcp_port_first, settings.tcp_port_last + 1)
    free = [port for port in ports if port not in taken]
    if len(free) < len(wanted):
        return Failure(
            code="no-port",
            because=f"no port is free for {', '.join(wanted[len(free) :])}: the router's ports for "
            f"what is not HTTP are {settings.tcp_port_first} to {settings.tcp_port_last}",
            hints=("raise tcp_port_last in settings.yaml, or destroy what is not needed",),
            next=("headway routes", "headway settings"),
        )
    given = dict(zip(wanted, free, strict=False))
    tx.put(msgspec.structs.replace(member, tcp_ports={**member.tcp_ports, **given}))
    return None


def _unfit(tx: Reader, deployment: Deployment, manifest: Manifest) -> Failure | None:
    missing = missing_config(tx, deployment.environment, manifest)
    if missing:
        return Failure(
            code="config-missing",
            because=f"required config is not set: {', '.join(missing)}",
            next=(f"headway config set -a {manifest.name} {missing[0]}=…",),
        )
    silent = [process.name for process in manifest.processes if not process.command]
    if silent:
        return Failure(
            code="no-command",
            because=f"nothing says how to run {', '.join(silent)}",
            hints=("set run.command in headway.yaml, or add a Procfile with `web: COMMAND`",),
        )
    for schedule in manifest.schedules:
        failure = _unfit_schedule(schedule, manifest)
        if failure is not None:
            return failure
    twice = sorted({job.name for job in manifest.jobs if _count(manifest, job.name) > 1})
    if twice:
        return Failure(
            code="job-twice",
            because=f"two jobs are named {', '.join(twice)}: in headway.yaml and in Python",
            hints=("give one of them another name",),
        )
    return next(_unfit_gangs(manifest), None)


def _unfit_gangs(manifest: Manifest) -> Iterator[Failure]:
    known = {job.name: job for job in manifest.jobs}
    for job in manifest.jobs:
        for trouble in gang_faults(job, known):
            yield Failure(
                code="gang-invalid",
                because=f"jobs.{job.name}.gang.{trouble.member}: {trouble.message}",
                hints=(trouble.hint,),
                next=("headway docs jobs.NAME.gang",),
            )


def _unfit_schedule(schedule: Schedule, manifest: Manifest) -> Failure | None:
    job = manifest.job(schedule.job)
    if job is None:
        known = sorted(row.name for row in manifest.jobs)
        return Failure(
            code="job-unknown",
            because=f"schedule {schedule.name} is of a job {schedule.job}, and there is none",
            hints=(f"there is {', '.join(known) or 'no job at all'}",),
        )
    problems = parameter_problems(job.parameters, msgspec.json.encode(schedule.parameters))
    if problems:
        return Failure(
            code="schedule-invalid",
            because=f"schedule {schedule.name} gives {job.name} wrong parameters: {problems[0]}",
            hints=tuple(problems[1:]),
            next=("headway docs schedules.NAME.parameters",),
        )
    return None


def _count(manifest: Manifest, job: str) -> int:
    return sum(row.name == job for row in manifest.jobs)
