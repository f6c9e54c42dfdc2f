"""Runners that ended as soon as they had begun: when each may be started again, and why not before.

What is said of one that nobody wanted since is forgotten, so no more is kept than failed lately.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from headway.control.runs.slots import RunnerKey
from headway.model.ids import AppName, EnvironmentId, NodeId

_WAIT_FIRST_S = 0.25
_WAIT_MAX_S = 60.0
_KEPT = timedelta(seconds=2 * _WAIT_MAX_S)
"""From when one may be started again: one that fails later than that has failed anew."""


class _Failed(NamedTuple):
    times: int
    again_at: datetime
    said: str


class RunnerFailures:
    """Has who fails wait, each time for longer: not at all, then from a quarter of a second on."""

    def __init__(self) -> None:
        self._failed: dict[RunnerKey, _Failed] = {}

    def note(self, key: RunnerKey, said: str, now: datetime) -> None:
        """Note that a runner has failed once more."""
        known = self._failed.get(key)
        times = 1 if known is None else known.times + 1
        wait_s = min(_WAIT_MAX_S, _WAIT_FIRST_S * 2.0 ** min(times - 1, 20)) if times > 1 else 0.0
        self._failed[key] = _Failed(times, now + timedelta(seconds=wait_s), said)

    def forget(self, key: RunnerKey) -> None:
        """Note that a runner did not fail."""
        self._failed.pop(key, None)

    def must_wait(self, key: RunnerKey, now: datetime) -> bool:
        """Say whether a runner is not to be started yet."""
        failed = self._failed.get(key)
        return failed is not None and now < failed.again_at

    def of_release(
        self, environment: EnvironmentId, app: AppName, release: int, now: datetime
    ) -> dict[NodeId, str]:
        """Give the nodes on which a release's runner is not to be started yet, and why."""
        return {
            key.node: f"its runner ended: {failed.said}; again at {failed.again_at:%H:%M:%S} UTC"
            for key, failed in self._failed.items()
            if key[:3] == (environment, app, release) and now < failed.again_at
        }

    def next_at(self, now: datetime) -> datetime | None:
        """Give when one of them may be started again; those of long ago are forgotten."""
        old = [key for key, failed in self._failed.items() if failed.again_at + _KEPT <= now]
        for key in old:
            del self._failed[key]
        return min((at for _, at, _ in self._failed.values() if at > now), default=None)

    def __len__(self) -> int:
        """Give how many are remembered."""
        return len(self._failed)
