"""Makes releases: artifact, config and manifest under the next number."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from headway.calculate.fingerprint import fingerprint
from headway.calculate.rollout.choice import USE_ROLLING, beside_problem
from headway.control import lookup
from headway.formats.gang_troubles import gang_faults
from headway.formats.parameters import parameter_problems
from headway.model.app import Source
from headway.model.build import Artifact, Build
from headway.model.config import Config, Setting
from headway.model.deployment import Deployment, DeploymentKind, Phase, advanced
from headway.model.environment import Member
from headway.model.failure import Failure
from headway.model.ids import AppName, EnvironmentId, environment_name
from headway.model.manifest import Manifest, Protocol, Strategy
from headway.model.release import Release
from headway.model.schedule import Schedule
from headway.model.settings import Settings
from headway.ports.store import Reader, Writer


def newest(reader: Reader, environment: EnvironmentId, app: AppName) -> int:
    """Give the number of an app's newest release in an environment; 0 where there is none."""
    rows = reader.find(Release, environment=environment, app=app, newest_first=True, limit=1)
    return rows[0].number if rows else 0


def config_of(reader: Reader, environment: EnvironmentId, app: AppName) -> Config:
    """Give an app's config as it is now; empty where none was ever set."""
    return reader.get(Config, environment, app) or Config(environment=environment, app=app)


def missing_config(
    reader: Reader, environment: EnvironmentId | None, manifest: Manifest
) -> list[str]:
    """List the required config keys that are not set, sorted."""
    settings = config_of(reader, environment, manifest.name).settings if environment else {}
    return sorted(
        key for key, default in manifest.env.items() if default is None and key not in settings
    )


def made(tx: Writer, deployment: Deployment, settings: Settings, now: datetime) -> Deployment:
    """Make the release of a deployment: of its build, else of what serves, or fail the deployment.

    A build that means the same as the live release makes none: the live one is used.
    """
    if deployment.build is None:
        return _from_live(tx, deployment, now)
    return _from_build(tx, deployment, settings, now)


def _from_live(tx: Writer, deployment: Deployment, now: datetime) -> Deployment:
    """Have what serves by now start again, unless that has already what is to come of it."""
    live = lookup.live(tx, tx.get(Member, deployment.environment, deployment.app))
    assert live is not None  # what has none is not started again
    if deployment.kind is DeploymentKind.CONFIG and has_config(tx, live):
        same = msgspec.structs.replace(deployment, release=live.number)
        because = f"{live.label} has this config already: it was made meanwhile"
        return advanced(same, Phase.SUCCEEDED, now, "nothing is to be done", because)
    strategy = deployment.asked_strategy or live.manifest.deploy.strategy
    failure = _lacks_config(tx, deployment, live.manifest) or _unfit_beside(strategy, live.manifest)
    if failure is not None:
        return _failed(deployment, failure, now)
    return _moving_to(deployment, again(tx, live, deployment, now))


def has_config(tx: Reader, live: Release) -> bool:
    """Say whether a release has its app's config as it is now."""
    settings = config_of(tx, live.environment, live.app).settings
    return _is_same(live, fingerprint(live.artifact, live.manifest, settings), settings)


def _is_same(live: Release, meaning: str, settings: Mapping[str, Setting]) -> bool:
    """Say whether a release means this already, and keeps the same of it secret.

    A fingerprint tells nothing of secrecy, by which logs are masked.
    """
    return live.fingerprint == meaning and _secrets(live.config) == _secrets(settings)


def _secrets(settings: Mapping[str, Setting]) -> set[str]:
    return {key for key, setting in settings.items() if setting.secret}


def _moving_to(deployment: Deployment, release: Release) -> Deployment:
    """Have it deploy a release, as was asked for, else as that release says."""
    strategy = deployment.asked_strategy or release.manifest.deploy.strategy
    return msgspec.structs.replace(deployment, release=release.number, strategy=strategy)


def _failed(deployment: Deployment, failure: Failure, now: datetime) -> Deployment:
    failed = msgspec.structs.replace(deployment, failure=failure)
    return advanced(failed, Phase.FAILED, now, "failed", failure.because)


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
        return _failed(deployment, failure, now)
    return _moving_to(deployment, make(tx, deployment, manifest, build.artifact, source, now))


def again_in_turn(tx: Writer, live: Release, deployment: Deployment) -> Deployment:
    """Have what serves start again: what does now, or what does once its turn has come."""
    environment, app = deployment.environment, deployment.app
    if tx.find(Deployment, environment=environment, app=app, is_ended=False, limit=1):
        return msgspec.structs.replace(deployment, strategy=live.manifest.deploy.strategy)
    return _moving_to(deployment, again(tx, live, deployment, deployment.created_at))


def again(tx: Writer, live: Release, deployment: Deployment, now: datetime) -> Release:
    """Make a new release of the same artifact with the config as it is now."""
    config = config_of(tx, live.environment, live.app)
    release = msgspec.structs.replace(
        live,
        number=newest(tx, live.environment, live.app) + 1,
        config=config.settings,
        config_number=config.number,
        fingerprint=fingerprint(live.artifact, live.manifest, config.settings),
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
    config = config_of(tx, environment, app)
    meaning = fingerprint(artifact, manifest, config.settings)
    member = tx.get(Member, environment, app)
    live = lookup.live(tx, member)
    if live is not None and _is_same(live, meaning, config.settings):
        return live
    return tx.put(
        Release(
            environment=environment,
            app=app,
            number=newest(tx, environment, app) + 1,
            fingerprint=meaning,
            artifact=artifact,
            manifest=manifest,
            config=config.settings,
            config_number=config.number,
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
    lacking = _lacks_config(tx, deployment, manifest)
    if lacking is not None:
        return lacking
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


def _lacks_config(tx: Reader, deployment: Deployment, manifest: Manifest) -> Failure | None:
    missing = missing_config(tx, deployment.environment, manifest)
    if not missing:
        return None
    name = environment_name(deployment.environment)
    return Failure(
        code="config-missing",
        because=f"required config is not set: {', '.join(missing)}",
        next=(f"headway config set -e {name} -a {manifest.name} {missing[0]}=…",),
    )


def _unfit_beside(strategy: Strategy, manifest: Manifest) -> Failure | None:
    problem = beside_problem(strategy, manifest)
    if not problem:
        return None
    return Failure(code="strategy-invalid", because=problem, hints=(USE_ROLLING,))


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
