from datetime import UTC, datetime, timedelta

import click
import pytest

from headway.cli.parameters import InstantOrLength


def read(text: str) -> datetime:
    return InstantOrLength().convert(text, None, None)


def test_a_deadline_is_a_moment_or_so_long_from_now():
    assert read("2026-01-31T08:00Z") == datetime(2026, 1, 31, 8, tzinfo=UTC)
    before = datetime.now(UTC)
    assert before <= read("10m") - timedelta(minutes=10) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("text", "why"), [("2026-01-31T08:00", "no offset"), ("soon", "no time"), ("9999d", "no time")]
)
def test_what_is_neither_is_refused(text, why):
    with pytest.raises(click.BadParameter, match=why):
        read(text)
