"""YAML as a tree: numbers that are too long, that JSON does not have, or that look odd."""

import pytest

from headway.formats.cron import parse_cron
from headway.formats.pool_yaml import parse_pool
from headway.formats.schema import plain
from headway.formats.yaml import parse_yaml


@pytest.mark.parametrize(
    ("written", "number"),
    [("007", 7), ("-012", -12), ("0o17", 15), ("0b11", 3), ("1_000", 1000), ("1.5", 1.5)],
)
def test_numbers_are_what_yaml_says_they_are(written, number):
    assert plain(parse_yaml(f"a: {written}").value) == {"a": number}


@pytest.mark.parametrize("written", [".inf", "-.inf", ".nan", "1e999", "0x_"])
def test_what_is_no_number_in_json_stays_a_text(written):
    assert plain(parse_yaml(f"a: {written}").value) == {"a": written}


@pytest.mark.parametrize("written", ["9" * 5000, "1." + "9" * 5000])
def test_a_number_without_end_is_a_mistake(written):
    problems = parse_yaml(f"a: 1\nb: {written}").problems
    assert [(row.line, row.message) for row in problems] == [
        (2, "a number has at most 100 characters")
    ]


@pytest.mark.parametrize(
    "scaling", [f"nodes_max: {'9' * 5000}", f"idle: {'9' * 400}h", "nodes_max: ²"]
)
def test_a_pool_with_a_number_without_end_is_refused_with_its_place(scaling):
    parsed = parse_pool(f"name: a\nscaling: {{{scaling}}}")
    assert parsed.value is None
    assert {row.line for row in parsed.problems} == {2}


@pytest.mark.parametrize("cron", ["9" * 5000 + " * * * *", "*/" + "9" * 5000 + " * * * *"])
def test_a_cron_expression_without_end_is_refused(cron):
    assert "at most" in parse_cron(cron, name="a").problems[0].message
