"""Laws of schedules, over made-up expressions, zones and clocks that jump."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from benchmarks.cron import AROUND, Window, expressions
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.calculate.firing import Firing
from headway.calculate.runs.schedule import (
    CATCH_UP_MAX,
    adopt,
    next_after,
    pause,
    plan_schedule,
    resume,
    start_at,
    upcoming,
)
from headway.formats.cron import parse_cron
from headway.model.schedule import CatchUp, Overlap, Schedule

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# Whole hours, half an hour, midnight, two hours, the other way round, none.
ZONES = (
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Europe/Dublin",
    "America/Santiago",
    "Asia/Kathmandu",
    "UTC",
)


def _field(low: int, high: int):
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        st.integers(1, high - low).map(lambda step: f"*/{step}"),
        number.map(str),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.lists(number, min_size=2, max_size=4).map(lambda row: ",".join(map(str, row))),
        st.just("H"),
    )


_CRONS = st.tuples(
    _field(0, 59), _field(0, 23), st.just("*") | _field(1, 31), st.just("*"), _field(0, 7)
).map(" ".join)


@st.composite
def schedules(draw, **fields):
    text = draw(_CRONS)
    cron = parse_cron(text, name="tidy").value
    return Schedule(
        name="tidy",
        job="tidy",
        cron=cron.written,
        plain=cron.plain,
        timezone=draw(st.sampled_from(ZONES)),
        catch_up=fields.get("catch_up") or draw(st.sampled_from(CatchUp)),
        overlap=fields.get("overlap") or draw(st.sampled_from(Overlap)),
        jitter_s=draw(st.sampled_from([0.0, 1.0, 600.0])),
    )


def new(schedule: Schedule, now: datetime):
    return adopt(None, schedule, now, environment="demo~7f3a2c", app="shop")


_INSTANTS = st.integers(0, 365 * 86400 * 10).map(
    lambda tenths: BEGIN + timedelta(seconds=tenths / 10)
)
_JUMPS = st.one_of(
    st.integers(-3 * 86400, 3 * 86400), st.integers(-300, 300), st.sampled_from([0, 30 * 86400])
)


@given(
    schedules(),
    _INSTANTS,
    st.lists(st.tuples(_JUMPS, st.booleans(), st.sampled_from(["", "pause", "resume", "adopt"]))),
)
@settings(max_examples=150, deadline=None)
def test_no_time_ever_makes_two_runs_however_the_clock_jumps(schedule, now, moves):
    state, fired = new(schedule, now), []
    for jump, running, act in moves:
        now += timedelta(seconds=jump)
        if act == "pause":
            state = pause(state, "ana", now)
        elif act == "resume":
            state = resume(state, now)
        elif act == "adopt":
            state = adopt(state, schedule, now, environment=state.environment, app=state.app)
        plan = plan_schedule(state, now, running=running)
        assert plan.state.seen_until >= state.seen_until
        assert all(state.seen_until < run.nominal_at <= now for run in plan.runs)
        state = plan.state
        assert state.next_at is None or state.next_at > state.seen_until
        fired += [run.nominal_at for run in plan.runs]
        assert plan_schedule(state, now, running=running).runs == ()
    assert all(earlier < later for earlier, later in pairwise(fired))


@given(schedules(), _INSTANTS)
@settings(max_examples=150, deadline=None)
def test_times_rise_and_each_is_next_after_the_one_before(schedule, at):
    times = upcoming(schedule, at, 20)
    assert len(times) == 20
    for earlier, later in pairwise((at, *times)):
        assert earlier < later
        assert next_after(schedule, earlier) == later
        # Nothing lies between: from any instant before a time, that time is next.
        assert next_after(schedule, earlier + (later - earlier) * 0.7) == later


@given(schedules(catch_up=CatchUp.ALL), _INSTANTS, st.integers(0, 5 * 86400))
@settings(max_examples=100, deadline=None)
def test_catching_up_all_makes_every_time_there_was(schedule, at, dark_s):
    now = at + timedelta(seconds=dark_s)
    plan = plan_schedule(new(schedule, at), now, running=False)
    every, last = [], at
    while (last := next_after(schedule, last)) <= now:
        every.append(last)
    assert [run.nominal_at for run in plan.runs] == every[-CATCH_UP_MAX:]
    assert plan.state.next_at == last


@given(schedules(), _INSTANTS, st.integers(0, 5 * 86400), st.booleans())
@settings(max_examples=100, deadline=None)
def test_all_is_most_and_what_is_made_is_of_it(schedule, at, dark_s, running):
    now = at + timedelta(seconds=dark_s)
    plan = plan_schedule(new(schedule, at), now, running=running)
    if schedule.catch_up is not CatchUp.ALL:
        # At most those of the last minute, and one that stands for the rest.
        assert len(plan.runs) <= 2
    if running and schedule.overlap is Overlap.SKIP:
        assert plan.runs == ()
    assert plan.cancel_running == (
        bool(plan.runs) and running and schedule.overlap is Overlap.REPLACE
    )
    assert all(run.behind for run in plan.runs[0 if running else 1 :])


@given(schedules(), _INSTANTS)
@settings(max_examples=100, deadline=None)
def test_jitter_stays_within_its_bound_and_the_same(schedule, at):
    state = new(schedule, at)
    for time in upcoming(schedule, at, 5):
        late_s = (start_at(state, time) - time).total_seconds()
        assert 0 <= late_s <= schedule.jitter_s
        assert start_at(state, time) == start_at(new(schedule, at - timedelta(days=1)), time)


CHANGES = (
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_around_a_change_it_fires_as_one_who_watches_every_minute_would(zone, change):
    """The oracle of the benchmark, which does this for all zones and more expressions."""
    window = Window(ZoneInfo(zone), change - AROUND, change + AROUND)
    for row in expressions(40):
        found = takewhile(window.end.__ge__, Firing(row.plain, zone).after(window.begin))
        assert list(found) == window.firings(row), row.text
