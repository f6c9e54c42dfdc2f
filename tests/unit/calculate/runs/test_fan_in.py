from datetime import UTC, datetime

import pytest

from headway.calculate.runs.fan_in import awaited_time
from headway.model.schedule import Schedule


def schedule(cron: str, timezone: str = "UTC") -> Schedule:
    return Schedule(name="any", job="any", cron=cron, timezone=timezone)


@pytest.mark.parametrize(
    ("own", "other", "at", "expected"),
    [
        ("0 6 * * *", "0 6 * * *", (2026, 3, 28, 6), (2026, 3, 28, 6)),
        ("0 6 * * *", "1 6 * * *", (2026, 3, 28, 6), (2026, 3, 27, 6, 1)),
        ("0 6 * * *", "*/10 * * * *", (2026, 3, 28, 6), (2026, 3, 28, 6)),
        ("0 * * * *", "0 6 * * *", (2026, 3, 28, 6), (2026, 3, 28, 6)),
        ("0 * * * *", "0 6 * * *", (2026, 3, 28, 7), None),
        ("0 6 1 1 *", "0 5 29 2 *", (2029, 1, 1, 6), (2028, 2, 29, 5)),
        ("0 6 1 1 *", "0 5 29 2 *", (2030, 1, 1, 6), None),
    ],
)
def test_the_last_time_of_the_period_is_awaited(own, other, at, expected):
    found = awaited_time(schedule(own), schedule(other), datetime(*at, tzinfo=UTC))
    assert found == (expected and datetime(*expected, tzinfo=UTC))


def test_each_schedule_has_its_own_clock():
    report = schedule("0 6 * * *", "Europe/Berlin")
    extract = schedule("0 23 * * *", "America/New_York")
    six_in_berlin = datetime(2026, 3, 29, 4, tzinfo=UTC)  # the clock was set forward there
    assert awaited_time(report, extract, six_in_berlin) == datetime(2026, 3, 29, 3, tzinfo=UTC)
