import random

import pytest

from headway.calculate.runs.estimate import SEEN_MAX, estimate, quantile, within
from headway.model.length import LENGTH_MAX_S


def test_one_that_hung_does_not_make_the_next_look_long():
    assert estimate([60, 62, 3600, 61, 59]).middle_s == 61


def test_of_few_the_longest_is_taken():
    assert estimate([30, 90]).middle_s == 90


def test_nothing_known_is_ten_minutes_or_the_limit():
    assert estimate([]).middle_s == 600
    assert within(estimate([]), 30).high_s == 30


def test_no_estimate_is_above_the_limit():
    found = within(estimate([500, 600, 700, 800]), 550)
    assert (found.middle_s, found.high_s) == (550, 550)


def test_none_is_thought_to_take_longer_than_all_that_were_seen_or_the_limit():
    assert estimate([60, 300, 70]).longest_s == 300
    assert within(estimate([60, 300, 70]), 200).longest_s == 200
    assert within(estimate([]), 900).longest_s == 900
    assert estimate([]).longest_s == LENGTH_MAX_S


def test_only_the_newest_count():
    assert estimate([10.0] * SEEN_MAX + [1e6] * 1000).middle_s == 10


def test_the_spread_of_log_normal_durations_is_found():
    chance = random.Random(1)
    seen = [chance.lognormvariate(5, 0.6) for _ in range(SEEN_MAX)]
    assert estimate(seen).spread == pytest.approx(0.6, abs=0.2)
    assert estimate([50.0] * 10).spread == 0


def test_a_share_of_one_value_is_that_value():
    assert quantile([7], 0.3) == 7
