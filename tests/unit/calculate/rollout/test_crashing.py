"""What crashes again and again, and what only did so once or leaves."""

import pytest

from headway.calculate.rollout.crashing import goes_on_crashing
from headway.model.container import Container, ContainerState, Exit
from tests.unit.calculate.rollout.test_container import NOW, container

STARTS = ContainerState.STARTING


def copy(state: ContainerState, restarts: int, **fields: object) -> Container:
    return container(state=state, restarts=restarts, **fields)


def ended(restarts: int, **fields: object) -> Container:
    exit_ = Exit(status=1, at=NOW)
    return copy(ContainerState.EXITED, restarts, exit=exit_, **fields)


@pytest.mark.parametrize(
    "copies",
    [[copy(STARTS, 3)], [ended(2)], [copy(STARTS, 3), copy(ContainerState.HEALTHY, 0), ended(4)]],
)
def test_it_goes_on_crashing_when_all_that_is_to_come_up_has_failed_three_times(copies):
    assert goes_on_crashing(copies)


@pytest.mark.parametrize(
    "copies",
    [
        [],
        [ended(1)],
        [copy(STARTS, 5), copy(STARTS, 0)],
        [copy(ContainerState.HEALTHY, 3)],
        [copy(ContainerState.DRAINING, 3, draining_at=NOW)],
        [copy(ContainerState.STOPPING, 3, stopping_at=NOW), copy(STARTS, 0)],
        [ended(5, stopping_at=NOW)],
    ],
)
def test_what_leaves_is_well_or_has_hardly_been_tried_is_no_reason_to_give_up(copies):
    assert not goes_on_crashing(copies)
