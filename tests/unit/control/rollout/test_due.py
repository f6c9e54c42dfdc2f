"""Each app is looked at again at one time."""

from datetime import UTC, datetime, timedelta

from headway.control.rollout.due import Due

NOW = datetime(2026, 3, 4, tzinfo=UTC)
SHOP, DESK = ("demo~1", "shop"), ("demo~1", "desk")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_who_is_due_is_given_once_and_who_is_not_yet_waits():
    due = Due()
    due.set(SHOP, after(2))
    due.set(DESK, after(1))
    assert due.next_at == after(1)
    assert list(due.take(after(1))) == [DESK]
    assert list(due.take(after(1))) == []
    assert due.next_at == after(2)


def test_a_time_takes_the_place_of_the_one_before_be_it_earlier_or_later():
    for first, last in ((1, 3), (3, 1)):
        due = Due()
        due.set(SHOP, after(first))
        due.set(SHOP, after(last))
        assert due.next_at == after(last)
        assert list(due.take(after(5))) == [SHOP]
        assert due.next_at is None


def test_who_has_no_time_any_more_is_not_due_until_it_has_one_again():
    due = Due()
    due.set(SHOP, after(1))
    due.set(SHOP, None)
    assert due.next_at is None
    due.set(SHOP, after(1))
    assert list(due.take(after(1))) == [SHOP]
    assert list(due.take(after(1))) == []
