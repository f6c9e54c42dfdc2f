"""What people type, as values."""

import pytest

from headway.control.errors import Invalid
from headway.web.typed import amount, length, number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "٣", "9999999999", "x"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Invalid):
        number(text, "nodes")


@pytest.mark.parametrize("text", ["-1", "1.5.2", "٣", "1e9", "99999999999", "x"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(Invalid):
        amount(text, "cores")


@pytest.mark.parametrize("text", ["soon", "-1h", "1 fortnight"])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(Invalid):
        length(text)
