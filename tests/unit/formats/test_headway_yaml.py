import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.formats.headway_yaml import parse_manifest
from headway.formats.propose import propose
from headway.formats.units import parse_duration, parse_size, render_duration, render_size
from headway.model.manifest import CheckType, RunType, Strategy
from headway.model.problem import render_problem

CLEVER = """\
run:
  type: {type}
env: [PORT, AWS_DYNAMO_PREFIX, SESSION_SECRET]
resources: {{cpu: 0.2, max_mem: 0.5}}      # cores, GiB
expose:
- name: http
  port: 80
  {check}: {{type: http, path: /_healthcheck}}
external: {{host: schools.example.com}}
dependencies: [api-router, district-authorizations, beam]
team: eng-districts
shepherds: [cosmo@example.com]
"""


@pytest.mark.parametrize("kind", ["process", "docker"])
@pytest.mark.parametrize("check", ["health_check", "health check", "health-check"])
def test_the_manifests_that_clever_wrote_work_as_they_stand(kind, check):
    parsed = parse_manifest(CLEVER.format(type=kind, check=check), default_name="schools")
    assert parsed.problems == ()
    manifest = parsed.value
    assert (manifest.name, manifest.run) == ("schools", RunType(kind))
    assert manifest.env == {"AWS_DYNAMO_PREFIX": None, "SESSION_SECRET": None}
    (web,) = manifest.processes
    assert (web.resources.cpu, web.resources.memory_mib) == (0.2, 512)
    assert web.expose[0].health_check.type is CheckType.HTTP
    assert web.expose[0].health_check.path == "/_healthcheck"
    assert manifest.external_hosts == ("schools.example.com",)


def problems(text: str) -> str:
    return "\n".join(render_problem(row) for row in parse_manifest(text, default_name="x").problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nmae: x", "headway.yaml:1:1: unknown key 'nmae' (did you mean 'name'?)"),
        ("name: x\nname: y", "headway.yaml:2:1: 'name' is here twice (first in line 1)"),
        ("name: X", "'X' cannot be a name"),
        ("name: 12", 'quote it: "12"'),
        ("run: {type: proces}", "did you mean 'process'"),
        ("resources: {cpu: fast}", "cores such as 0.2 or 200m, not fast"),
        ("resources: {max_mem: 1XB}", "a size such as 512MiB"),
        ("expose: [{name: http, port: 99999}]", "from 1 to 65535"),
        ("expose: [{port: 80}]", "expose[0].name is missing"),
        ("expose: [{name: a}, {name: a}]", "two exposed ports are named 'a'"),
        ("name: x\ndependencies: [x]", "x depends on itself"),
        ("volumes: [{name: a, path: tmp}]", "must be absolute"),
        ("volumes: [{name: a, path: /app/x}]", "/app is headway's"),
        ("volumes: [{name: a, path: /a}, {name: b, path: /a/b}]", "lie in one another"),
        ("scale: {worker: 2}", "is no process type"),
        ("deploy: {strategy: blue-gren}", "did you mean 'blue_green'"),
        ("deploy: {canary: {steps: [{weight: 50}, {weight: 10}]}}", "must rise"),
        ("env: [1A]", "does not begin with a digit"),
        ("env: [HEADWAY_X]", "given by headway"),
        ("ci: {}", "not supported by this version"),
        ("a: [", "this is not YAML"),
        ("\tname: x", "not YAML"),
        ("", "the file is empty"),
        ("- x", "must be a mapping, not a list"),
        ("build: {output: ../x}", "below the source"),
        ("processes: {web: {scale: 1001}}", "from 0 to 1000"),
        ("expose: [{name: sql, host_port: 0}]", "from 1 to 65535"),
        (
            "expose: [{name: a, host_port: 5432}, {name: b, host_port: 5432}]",
            "one copy cannot have port 5432 twice",
        ),
        (
            "deploy: {strategy: canary}\nexpose: [{name: sql, host_port: 5432}]",
            "headway.yaml:1:10: canary runs two releases beside each other, and one machine",
        ),
    ],
)
def test_every_mistake_is_told_with_place_reason_and_hint(text, words):
    assert words in problems(text)


def test_all_mistakes_are_told_at_once_in_order():
    lines = problems("run: {type: x}\nfoo: 1\nenv: [1A]\nscale: {a: b}").splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "3", "4"]


def test_ports_of_its_machine_are_those_of_what_a_process_type_exposes():
    parsed = parse_manifest(
        "expose: [{name: sql, host_port: 5432, protocol: tcp}, {name: any}]", default_name="x"
    )
    assert parsed.value.processes[0].host_ports == (5432,)


def test_disk_is_reserved_where_it_is_asked_for():
    one = parse_manifest("resources: {disk: 2GiB}", default_name="x").value.processes[0].resources
    other = parse_manifest("name: x").value.processes[0].resources
    assert (one.disk_mib, one.disk_reserved_mib) == (2048, 2048)
    assert (other.disk_mib, other.disk_reserved_mib) == (512, 0)


def test_aliases_that_blow_up_are_refused():
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdef", "bcdefg", strict=True)
    )
    assert "too many values" in problems(bomb)


def test_words_are_what_yaml_1_2_takes_them_for():
    parsed = parse_manifest("env: {A: no, B: 0755, C: 22:22, D: on}", default_name="x")
    assert parsed.value.env == {"A": "no", "B": "0755", "C": "22:22", "D": "on"}


def test_process_types_come_from_the_procfile():
    parsed = parse_manifest(
        "scale: {worker: 3}\nexpose: [{name: http}]",
        default_name="x",
        procfile="web: serve\nworker: work\n",
    )
    assert [(row.name, row.command, row.scale) for row in parsed.value.processes] == [
        ("web", "serve", 1),
        ("worker", "work", 3),
    ]


def test_an_app_with_a_volume_is_recreated_unless_it_says_otherwise():
    text = "volumes: [{name: data, path: /data}]"
    assert parse_manifest(text, default_name="x").value.deploy.strategy is Strategy.RECREATE


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"Procfile": "web: python app.py\nworker: python work.py\n"},
        {"Dockerfile": 'FROM python\nEXPOSE 80\nCMD ["python", "app.py"]\n'},
        {"requirements.txt": "flask\nwaitress\n", "app.py": "app = Flask(__name__)\n"},
        {"package.json": '{"scripts": {"start": "node server.js"}}'},
        {"index.html": "<p>"},
        {"compose.yaml": "services: {db: {image: postgres}, web: {build: .}}", "main.py": ""},
    ],
)
def test_what_init_writes_has_no_problem(files):
    text = propose(files, "My Shop").text
    assert problems(text).strip() == "" or not files
    parsed = parse_manifest(text, procfile=files.get("Procfile"))
    assert parsed.problems == ()
    assert parsed.value.name == "my-shop"


@given(st.text())
def test_no_text_raises_and_every_problem_has_a_place_in_it(text):
    lines = text.splitlines() or [""]
    for row in parse_manifest(text, default_name="x").problems:
        assert 1 <= row.line <= len(lines) + 2
        assert row.column >= 1


@given(st.integers(0, 10**9))
def test_durations_and_sizes_are_read_as_they_were_written(number):
    assert parse_duration(render_duration(number / 1000)) == pytest.approx(number / 1000)
    assert parse_size(render_size(number)) == number
