"""What is large gets its turn while small ones never stop coming."""

import msgspec
import pytest

from headway.calculate.queueing.room import Room
from headway.model.pool import NodeType
from headway.model.resources import Resources
from headway.model.scenario import JobLoad, Machines, Scenario
from headway.sim.tunnel import run

SMALL = JobLoad(
    name="small",
    runs_hour=360,
    duration_s=60,
    duration_sigma=0.3,
    resources=Resources(cpu=1, memory_mib=64),
)
LARGE = JobLoad(
    name="large",
    runs_hour=6,
    duration_s=30,
    duration_sigma=0,
    resources=Resources(cpu=7, memory_mib=64),
)
WORLD = Scenario(
    name="backfill",
    hours=3,
    machines=(Machines(type=NodeType(name="n", cpu=8, memory_mib=16_384)),),
    jobs=(SMALL, LARGE),
)
"""Six of eight cores have something to do, and a run that needs seven comes now and then."""


def expecting(expected_s: float | None, seed: int) -> Scenario:
    small = msgspec.structs.replace(SMALL, expected_s=expected_s)
    return msgspec.structs.replace(WORLD, jobs=(small, LARGE), seed=seed)


def test_without_a_reservation_it_would_wait_until_nothing_else_comes(monkeypatch):
    monkeypatch.setattr(Room, "reserve", lambda _self, _demand: False)
    assert run(expecting(None, 1)).waits.most > 3600


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("expected_s", [None, 60, 5], ids=["as they may", "about right", "wrong"])
def test_with_one_it_waits_for_minutes_however_wrong_the_estimates_are(expected_s, seed):
    report = run(expecting(expected_s, seed))
    assert report.broken is None
    assert report.waits.most < 1200
