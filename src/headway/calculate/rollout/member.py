"""The next step of an app in an environment: `(snapshot, now) → plan`.

One deployment of an app is under way at a time, the oldest. Without one, the live release is kept
as it should be. Every change says why.
"""

from datetime import datetime

from headway.calculate.placement import Fleet
from headway.calculate.rollout.container import is_staying
from headway.calculate.rollout.draft import Draft
from headway.calculate.rollout.leaving import let_go, retire_ended
from headway.calculate.rollout.offering import offered
from headway.calculate.rollout.phases import proceed
from headway.calculate.rollout.reconcile import keep, release_all
from headway.model.deployment import Phase
from headway.model.environment import EnvironmentState
from headway.model.plan import Plan
from headway.model.snapshot import MemberSnapshot


def plan_member(snapshot: MemberSnapshot, now: datetime, fleet: Fleet) -> Plan:
    """Decide everything that is to be done for one app in one environment now.

    What is to start holds nothing of the fleet yet: that is for who makes the plan true.
    """
    with fleet.trial():
        draft = Draft(snapshot, now, fleet)
        let_go(draft)
        if draft.environment.state is not EnvironmentState.ACTIVE:
            _end(draft)
        elif not proceed(draft):
            _keep_live(draft)
        retire_ended(draft)
        return draft.plan(offered(draft))


def _end(draft: Draft) -> None:
    """Let everything go, what takes requests by draining: the environment ends."""
    because = draft.environment.because or "the environment ends"
    for deployment in draft.deployments.values():
        if not deployment.is_ended:
            draft.advance(deployment, Phase.ABORTED, "aborted", because)
    release_all(draft, list(draft.containers.values()), because)


def _keep_live(draft: Draft) -> None:
    live = draft.release(draft.member.live)
    for container in draft.services():
        if is_staying(container) and (live is None or container.release != live.number):
            release_all(draft, [container], "its release serves no more")
    if live is None:
        return
    because = "it was asked to stop" if draft.member.stopped else f"{live.label} is live"
    names = {process.name for process in live.manifest.processes}
    for process in live.manifest.processes:
        keep(draft, live, process, draft.scale(process), because)
    gone = [row for row in draft.services(live.number) if row.process not in names]
    release_all(draft, gone, "its process type is gone")
