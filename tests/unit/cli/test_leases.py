"""What is claimed, read from the options of `headway leases acquire`."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from headway.cli.leases import _asked, _row
from headway.cli.options import Dated, LeaseOrLength, Moment, Size
from headway.model.ids import LeaseId
from headway.model.lease import Claim, ClaimKind, Lease, LeaseState

NOTHING = {
    "lock": None,
    "node": None,
    "cores": 0.0,
    "memory": 0,
    "pool": "default",
    "places": None,
    "begins": None,
    "ends": None,
    "length": None,
}


def asked(**said):
    return _asked(**{**NOTHING, **said})


def test_one_of_lock_node_and_capacity_is_claimed():
    assert asked(lock="migration", places=2)[:3] == (ClaimKind.LOCK, "migration", 3600)
    assert asked(node="n1", length=60.0)[:3] == (ClaimKind.NODE, "n1", 60)
    wish = asked(cores=40.0, memory=1024)
    assert (wish.kind, wish.name, wish.from_at) == (ClaimKind.CAPACITY, "default", None)
    assert wish.options == {"cpu": 40, "memory_mib": 1024}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"lock": "a", "node": "b"},
        {"lock": "a", "cores": 1.0},
        {"lock": "a", "begins": datetime.now(UTC)},
        {"cores": 1.0, "ends": datetime.now(UTC), "length": 60.0},
    ],
)
def test_what_is_not_one_thing_is_a_wrong_use(said):
    with pytest.raises(click.UsageError):
        asked(**said)


def test_a_window_over_midnight_ends_on_the_next_day():
    begins = datetime(2026, 11, 21, 22, tzinfo=UTC)
    same_day = datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert asked(cores=1.0, begins=begins, ends=same_day).length_s == 4 * 3600
    assert asked(cores=1.0, begins=begins, ends=begins + timedelta(hours=1)).length_s == 3600


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (datetime(2026, 11, 21, 21, tzinfo=UTC), "would be 23h: if that is meant, say --for 23h"),
        (Dated(2026, 11, 21, 21, tzinfo=UTC), "is before it begins"),
        (Dated(2026, 11, 20, 2, tzinfo=UTC), "is before it begins"),
    ],
)
def test_a_window_that_ends_before_it_begins_is_refused(ends, said):
    with pytest.raises(click.UsageError, match=said):
        asked(cores=1.0, begins=datetime(2026, 11, 21, 22, tzinfo=UTC), ends=ends)


def test_a_time_without_a_date_is_in_the_next_24_hours():
    now = datetime.now(UTC)
    for text in ("00:00", "12:00", "23:59"):
        at = Moment().convert(text, None, None)
        assert timedelta(0) < at - now <= timedelta(hours=25)
        assert f"{at:%H:%M}" == text
    whole = Moment().convert("2026-11-30T02:00+00:00", None, None)
    assert whole == datetime(2026, 11, 30, 2, tzinfo=UTC)
    assert isinstance(whole, Dated)


@pytest.mark.parametrize("text", ["25:00", "tomorrow", ""])
def test_what_is_no_moment_is_said(text):
    with pytest.raises(click.BadParameter, match="no moment"):
        Moment().convert(text, None, None)


def test_sizes_and_leases():
    assert Size().convert("16GiB", None, None) == 16 * 1024
    assert Size().convert("0.5MiB", None, None) == 1
    with pytest.raises(click.BadParameter):
        Size().convert("much", None, None)
    assert LeaseOrLength().convert("8h", None, None) == 8 * 3600
    assert LeaseOrLength().convert("lse-0123456789", None, None) == "lse-0123456789"


def test_a_booking_says_from_when_until_when():
    begins = datetime(2026, 11, 30, 2, tzinfo=UTC)
    lease = Lease(
        id=LeaseId("lse-1"),
        claim=Claim(kind=ClaimKind.CAPACITY, name="default", cpu=1),
        holder="ana",
        state=LeaseState.BOOKED,
        length_s=7200,
        asked_at=begins,
        from_at=begins,
        until=begins + timedelta(hours=2),
    )
    local = begins.astimezone()
    assert _row(lease)[4] == (
        f"from {local:%Y-%m-%d %H:%M} until {local + timedelta(hours=2):%Y-%m-%d %H:%M} (2h)"
    )
