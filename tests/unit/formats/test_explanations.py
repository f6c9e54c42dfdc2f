"""`headway docs KEY` and the reference page, which are the schema in other words."""

import re

import pytest

from headway.formats.headway_yaml import parse_manifest
from headway.formats.reference import describe, page, paths

ALL_DEFAULTS = """\
name: shop
resources:
  cpu: <resources.cpu>
  max_mem: <resources.max_mem>
  processes: <resources.processes>
  open_files: <resources.open_files>
  log: <resources.log>
deploy:
  progress_deadline: <deploy.progress_deadline>
  surge: <deploy.surge>
  canary:
    judgement: <deploy.canary.judgement>
    requests_min: <deploy.canary.requests_min>
    error_rate_margin: <deploy.canary.error_rate_margin>
    latency_ratio_max: <deploy.canary.latency_ratio_max>
build: {timeout: <build.timeout>}
expose:
- name: http
  port: <expose.port>
  protocol: <expose.protocol>
  health_check:
    type: http
    path: <expose.health_check.path>
    interval: <expose.health_check.interval>
    timeout: <expose.health_check.timeout>
    grace: <expose.health_check.grace>
    healthy_threshold: <expose.health_check.healthy_threshold>
    unhealthy_threshold: <expose.health_check.unhealthy_threshold>
"""


def test_every_key_once():
    assert len(paths()) == len(set(paths())) > 70


@pytest.mark.parametrize("key", ["expose.health-check.grace", "expose.health check.grace"])
def test_a_key_is_found_however_it_is_spelled(key):
    text = describe(key)
    assert text.splitlines()[0] == "expose.health_check.grace"
    assert "default: 30s" in text


def test_a_key_names_the_keys_below_it_and_says_when_it_is_required():
    assert "deploy.canary.steps.weight" in describe("deploy.canary")
    assert "required" in describe("volumes.path")


@pytest.mark.parametrize("key", ["", "nonsense", "expose.", "expose.nonsense", "ci"])
def test_what_is_no_key_is_not_explained(key):
    assert describe(key) is None


def test_the_page_has_every_key_and_what_comes_later():
    text = page()
    for path in paths():
        assert f"`{path.partition('.')[2]}`" in text or f"\n## {path}\n" in text
    assert all(f"`{key}`" in text for key in ("workflows", "ci"))


def test_no_row_of_a_table_is_broken():
    rows = [line for line in page().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_every_default_in_the_documents_that_is_a_value_is_the_parser_s():
    """A default that the page shows can be written, and writing it changes nothing."""
    bare = parse_manifest("name: shop\nexpose: [{name: http, health_check: {type: http}}]")
    said = parse_manifest(re.sub(r"<([a-z_.]+)>", lambda key: default(key[1]), ALL_DEFAULTS))
    assert said.problems == ()
    assert said.value == bare.value


def default(key: str) -> str:
    found = re.search(r"^  default: (.+)$", describe(key), re.MULTILINE)
    assert found is not None
    return found[1]
