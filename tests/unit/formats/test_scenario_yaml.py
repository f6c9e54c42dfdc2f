"""Scenarios and traces as people write them: what is read, and what is said of mistakes."""

import pytest

from headway.formats.scenario_yaml import COMMENTED, parse_scenario
from headway.formats.trace_csv import parse_trace
from headway.model.job import Delivery
from headway.model.pool import PlacementPolicy
from headway.model.problem import render_problem
from headway.model.scenario import TraceColumns, TraceLoad

FILE = "scenario.yaml"
MACHINES = "machines:\n- {name: a, cpu: 4, memory: 8GiB}\n"


def test_what_init_writes_is_a_scenario():
    parsed = parse_scenario(COMMENTED, file=FILE)
    assert parsed.problems == ()
    scenario = parsed.value
    assert scenario.machines[0].count == 10
    assert scenario.policy is PlacementPolicy.PACK
    (job,) = scenario.jobs
    assert (job.delivery, job.fail_share, job.deadline_s) == (Delivery.AT_LEAST_ONCE, 0.02, 1800)
    assert scenario.faults.lost_answers_share == 0.01
    assert scenario.faults.plane_kills_hour == 0.5
    assert scenario.faults.any


def commented_in(key: str) -> str:
    before, mark, rest = COMMENTED.partition(f"# {key}:")
    part, blank, behind = (mark + rest).partition("\n\n")
    return before + "\n".join(line.removeprefix("# ") for line in part.split("\n")) + blank + behind


def test_a_trace_that_is_commented_out_can_be_commented_in():
    trace = parse_scenario(commented_in("trace"), file=FILE).value.trace
    assert (trace.speed, trace.columns.cpu_unit) == (10, 0.001)


def test_a_pool_that_is_commented_out_can_be_commented_in():
    text = commented_in("pools").replace("\npolicy: pack", "\n")
    parsed = parse_scenario(text, file=FILE)
    assert parsed.problems == ()
    (pool,) = parsed.value.pools
    assert [kind.name for kind in pool.types] == ["m-large", "m-spot"]
    assert parsed.value.kinds == pool.types


def test_each_fault_is_named_in_what_init_writes_and_can_be_commented_in():
    text = COMMENTED.replace("\n  # ", "\n  ").replace(": 0 ", ": 0.25 ").replace(": 0% ", ": 25% ")
    faults = parse_scenario(text, file=FILE).value.faults
    for name in faults.__struct_fields__:
        assert getattr(faults, name) > 0, name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\n", "scenario.yaml:1:1: there are no nodes: neither machines, nor a pool with"),
        ("pools: [{name: a}]\n", "scenario.yaml:1:1: there are no nodes"),
        (
            (
                "pools:\n- types: [{name: m, cpu: 4, memory: 8GiB}]\n"
                "  scaling: {nodes_min: 3, nodes_max: 2}\n"
            ),
            "scenario.yaml:3:13: pools[0].scaling.nodes_min 3 is more than nodes_max 2",
        ),
        (
            "policy: pack\npools:\n- types: [{name: m, cpu: 4, memory: 8GiB}]\n",
            "scenario.yaml:1:1: policy: the pool default has one of its own",
        ),
        (
            (
                "pools:\n- types: [{name: m, cpu: 4, memory: 8GiB}]\n"
                "- name: b\n  types: [{name: m, cpu: 8, memory: 8GiB}]\n"
            ),
            "scenario.yaml:1:1: pools: type m is here twice, and differs",
        ),
        (MACHINES + "jbos: []\n", "scenario.yaml:3:1: unknown key 'jbos' (did you mean 'jobs'?)"),
        (
            "machines:\n- {name: a, cpu: -4, memory: 8GiB}\n",
            "scenario.yaml:2:18: machines[0].cpu must be cores such as 0.2 or 200m, not -4",
        ),
        (
            MACHINES + "jobs:\n- {name: j, runs_per_hour: many}\n",
            "scenario.yaml:4:28: jobs[0].runs_per_hour must be so many an hour, such as 0.5",
        ),
        (
            MACHINES + "jobs:\n- {name: j}\n- {name: j}\n",
            "scenario.yaml:3:1: jobs: j is here twice",
        ),
        (
            MACHINES + "trace: {file: t.csv, at: a, cpu: c, memory: m}\n",
            "scenario.yaml:3:1: trace needs either end or duration",
        ),
        (MACHINES + "policy: best\n", "scenario.yaml:3:9: policy must be pack, spread or balanced"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, said):
    parsed = parse_scenario(text, file=FILE)
    assert parsed.value is None
    assert render_problem(parsed.problems[0]).startswith(said)


COLUMNS = TraceColumns(at="at", end="end", cpu="cpu", cpu_unit=0.001, memory="memory")
LOAD = TraceLoad(file="runs.csv", columns=COLUMNS, speed=2)


def test_a_trace_is_read_by_its_columns_in_the_order_of_its_beginnings():
    text = "cpu,memory,end,at,more\n1000,512,130,110,x\n500,64,120,100,y\n250,64,,,z\n"
    rows = parse_trace(text, LOAD).value
    assert [(row.at_s, row.duration_s) for row in rows] == [(0, 10), (0, 15), (5, 10)]
    assert [row.cpu for row in rows] == [0.5, 0.25, 1.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "runs.csv:1:1: the trace is empty (name its columns)"),
        (
            "at,ende,cpu,memory\n",
            "runs.csv:1:1: there is no column 'end' (did you mean 'ende'?)",
        ),
        ("at,end,cores,memory\n", "runs.csv:1:1: there is no column 'cpu' (it has: at, end,"),
        (
            "at,end,cpu,memory\n1,2,3,4\n1,soon,3,4\n",
            "runs.csv:3:1: end is 'soon', and must be a number that is not below zero",
        ),
        ("at,end,cpu,memory\n1,2,-3,4\n", "runs.csv:2:1: cpu is '-3'"),
        ("at,end,cpu,memory\n1,2,nan,4\n", "runs.csv:2:1: cpu is 'nan'"),
    ],
)
def test_a_bad_trace_is_refused_with_its_place(text, said):
    parsed = parse_trace(text, LOAD)
    assert parsed.value is None
    assert render_problem(parsed.problems[0]).startswith(said)
