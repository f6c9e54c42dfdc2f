"""Is the new release no worse than the old, by what the router counted?"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from headway.calculate.ending import end_of
from headway.calculate.rollout.draft import Draft
from headway.model.deployment import CanaryProgress
from headway.model.manifest import Canary, Judgement
from headway.model.release import Release
from headway.model.route import Traffic
from headway.model.value import Value

IDLE_S = 60.0
"""So long beyond a step's pause too little traffic is waited for before a person is asked."""
LATENCY_NOISE_MS = 5.0
"""Means that differ by less than this are equal, whatever their ratio."""


class Verdict(StrEnum):
    """What a step of a canary has shown."""

    WAIT = "wait"
    GOOD = "good"
    WORSE = "worse"


class Judged(Value, kw_only=True):
    """A verdict and its grounds."""

    verdict: Verdict
    because: str


def step_began(
    draft: Draft, old: Release, new: Release, progress: CanaryProgress
) -> CanaryProgress:
    """Note when a step begins and where the router's counters stand."""
    before, after = _traffic(draft, old), _traffic(draft, new)
    return msgspec.structs.replace(
        progress,
        since=draft.now,
        requests_old=before.requests,
        errors_old=before.errors,
        requests_new=after.requests,
        errors_new=after.errors,
    )


def judge(
    draft: Draft, old: Release, new: Release, policy: Canary, progress: CanaryProgress
) -> Judged:
    """Judge the present step: by time, by a person, or by errors and response times."""
    if policy.judgement is Judgement.MANUAL:
        return Judged(verdict=Verdict.WAIT, because="waits for `headway promote`")
    assert progress.since is not None
    ends_at = end_of(progress.since, policy.steps[progress.step].pause_s)
    over = draft.now >= ends_at
    if not over:
        draft.wake(ends_at)
    if policy.judgement is Judgement.TIMED:
        if over:
            return Judged(verdict=Verdict.GOOD, because="its pause is over")
        return Judged(verdict=Verdict.WAIT, because=f"until {ends_at:%H:%M:%S} UTC")
    return _judge_by_traffic(draft, old, new, policy, progress, ends_at=ends_at)


def _judge_by_traffic(
    draft: Draft,
    old: Release,
    new: Release,
    policy: Canary,
    progress: CanaryProgress,
    *,
    ends_at: datetime,
) -> Judged:
    over = draft.now >= ends_at
    before, after = _traffic(draft, old), _traffic(draft, new)
    requests = max(0, after.requests - progress.requests_new)
    errors = max(0, after.errors - progress.errors_new)
    if requests < policy.requests_min:
        draft.wake(draft.now + timedelta(seconds=1))
        because = f"{requests} of {policy.requests_min} requests needed to judge {new.label}"
        if draft.now >= ends_at + timedelta(seconds=IDLE_S):
            because += ": too little traffic, waits for more or for `headway promote`"
        return Judged(verdict=Verdict.WAIT, because=because)
    rate = 100.0 * errors / requests
    requests_old = max(0, before.requests - progress.requests_old)
    errors_old = max(0, before.errors - progress.errors_old)
    rate_old = 100.0 * errors_old / requests_old if requests_old else 0.0
    measured = (
        f"{new.label} {rate:.2f} % errors, {after.response_ms:.0f} ms in {requests} requests; "
        f"{old.label} {rate_old:.2f} %, {before.response_ms:.0f} ms in {requests_old}"
    )
    if rate > rate_old + policy.error_rate_margin_percent:
        because = f"more errors than the old release: {measured}"
        return Judged(verdict=Verdict.WORSE, because=because)
    slower = after.response_ms - before.response_ms
    if slower > LATENCY_NOISE_MS and after.response_ms > (
        policy.latency_ratio_max * before.response_ms
    ):
        because = f"slower than the old release: {measured}"
        return Judged(verdict=Verdict.WORSE, because=because)
    if over:
        return Judged(verdict=Verdict.GOOD, because=f"no worse than the old release: {measured}")
    draft.wake(draft.now + timedelta(seconds=1))
    return Judged(verdict=Verdict.WAIT, because=f"so far no worse than the old release: {measured}")


def _traffic(draft: Draft, release: Release) -> Traffic:
    """Sum over a release's containers; the response time is weighted by requests."""
    rows = [
        draft.snapshot.router.traffic[container.id]
        for container in draft.services(release.number)
        if container.id in draft.snapshot.router.traffic
    ]
    requests = sum(row.requests for row in rows)
    weighted = sum(row.response_ms * row.requests for row in rows)
    return Traffic(
        requests=requests,
        errors=sum(row.errors for row in rows),
        response_ms=weighted / requests if requests else 0.0,
    )
