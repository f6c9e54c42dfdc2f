"""Time while somebody sets the machine's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from headway.machine.clock import SteadyClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Machine:
    def __init__(self) -> None:
        self.wall, self.up_s = NOON, 1000.0

    def pass_s(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.up_s += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine) -> SteadyClock:
    return SteadyClock(lambda: machine.wall, lambda: machine.up_s)


def test_it_goes_with_the_time_that_passes(machine, clock):
    machine.pass_s(90)
    assert clock.now() == NOON + timedelta(seconds=90)
    assert clock.jumped_s == 0


@pytest.mark.parametrize("jump_s", [3600, -3600, 86400 * 365, -5])
def test_setting_the_machines_clock_does_not_move_it_and_is_noticed(machine, clock, jump_s):
    machine.pass_s(10)
    machine.wall += timedelta(seconds=jump_s)
    machine.pass_s(10)
    assert clock.now() == NOON + timedelta(seconds=20)
    assert clock.jumped_s == jump_s


def test_a_clock_that_is_corrected_by_a_little_is_not_worth_a_word(machine, clock):
    machine.wall += timedelta(milliseconds=300)
    assert clock.jumped_s == 0


def test_the_real_one_tells_the_time():
    clock = SteadyClock()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 2
    assert clock.now().tzinfo is UTC
