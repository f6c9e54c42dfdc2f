"""A pool's document: what it means, and every kind of mistake with its place."""

import pytest

from headway.formats.pool_yaml import parse_pool, pool_document
from headway.formats.yaml import render_yaml
from headway.model.pool import MonitorRules, NodeType, PlacementPolicy, Pool, Scaling, Window
from headway.model.problem import render_problem

GOOD = """\
name: ci
policy: pack
dedicated: true
tags: {team: build}
types:
- name: m-large
  cpu: 4
  memory: 16GiB
  disk: 100GiB
  price_hour: 0.2
  billing: hour
  start: 2m
  life_max: 7d
  tags: {disk: ssd}
- {name: m-spot, cpu: 4, memory: 16GiB, price_hour: 0.07, spot: true}
scaling:
  nodes_min: 1
  nodes_max: 40
  warm: 1
  late: 2m
  patient_late: 1h
  idle: 5m
  drain: 20m
  cost_hour_max: 6
  windows:
  - {cron: "0 19 * * mon-fri", length: 12h, timezone: Europe/Berlin, nodes_min: 0}
monitor: {stuck: 1h, cancel_factor: 0}
"""


def test_every_key_arrives_where_it_should():
    parsed = parse_pool(GOOD)
    assert parsed.problems == ()
    assert parsed.value == Pool(
        name="ci",
        policy=PlacementPolicy.PACK,
        dedicated=True,
        tags={"team": "build"},
        types=(
            NodeType(
                name="m-large",
                cpu=4,
                memory_mib=16384,
                disk_mib=102_400,
                price_hour=0.2,
                billing_s=3600,
                start_s=120,
                life_max_s=7 * 86_400,
                tags={"disk": "ssd"},
            ),
            NodeType(name="m-spot", cpu=4, memory_mib=16384, price_hour=0.07, spot=True),
        ),
        scaling=Scaling(
            nodes_min=1,
            nodes_max=40,
            warm=1,
            late_s=120,
            patient_late_s=3600,
            idle_s=300,
            drain_s=1200,
            cost_hour_max=6,
            windows=(
                Window(cron="0 19 * * 1-5", length_s=43_200, timezone="Europe/Berlin", nodes_min=0),
            ),
        ),
        monitor=MonitorRules(stuck_s=3600, cancel_factor=0),
    )


def test_an_empty_mapping_is_the_default_pool():
    assert parse_pool("{}").value == Pool()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scaling: {nodes_min: 5, nodes_max: 2}", ["1:11: scaling.nodes_min 5 is more than"]),
        ("scaling: {nodes_max: 0}", ["from 1 to 10000"]),
        ("scaling: {nodes_max: 1000000}", ["from 1 to 10000"]),
        ("scaling: {warm: 11}", ["scaling.warm 11 is more than nodes_max 10"]),
        ("scaling: {late: -5s}", ["scaling.late must be a length of time"]),
        ("types: [{name: m, cpu: 4, memory: 1GiB, price_hour: -1}]", ["price"]),
        ("types: [{name: m, cpu: 0, memory: 1GiB}]", ["cpu is 0"]),
        ("types: [{name: m, cpu: 9999999, memory: 1GiB}]", ["from 0.001 to 1024"]),
        ("types: [{name: m, cpu: 4}]", ["types[0].memory is missing"]),
        (
            "types: [{name: m, cpu: 1, memory: 1GiB}, {name: m, cpu: 1, memory: 1GiB}]",
            ["type 'm' is here twice"],
        ),
        (
            "types: [{name: m, cpu: 1, memory: 1GiB, price_hour: 2}]\nscaling: {cost_hour_max: 1}",
            ["2:11: 1 of its cheapest nodes cost 2 an hour"],
        ),
        ("scaling: {windows: [{cron: 0 25 * * *, length: 1h}]}", ["25 is not from 0 to 23"]),
        (
            "scaling: {windows: [{cron: '@daily', length: 1h, timezone: Berlin}]}",
            ["Berlin"],
        ),
        (
            "scaling: {windows: [{cron: '@daily', length: 1h, nodes_min: 3, nodes_max: 1}]}",
            ["nodes_min 3 is more than nodes_max 1"],
        ),
        ("polices: pack", ["did you mean 'policy'"]),
        ("name: The Pool", ["cannot be a name"]),
        ("a: [", ["pool.yaml:"]),
    ],
)
def test_mistakes_are_told_with_their_place(text, said):
    parsed = parse_pool(text)
    assert parsed.value is None
    lines = "\n".join(map(render_problem, parsed.problems))
    for part in said:
        assert part in lines


def test_a_pool_that_is_written_is_the_same_when_it_is_read():
    pool = parse_pool(GOOD).value
    assert parse_pool(render_yaml(pool_document(pool))).value == pool
    assert pool_document(Pool(name="ci")) == {"name": "ci", "policy": "pack"}
