"""How a deployment begins: what it waited behind may have changed what it goes by."""

import msgspec

from headway.calculate.rollout.choice import to_go_back
from headway.calculate.rollout.draft import Draft
from headway.calculate.rollout.scaling import scale_problems
from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.failure import Failure


def begin(draft: Draft, deployment: Deployment) -> Deployment:
    """Take the first step of a deployment whose turn has come: it goes by what serves by now."""
    live = draft.member.live
    deployment = msgspec.structs.replace(deployment, previous=live)
    if deployment.release is None and deployment.source is not None:
        return draft.advance(deployment, Phase.BUILDING, "building")
    if deployment.kind is DeploymentKind.SCALE:
        return _begin_scale(draft, deployment)
    if deployment.kind is DeploymentKind.ROLLBACK:
        deployment = _by_the_way_back(draft, deployment)
    # Carrying this out makes the release of what is to start again, of what serves by now.
    return draft.advance(deployment, Phase.WAITING, "its turn has come")


def _begin_scale(draft: Draft, deployment: Deployment) -> Deployment:
    """Set the scale of what serves by now: what it waited behind may have changed both."""
    before, asked = draft.member.scale, deployment.scale or {}
    number = draft.member.live or deployment.release
    deployment = msgspec.structs.replace(deployment, release=number, previous_scale=before)
    live = draft.release(number)
    problems = scale_problems(live.manifest, asked) if live is not None else ()
    if problems:
        failure = Failure(
            code="scale-invalid",
            because=f"its turn has come, and {'; '.join(problems)}",
            next=(f"headway ps -e {draft.environment.name}",),
        )
        return draft.advance(deployment, Phase.FAILED, "failed", failure.because, failure)
    draft.set_member(
        "set the scale", f"asked by {deployment.created_by}", scale={**before, **asked}
    )
    return draft.advance(deployment, Phase.WAITING, "its turn has come")


def _by_the_way_back(draft: Draft, deployment: Deployment) -> Deployment:
    """Choose how to go back from what serves by now."""
    target, live = draft.release(deployment.release), draft.release(draft.member.live)
    if deployment.asked_strategy is not None or target is None or live is None:
        return deployment
    strategy = to_go_back(target.manifest, live.manifest)
    return msgspec.structs.replace(deployment, strategy=strategy)
