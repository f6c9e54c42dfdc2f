"""Bugs that are planted are found: the seeds would see them if a person made them."""

import msgspec
import pytest

from headway.model.scenario import Faults, Scenario
from headway.sim.everything import everything
from headway.sim.tunnel import run
from tests.simulation.planted import PLANTED

_SEEDS_MOST = 60
"""Most are found by the first few; the number only bounds a search that would be in vain."""
_HARSH = Faults(
    plane_kills_hour=6,
    await_kills_share=0.001,
    runner_kills_hour=6,
    container_kills_hour=6,
    engine_cuts_hour=12,
    line_cuts_hour=20,
    node_deaths_hour=2,
    unavailable_share=0.05,
    lost_answers_share=0.05,
    slow_share=0.1,
    twice_share=0.3,
    spot_notices_hour=2,
    machine_losses_hour=2,
    provider_cuts_hour=2,
    provider_silent_share=0.05,
    provider_lost_share=0.05,
    slow_s=20,
    away_s=30,
)


def harsh(seed: int) -> Scenario:
    """Give a world in which more goes wrong than in most."""
    return msgspec.structs.replace(everything(seed, 3), faults=_HARSH)


@pytest.mark.parametrize("seed", range(1, 5))
def test_nothing_is_found_where_nothing_is_planted(seed):
    report = run(harsh(seed))
    assert report.broken is None, report.broken


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.timeout(600)
def test_a_planted_bug_is_found(name, monkeypatch):
    PLANTED[name](monkeypatch)
    for seed in range(1, _SEEDS_MOST):
        if run(harsh(seed)).broken is not None:
            return
    pytest.fail(f"{name} was not found by {_SEEDS_MOST} seeds")
