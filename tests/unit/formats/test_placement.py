import pytest

from headway.calculate import demand
from headway.formats.headway_yaml import parse_manifest
from headway.model.placement import Placement
from headway.model.tag import TagOperator, TagRule

FULL = """
name: shop
resources: {cpu: 1, gpus: 1, custom: {licences: 2}}
placement:
  where:
    zone: [a, b]
    disk: ssd
    kernel: {at_least: 6.1, at_most: 6.10}
    windows: {exists: false}
    rack: {not_in: [r1]}
  spread: [zone, node]
  alone: true
  apart: [db, batch/worker]
  priority: 10
  price: 0.5
processes:
  web: {command: serve, placement: {pool: gpu, spread: none}}
jobs:
  mail: {command: send, expected: 5m, delivery: at_least_once}
"""


def read(text: str):
    parsed = parse_manifest(text)
    assert parsed.value is not None, parsed.problems
    return parsed.value


def wrong(text: str) -> str:
    parsed = parse_manifest(f"name: shop\n{text}")
    assert parsed.value is None
    return "\n".join(f"{row.line}: {row.message} {row.hint}" for row in parsed.problems)


def test_everything_that_can_be_said():
    manifest = read(FULL)
    web = manifest.process("web")
    rules = [rule.sentence for rule in manifest.placement.where]
    assert rules == [
        "zone in a, b",
        "disk in ssd",
        "kernel at least 6.1",
        "kernel at most 6.10",
        "windows missing",
        "rack not in r1",
    ]
    assert manifest.placement.over == ("zone", "node")
    assert (web.resources.gpus, web.resources.custom) == (1, {"licences": 2.0})
    assert (web.placement.pool, web.placement.over) == ("gpu", ())
    assert web.placement.where == manifest.placement.where
    assert (web.placement.alone, web.placement.price_hour_max) == (True, 0.5)
    assert manifest.job("mail").expected_s == 300


def test_copies_prefer_different_nodes_unless_the_app_says_otherwise():
    assert read("name: a\nrun: {command: x}").placement == Placement()
    assert Placement().over == ("node",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("placement: {where: {a: {in: [x], not_in: [x]}}}", "no value of a meets all"),
        ("placement: {where: {a: {exists: false, at_least: 1}}}", "a is wanted and must be miss"),
        ("placement: {tags: {a: x}, where: {a: y}}", "no value of a meets all"),
        ("placement: {apart: shop}", "shop cannot be apart from itself"),
        ("placement: {apart: [shop/web]}", "shop/web cannot be apart from itself"),
        ("placement: {apart: [a/b/c]}", "neither APP nor APP/PROCESS"),
        ("placement: {priority: 101}", "placement.priority"),
        ("placement: {price: -1}", "placement.price"),
        ("placement: {wher: {a: b}}", "did you mean"),
        ("resources: {gpus: -1}", "resources.gpus"),
        ("resources: {gpus: 1000}", "resources.gpus"),
        ("resources: {cpu: -1}", "resources.cpu"),
        ("resources: {custom: {licences: 0}}", "resources.custom.licences"),
        ("jobs: {a: {command: x, expected: never}}", "jobs.a.expected"),
        (
            "jobs: {a: {command: x, placement: {preemptible: true}}}",
            "jobs.a.placement.preemptible: an at_most_once run is never ended for another",
        ),
        (
            "processes: {w: {command: x, floor: 2}}",
            "processes.w.floor: none of its copies gives way to others",
        ),
        (
            "processes: {w: {command: x, daemon: true, placement: {preemptible: true}}}",
            "processes.w.placement.preemptible: a daemon never gives way",
        ),
        ("processes: {w: {command: x, floor: -1}}", "processes.w.floor"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(text, said):
    found = wrong(f"run: {{command: x}}\n{text}")
    assert said in found
    assert found.startswith("3: ")


def test_what_a_job_asks_for(release_of):
    manifest = read(FULL)
    asked = demand.of_job(release_of(manifest), manifest.job("mail"))
    assert (asked.priority, asked.expected_s, asked.strict) == (10, 300, False)
    assert asked.where == manifest.placement.where


@pytest.mark.parametrize(
    ("delivery", "allowed"), [("at_least_once", "allowed"), ("at_most_once", "never")]
)
def test_only_what_may_begin_again_gives_way(release_of, delivery, allowed):
    manifest = read(
        "name: a\nrun: {command: x}\nplacement: {preemptible: true}\n"
        f"jobs: {{j: {{command: y, delivery: {delivery}}}}}"
    )
    release = release_of(manifest)
    assert demand.of_job(release, manifest.job("j")).preemption == allowed
    assert demand.of_process(release, manifest.processes[0]).preemption == "never"


@pytest.mark.parametrize(
    ("said", "floor"),
    [
        ("placement: {preemptible: true}", 1),
        ("placement: {preemptible: true}, floor: 0", 0),
        ("placement: {preemptible: true}, floor: 4", 4),
        ("placement: {preemptible: false}", None),
        ("placement: {priority: 1}", None),
        ("scale: 2", None),
    ],
)
def test_a_process_type_gives_way_only_where_it_says_so_itself(said, floor):
    manifest = read(
        f"name: a\nplacement: {{preemptible: true}}\nprocesses: {{w: {{command: x, {said}}}}}"
    )
    assert manifest.processes[0].floor == floor


def test_what_a_process_type_asks_for(release_of):
    manifest = read(FULL)
    asked = demand.of_process(release_of(manifest), manifest.process("web"))
    assert asked.crowd == "demo~1/shop/web@3"
    assert asked.apart == ("demo~1/db", "demo~1/batch/worker")
    assert TagRule(tag="windows", operator=TagOperator.MISSING) in asked.where
    assert asked.pool == "gpu"


@pytest.fixture
def release_of():
    from datetime import UTC, datetime

    from headway.model.build import Artifact
    from headway.model.ids import Digest, EnvironmentId
    from headway.model.release import Release

    def make(manifest):
        nothing = Digest("sha256:0")
        return Release(
            environment=EnvironmentId("demo~1"),
            app=manifest.name,
            number=3,
            fingerprint="x",
            artifact=Artifact(digest=nothing, slug=nothing),
            manifest=manifest,
            source=nothing,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            created_by="ana",
        )

    return make
