"""`gang` of a job."""

import pytest

from headway.formats.gang_troubles import gang_faults
from headway.formats.headway_yaml import parse_manifest
from headway.model.job import Job, OneFails


def parsed(text: str):
    others = "  locked: {command: x, lock: a}\n  few: {command: x, concurrency: 2}\n"
    return parse_manifest(f"name: a\njobs:\n  w: x\n  j: {{command: x, {text}}}\n{others}")


def test_a_gang_names_jobs_and_how_many_runs_of_each():
    job = parsed("gang: {w: 20}, when_one_fails: go_on").value.jobs[1]
    assert (job.gang, job.gang_size, job.when_one_fails) == ({"w": 20}, 21, OneFails.GO_ON)


def test_the_jobs_of_a_gang_may_have_limits_that_leave_room_for_it():
    assert not parsed("gang: {few: 2, w: 3}").problems


def schema(required: dict[str, str], optional: dict[str, str] | None = None) -> dict:
    properties = {name: {"type": kind} for name, kind in (required | (optional or {})).items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("leader", "member", "said"),
    [
        (schema({"a": "integer"}), schema({"a": "number"}), ""),
        (schema({"a": "integer"}), schema({}, {"a": "integer", "b": "string"}), ""),
        (schema({}, {"a": "integer"}), schema({"a": "integer"}), ""),
        (schema({"a": "integer"}), None, ""),
        (schema({"a": "integer"}), {"type": "object"}, ""),
        (schema({"x_a": "integer"}), schema({}) | {"patternProperties": {"^x_": {}}}, ""),
        (schema({"a": "integer"}), schema({}), "lead needs a, which w does not take"),
        (schema({}), schema({"a": "integer"}), "w needs a, which lead does not take"),
        (schema({"a": "integer"}), schema({"a": "string"}), "a is integer of lead and string of w"),
    ],
)
def test_parameters_that_no_run_can_give_to_all_of_a_gang_are_told(leader, member, said):
    one = Job(name="lead", command="x", gang={"w": 1}, parameters=leader)
    other = Job(name="w", command="x", parameters=member)
    told = [
        trouble.message for trouble in gang_faults(one, {row.name: row for row in (one, other)})
    ]
    assert told == ([f"w, of its gang, gets the same parameters: {said}"] if said else [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gang: {w: 0}", "jobs.j.gang.w"),
        ("gang: {w: 64}", "jobs.j.gang.w"),
        ("gang: {w: 40, v: 40}", "jobs.j.gang: 81 runs start together, and 64 may"),
        ("gang: {j: 1}", "jobs.j.gang.j: a run is not started by itself once more"),
        ("gang: {W: 1}", "'W' cannot be a name"),
        (
            "gang: {locked: 1}",
            "jobs.j.gang.locked: locked, of its gang, cannot have a gang or a lock",
        ),
        ("gang: {few: 3}", "jobs.j.gang.few: its gang has 3 of few, whose concurrency is 2"),
        ("when_one_fails: weep", "jobs.j.when_one_fails"),
    ],
)
def test_what_can_be_no_gang_is_refused_where_it_stands(text, said):
    (problem,) = parsed(text).problems
    assert said in problem.message
    assert problem.line == 4
