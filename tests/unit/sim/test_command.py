"""The wind tunnel as a command."""

import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner

from headway.formats.scenario_yaml import parse_scenario
from headway.model.container import Container, ContainerKind, ContainerState
from headway.model.environment import EnvironmentState
from headway.model.ids import (
    AppName,
    ContainerId,
    EnvironmentId,
    EnvironmentName,
    NodeId,
    PoolName,
)
from headway.model.job import Job
from headway.model.lease import Tenure
from headway.model.node import Node
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.resources import Resources
from headway.model.run import Attempt, RunState
from headway.model.scenario import JobLoad, Machines, Scenario
from headway.model.snapshot import Reserved
from headway.model.view.environment import EnvironmentView, MemberView
from headway.model.view.job import JobView
from headway.model.view.node import NodeView
from headway.model.view.page import Page
from headway.model.view.pool import PoolView
from headway.model.view.run import RunPage
from headway.model.view.standing import MemberState
from headway.sdk import Client
from headway.sim.command import Far, sim
from headway.sim.record import record
from headway.sim.trace import read_scenario
from headway.sim.tunnel import run as run_scenario
from tests.contract.store.test_runs import run as a_run
from tests.unit.sdk.small_server import small_server

SMALL = """
name: small
hours: 0.5
machines:
- {name: a, count: 2, cpu: 4, memory: 8GiB, price: 1}
services:
- {name: shop, copies: 1}
jobs:
- {name: work, runs_per_hour: 120, duration: 5s}
"""


def say(*words, status=0):
    result = CliRunner().invoke(sim, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_a_scenario_is_run_drawn_and_the_same_again(scenario, tmp_path):
    picture = tmp_path / "a.svg"
    report = json.loads(say("run", scenario, "--json", "--draw", picture))
    assert report["broken"] is None
    assert report["runs"]["succeeded"] > 30
    assert report["cost"] == pytest.approx(2 * report["hours"], rel=0.01)
    assert 0 < report["node_hours_bound"] <= report["node_hours_used"] <= report["node_hours"]
    lines = ET.parse(picture).getroot().findall(".//{*}polyline")
    assert len(lines) == 6
    again = json.loads(say("run", scenario, "--json"))
    assert again["digest"] == report["digest"]
    other = json.loads(say("run", scenario, "--json", "--seed", 2))
    assert other["digest"] != report["digest"]


def test_what_init_writes_can_be_run_and_is_not_overwritten(tmp_path):
    path = tmp_path / "mine.yaml"
    assert f"headway sim run {path}" in say("init", path)
    assert "all held" in say("run", path, "--hours", 0.2)
    assert "there already" in say("init", path, status=2)


def test_two_policies_stand_side_by_side(scenario, tmp_path):
    other = tmp_path / "spread.yaml"
    other.write_text(SMALL + "policy: spread\n")
    lines = say("compare", scenario, other).splitlines()
    assert lines[0].split() == ["small", "spread"]
    policies = next(line for line in lines if line.startswith("policy"))
    assert policies.split() == ["policy", "pack", "spread"]


POOLED = """
hours: 6
pools:
- policy: pack
  types:
  - {name: m, cpu: 4, memory: 16GiB, price_hour: 1, billing: hour, start: 2m}
  scaling: {nodes_max: MOST, late: LATE, idle: 1m}
jobs:
- {name: work, runs_per_hour: 30, burst: 12, duration: 5m, duration_sigma: 0.3, cpu: 0.9}
"""


def pooled(path, most, late):
    path.write_text(POOLED.replace("MOST", str(most)).replace("LATE", late))
    return path


def test_a_pool_grows_in_a_scenario_and_its_bill_is_paid(tmp_path):
    report = json.loads(say("run", pooled(tmp_path / "pool.yaml", 8, "1m"), "--json"))
    assert report["broken"] is None
    assert report["runs"]["succeeded"] > 100
    assert report["launches"] > 3
    assert report["cost"] == int(report["cost"])  # what is begun of an hour is paid
    assert report["node_hours"] < report["cost"] < 2 * report["node_hours"] + 5
    assert 0.2 < report["cpu_used"] < 1
    assert len({row["nodes"] for row in report["series"]}) > 2
    assert sum(row["cost_hour"] for row in report["series"]) > 0


def test_policies_of_pools_stand_side_by_side_with_what_they_cost_and_have_wait(tmp_path):
    small = pooled(tmp_path / "small.yaml", 2, "1m")
    large = pooled(tmp_path / "large.yaml", 8, "1m")
    cheap, dear = json.loads(say("compare", small, large, "--json"))
    assert cheap["cost"] < dear["cost"]
    assert cheap["waits"]["p95"] > 2 * dear["waits"]["p95"]
    assert any("as large as it may be" in why for why in cheap["pending"])
    lines = say("compare", small, large).splitlines()
    curves = [line for line in lines if "█" in line]
    assert [line.split(",")[0] for line in curves] == [
        "cores in use",
        "runs waiting",
        "longest wait",
        "nodes",
        "cost an hour",
    ]
    assert any(line.startswith("what was waited for") and "cores needed" in line for line in lines)


def test_a_trace_is_replayed_and_a_wrong_column_is_named(tmp_path):
    trace = tmp_path / "runs.csv"
    rows = "".join(f"{at},{at + 30},500,256\n" for at in range(0, 600, 10))
    trace.write_text("at,end,cpu,memory\n" + rows)
    words = ("replay", trace, "--end", "end", "--cpu", "cpu", "--cpu-unit", 0.001)
    words += ("--memory", "memory", "--nodes", "2x4x8GiB", "--json")
    report = json.loads(say(*words, "--at", "at"))
    assert report["runs"] == {"succeeded": 60}
    said = say(*words, "--at", "att", status=2)
    assert "runs.csv:1:1: there is no column 'att' (did you mean 'at'?)" in said


@pytest.mark.parametrize(
    "option",
    [
        ("--speed", "0"),
        ("--speed", "nan"),
        ("--cpu-unit", "-1"),
        ("--memory-unit", "1e400"),
        ("--rows", "0"),
        ("--nodes", "99999999999x8x32GiB"),
        ("--nodes", "²x8x32GiB"),
    ],
)
def test_numbers_that_no_replay_can_use_are_refused(tmp_path, option):
    trace = tmp_path / "runs.csv"
    trace.write_text("at,end,cpu,memory\n0,30,1,256\n")
    words = ("replay", trace, "--at", "at", "--end", "end", "--cpu", "cpu", "--memory", "memory")
    assert "Error: " in say(*words, *option, status=2)


@pytest.mark.parametrize("at", ["1e12", "1e308"])
def test_a_trace_that_goes_on_for_ever_is_refused(tmp_path, at):
    trace = tmp_path / "runs.csv"
    trace.write_text(f"at,took,cpu,memory\n1,1e308,1,256\n{at},1e308,1,256\n")
    words = ("replay", trace, "--at", "at", "--duration", "took", "--cpu", "cpu")
    assert "goes on for" in say(*words, "--memory", "memory", status=2)


def test_lengths_that_no_scenario_can_have_are_refused(scenario):
    assert "not a number" in say("run", scenario, "--hours", "nan", status=2)
    assert "no length of time" in say("record", "--last", "99999999999999d", status=2)


def test_mistakes_in_a_scenario_are_told_together(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("hours: -1\nmachines: 3\n")
    said = say("run", path, status=2)
    assert "bad.yaml:1:8: hours" in said
    assert "bad.yaml:2:11: machines must be a list" in said


def test_what_was_run_names_what_can_be_done_next(scenario):
    assert say("run", scenario).endswith(f"and headway sim compare {scenario} COPY\n")
    assert say("compare", scenario, scenario).endswith(f"sim run {scenario} --draw chart.svg\n")


def test_seeds_are_run_side_by_side():
    assert "2 seeds of 0.1 hours: 0 broken" in say("seeds", "--count", 2, "--hours", 0.1)


def test_a_live_installation_is_recorded_as_a_scenario_that_can_be_run(tmp_path):
    now = datetime.now(UTC)
    attempt = Attempt(
        number=1,
        release=1,
        runner="r",
        node=NodeId("n"),
        ordered_at=now,
        began_at=now,
        ended_at=now + timedelta(seconds=20),
    )
    runs = [
        msgspec.structs.replace(
            a_run(f"r{number}", RunState.SUCCEEDED),
            created_at=now + timedelta(seconds=number),
            attempts=(attempt,),
        )
        for number in range(3)
    ]
    job = Job(name="mail", resources=Resources(cpu=0.5, memory_mib=256))
    ci = PoolName("ci")
    view = JobView(
        environment=EnvironmentName("demo"), app=AppName("shop"), release=1, job=job, pool=ci
    )
    here = Node(id=NodeId("n"), cpu=4, memory_mib=4096)
    lent = Node(id=NodeId("ci-1"), cpu=2, memory_mib=2048, pool=ci, type="small")
    nodes = [NodeView(node=node, reserved=Reserved(), containers=0) for node in (here, lent)]
    pool = Pool(
        name=ci,
        dedicated=True,
        types=(NodeType(name="small", cpu=2, memory_mib=2048, start_s=2),),
        scaling=Scaling(late_s=5),
    )
    web = Container(
        id=ContainerId("web-1"),
        environment=EnvironmentId("demo~1"),
        app=AppName("shop"),
        kind=ContainerKind.SERVICE,
        process="web",
        release=1,
        node=here.id,
        state=ContainerState.HEALTHY,
        resources=Resources(cpu=0.25, memory_mib=128),
        created_at=now,
    )
    member = MemberView(
        environment=EnvironmentName("demo"),
        app=AppName("shop"),
        state=MemberState.HEALTHY,
        containers=(web,),
    )
    demo = EnvironmentView(
        name=EnvironmentName("demo"),
        id="demo~1",
        state=EnvironmentState.ACTIVE,
        lease=Tenure(holder="me", until=None),
        created_at=now,
        created_by="me",
        members=(member,),
    )
    pages = {None: RunPage(rows=tuple(runs[:2]), before="r1"), "r1": RunPage(rows=(runs[2],))}

    def answer(asked):
        place, _, query = asked.path.partition("?")
        if place == "/v1/jobs":
            asked.json([view])
        elif place == "/v1/nodes":
            asked.json(Page(items=tuple(nodes)))
        elif place == "/v1/pools":
            asked.json([PoolView(pool=Pool()), PoolView(pool=pool)])
        elif place == "/v1/environments":
            asked.json(Page(items=(demo,)))
        else:
            asked.json(pages["r1" if "before=r1" in query else None])

    with small_server() as server, Client(server.url, "token") as client:
        server.answer = answer
        assert record(client, now - timedelta(days=7), tmp_path / "recorded") == 3
    text = (tmp_path / "recorded" / "scenario.yaml").read_text()
    assert parse_scenario(text, file="scenario.yaml").problems == ()
    found, trace = read_scenario(tmp_path / "recorded" / "scenario.yaml")
    assert [(row.type.cpu, row.count) for row in found.machines] == [(4, 1)]
    assert found.pools == (pool,)
    assert [(row.name, row.scale, row.resources) for row in found.services] == [
        ("shop-web-demo", 1, web.resources)
    ]
    assert found.hours == pytest.approx((2 + 60) / 3600, abs=0.001)
    assert [(row.at_s, row.duration_s, row.cpu, row.pool) for row in trace] == [
        (0, 20, 0.5, ci),
        (pytest.approx(1, abs=0.01), 20, 0.5, ci),
        (pytest.approx(2, abs=0.01), 20, 0.5, ci),
    ]
    report = json.loads(say("run", tmp_path / "recorded" / "scenario.yaml", "--json"))
    assert report["broken"] is None
    assert (report["runs"], report["launches"]) == ({"succeeded": 3}, 1)


@pytest.mark.parametrize("hours", ["0", "-3"])
def test_a_length_that_is_none_is_refused(scenario, hours):
    assert "--hours" in say("run", scenario, "--hours", hours, status=2)


def test_a_chart_that_cannot_be_written_is_refused_before_the_run(scenario, tmp_path):
    said = say("run", scenario, "--draw", tmp_path / "none" / "a.svg", status=2)
    assert "there is no directory" in said


def test_a_scenario_that_is_not_there_is_said_in_words(tmp_path):
    said = say("run", tmp_path / "none.yaml", status=2)
    assert said.strip().endswith("none.yaml cannot be read: No such file or directory")


def test_how_far_a_long_run_is_is_said_every_ten_seconds(capsys):
    now_s = 0.0
    far = Far("week", clock=lambda: now_s)
    for now_s in (1.0, 9.9, 10.0, 12.0, 21.0):
        far(f"{now_s:g} of 30 made-up hours")
    assert capsys.readouterr() == (
        "",
        "· week: 10 of 30 made-up hours, after 10 s\n· week: 21 of 30 made-up hours, after 21 s\n",
    )


def test_a_run_tells_how_far_it_is_until_all_has_ended():
    said: list[str] = []
    job = JobLoad(name="report", runs_hour=60, duration_s=1)
    machines = Machines(type=NodeType(name="node", cpu=4, memory_mib=4096))
    scenario = Scenario(name="short", hours=0.1, jobs=(job,), machines=(machines,))
    report = run_scenario(scenario, tell=said.append)
    assert said[0].endswith("of 0.1 made-up hours")
    assert said[-1] == "all hours have passed; 0 runs and deployments have not ended"
    assert report == run_scenario(scenario)
