"""A node is full when its cores are, and not before."""

from headway.model.pool import NodeType
from headway.model.resources import Resources
from headway.model.scenario import JobLoad, Machines, Scenario
from headway.sim.tunnel import run


def test_a_node_with_four_cores_takes_four_runs_of_one_core():
    job = JobLoad(
        name="job",
        runs_hour=8,
        burst=4,
        duration_s=30,
        duration_sigma=0,
        resources=Resources(cpu=1, memory_mib=256),
    )
    node = Machines(type=NodeType(name="n", cpu=4, memory_mib=8192))
    report = run(Scenario(name="full", hours=6, seed=2, machines=(node,), jobs=(job,)))
    assert report.broken is None
    assert report.runs["succeeded"] >= 20
    assert report.waits.most < 10, "no two bursts meet in this seed"
