"""Locks of jobs: what may be written, and the names that come of it."""

import pytest

from headway.formats.headway_yaml import parse_manifest
from headway.formats.lock_names import lock_names

WHERE = {"app": "shop", "environment": "demo"}


def locks_of(text: str) -> tuple[str, ...]:
    parsed = parse_manifest(f"name: a\njobs:\n  j: {{command: x, lock: {text}}}\n")
    assert parsed.problems == (), parsed.problems
    return parsed.value.jobs[0].locks


def test_a_lock_is_one_name_or_some():
    assert locks_of("migration") == ("migration",)
    assert locks_of("[b, 'a-{x}']") == ("b", "a-{x}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Migration", "'Migration' cannot name a lock"),
        ("'{a b}'", "'{a b}' cannot name a lock"),
        ("7", "lock"),
        ("[a, b, c, d, e, f, g, h, i]", "8"),
    ],
)
def test_what_can_name_no_lock_is_refused(text, said):
    parsed = parse_manifest(f"name: a\njobs:\n  j: {{command: x, lock: {text}}}\n")
    (problem,) = parsed.problems
    assert said in problem.message
    assert problem.line == 3


def test_a_parameter_fills_in_a_name_and_where_it_runs_does():
    names = lock_names(["a-{n}-{app}-{environment}"], {"n": 7}, None, WHERE).names
    assert names == ("a-7-shop-demo",)


def test_a_default_is_taken_for_what_was_left_out():
    schema = {"properties": {"n": {"type": "string", "default": "x"}}}
    assert lock_names(["a-{n}"], {}, schema, WHERE).names == ("a-x",)
    assert lock_names(["a-{n}"], {"n": "y"}, schema, WHERE).names == ("a-y",)


def test_two_that_come_to_the_same_are_one():
    assert lock_names(["a-{n}", "a-{m}"], {"n": 1, "m": 1}, None, WHERE).names == ("a-1",)


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}])
def test_what_is_no_text_and_no_number_names_no_lock(value):
    found = lock_names(["a-{n}"], {"n": value}, None, WHERE)
    assert found.problem == "its lock a-{n} needs the parameter n, a text or a whole number"


def test_a_parameter_cannot_pretend_to_be_where_it_runs():
    assert lock_names(["x-{app}"], {"app": "other"}, None, WHERE).names == ("x-shop",)
