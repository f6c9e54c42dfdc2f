"""How much runs, by what limits it."""

from dataclasses import dataclass, field
from typing import Any

from headway.calculate.queueing.line import Line
from headway.model.ids import AppName, EnvironmentId
from headway.model.run import Lane, key_name


@dataclass(slots=True)
class Tallies:
    """What runs, counted by what limits it."""

    lines: dict[Line, int] = field(default_factory=dict)
    jobs: dict[tuple[EnvironmentId, AppName, str], int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)

    def add(self, lane: Lane, unique: str | None) -> None:
        """Count a run of a lane."""
        self._count(lane, unique, 1)

    def remove(self, lane: Lane, unique: str | None) -> None:
        """Count a run of a lane no more."""
        self._count(lane, unique, -1)

    def _count(self, lane: Lane, unique: str | None, by: int) -> None:
        _change(self.lines, lane.line, by)
        _change(self.jobs, (lane.environment, lane.app, lane.job), by)
        if unique is not None:
            _change(self.keys, _key(lane, unique), by)

    def of_key(self, lane: Lane, unique: str) -> int:
        """Count the runs of a lane's job that have a key."""
        return self.keys.get(_key(lane, unique), 0)


def _change(counts: dict[Any, int], key: Any, by: int) -> None:
    count = counts.get(key, 0) + by
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)


def _key(lane: Lane, unique: str) -> str:
    return key_name(lane.environment, lane.app, lane.job, unique)
