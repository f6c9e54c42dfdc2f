"""Every key of the manifest arrives where it should."""

from pathlib import Path

import msgspec
import pytest

from headway.formats.headway_yaml import parse_manifest
from headway.model.manifest import (
    CanaryStep,
    CheckType,
    HealthCheck,
    Judgement,
    Manifest,
    RunType,
    Strategy,
    Volume,
)
from headway.model.resources import Resources

CASE = Path(__file__).resolve().parents[2] / "data" / "formats" / "everything.in.yaml"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    parsed = parse_manifest(CASE.read_text())
    assert parsed.problems == ()
    assert parsed.value is not None
    return parsed.value


def test_the_app_and_its_neighbours(manifest):
    assert (manifest.name, manifest.run, manifest.team) == ("shop", RunType.PROCESS, "eng-shop")
    assert manifest.shepherds == ("ana@example.com",)
    assert manifest.dependencies == ("orders", "ids")
    assert manifest.external_hosts == ("shop.example.com", "www.shop.example.com")


def test_config_keys_are_required_or_have_a_default_as_it_was_written(manifest):
    expected = {"SESSION_SECRET": None, "LOG_LEVEL": "info", "WORKERS": "2", "DEBUG": "false"}
    assert manifest.env == expected


def test_resources_of_the_app_are_those_of_its_processes_but_for_what_they_say(manifest):
    web, worker, _ = manifest.processes
    shared = Resources(
        cpu=0.2,
        memory_mib=512,
        processes=64,
        open_files=1024,
        disk_mib=64,
        disk_reserved_mib=64,
        log_mib=8,
    )
    assert web.resources == shared
    assert worker.resources == msgspec.structs.replace(shared, cpu=1.0)


def test_process_types_with_their_commands_and_copies(manifest):
    assert [(row.name, row.command, row.scale) for row in manifest.processes] == [
        ("web", "gunicorn shop:app", 2),
        ("worker", "python work.py", 3),
        ("clock", "python clock.py", 1),
    ]
    worker = manifest.process("worker")
    assert (worker.daemon, worker.drain_s, worker.stop_grace_s) == (False, 20.0, 3600.0)
    assert worker.health_check == HealthCheck(type=CheckType.COMMAND, command="python alive.py")


def test_an_exposed_port_with_its_health_check(manifest):
    (expose,) = manifest.processes[0].expose
    assert (expose.name, expose.port) == ("http", 80)
    assert expose.health_check == HealthCheck(
        type=CheckType.HTTP,
        path="/health",
        interval_s=0.5,
        timeout_s=2.0,
        healthy_threshold=2,
        unhealthy_threshold=4,
        grace_s=90.0,
    )


def test_how_it_is_built_released_and_deployed(manifest):
    build, deploy = manifest.build, manifest.deploy
    assert (build.command, build.output, build.timeout_s) == ("make", "dist", 600.0)
    assert (build.resources.cpu, build.resources.memory_mib) == (2.0, 1024)
    assert (manifest.release_command, manifest.release_timeout_s) == ("python migrate.py", 120.0)
    assert (deploy.strategy, deploy.surge) == (Strategy.BLUE_GREEN, 2)
    assert (deploy.min_healthy_s, deploy.progress_deadline_s) == (2.0, 300.0)
    assert deploy.canary.judgement is Judgement.MANUAL
    assert deploy.canary.steps == (
        CanaryStep(weight_percent=10, pause_s=30.0),
        CanaryStep(weight_percent=50, pause_s=60.0),
    )
    assert (deploy.canary.requests_min, deploy.canary.error_rate_margin_percent) == (10, 2.5)
    assert deploy.canary.latency_ratio_max == 2.0


def test_where_it_may_run_and_what_is_kept(manifest):
    assert manifest.placement.tags == {"disk": "ssd"}
    assert manifest.placement.over == ("node",)
    assert manifest.volumes == (Volume(name="files", path="/data/files"),)
