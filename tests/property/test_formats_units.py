"""Laws of lengths of time, sizes and shares."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.formats.units import (
    parse_cores,
    parse_count,
    parse_duration,
    parse_number,
    parse_percent,
    parse_rate,
    parse_signed,
    parse_size,
    render_duration,
    render_size,
)


@given(st.integers(0, 10**12))
def test_a_length_of_time_is_read_as_it_was_written(milliseconds):
    assert round(parse_duration(render_duration(milliseconds / 1000)) * 1000) == milliseconds


@given(st.integers(0, 2**50))
def test_a_size_is_read_as_it_was_written(size):
    assert parse_size(render_size(size)) == size


@given(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_what_is_written_again_is_written_the_same(number, unit):
    once = render_duration(parse_duration(f"{number}{unit}"))
    assert render_duration(parse_duration(once)) == once


@given(st.integers(0, 10**6))
def test_cores_are_thousandths_or_whole(number):
    assert parse_cores(f"{number}m") == number / 1000
    assert parse_cores(str(number)) == number


@given(st.integers(0, 10**6), st.sampled_from(["", "%", " %"]))
def test_a_share_needs_no_sign(number, sign):
    assert parse_percent(f"{number}{sign}") == number


@given(st.text(alphabet="0123456789.smhdkKMGTiB% -+e", max_size=20))
def test_nothing_negative_and_no_exponent_is_read(text):
    for parse in (parse_duration, parse_size, parse_cores, parse_percent):
        value = parse(text)
        assert value is None or value >= 0
        assert value is None or not {"-", "+", "e"} & set(text)


@pytest.mark.parametrize(
    "parse",
    [
        parse_cores,
        parse_count,
        parse_duration,
        parse_number,
        parse_percent,
        parse_rate,
        parse_signed,
        parse_size,
    ],
)
@given(st.sampled_from(["9", "1", "²", "٣"]), st.integers(1, 6000), st.sampled_from("mh%/Gs "))
def test_however_many_digits_nothing_is_infinite_and_nothing_breaks(parse, digit, count, unit):
    for text in (digit * count, digit * count + unit, f"{digit * count}/s", f"1.{digit * count}"):
        value = parse(text)
        assert value is None or math.isfinite(value)
