"""Which run of a lane no key and no lock holds up, and in which lines the others are to stand."""

from collections.abc import Callable, Collection, Iterator

from headway.calculate.queueing.question import Entry, Question, Terms
from headway.model.ids import RunId
from headway.model.run import Lane

_SKIPPED_MAX = 64
"""Runs passed over in one lane because their `unique` key or a lock is busy."""


class Claims:
    """What one round of turns finds out about keys and locks."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._claims: dict[RunId, tuple[str, ...]] = {}
        self.held_up: dict[RunId, str] = {}
        """Which lock each run waits for that was looked at."""

    def find(
        self, lane: Lane, terms: Terms, begin: int, taken: Collection[int]
    ) -> tuple[int, Entry] | str:
        """Find the first run of a lane that may start; else says what holds the first one up.

        Args:
            lane: Of which.
            terms: The limits of its job.
            begin: The first that may be.
            taken: Those behind it that start already.
        """
        entries, locks = self._question.lanes[lane], self._question.locks
        because = ""
        skipped = 0
        awaited: set[str] = set()
        for index in range(begin, len(entries)):
            if index in taken:
                continue
            entry = entries[index]
            if entry.run in self._question.under_way:
                continue
            if entry.locks and not locks.knows(entry.locks):
                break
            busy = self._busy(lane, terms, entry, awaited)
            if not busy:
                return index, entry
            because = because or busy
            skipped += 1
            if skipped >= _SKIPPED_MAX:
                break
        return because

    def _busy(self, lane: Lane, terms: Terms, entry: Entry, awaited: set[str]) -> str:
        """Say which key or lock holds a run up; `awaited` are locks of those before it."""
        if terms.key_limit is not None and entry.unique is not None:
            busy = self._question.tallies.of_key(lane, entry.unique)
            if busy >= terms.key_limit:
                return f"key {entry.unique}: {busy} of {terms.key_limit} run"
        return self._locked(entry, awaited) if entry.locks else ""

    def _locked(self, entry: Entry, awaited: set[str]) -> str:
        locks = self._question.locks
        behind = next((name for name in entry.locks if name in awaited), "")
        awaited.update(entry.locks)
        if behind and not locks.standing(entry.run):
            self.held_up[entry.run] = f"lock {behind}: others of its job are before it"
            return self.held_up[entry.run]
        wanted = locks.wanted(entry.run, entry.locks)
        if wanted:
            self._claims[entry.run] = wanted
            self.held_up[entry.run] = locks.because(entry.run, wanted[-1])
        return self.held_up[entry.run] if wanted else ""

    def starts(self, entry: Entry) -> None:
        """Note that a run starts, with all of its locks."""
        self._question.locks.take(entry.locks)
        self._claims.pop(entry.run, None)
        self.held_up.pop(entry.run, None)

    def new(self) -> dict[RunId, tuple[str, ...]]:
        """Give who is to stand in more lines than before, and in which."""
        locks = self._question.locks
        return {
            run: names
            for run, names in self._claims.items()
            if not set(names) <= set(locks.standing(run))
        }

    def idle(self, started: Collection[RunId], waits: Callable[[Lane], bool]) -> tuple[RunId, ...]:
        """Give who stands in the line of a lock and waits for something else.

        Args:
            started: Who starts now.
            waits: Whether the runs of a lane wait for something else than to be looked at, or than
                a runner that is being started.
        """
        if not self._question.locks.has_runs:
            return ()
        return tuple(
            run
            for run, lane in self._standing()
            if run not in started and run not in self._claims and waits(lane)
        )

    def _standing(self) -> Iterator[tuple[RunId, Lane]]:
        locks = self._question.locks
        for lane, entries in self._question.lanes.items():
            for entry in entries:
                if entry.locks and locks.standing(entry.run):
                    yield entry.run, lane
