"""Which attempts a runner knows, and what it has told of them."""

from __future__ import annotations

from typing import Any

from headway.engines.process.runs import facts
from headway.engines.process.runs.facts import Attempt, End

ENDED_MAX = 100_000


def told(task: dict[str, Any]) -> dict[str, str]:
    """Give the variables by which an attempt is told of the locks that it holds, and of its gang.

    >>> told({"locks": ["migration", "sandbox"], "fence": 7})
    {'HEADWAY_LOCKS': 'migration sandbox', 'HEADWAY_FENCE': '7'}
    """
    found: dict[str, str] = {}
    if task.get("locks"):
        found["HEADWAY_LOCKS"] = " ".join(task["locks"])
        found["HEADWAY_FENCE"] = str(task["fence"])
    gang = task.get("gang")
    if gang:
        found["HEADWAY_GANG"] = gang["members"][0]
        found["HEADWAY_GANG_NUMBER"] = str(gang["number"])
        found["HEADWAY_GANG_SIZE"] = str(len(gang["members"]))
        found["HEADWAY_GANG_NODES"] = " ".join(gang["nodes"])
    return found


class Ledger:
    """Attempts by (run, attempt): the same one twice is one."""

    def __init__(self) -> None:
        self._live: dict[tuple[str, int], Attempt] = {}
        self._ended: dict[tuple[str, int], str] = {}
        self._began: list[Attempt] = []
        self._news: list[str] = []
        self._is_pressing = False

    @property
    def is_full(self) -> bool:
        """Whether so many ends are unacknowledged that nothing more may begin."""
        return len(self._ended) >= ENDED_MAX

    @property
    def is_pressing(self) -> bool:
        """Whether to tell at once: an end cannot wait, or less is still to be done than has ended.

        So there is work here for as long as who listens has with what ended.
        """
        return self._is_pressing or len(self._news) > len(self._live)

    @property
    def has_news(self) -> bool:
        """Whether there is anything that was not told."""
        return bool(self._news or self._began)

    @property
    def live(self) -> list[Attempt]:
        """Those that have not ended."""
        return list(self._live.values())

    @property
    def has_live(self) -> bool:
        """Whether any has not ended."""
        return bool(self._live)

    def accept(self, task: dict[str, Any]) -> Attempt | None:
        """Take an attempt on; None for one that is known."""
        key = (task["run"], task["attempt"])
        if key in self._live or key in self._ended:
            return None
        what = task["job"], task["parameters"], task["timeout_s"]
        attempt = Attempt(*key, *what, told(task))
        self._live[key] = attempt
        return attempt

    def of_run(self, run: str) -> list[Attempt]:
        """Give the live attempts of a run."""
        return [attempt for attempt in self._live.values() if attempt.run == run]

    def begin(self, attempt: Attempt) -> None:
        """Note a beginning."""
        attempt.begin()
        self._began.append(attempt)

    def end(self, attempt: Attempt, end: End, *, can_wait: bool = False) -> None:
        """Note an end, which can wait to be told where others are to follow in a moment."""
        if self._live.pop(attempt.key, None) is None:
            return
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.budget is not None:
            attempt.budget.end()
        text = facts.ended(attempt, end)
        self._ended[attempt.key] = text
        self._news.append(text)
        self._is_pressing = self._is_pressing or not can_wait

    def forget(self, keys: list[list[Any]]) -> None:
        """Drop ends that were heard."""
        for run, number in keys:
            self._ended.pop((run, number), None)

    def listing(self) -> list[str]:
        """Tell of everything; what was news is no more."""
        self._news.clear()
        self._began.clear()
        self._is_pressing = False
        return [*(facts.began(attempt) for attempt in self._live.values()), *self._ended.values()]

    def news(self) -> list[str]:
        """Tell what happened since it was told last. Who began and ended meanwhile has ended."""
        told = [facts.began(one) for one in self._began if one.key in self._live] + self._news
        self._began.clear()
        self._news = []
        self._is_pressing = False
        return told
