"""Which runs a schedule makes, and when it is looked at next."""

import hashlib
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import msgspec

from headway.calculate.ending import end_of
from headway.calculate.firing import Firing
from headway.model.ids import AppName, EnvironmentId
from headway.model.schedule import CatchUp, Overlap, Schedule, ScheduleState
from headway.model.value import Value

MISSED_S = 60.0
"""A time further in the past than this was missed; until then it is simply due."""
CATCH_UP_MAX = 1000
"""Runs that catching up makes at once at most: the latest."""
COUNT_MAX = 100
"""Missed times are counted so far, and are `more than` that beyond: counting takes time."""
_MISSED = timedelta(seconds=MISSED_S)
_MOMENT = timedelta(microseconds=1)


class Due(Value, kw_only=True):
    """A run that is to be made."""

    nominal_at: datetime
    """The time that it is for; a schedule makes one run for it, ever."""
    start_at: datetime
    """When it may start: later by its share of the jitter."""
    behind: bool = False
    """It waits for the end of the run before it: of this plan, or the one under way."""


class SchedulePlan(Value, kw_only=True):
    """What is to be done, in one transaction."""

    state: ScheduleState
    runs: tuple[Due, ...] = ()
    """Oldest first."""
    cancel_running: bool = False
    """The run under way makes room."""


# --- times ----------------------------------------------------------------------------------------


def next_after(schedule: Schedule, at: datetime) -> datetime | None:
    """Give the first time of a schedule strictly after an instant, in UTC; None: there is none.

    >>> daily = Schedule(name="tidy", job="tidy", cron="30 2 * * *", timezone="Europe/Berlin")
    >>> next_after(daily, datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    return next(_firing(schedule).after(at), None)


def upcoming(schedule: Schedule, at: datetime, count: int) -> tuple[datetime, ...]:
    """Give the next so many times strictly after an instant, in UTC.

    >>> hourly = Schedule(name="tidy", job="tidy", cron="0 * * * *")
    >>> [time.hour for time in upcoming(hourly, datetime(2026, 3, 28, 22, tzinfo=UTC), 3)]
    [23, 0, 1]
    """
    return tuple(islice(_firing(schedule).after(at), count))


def start_at(state: ScheduleState, nominal_at: datetime) -> datetime:
    """Give the start of the run for a time: up to `jitter_s` later, always by the same amount."""
    key = f"{state.environment}/{state.app}/{state.name}/{nominal_at.timestamp():.0f}"
    word = hashlib.blake2b(key.encode(), digest_size=6).digest()
    share = int.from_bytes(word) / 2**48
    return end_of(nominal_at, share * state.schedule.jitter_s)


def _firing(schedule: Schedule) -> Firing:
    return Firing(schedule.plain or schedule.cron, schedule.timezone)


def _last(firing: Firing, known: datetime, until: datetime) -> datetime:
    """Give the last time up to an instant, where one is known: by halves, not one by one."""
    while (width := (until - known) // timedelta(seconds=2)) > 0:
        middle = known + timedelta(seconds=width)
        found = next(firing.after(middle), None)
        if found is not None and found <= until:
            known = found
        else:
            # Nothing comes after the middle, so what is left lies before or on it.
            until = middle
    return known


def _latest(firing: Firing, after: datetime, until: datetime) -> tuple[datetime, ...]:
    """Give the last `CATCH_UP_MAX` times after an instant and up to another.

    So many take as many minutes at least; where they are further apart, it looks back twice as far.
    """
    back = timedelta(minutes=CATCH_UP_MAX)
    while True:
        begin = max(after, until - back)
        found = deque(takewhile(lambda time: time <= until, firing.after(begin)), CATCH_UP_MAX)
        if begin == after or len(found) == CATCH_UP_MAX:
            return tuple(found)
        back *= 2


def _count(firing: Firing, after: datetime, until: datetime, most: int = COUNT_MAX) -> str:
    """Count the times after an instant and before another, in words; none is no word."""
    times = takewhile(lambda time: time < until, firing.after(after))
    count = sum(1 for _ in islice(times, most + 1))
    return f"more than {most:,} times" if count > most else _many(count)


def foreseen(state: ScheduleState, now: datetime) -> str:
    """Say when the next run is made, or why none is."""
    if not state.live:
        return "no release that serves declares it: no time of it makes a run"
    if state.paused:
        return f"paused by {state.paused_by}: no time of it makes a run until it is resumed"
    following = upcoming(state.schedule, max(now, state.seen_until), 1)
    if not following:
        return "no time of it is to come"
    return f"its next time is {following[0]:%Y-%m-%d %H:%M:%S} UTC"


# --- what a person or a release changes -----------------------------------------------------------


def adopt(
    before: ScheduleState | None,
    schedule: Schedule,
    now: datetime,
    *,
    environment: EnvironmentId,
    app: AppName,
) -> ScheduleState:
    """Give the state of a schedule that a release declares, new or again.

    A new one begins now. One whose times were changed, or that was not declared for a while, begins
    anew, and never before what was dealt with. One whose times are the same goes on where it was,
    with what it missed. A pause stays.
    """
    if before is None:
        fresh = ScheduleState(
            environment=environment,
            app=app,
            name=schedule.name,
            schedule=schedule,
            seen_until=now,
        )
        return _looked_at(fresh)
    same = before.live and _times_of(before.schedule) == _times_of(schedule)
    seen_until = before.seen_until if same else max(before.seen_until, now)
    again = "declared with other times" if before.live else "declared again"
    because = before.because if same else again
    after = msgspec.structs.replace(
        before, schedule=schedule, live=True, seen_until=seen_until, because=because
    )
    return _looked_at(after)


def pause(state: ScheduleState, who: str, now: datetime) -> ScheduleState:
    """Let no time of a schedule make a run until it is resumed."""
    paused = msgspec.structs.replace(
        state, paused=True, paused_by=who, paused_at=now, because=f"paused by {who}"
    )
    return _looked_at(paused)


def resume(state: ScheduleState, now: datetime) -> ScheduleState:
    """Go on from now: times that came during the pause make no runs."""
    if not state.paused:
        return state
    resumed = msgspec.structs.replace(
        state,
        paused=False,
        paused_by="",
        paused_at=None,
        seen_until=max(state.seen_until, now),
        because="resumed; times during the pause were left out",
    )
    return _looked_at(resumed)


def _times_of(schedule: Schedule) -> tuple[str, str]:
    return schedule.plain or schedule.cron, schedule.timezone


def _looked_at(state: ScheduleState) -> ScheduleState:
    asleep = state.paused or not state.live
    next_at = None if asleep else next_after(state.schedule, state.seen_until)
    return msgspec.structs.replace(state, next_at=next_at)


# --- what time brings -----------------------------------------------------------------------------


def plan_schedule(state: ScheduleState, now: datetime, *, running: bool) -> SchedulePlan:
    """Say which runs a schedule makes as of now.

    Every time after `seen_until` and up to now is dealt with, once: when the clock was set back,
    the schedule waits until it has passed `seen_until` again. Times that were missed follow
    `catch_up`; with `one`, a time that is due now stands for those that were missed before it. Runs
    of one plan never overlap each other; `overlap` is about the run before, which is `running` as
    long as it has not ended.
    """
    if state.paused or not state.live:
        return SchedulePlan(state=msgspec.structs.replace(state, next_at=None))
    firing = _firing(state.schedule)
    first = next(firing.after(state.seen_until), None)
    if first is None or first > now:
        return SchedulePlan(state=_waiting(state, first, now))
    last = _last(firing, first, now)
    times, words = _wanted(state, firing, first, now)
    overlap = state.schedule.overlap
    if running and times and overlap is Overlap.SKIP:
        times, words = (), [*_missed_words(state, firing, first, now), _skipped(times)]
    runs = tuple(
        Due(nominal_at=time, start_at=start_at(state, time), behind=running or number > 0)
        for number, time in enumerate(times)
    )
    cancel = bool(runs) and running and overlap is Overlap.REPLACE
    if cancel:
        words.append("the run before makes room")
    elif runs and running:
        words.append("it waits for the run before")
    after = msgspec.structs.replace(
        state,
        seen_until=last,
        next_at=next(firing.after(last), None),
        because="; ".join(words),
    )
    return SchedulePlan(state=after, runs=runs, cancel_running=cancel)


def _waiting(state: ScheduleState, first: datetime | None, now: datetime) -> ScheduleState:
    because = state.because
    if first is None:
        because = "no time will come: no date fits"
    elif state.seen_until - now > _MISSED:
        because = f"the clock was set back: all up to {_said(state.seen_until)} is dealt with"
    return msgspec.structs.replace(state, next_at=first, because=because)


def _wanted(
    state: ScheduleState, firing: Firing, first: datetime, now: datetime
) -> tuple[tuple[datetime, ...], list[str]]:
    """Choose the times that make runs, were there no run before, and say it in words."""
    edge = now - _MISSED
    begin = max(state.seen_until, edge - _MOMENT)
    due = tuple(takewhile(lambda time: time <= now, firing.after(begin)))
    words = _missed_words(state, firing, first, now)
    if not words:
        return due, [_made(due)]
    match state.schedule.catch_up:
        case CatchUp.SKIP:
            return due, [*words, _made(due) if due else "left out"]
        case CatchUp.ONE if due:
            return due, [*words, f"{_made(due)} stands for them"]
        case CatchUp.ONE:
            last = _last(firing, first, edge - _MOMENT)
            return (last,), [*words, f"{_made((last,))}, the last of them"]
        case CatchUp.ALL:
            times = _latest(firing, state.seen_until, now)
            return times, [*words, *_bounded_words(firing, state, times)]


def _bounded_words(
    firing: Firing, state: ScheduleState, times: tuple[datetime, ...]
) -> tuple[str, ...]:
    left = _count(firing, state.seen_until, times[0], CATCH_UP_MAX)
    return (_made(times), f"{left} before them left out") if left else (_made(times),)


def _missed_words(
    state: ScheduleState, firing: Firing, first: datetime, now: datetime
) -> list[str]:
    count = _count(firing, state.seen_until, now - _MISSED)
    return [f"{count} missed since {_said(first)}"] if count else []


def _made(times: tuple[datetime, ...]) -> str:
    if len(times) == 1:
        return f"a run for {_said(times[0])}"
    return f"{len(times):,} runs from {_said(times[0])} to {_said(times[-1])}"


def _skipped(times: tuple[datetime, ...]) -> str:
    which = _said(times[0]) if len(times) == 1 else f"{_many(len(times))} to {_said(times[-1])}"
    return f"{which} left out: the run before has not ended"


def _many(count: int) -> str:
    if not count:
        return ""
    return "1 time" if count == 1 else f"{count:,} times"


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
