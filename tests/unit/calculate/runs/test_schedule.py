"""Which runs a schedule makes, on days when clocks are changed and after days of darkness too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from headway.calculate.runs import schedule as module
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
from headway.model.schedule import CatchUp, Overlap, Schedule

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def declared(cron: str = "0 * * * *", zone: str = "UTC", **fields) -> Schedule:
    return Schedule(name="tidy", job="tidy", cron=cron, timezone=zone, **fields)


def adopted(schedule: Schedule, now: datetime = NOON, before=None):
    return adopt(before, schedule, now, environment="demo~7f3a2c", app="shop")


def nominal(plan) -> list[str]:
    return [f"{run.nominal_at:%d %H:%M}" for run in plan.runs]


def test_a_schedule_that_is_new_tells_of_no_time_yet():
    assert adopted(declared()).because == ""


# --- times ------------------------------------------------------------------------------------


def day_of(cron: str, zone: str, day: date) -> list[str]:
    """Give what the clock shows at each firing of a local day."""
    begin = datetime.combine(day, time(), ZoneInfo(zone))
    end = datetime.combine(day + DAY, time(), ZoneInfo(zone)).astimezone(UTC)
    at, found = begin.astimezone(UTC) - timedelta(seconds=1), []
    while (at := next_after(declared(cron, zone), at)) < end:
        found.append(f"{at.astimezone(ZoneInfo(zone)):%H:%M}")
    return found


GAP_BEGIN = datetime(2026, 3, 8, 6, 59, tzinfo=UTC)
GAP, FOLD = date(2026, 3, 8), date(2026, 11, 1)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", ["03:00"]),
        ("0,30 2 * * *", ["03:00"]),
        ("0,30 2-3 * * *", ["03:00", "03:30"]),
        ("15 1-4 * * *", ["01:15", "03:00", "03:15", "04:15"]),
        ("*/30 2 * * *", []),
        ("30 * 8 3 *", [f"{hour:02}:30" for hour in range(24) if hour != 2]),
        ("0 */2 * * *", [f"{hour:02}:00" for hour in range(0, 24, 2) if hour != 2]),
    ],
)
def test_an_hour_that_is_left_out(cron, expected):
    assert day_of(cron, "America/New_York", GAP) == expected


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 1 * * *", ["01:30"]),
        ("15 0-3 * * *", ["00:15", "01:15", "02:15", "03:15"]),
        ("*/30 1 * * *", ["01:00", "01:30", "01:00", "01:30"]),
        ("30 * * * *", [f"{hour:02}:30" for hour in (0, 1, *range(1, 24))]),
    ],
)
def test_an_hour_that_is_repeated(cron, expected):
    assert day_of(cron, "America/New_York", FOLD) == expected


@pytest.mark.parametrize(
    ("zone", "day", "cron", "expected"),
    [
        # Half an hour: 2:00 is followed by 2:30, and 2:00 by 1:30.
        ("Australia/Lord_Howe", date(2026, 10, 4), "*/15 2-3 * * *", 6),
        ("Australia/Lord_Howe", date(2026, 10, 4), "* 3 * * *", 60),
        ("Australia/Lord_Howe", date(2026, 4, 5), "*/10 2 * * *", 6),
        ("Australia/Lord_Howe", date(2026, 4, 5), "*/10 1 * * *", 9),
        # Midnight is left out: 0:00 is shown as 1:00.
        ("Africa/Cairo", date(2026, 4, 24), "*/10 0 * * *", 0),
        ("Africa/Cairo", date(2026, 4, 24), "0 0 * * *", 1),
    ],
)
def test_changes_at_midnight_and_of_half_an_hour(zone, day, cron, expected):
    assert len(day_of(cron, zone, day)) == expected


def test_a_day_that_is_left_out_gives_one_run_after_it():
    samoa = declared("0 9 * * *", "Pacific/Apia")
    found = upcoming(samoa, datetime(2011, 12, 29, tzinfo=UTC), 3)
    local = [f"{at.astimezone(ZoneInfo('Pacific/Apia')):%d %H:%M}" for at in found]
    assert local == ["29 09:00", "31 00:00", "31 09:00"]


def test_times_that_are_left_out_together_give_one_run():
    found = upcoming(declared("0,30 2-3 * * *", "America/New_York"), GAP_BEGIN, 3)
    assert [f"{at:%d %H:%M}" for at in found] == ["08 07:00", "08 07:30", "09 06:00"]


def test_next_is_strictly_later_to_the_microsecond():
    hourly = declared()
    assert next_after(hourly, NOON) == NOON + HOUR
    assert next_after(hourly, NOON - timedelta(microseconds=1)) == NOON
    assert next_after(hourly, NOON + timedelta(microseconds=1)) == NOON + HOUR


def test_plain_fields_are_used_where_there_are_some():
    assert next_after(declared("H * * * *", plain="7 * * * *"), NOON) == NOON + 7 * MINUTE


# --- declaring, pausing -------------------------------------------------------------------------


def test_a_new_schedule_begins_now():
    state = adopted(declared())
    assert (state.seen_until, state.next_at) == (NOON, NOON + HOUR)


def test_the_same_times_go_on_where_they_were():
    before = adopted(declared())
    later = adopted(declared(parameters={"rows": 3}), NOON + 90 * MINUTE, before)
    assert later.next_at == NOON + HOUR
    assert later.schedule.parameters == {"rows": 3}


@pytest.mark.parametrize("changed", [declared("*/5 * * * *"), declared(zone="Asia/Kolkata")])
def test_other_times_never_begin_in_the_past(changed):
    now = NOON + 92 * MINUTE
    assert adopted(changed, now, adopted(declared())).next_at > now


def test_other_times_never_begin_before_what_was_dealt_with():
    before = adopted(declared(), NOON + DAY)
    assert adopted(declared("*/5 * * * *"), NOON, before).next_at > NOON + DAY


def test_one_that_was_away_begins_anew():
    away = msgspec.structs.replace(adopted(declared()), live=False)
    assert plan_schedule(away, NOON + DAY, running=False).runs == ()
    back = adopted(declared(), NOON + DAY, away)
    assert (back.live, back.next_at) == (True, NOON + DAY + HOUR)


def test_a_pause_makes_no_runs_and_they_are_not_made_up_for():
    paused = pause(adopted(declared(catch_up=CatchUp.ALL)), "ana", NOON)
    assert (paused.next_at, paused.paused_by, paused.paused_at) == (None, "ana", NOON)
    plan = plan_schedule(paused, NOON + DAY, running=False)
    assert (plan.runs, plan.state.next_at) == ((), None)
    assert adopted(declared("1 * * * *"), NOON, paused).next_at is None
    resumed = resume(paused, NOON + DAY)
    assert (resumed.paused_by, resumed.paused_at) == ("", None)
    assert resumed.next_at == NOON + DAY + HOUR
    assert plan_schedule(resumed, NOON + DAY + MINUTE, running=False).runs == ()


def test_resuming_on_a_clock_that_was_set_back_makes_no_run_again():
    fired = plan_schedule(adopted(declared()), NOON + HOUR, running=False).state
    assert resume(pause(fired, "ana", NOON), NOON).next_at == NOON + 2 * HOUR


def test_resuming_what_is_not_paused_loses_nothing():
    state = adopted(declared())
    assert resume(state, NOON + DAY) is state


# --- what time brings ----------------------------------------------------------------------------


def test_nothing_before_its_time():
    state = adopted(declared())
    plan = plan_schedule(state, NOON + 59 * MINUTE, running=False)
    assert (plan.runs, plan.state) == ((), state)


def test_a_time_that_came_makes_a_run():
    plan = plan_schedule(adopted(declared()), NOON + HOUR, running=False)
    assert nominal(plan) == ["01 13:00"]
    assert plan.runs[0].start_at == NOON + HOUR
    assert not plan.runs[0].behind
    assert plan.state.seen_until == NOON + HOUR
    assert plan.state.next_at == NOON + 2 * HOUR
    assert plan.state.because == "a run for 2026-06-01 13:00 UTC"
    assert plan_schedule(plan.state, NOON + HOUR, running=False).runs == ()


@pytest.mark.parametrize("catch_up", CatchUp)
@pytest.mark.parametrize(("late_s", "missed"), [(60, False), (61, True)])
def test_a_time_is_missed_after_a_minute(catch_up, late_s, missed):
    state = adopted(declared(catch_up=catch_up))
    plan = plan_schedule(state, NOON + HOUR + timedelta(seconds=late_s), running=False)
    assert bool(plan.runs) == (not missed or catch_up is not CatchUp.SKIP)


@pytest.mark.parametrize(
    ("catch_up", "expected", "because"),
    [
        (CatchUp.SKIP, [], "3 times missed since 2026-06-01 13:00 UTC; left out"),
        (
            CatchUp.ONE,
            ["01 15:00"],
            (
                "3 times missed since 2026-06-01 13:00 UTC; "
                "a run for 2026-06-01 15:00 UTC, the last of them"
            ),
        ),
        (
            CatchUp.ALL,
            ["01 13:00", "01 14:00", "01 15:00"],
            (
                "3 times missed since 2026-06-01 13:00 UTC; "
                "3 runs from 2026-06-01 13:00 UTC to 2026-06-01 15:00 UTC"
            ),
        ),
    ],
)
def test_what_was_missed_is_caught_up_as_declared(catch_up, expected, because):
    state = adopted(declared(catch_up=catch_up))
    plan = plan_schedule(state, NOON + 3 * HOUR + 30 * MINUTE, running=False)
    assert nominal(plan) == expected
    assert plan.state.because == because
    assert plan.state.seen_until == NOON + 3 * HOUR
    assert [run.behind for run in plan.runs] == [number > 0 for number in range(len(expected))]


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        (CatchUp.SKIP, ["01 15:00"]),
        (CatchUp.ONE, ["01 15:00"]),
        (CatchUp.ALL, ["01 13:00", "01 14:00", "01 15:00"]),
    ],
)
def test_a_time_that_is_due_stands_for_those_missed(catch_up, expected):
    state = adopted(declared(catch_up=catch_up))
    assert nominal(plan_schedule(state, NOON + 3 * HOUR, running=False)) == expected


def test_the_last_of_times_that_come_in_bursts_is_found():
    state = adopted(declared("0 13,14 * * *"))
    plan = plan_schedule(state, NOON + 3 * HOUR, running=False)
    assert nominal(plan) == ["01 14:00"]
    assert plan.state.seen_until == NOON + 2 * HOUR


def test_catching_up_all_has_an_end_and_says_so():
    state = adopted(declared("* * * * *", catch_up=CatchUp.ALL))
    plan = plan_schedule(state, NOON + DAY, running=False)
    assert len(plan.runs) == CATCH_UP_MAX
    assert plan.runs[-1].nominal_at == NOON + DAY
    assert "440 times before them left out" in plan.state.because
    late = plan_schedule(state, NOON + 30 * DAY, running=False)
    assert "more than 1,000 times before them left out" in late.state.because


def test_sparse_times_far_back_are_found():
    state = adopted(declared("0 3 1 * *", "Europe/Berlin", catch_up=CatchUp.ALL))
    plan = plan_schedule(state, NOON + 400 * DAY, running=False)
    assert len(plan.runs) == 13


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_long_darkness_is_not_gone_through_minute_by_minute(catch_up, monkeypatch):
    steps = 0
    real = module.Firing.after

    def counted(firing, at):
        nonlocal steps
        for found in real(firing, at):
            steps += 1
            yield found

    monkeypatch.setattr(module.Firing, "after", counted)
    state = adopted(declared("* * * * *", "America/New_York", catch_up=catch_up))
    plan = plan_schedule(state, NOON + 30 * DAY, running=False)
    assert plan.runs[-1].nominal_at == NOON + 30 * DAY
    assert steps < (4000 if catch_up is CatchUp.ALL else 300)


def test_overlap_skip_leaves_the_time_out():
    state = adopted(declared(overlap=Overlap.SKIP))
    plan = plan_schedule(state, NOON + HOUR, running=True)
    assert (plan.runs, plan.cancel_running) == ((), False)
    assert plan.state.seen_until == NOON + HOUR
    assert plan.state.because == "2026-06-01 13:00 UTC left out: the run before has not ended"


def test_overlap_queue_waits_for_the_run_before():
    state = adopted(declared(overlap=Overlap.QUEUE))
    plan = plan_schedule(state, NOON + HOUR, running=True)
    assert [run.behind for run in plan.runs] == [True]
    assert not plan.cancel_running
    assert plan.state.because.endswith("it waits for the run before")


def test_overlap_replace_cancels_the_run_before():
    state = adopted(declared(overlap=Overlap.REPLACE))
    plan = plan_schedule(state, NOON + HOUR, running=True)
    assert plan.cancel_running
    assert [run.behind for run in plan.runs] == [True]
    assert not plan_schedule(state, NOON + HOUR, running=False).cancel_running


def test_overlap_replace_cancels_nothing_when_nothing_takes_its_place():
    state = adopted(declared(overlap=Overlap.REPLACE, catch_up=CatchUp.SKIP))
    plan = plan_schedule(state, NOON + 90 * MINUTE, running=True)
    assert (plan.runs, plan.cancel_running) == ((), False)


def test_a_clock_that_was_set_back_makes_no_run_again():
    fired = plan_schedule(adopted(declared()), NOON + HOUR, running=False).state
    back = plan_schedule(fired, NOON - HOUR, running=False)
    assert back.runs == ()
    assert back.state.next_at == NOON + 2 * HOUR
    assert "clock was set back" in back.state.because


def test_jitter_is_stable_and_differs_from_time_to_time():
    state = adopted(declared(jitter_s=300.0))
    times = upcoming(state.schedule, NOON, 50)
    late = [(start_at(state, at) - at).total_seconds() for at in times]
    assert all(0 <= seconds < 300 for seconds in late)
    assert len(set(late)) == 50
    assert late == [(start_at(state, at) - at).total_seconds() for at in times]
    other = msgspec.structs.replace(state, name="other")
    assert start_at(other, times[0]) != start_at(state, times[0])
    assert plan_schedule(state, times[0], running=False).runs[0].start_at == start_at(
        state, times[0]
    )
