"""The phases of a deployment: each step looks at what is, and moves on when it may."""

from collections.abc import Mapping

import msgspec

from headway.calculate.ending import end_of
from headway.calculate.rollout.beginning import begin
from headway.calculate.rollout.check import check_of_process, proves_itself_s
from headway.calculate.rollout.container import is_staying
from headway.calculate.rollout.draft import Draft, Launch
from headway.calculate.rollout.explain import explain_container
from headway.calculate.rollout.never_fits import never_fits
from headway.calculate.rollout.reconcile import keep, release_all
from headway.calculate.rollout.strategy import STRATEGIES, Move, Stage
from headway.model.build import BuildState
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.deployment import MOVING, Ask, Deployment, DeploymentKind, Phase
from headway.model.failure import Failure
from headway.model.manifest import Strategy
from headway.model.release import Release

_UNTOUCHED = frozenset({Phase.QUEUED, Phase.BUILDING, Phase.WAITING})
"""Phases in which nothing lasting was done, so that a deployment may simply be dropped."""


def take_turns(draft: Draft) -> Deployment | None:
    """Give the deployment whose turn it is; the others wait, or make way when asked."""
    rows = sorted(draft.deployments.values(), key=lambda row: row.number)
    for row in rows:
        if row.phase in _UNTOUCHED and row.asked in (Ask.ABORT, Ask.REPLACE):
            _drop(draft, row)
    waiting = [row for row in rows if not draft.deployments[row.id].is_ended]
    return draft.deployments[waiting[0].id] if waiting else None


def _drop(draft: Draft, deployment: Deployment) -> None:
    if deployment.asked is Ask.REPLACE:
        draft.advance(deployment, Phase.REPLACED, "replaced by a later deployment")
    else:
        draft.advance(deployment, Phase.ABORTED, "aborted", f"asked by {deployment.asked_by}")


def proceed(draft: Draft) -> bool:
    """Take every step that can be taken now, of the deployment whose turn it is.

    Returns:
        Whether a deployment decides which containers run; otherwise the live release is kept.
    """
    while (deployment := take_turns(draft)) is not None:
        before = deployment.phase
        deployment = _STEPS[before](draft, deployment)
        if deployment.phase is before:
            return deployment.phase in MOVING
    return False


def _await_build(draft: Draft, deployment: Deployment) -> Deployment:
    build = draft.snapshot.build
    if build is None or build.id != deployment.build:
        return deployment
    if build.state is BuildState.SUCCEEDED:
        # Carrying this out makes the release, in the same transaction.
        return draft.advance(deployment, Phase.WAITING, "built", "its build succeeded")
    if build.state in (BuildState.FAILED, BuildState.CANCELLED):
        failure = build.failure or Failure(because=f"the build was {build.state.value}")
        return draft.advance(deployment, Phase.FAILED, "failed", failure.because, failure)
    if build.state is BuildState.QUEUED:
        draft.takes_builds()
    return deployment


def _await_dependencies(draft: Draft, deployment: Deployment) -> Deployment:
    release = draft.release(deployment.release)
    if release is None:  # made in this very plan: the next one sees it
        return deployment
    never = never_fits(draft, release)
    if never is not None:
        return _refuse(draft, deployment, never)
    for app in deployment.waits_for:
        readiness = draft.snapshot.dependencies.get(app)
        if readiness is None or readiness.ready:
            continue
        if readiness.hopeless:
            failure = Failure(
                code="dependency-failed",
                because=f"it needs {app}, and {readiness.because}",
                next=(f"headway why -e {draft.environment.name} {app}",),
            )
            return draft.advance(deployment, Phase.FAILED, "failed", failure.because, failure)
        because = f"for {app}: {readiness.because}"
        if deployment.because != because:
            row = msgspec.structs.replace(deployment, because=because)
            return draft.set_deployment(row, "waits", because)
        return deployment
    if release.manifest.release_command and deployment.kind not in (
        DeploymentKind.SCALE,
        DeploymentKind.ROLLBACK,
    ):
        return _run_release_command(draft, deployment, release)
    return _begin_starting(draft, deployment, release)


def _refuse(draft: Draft, deployment: Deployment, failure: Failure) -> Deployment:
    """Fail before anything was started; what serves goes on."""
    if deployment.kind is DeploymentKind.SCALE:
        before = deployment.previous_scale or {}
        draft.set_member("set the scale back", failure.because, scale=before)
    because = "; ".join((failure.because, *failure.hints))
    return draft.advance(deployment, Phase.FAILED, "failed", because, failure)


def _run_release_command(draft: Draft, deployment: Deployment, release: Release) -> Deployment:
    command = release.manifest.release_command or ""
    container = draft.start(
        Launch(
            release=release,
            process="release",
            slot=1,
            because=f"runs `{command}` before {release.label} takes requests",
            deployment=deployment,
            kind=ContainerKind.RELEASE,
            command=command,
        )
    )
    if container is None:
        return deployment
    row = msgspec.structs.replace(deployment, release_container=container.id)
    return draft.advance(row, Phase.RELEASING, f"running `{command}`")


def _await_release_command(draft: Draft, deployment: Deployment) -> Deployment:
    release = draft.release(deployment.release)
    container = (
        draft.containers.get(deployment.release_container) if deployment.release_container else None
    )
    if release is None:
        return deployment
    if container is None:
        failure = Failure(because="the release command's container is gone", code="release-failed")
        return _fail(draft, deployment, failure)
    if deployment.asked in (Ask.ABORT, Ask.REPLACE):
        if is_staying(container):
            draft.stop(container, f"aborted by {deployment.asked_by}")
        return _revert(draft, deployment, f"asked by {deployment.asked_by}")
    if not container.is_ended:
        return deployment
    if container.state is ContainerState.EXITED and container.exit and container.exit.status == 0:
        return _begin_starting(draft, deployment, release)
    return _fail(draft, deployment, explain_container(draft, container, release))


def _begin_starting(draft: Draft, deployment: Deployment, release: Release) -> Deployment:
    if draft.member.stopped:
        draft.set_member("start again", f"asked by {deployment.created_by}", stopped=False)
        deployment = msgspec.structs.replace(deployment, was_stopped=True)
    is_new = deployment.previous != release.number
    because = _unchecked(draft, release) if is_new else ""
    return draft.advance(deployment, Phase.STARTING, f"starting {release.label}", because)


def _unchecked(draft: Draft, release: Release) -> str:
    """Say what is not asked how it does, and so takes longer to be good."""
    names = [
        process.name
        for process in release.manifest.processes
        if draft.scale(process) and check_of_process(process) is None
    ]
    if not names:
        return ""
    what = f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} no health check"
    return f"{what}: good once the first copy has run for {proves_itself_s(release):g} s"


def _roll(draft: Draft, deployment: Deployment) -> Deployment:
    """Do what the strategy says now; fail as soon as the new release shows that it is bad."""
    new = draft.release(deployment.release)
    if new is None:
        return deployment
    old = draft.release(deployment.previous)
    if old is not None and old.number == new.number:
        old = None
    if deployment.asked in (Ask.ABORT, Ask.REPLACE):
        return _revert(draft, deployment, f"asked by {deployment.asked_by}")
    failed = _first_failed(draft, deployment, new)
    if failed is not None:
        return _fail(draft, deployment, explain_container(draft, failed, new))
    never = never_fits(draft, new)
    if never is not None:
        return _fail(draft, deployment, never)
    strategy = Strategy.ROLLING if old is None else deployment.strategy
    stage = STRATEGIES[strategy](Move(draft=draft, deployment=deployment, new=new, old=old))
    if stage.failed:
        return _fail(draft, deployment, Failure(code="canary-worse", because=stage.failed))
    _share(draft, stage.split, stage.because)
    _reconcile(draft, deployment, stage, new, old)
    if stage.ready:
        return _switch(draft, deployment, new)
    if deployment.phase is not Phase.PAUSED and not stage.paused:
        late = _late(draft, deployment, new)
        if late is not None:
            return _fail(draft, deployment, late)
    return _pause_or_go_on(draft, deployment, stage)


def _pause_or_go_on(draft: Draft, deployment: Deployment, stage: Stage) -> Deployment:
    if stage.canary is not None and stage.canary != deployment.canary:
        moved = stage.canary.step != deployment.canary.step
        deployment = msgspec.structs.replace(deployment, canary=stage.canary)
        if moved:
            return draft.advance(deployment, Phase.STARTING, "next step", stage.because)
        return draft.advance(deployment, Phase.PAUSED, "canary takes requests", stage.because)
    if stage.paused and deployment.phase is not Phase.PAUSED:
        return draft.advance(deployment, Phase.PAUSED, "paused", stage.because)
    if deployment.phase is Phase.PAUSED and not stage.paused:
        asked = f"promoted by {deployment.asked_by}"
        return draft.advance(deployment, Phase.STARTING, "promoted", asked)
    return deployment


def _reconcile(
    draft: Draft, deployment: Deployment, stage: Stage, new: Release, old: Release | None
) -> None:
    for process in new.manifest.processes:
        keep(draft, new, process, stage.new.get(process.name, 0), stage.because, deployment)
    if old is not None:
        for process in old.manifest.processes:
            keep(draft, old, process, stage.old.get(process.name, 0), stage.because)


def _share(draft: Draft, split: Mapping[str, int] | None, because: str) -> None:
    if split is not None:
        shares = ", ".join(f"v{number} {percent} %" for number, percent in split.items())
        draft.set_member(f"share requests: {shares or 'equally'}", because, split=dict(split))


def _switch(draft: Draft, deployment: Deployment, new: Release) -> Deployment:
    because = f"all of {new.label} is good"
    draft.set_member(
        f"lead all requests to {new.label}",
        because,
        live=new.number,
        split={str(new.number): 100},
    )
    return draft.advance(deployment, Phase.SWITCHING, f"switching to {new.label}", because)


def _await_switch(draft: Draft, deployment: Deployment) -> Deployment:
    """Succeed once the router leads no new request to another release."""
    new = draft.release(deployment.release)
    if new is None:
        return deployment
    others = {row.id for row in draft.services() if row.release != new.number}
    if others & draft.snapshot.router.targets:
        return deployment
    return draft.advance(deployment, Phase.SUCCEEDED, f"{new.label} serves everything")


def _first_failed(draft: Draft, deployment: Deployment, new: Release) -> Container | None:
    """Find a container of the new release that shows it to be bad.

    One whose end is unknown says nothing of the release, so it is only replaced. When the release
    was live before (a scaling, a restart of the same release), failures are handled as always.
    """
    if deployment.previous == new.number:
        return None
    for container in draft.services(new.number):
        if container.deployment != deployment.id:
            continue
        if container.stopping_at is not None and container.healthy_at is not None:
            continue  # it was good, and told to end: its node is drained
        stopped_late = container.state is ContainerState.STOPPING and container.healthy_at is None
        if (
            container.state in (ContainerState.EXITED, ContainerState.UNHEALTHY) or stopped_late
        ) and container.draining_at is None:
            return container
    return None


def _late(draft: Draft, deployment: Deployment, new: Release) -> Failure | None:
    deadline = new.manifest.deploy.progress_deadline_s
    moments = [deployment.progress_at] + [
        row.healthy_at for row in draft.services(new.number) if row.healthy_at
    ]
    late_at = end_of(max(moments), deadline)
    if draft.now < late_at:
        draft.wake(late_at)
        return None
    waiting = [row for row in draft.services(new.number) if is_staying(row)]
    because = f"no progress in {deadline:g} s"
    pending = draft.plan().pending or deployment.because
    return Failure(
        code="progress-deadline",
        because=f"{because}: {pending}" if pending else because,
        container=waiting[0].id if waiting else None,
    )


def _fail(draft: Draft, deployment: Deployment, failure: Failure) -> Deployment:
    deployment = msgspec.structs.replace(deployment, failure=failure)
    return _revert(draft, deployment, failure.because)


def _revert(draft: Draft, deployment: Deployment, because: str) -> Deployment:
    """Go back to the release that served; end with nothing where nothing did."""
    aborted = deployment.failure is None
    outcome = (
        Phase.REPLACED
        if deployment.asked is Ask.REPLACE
        else Phase.ABORTED
        if aborted
        else Phase.ROLLED_BACK
    )
    back = draft.release(deployment.previous)
    if deployment.kind is DeploymentKind.SCALE:
        draft.set_member("set the scale back", because, scale=deployment.previous_scale or {})
    if back is None or deployment.was_stopped:
        for container in draft.services(deployment.release):
            release_all(draft, [container], because)
        if deployment.was_stopped:
            draft.set_member("stop again", because, stopped=True)
        end = Phase.FAILED if outcome is Phase.ROLLED_BACK else outcome
        return draft.advance(deployment, end, end.value.replace("_", " "), because)
    draft.set_member(
        f"lead all requests to {back.label}",
        because,
        live=back.number,
        split={str(back.number): 100},
    )
    row = msgspec.structs.replace(deployment, outcome=outcome)
    return draft.advance(row, Phase.REVERTING, f"going back to {back.label}", because)


def _await_revert(draft: Draft, deployment: Deployment) -> Deployment:
    back = draft.release(deployment.previous)
    if back is None or _late(draft, deployment, back) is not None:
        return draft.advance(deployment, Phase.FAILED, "failed", deployment.because)
    move = Move(draft=draft, deployment=deployment, new=back, old=None)
    for process in back.manifest.processes:
        keep(draft, back, process, move.wanted[process.name], f"going back to {back.label}")
    if not move.all_good(move.wanted):
        return deployment
    for container in draft.services():
        if container.release != back.number:
            release_all(draft, [container], f"{back.label} serves again")
    if any(
        row.id in draft.snapshot.router.targets
        for row in draft.services()
        if row.release != back.number
    ):
        return deployment
    outcome = deployment.outcome or Phase.ROLLED_BACK
    return draft.advance(deployment, outcome, f"{back.label} serves everything", deployment.because)


_STEPS = {
    Phase.QUEUED: begin,
    Phase.BUILDING: _await_build,
    Phase.WAITING: _await_dependencies,
    Phase.RELEASING: _await_release_command,
    Phase.STARTING: _roll,
    Phase.PAUSED: _roll,
    Phase.SWITCHING: _await_switch,
    Phase.REVERTING: _await_revert,
}
