"""What a manifest means where it says nothing."""

import pytest

from headway.formats.headway_yaml import parse_manifest
from headway.model.ids import name_from
from headway.model.manifest import CheckType, HealthCheck, Manifest, Process


def read(text: str, **others: str) -> Manifest:
    parsed = parse_manifest(text, **{"default_name": "shop"} | others)
    assert parsed.problems == ()
    assert parsed.value is not None
    return parsed.value


def test_an_app_without_processes_has_one_whose_command_the_build_finds():
    manifest = read("expose: [{name: http}]")
    (web,) = manifest.processes
    assert (web.name, web.command, web.scale) == ("web", "", 1)


def test_an_exposed_port_without_a_health_check_is_healthy_once_it_takes_connections():
    (expose,) = read("expose: [{name: http}]").processes[0].expose
    assert expose.health_check == HealthCheck(type=CheckType.TCP)


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        ("{path: /up}", "http"),
        ("{command: ./ok}", "command"),
        ("{timeout: 1s}", "tcp"),
        ("{}", "tcp"),
    ],
)
def test_a_health_check_is_of_the_type_that_its_keys_show(check, kind):
    (expose,) = read(f"expose: [{{name: http, health_check: {check}}}]").processes[0].expose
    assert expose.health_check.type.value == kind


def test_run_command_is_the_command_of_web_beside_a_procfile():
    manifest = read("run: {command: serve --fast}", procfile="web: serve\nworker: work")
    assert {row.name: row.command for row in manifest.processes} == {
        "web": "serve --fast",
        "worker": "work",
    }


def test_the_manifest_wins_over_the_procfile():
    manifest = read("processes: {worker: {command: mine}}", procfile="worker: theirs")
    assert manifest.process("worker").command == "mine"


def test_a_procfile_completes_a_process_type_without_a_command():
    manifest = read("processes: {worker: {scale: 2}}", procfile="worker: theirs")
    assert manifest.process("worker") == Process(name="worker", command="theirs", scale=2)


def test_an_app_that_only_works_has_no_web():
    assert [row.name for row in read("processes: {worker: work}").processes] == ["worker"]


def test_daemons_can_be_all_process_types_or_one():
    text = "placement: {daemon: true}\nprocesses: {a: run-a, b: {command: run-b, daemon: false}}"
    assert [row.daemon for row in read(text).processes] == [True, False]


@pytest.mark.parametrize(
    ("directory", "name"),
    [("My_Shop", "my-shop"), ("shop.v2", "shop-v2"), ("--x--", "x"), ("é", None), ("42", None)],
)
def test_a_directory_gives_its_name_where_it_can(directory, name):
    assert name_from(directory) == name


def test_an_app_without_any_name_is_told_how_to_get_one():
    (problem,) = parse_manifest("team: a", default_name="42").problems
    assert (problem.message, problem.hint) == ("the app has no name", "add `name: my-app`")


def test_a_long_directory_name_is_cut_to_a_name():
    assert name_from("a" * 39 + "-" + "b" * 40) == "a" * 39


def test_mistakes_in_the_procfile_are_told_under_its_name():
    (problem,) = parse_manifest("name: shop", procfile="web: serve\nnonsense").problems
    assert (problem.file, problem.line) == ("Procfile", 2)
