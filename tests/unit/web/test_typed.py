"""What people type, as values."""

from datetime import UTC, datetime

import pytest

from headway.control.errors import Invalid
from headway.web.moment import moment
from headway.web.typed import amount, length, number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "٣", "9999999999", "x"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Invalid):
        number(text, "nodes")


@pytest.mark.parametrize("text", ["-1", "1.5.2", "٣", "1e9", "99999999999", "x"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(Invalid):
        amount(text, "cores")


@pytest.mark.parametrize("text", ["soon", "-1h", "1 fortnight", "3651d", "9" * 40])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(Invalid):
        length(text)


@pytest.mark.parametrize("text", ["soon", "3651d", "9" * 40])
@pytest.mark.parametrize("ahead", [True, False])
def test_what_is_no_time_is_refused(text, ahead):
    with pytest.raises(Invalid, match="is no time"):
        moment(text, datetime(2026, 3, 1, tzinfo=UTC), ahead=ahead)
