"""Services give way to what is urgent, in worlds where the control plane is killed meanwhile."""

from itertools import islice

import msgspec
import pytest

from headway.calculate.rollout import offering
from headway.model.pool import NodeType
from headway.model.resources import Resources
from headway.model.scenario import Faults, JobLoad, Machines, Report, Scenario, ServiceLoad
from headway.sim.everything import everything
from headway.sim.tunnel import run

KILLED = Faults(plane_kills_hour=30, await_kills_share=0.001, container_kills_hour=4, away_s=20)


def world(seed: int = 1, *, floor: int = 1, preemptible: bool = True, **fields: object) -> Scenario:
    """Fill two nodes by a service, of which what is urgent needs a part now and then."""
    spare = ServiceLoad(
        name="spare",
        scale=6,
        resources=Resources(cpu=1, memory_mib=256),
        preemptible=preemptible,
        floor=floor,
        deploys_hour=0.5,
    )
    urgent = JobLoad(
        name="urgent",
        runs_hour=40,
        burst=2,
        duration_s=60,
        resources=Resources(cpu=2, memory_mib=256),
        placement_priority=10,
    )
    node = NodeType(name="small", cpu=4, memory_mib=8192)
    return Scenario(
        seed=seed,
        hours=1,
        machines=(Machines(type=node, count=2),),
        services=(spare,),
        jobs=(urgent,),
        **fields,  # type: ignore[arg-type]
    )


def held(scenario: Scenario) -> Report:
    report = run(scenario)
    assert report.broken is None, report.broken
    return report


def test_what_is_urgent_begins_at_once_where_a_service_gives_way():
    report = held(world())
    assert report.copies_preempted > 0
    assert report.waits.p50 < 1


@pytest.mark.parametrize("stays", [{"floor": 6}, {"preemptible": False}], ids=["floor", "all"])
def test_nothing_gives_way_where_all_is_to_stay(stays):
    report = run(world(**stays))
    assert report.broken is not None
    assert "urgent is queued" in report.broken.what
    assert report.attempts == report.copies_preempted == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_control_plane_that_is_killed_again_and_again_keeps_every_promise(seed):
    report = held(world(seed, faults=KILLED))
    assert report.copies_preempted > 0
    assert report.faults["plane_kills"] > 5


@pytest.mark.parametrize("faults", [Faults(), KILLED], ids=["well", "killed"])
def test_copies_give_way_to_all_of_a_gang(faults):
    crew = JobLoad(
        name="crew",
        gang=2,
        runs_hour=40,
        duration_s=60,
        resources=Resources(cpu=1, memory_mib=256),
        placement_priority=10,
    )
    report = held(msgspec.structs.replace(world(faults=faults), jobs=(crew,), hours=0.3))
    assert report.copies_preempted > 0


def failing() -> Scenario:
    """Have copies end often and be slow to do well again, so that few are to spare."""
    faults = msgspec.structs.replace(KILLED, container_kills_hour=60)
    known = world(floor=4, faults=faults)
    slow = msgspec.structs.replace(known.services[0], healthy_after_s=20)
    return msgspec.structs.replace(known, services=(slow,), hours=0.2)


def test_no_copy_gives_way_where_too_few_others_do_well():
    assert held(failing()).copies_preempted > 0


def test_it_would_show_if_copies_that_do_not_do_well_were_counted_among_those_that_stay(
    monkeypatch,
):
    good = offering._good

    def running(draft, release, process):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(draft, "is_good", lambda _row, _release: True)
            return good(draft, release, process)

    monkeypatch.setattr(offering, "_good", running)
    broken = run(failing()).broken
    assert broken is not None
    assert broken.invariant == "what is to stay stays"


def test_there_are_seeds_in_which_services_give_way():
    seeds = (everything(seed, 1) for seed in range(1, 100))
    drawn = islice((one for one in seeds if any(row.preemptible for row in one.services)), 6)
    assert any(held(scenario).copies_preempted > 0 for scenario in drawn)
