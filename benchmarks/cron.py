"""Schedules: right on every day that a clock is changed, and cheap by the million.

The oracle has nothing in common with what it judges: it walks through the minutes of UTC, looks what
the clock of the zone shows, and applies the rule of Debian's cron(8), as `calculate/firing.py` settles
it. Expressions are made as sets of numbers, and only the text is given to what is judged.

Looked at are, for every zone, the 52 hours around each change of its clock in the years 2020 to 2029
and around a day by chance, with all 200 expressions. Zones whose clocks never differ in those years
are one. What CronSim says by itself is slow to ask for: ALONE of the expressions, chosen anew for each
window, show how often it is wrong.
"""

import asyncio
import heapq
import os
import random
import statistics
import tempfile
import time
import zoneinfo
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path

import msgspec
from cronsim import CronSim

from benchmarks.figure import Figure
from headway.calculate.firing import Firing
from headway.calculate.runs.schedule import adopt, plan_schedule
from headway.control.runs import scheduling
from headway.formats.cron import parse_cron
from headway.model.schedule import CatchUp, Overlap, Schedule
from headway.ports.store import Writer
from headway.stores.sqlite import SqliteStore

EXPRESSIONS = int(os.environ.get("EXPRESSIONS", "200"))
ALONE = int(os.environ.get("ALONE", "6"))
OTHER_DAYS = int(os.environ.get("OTHER_DAYS", "1"))
SCHEDULES = int(os.environ.get("SCHEDULES", "1000000"))
SEED = int(os.environ.get("SEED", "1"))
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AROUND = 26 * HOUR


def run() -> list[Figure]:
    """Hold every firing against the oracle, then measure what schedules cost."""
    return [*_rightness(), *_costs()]


# --- the oracle ---------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Expression:
    """One expression, as numbers and as text."""

    text: str
    times: list[int]
    """Minutes of a day, sorted."""
    days: set[int]
    months: set[int]
    weekdays: set[int]
    """Sunday is 0."""
    both: bool
    """Day and weekday must fit, not one of them."""
    fixed: bool

    @property
    def plain(self) -> str:
        """The text as headway reads it."""
        return parse_cron(self.text, name="tidy").value.plain

    def is_on(self, day: date) -> bool:
        by_day, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = (by_day and by_week) if self.both else (by_day or by_week)
        return fits and day.month in self.months


def expressions(count: int) -> list[Expression]:
    chance = random.Random(SEED)
    made: list[Expression] = []
    while len(made) < count:
        minute, minutes = _field(chance, 0, 59, 0.25)
        # Most clocks are changed between midnight and four.
        hour, hours = _field(chance, 0, 23, 0.3, often=(0, 1, 2, 3))
        day, days = _field(chance, 1, 31, 0.75)
        month, months = _field(chance, 1, 12, 0.85)
        weekday, weekdays = _field(chance, 0, 6, 0.7)
        row = Expression(
            text=f"{minute} {hour} {day} {month} {weekday}",
            times=sorted(60 * h + m for h in hours for m in minutes),
            days=days,
            months=months,
            weekdays=weekdays,
            both=day[0] == "*" or weekday[0] == "*",
            fixed=minute[0] != "*" and hour[0] != "*",
        )
        if any(row.is_on(date(2000, 1, 1) + n * DAY) for n in range(28 * 366)):
            made.append(row)
    return made


def _field(chance, low, high, star, often=()) -> tuple[str, set[int]]:
    if chance.random() < star:
        step = chance.choice((1, 1, 2, 3, 5, 7, 15)) if high > 12 else chance.choice((1, 2))
        return ("*" if step == 1 else f"*/{step}"), set(range(low, high + 1, step))
    parts, numbers = [], set()
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        first = (
            chance.choice(often) if often and chance.random() < 0.7 else chance.randint(low, high)
        )
        if chance.random() < 0.6:
            parts.append(str(first))
            numbers.add(first)
            continue
        last = chance.randint(first, min(high, first + 6) if often else high)
        step = chance.choice((1, 1, 2, 4))
        parts.append(f"{first}-{last}" + (f"/{step}" if step > 1 else ""))
        numbers |= set(range(first, last + 1, step))
    return ",".join(parts), numbers


class Window:
    """Some days of a zone, minute by minute."""

    def __init__(self, zone: zoneinfo.ZoneInfo, begin: datetime, end: datetime) -> None:
        self.begin, self.end = begin, end
        self.shown: dict[date, dict[int, list[datetime]]] = defaultdict(dict)
        """Local day and minute of it to the instants at which the clock shows them."""
        self.highest: list[tuple[datetime, datetime]] = []
        """Local times that the clock shows for the first time, rising, and when."""
        at = begin - AROUND
        while at <= end + AROUND:
            local = at.astimezone(zone).replace(tzinfo=None)
            self.shown[local.date()].setdefault(60 * local.hour + local.minute, []).append(at)
            if not self.highest or local > self.highest[-1][0]:
                self.highest.append((local, at))
            at += MINUTE

    def firings(self, expression: Expression) -> list[datetime]:
        found: set[datetime] = set()
        day = min(self.shown)
        while day <= max(self.shown):
            if expression.is_on(day):
                shown = self.shown.get(day, {})
                for minute in expression.times:
                    instants = shown.get(minute, ())
                    if not expression.fixed:
                        found.update(instants)
                    elif instants:
                        found.add(instants[0])
                    else:
                        found.update(self._after_gap(day, minute))
            day += DAY
        return sorted(at for at in found if self.begin < at <= self.end)

    def _after_gap(self, day: date, minute: int) -> list[datetime]:
        """Give the first instant at which the clock shows more than a time it left out."""
        wall = datetime.combine(day, datetime.min.time()) + minute * MINUTE
        place = bisect_left(self.highest, (wall,))
        return [self.highest[place][1]] if 0 < place < len(self.highest) else []


# --- right or wrong -----------------------------------------------------------------------------


def _changes(zone: zoneinfo.ZoneInfo) -> tuple[tuple[datetime, timedelta], ...]:
    """Find where the offset is another, looking every six hours, then every minute."""
    found, at = [], BEGIN
    before = at.astimezone(zone).utcoffset()
    while at < END:
        here = (at + 6 * HOUR).astimezone(zone).utcoffset()
        if here != before:
            exact = next(
                at + n * MINUTE
                for n in range(1, 361)
                if (at + n * MINUTE).astimezone(zone).utcoffset() != before
            )
            found.append((exact, here))
            before = here
        at += 6 * HOUR
    return ((BEGIN, BEGIN.astimezone(zone).utcoffset()), *found)


def _rightness() -> list[Figure]:
    chance = random.Random(SEED)
    names = sorted(zoneinfo.available_timezones())
    alike: dict[tuple, str] = {}
    for name in names:
        alike.setdefault(_changes(zoneinfo.ZoneInfo(name)), name)
    made = expressions(EXPRESSIONS)
    windows = right = wrong = asked = alone = 0
    for changes, name in alike.items():
        zone = zoneinfo.ZoneInfo(name)
        ours = [Firing(row.plain, name) for row in made]
        places = [at for at, _ in changes[1:]]
        places += [BEGIN + chance.random() * (END - BEGIN - DAY) for _ in range(OTHER_DAYS)]
        for place in places:
            middle = place.replace(second=0, microsecond=0)
            window = Window(zone, middle - AROUND, middle + AROUND)
            windows += 1
            sampled = set(chance.sample(range(len(made)), min(ALONE, len(made))))
            for number, (row, firing) in enumerate(zip(made, ours, strict=True)):
                wanted = set(window.firings(row))
                got = set(takewhile(window.end.__ge__, firing.after(window.begin)))
                right += len(wanted & got)
                wrong += len(wanted ^ got)
                if number in sampled:
                    asked += len(wanted)
                    alone += len(wanted ^ _cronsim(row.plain, zone, window))
                if wanted != got and wrong < 20:
                    print(f"  wrong: {row.text!r} in {name}: {sorted(wanted ^ got)[:3]}")
    held = f"{windows:,} windows, {len(made)} expressions, {len(names)} zones ({len(alike)} differ)"
    return [
        Figure(what="firings that are right", value=right, unit="", against=held),
        Figure(
            what="firings that are wrong",
            value=wrong,
            unit="",
            against=f"CronSim in zones, alone: {alone:,} of a sample of {asked:,}",
            goal="0",
            holds=wrong == 0,
        ),
    ]


def _cronsim(text: str, zone: zoneinfo.ZoneInfo, window: Window) -> set[datetime]:
    """Give what the library says by itself, each instant once."""
    found = set()
    for at in CronSim(text, window.begin.astimezone(zone)):
        instant = at.astimezone(UTC)
        if instant > window.end:
            return found
        if instant > window.begin:
            found.add(instant)
    return found


# --- what it costs ------------------------------------------------------------------------------


def _costs() -> list[Figure]:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    states = _million(now)
    tick, small = _tick(states), _tick(states[:1000])
    looks, few = asyncio.run(_looks(states, now)), asyncio.run(_looks(states[:1000], now))
    figures = [
        Figure(
            what=f"a look at {len(states):,} in the store, none due",
            value=1000 * looks,
            unit="ms",
            against=f"of 1,000 schedules {1000 * few:.2f} ms",
            ratio=looks / few,
            goal="under 1 ms",
            holds=looks < 0.001,
        ),
        Figure(
            what=f"deciding on one of {len(states):,} that is due",
            value=1000 * tick,
            unit="ms",
            against=f"of 1,000 schedules {1000 * small:.2f} ms",
            ratio=tick / small,
            goal="under 1 ms",
            holds=tick < 0.001,
        ),
    ]
    for catch_up, zone in (
        (CatchUp.ONE, "UTC"),
        (CatchUp.ONE, "America/New_York"),
        (CatchUp.ALL, "America/New_York"),
    ):
        took = _catching_up(catch_up, zone, now)
        figures.append(
            Figure(
                what=f"30 days missed of '* * * * *', {catch_up.value}, {zone}",
                value=1000 * took,
                unit="ms",
                goal="under 1 s",
                holds=took < 1,
            )
        )
    return figures


def _million(now: datetime) -> list:
    """Make schedules of 2,000 expressions; those of one expression are due at one time."""
    chance = random.Random(SEED)
    zones = sorted(zoneinfo.available_timezones())
    kinds = []
    for row in expressions(2000):
        zone = chance.choice(zones)
        schedule = Schedule(name="tidy", job="tidy", cron=row.plain, timezone=zone)
        state = adopt(None, schedule, now, environment="demo~7f3a2c", app="shop")
        if state.next_at is not None:
            kinds.append(state)
    return [
        msgspec.structs.replace(kinds[n % len(kinds)], name=f"tidy-{n}") for n in range(SCHEDULES)
    ]


async def _looks(states: list, now: datetime) -> float:
    """Look for schedules that are due in a store that holds these: the processor's seconds."""
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "headway.db")
        for part in batched(states, 20_000):
            await store.write(partial(_put_all, part))
        took = []
        for _ in range(200):
            began = time.process_time()
            fired, _ = await store.write(partial(scheduling.fire, world=None, now=now))
            took.append(time.process_time() - began)
            assert fired == []
        await store.close()
    return statistics.median(took)


def batched(rows: list, size: int) -> Iterator[list]:
    return (rows[place : place + size] for place in range(0, len(rows), size))


def _put_all(states: list, tx: Writer) -> None:
    for state in states:
        tx.put(state)


def _tick(states: list) -> float:
    """Plan those that are due first, a hundred at a time, and put them back: the median for one."""
    states = list(states)
    heap = [(state.due_us, number) for number, state in enumerate(states)]
    heapq.heapify(heap)
    ticks = []
    for _ in range(20):
        began = time.process_time()
        for _ in range(100):
            due_us, number = heap[0]
            at = datetime.fromtimestamp(due_us / 1e6, UTC)
            plan = plan_schedule(states[number], at, running=False)
            assert len(plan.runs) == 1
            states[number] = plan.state
            heapq.heapreplace(heap, (plan.state.due_us, number))
        ticks.append((time.process_time() - began) / 100)
    return statistics.median(ticks)


def _catching_up(catch_up: CatchUp, zone: str, now: datetime) -> float:
    schedule = Schedule(
        name="tidy",
        job="tidy",
        cron="* * * * *",
        timezone=zone,
        catch_up=catch_up,
        overlap=Overlap.QUEUE,
    )
    state = adopt(None, schedule, now, environment="demo~7f3a2c", app="shop")
    began = time.perf_counter()
    plan = plan_schedule(state, now + 30 * DAY, running=False)
    took = time.perf_counter() - began
    assert plan.runs
    return took
