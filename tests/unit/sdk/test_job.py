import asyncio
import dataclasses
import enum
import json
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, NotRequired, Optional, TypedDict, Union

import msgspec
import pydantic
import pytest

import headway
from headway.builders import jobs as built
from headway.formats.parameters import parameter_problems, schema_problem
from headway.model.job import Delivery, Isolation, Job, JobNetwork, OneFails, StartMode
from headway.model.progress import progress_of
from headway.sdk import (
    JobError,
    ParameterError,
    attempt,
    fence,
    gang,
    job,
    options,
    progress,
    run_id,
)
from headway.sdk.job import declared
from headway.sdk.options import Options
from headway.sdk.results import to_json


class Colour(enum.Enum):
    RED = "red"
    TWO = 2


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Line:
    ends: tuple[Point, Point]


class Person(TypedDict):
    name: str
    age: NotRequired[int]


class Model(pydantic.BaseModel):
    size: int
    at: date = date(2026, 1, 1)


class Tree(pydantic.BaseModel):
    children: list["Tree"] = []


@dataclasses.dataclass
class Knot:
    next: Optional["Knot"] = None


Name = NewType("Name", str)


def taking(annotation: Any):
    """Declare a job of one parameter."""

    def echo(value): ...

    echo.__annotations__["value"] = annotation

    def answer(value):
        return [type(value).__name__, value]

    answer.__annotations__["value"] = annotation
    return job(answer).__headway_job__


def read(annotation: Any, value: Any) -> Any:
    return taking(annotation).bind({"value": value})["value"]


FITTING = [
    (str, {"type": "string"}, "a", "a"),
    (int, {"type": "integer"}, 3, 3),
    (int, {"type": "integer"}, 3.0, 3),
    (float, {"type": "number"}, 3, 3.0),
    (bool, {"type": "boolean"}, True, True),
    (None, {"type": "null"}, None, None),
    (Any, {}, {"a": [1]}, {"a": [1]}),
    (Name, {"type": "string"}, "a", "a"),
    (Annotated[int, "how many"], {"type": "integer", "description": "how many"}, 3, 3),
    (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, None),
    (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 3, 3),  # noqa: UP045
    (Union[float, int, str], None, 1, 1),  # noqa: UP007
    (list[int], {"type": "array", "items": {"type": "integer"}}, [1, 2], [1, 2]),
    (Sequence[str], {"type": "array", "items": {"type": "string"}}, ["a"], ["a"]),
    (list, {"type": "array", "items": {}}, [1, "a"], [1, "a"]),
    (set[int], None, [1, 1], {1}),
    (frozenset[str], None, ["a"], frozenset({"a"})),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}, [1], (1,)),
    (tuple[int, date], None, [1, "2026-11-21"], (1, date(2026, 11, 21))),
    (dict[str, float], None, {"a": 1}, {"a": 1.0}),
    (Mapping[str, Any], None, {"a": None}, {"a": None}),
    (Literal["a", 1], {"enum": ["a", 1]}, 1, 1),
    (Colour, {"enum": ["red", 2]}, 2, Colour.TWO),
    (date, {"type": "string", "format": "date"}, "2026-11-21", date(2026, 11, 21)),
    (
        datetime,
        {"type": "string", "format": "date-time"},
        "2026-11-21T10:00:00Z",
        datetime(2026, 11, 21, 10, tzinfo=UTC),
    ),
    (uuid.UUID, None, str(uuid.UUID(int=0)), uuid.UUID(int=0)),
    (Decimal, None, "1.10", Decimal("1.10")),
    (time, None, "10:30:00", time(10, 30)),
    (Point, None, {"x": 1}, Point(1)),
    (Line, None, {"ends": [{"x": 1}, {"x": 2, "y": 3}]}, Line((Point(1), Point(2, 3.0)))),
    (list[Point] | None, None, [{"x": 1, "tags": ["a"]}], [Point(1, 0.5, ["a"])]),
    (Person, None, {"name": "Ana"}, {"name": "Ana"}),
    (Model, None, {"size": 1, "at": "2026-11-21"}, Model(size=1, at=date(2026, 11, 21))),
    (list[Tree], None, [{"children": [{}]}], [Tree(children=[Tree()])]),
]


@pytest.mark.parametrize(("annotation", "schema", "value", "expected"), FITTING)
def test_what_annotations_mean(annotation, schema, value, expected):
    found = read(annotation, value)
    assert found == expected
    assert type(found) is type(expected)
    if schema is not None:
        assert taking(annotation).schema["properties"]["value"] == schema
    whole = taking(annotation).schema
    assert schema_problem(whole) is None
    assert parameter_problems(whole, json.dumps({"value": value}).encode()) == []


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (int, "1", 'value must be a whole number, not "1"'),
        (int, True, "value must be a whole number, not true"),
        (int, 1.5, "value must be a whole number, not 1.5"),
        (float, None, "value must be a number, not null"),
        (bool, 1, "value must be true or false, not 1"),
        (str, ["x" * 100], "…"),
        (list[int], [1, "b"], 'value[1] must be a whole number, not "b"'),
        (list[int], "ab", 'value must be a list, not "ab"'),
        (set[Any], [[1]], "value has parts that no set can hold"),
        (tuple[int, int], [1], "value must have 2 parts, not 1"),
        (dict[str, int], {"a": "b"}, 'value.a must be a whole number, not "b"'),
        (Literal["a", 1], True, 'value must be one of "a", 1, not true'),
        (Colour, "blue", 'value must be one of "red", 2, not "blue"'),
        (Colour, [], 'value must be one of "red", 2, not []'),
        (date, "2026-13-01", "value must be a date such as 2026-11-21"),
        (datetime, "", "value must be a time such as"),
        (datetime, "2026-11-21T10:00:00", "value must be a time such as"),
        (Decimal, "x", "value must be a decimal number"),
        (Point, {}, "value.x is missing"),
        (Point, {"x": 1, "tag": []}, "there is no value.tag; did you mean 'tags'?"),
        (Line, {"ends": [{"x": 1}, {"x": "2"}]}, "value.ends[1].x must be a whole number"),
        (int | None, "a", 'value must be a whole number, not "a"'),
        (int | list[int], "a", "value fits none of its types"),
        (Person, {"age": 3}, "value.name is missing"),
        (Model, {"size": "many"}, "value.size: Input should be a valid integer"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(annotation, value, said):
    with pytest.raises(ParameterError) as caught:
        taking(annotation).bind({"value": value})
    assert said in str(caught.value)


@pytest.mark.parametrize("annotation", [bytes, complex, dict[int, str], Knot, type, "NotThere2"])
def test_what_json_cannot_give_is_refused(annotation):
    with pytest.raises(JobError, match=r"value: |a type is not known"):
        _ = taking(annotation).schema


def test_a_job_is_the_function_that_it_was():
    @job
    def add(left: int, right: int = 2) -> int:
        """Add two numbers.

        At length.
        """
        return left + right

    found = add.__headway_job__
    assert add(1) == 3
    assert (found.name, found.doc, found.options) == ("add", "Add two numbers.", {})
    assert found.schema == {
        "type": "object",
        "properties": {"left": {"type": "integer"}, "right": {"type": "integer", "default": 2}},
        "required": ["left"],
        "additionalProperties": False,
    }
    assert found.call({"left": 5}) == 7
    with pytest.raises(ParameterError) as caught:
        found.call({"rihgt": 1})
    assert caught.value.problems == [
        "left is missing",
        "there is no parameter 'rihgt'; did you mean 'right'?",
    ]
    with pytest.raises(ParameterError, match="parameters are a JSON object"):
        found.bind([])


def test_coroutines_are_run():
    @job
    async def wait(value: int) -> int:
        await asyncio.sleep(0)
        return value

    assert wait.__headway_job__.call({"value": 3}) == 3


def test_types_may_be_named_before_they_are_there():
    namespace: dict[str, Any] = {}
    text = "from headway.sdk import job\n@job\ndef f(x: 'Late'): return x\nLate = int"
    exec(text, namespace)
    assert namespace["f"].__headway_job__.schema["properties"] == {"x": {"type": "integer"}}


def test_options_are_said_in_the_words_of_the_model():
    @job(
        name="all-of-it",
        cpu=2,
        memory="1GiB",
        disk=64,
        timeout="1h30m",
        grace=5,
        delivery="at_least_once",
        retries=0,
        retry_delay="500ms",
        retry_delay_max="1m",
        queue="slow",
        priority=-5,
        concurrency=2,
        key_concurrency=1,
        lock=["migration", "account-{account}"],
        gang={"worker": 3},
        when_one_fails="go_on",
        start="cold",
        reuse=10,
        network="internet",
        isolation="standard",
    )
    def everything(): ...

    found = everything.__headway_job__
    row = msgspec.convert({"name": found.name, "function": "a:b", **found.options}, Job)
    assert row.resources.memory_mib == 1024
    assert (row.resources.cpu, row.resources.disk_mib) == (2.0, 64)
    assert (row.timeout_s, row.grace_s) == (5400.0, 5.0)
    assert (row.retries.most, row.retries.delay_s, row.retries.delay_max_s) == (0, 0.5, 60.0)
    assert (row.delivery, row.start) == (Delivery.AT_LEAST_ONCE, StartMode.COLD)
    assert (row.network, row.isolation) == (JobNetwork.INTERNET, Isolation.STANDARD)
    assert (row.queue, row.priority, row.reuse) == ("slow", -5, 10)
    assert (row.concurrency, row.key_concurrency) == (2, 1)
    assert row.locks == ("migration", "account-{account}")
    assert (row.gang, row.gang_size, row.when_one_fails) == ({"worker": 3}, 4, OneFails.GO_ON)
    assert set(Options.__annotations__) == set(options._READERS)


@pytest.mark.parametrize("option", ["delivery", "start", "network", "isolation", "when_one_fails"])
def test_the_words_are_those_of_the_model(option):
    kinds = {
        "delivery": Delivery,
        "start": StartMode,
        "network": JobNetwork,
        "isolation": Isolation,
        "when_one_fails": OneFails,
    }
    _, reader = options._READERS[option]
    for word in kinds[option]:
        assert reader(word) == word.value
    with pytest.raises(ValueError, match="must be") as caught:
        reader("?")
    assert str(caught.value).count("'") == 2 * len(kinds[option])


def test_what_a_job_has_unsaid_is_what_the_model_says():
    row = Job(name="x").resources
    assert {"cpu": row.cpu, "memory_mib": row.memory_mib} == options._RESOURCES


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cpus": 1}, "there is no option 'cpus'; did you mean 'cpu'?"),
        ({"cpu": 0}, "cpu=0: it must be a number from 0.001 to 1024"),
        ({"cpu": True}, "cpu=True"),
        ({"memory": "much"}, "memory='much': it must be a size of 1MiB or more"),
        ({"timeout": "-1s"}, "must be a length of time"),
        ({"timeout": 0}, "must be a length of time"),
        ({"timeout": "3651d"}, "timeout='3651d': it must be a length of time up to 3650d"),
        ({"expected": float("inf")}, "must be a length of time"),
        ({"retries": 1.5}, "must be a whole number from 0 to 1000"),
        ({"priority": 101}, "must be a whole number from -100 to 100"),
        ({"delivery": "twice"}, "it must be 'at_most_once' or 'at_least_once'"),
        ({"queue": "No!"}, "lower-case letters"),
        ({"lock": "No!"}, "lower-case letters, digits, single hyphens and {parameter}"),
        ({"gang": {"worker": 0}}, "must name up to 8 jobs and how many runs of each"),
        ({"gang": {"worker": 64}}, "64 in all"),
        ({"gang": {"No!": 1}}, "must name up to 8 jobs"),
        ({"lock": []}, "the name of a lock, or a list of up to 8"),
        ({"name": "No"}, "lower-case letters"),
        ({"retries": 2}, "retries needs delivery='at_least_once'"),
        ({"preemptible": True}, "preemptible needs delivery='at_least_once'"),
        ({"preemptible": 1, "delivery": "at_least_once"}, "it must be True or False"),
        ({"reuse": 2, "isolation": "strict"}, "do not go together"),
        ({"start": "warm", "isolation": "strict"}, "is always started cold"),
    ],
)
def test_wrong_options_are_refused_with_their_place(options, said):
    def wrong(): ...

    with pytest.raises(JobError) as caught:
        job(**options)(wrong)
    assert said in str(caught.value)
    assert caught.value.file == __file__
    assert caught.value.line == wrong.__code__.co_firstlineno


def test_parameters_that_cannot_be_named_are_refused():
    for text in ("x", "*x: int", "**x: int", "x: int, /"):
        namespace: dict[str, Any] = {}
        exec(f"def f({text}): ...", namespace)
        with pytest.raises(JobError):
            job(namespace["f"])
    with pytest.raises(JobError, match="above a function"):
        job(int)
    with pytest.raises(JobError, match="needs a name"):
        job(lambda: None)


def test_results_are_written_as_json():
    value = {
        Colour.RED: Point(1, tags=["a"]),
        "set": {3, 1, 2},
        "time": datetime(2026, 11, 21, tzinfo=UTC),
        "model": Model(size=1),
        "rest": (Decimal("1.5"), uuid.UUID(int=1), None, 1.5, Colour.TWO),
    }
    assert to_json(value) == {
        "red": {"x": 1, "y": 0.5, "tags": ["a"]},
        "set": [1, 2, 3],
        "time": "2026-11-21T00:00:00+00:00",
        "model": {"size": 1, "at": "2026-01-01"},
        "rest": ["1.5", str(uuid.UUID(int=1)), None, 1.5, 2],
    }
    for wrong in (b"x", [object()], float("nan"), {(1, 2): 3}, int):
        with pytest.raises(TypeError, match="cannot be written as JSON"):
            to_json(wrong)


def test_progress_is_understood_by_who_reads_it(capsys):
    progress(40, "exporting\nrows")
    progress(3, of=12)
    lines = capsys.readouterr().out.splitlines()
    assert [progress_of(line) for line in lines] == [
        {"percent": 40.0, "text": "exporting rows"},
        {"percent": 25.0, "text": "3/12"},
    ]


def test_a_run_knows_what_it_is(monkeypatch):
    assert (run_id(), attempt(), fence()) == ("", 1, 0)
    monkeypatch.setenv("HEADWAY_RUN", "r1")
    monkeypatch.setenv("HEADWAY_ATTEMPT", "2")
    monkeypatch.setenv("HEADWAY_FENCE", "7")
    assert (run_id(), attempt(), fence()) == ("r1", 2, 7)
    assert gang() is None
    monkeypatch.setenv("HEADWAY_GANG", "r0")
    monkeypatch.setenv("HEADWAY_GANG_NUMBER", "1")
    monkeypatch.setenv("HEADWAY_GANG_NODES", "here there")
    assert gang() == ("r0", 1, 2, ("here", "there"))


def test_the_decorator_has_its_name_however_it_is_imported():
    import headway.sdk.job as by_path

    assert by_path.Cancelled is sys.modules["headway.sdk.job"].Cancelled
    assert not issubclass(by_path.Cancelled, Exception)
    assert declared(job(lambda_free)) is lambda_free.__headway_job__


def lambda_free() -> None: ...


def test_jobs_need_the_standard_library_only(tmp_path):
    layer = built.JobsLayer(tmp_path)
    layer.publish()
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from headway.sdk import job\n"
        "import headway.sdk.discover, headway.sdk.once, headway.sdk.shapes\n"
        "@job(timeout='1m')\n"
        "def f(x: int = 1): return x\n"
        "assert f.__headway_job__.call({}) == 1\n"
        "try:\n    from headway.sdk import Client\n"
        "except ImportError as error: print(error)\n"
        "print(sorted(name for name in sys.modules if 'msgspec' in name or 'httpx' in name))\n"
    )
    words = [sys.executable, "-I", "-S", "-c", script, str(layer.path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "headway.sdk.Client is not here (No module named" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_an_app_that_has_all_of_headway_gets_that(tmp_path):
    layer = built.JobsLayer(tmp_path)
    layer.publish()
    source = str(Path(headway.__file__).parents[1])
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.path.append(sys.argv[2])\n"
        "from headway.sdk import Client, job; import headway\n"
        "print(headway.__file__, sys.modules['headway.sdk.client'].__file__)"
    )
    words = [sys.executable, "-I", "-c", script, str(layer.path), source]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        f"{layer.path}/headway/__init__.py",
        f"{source}/headway/sdk/client.py",
    ]


def test_the_client_is_loaded_when_it_is_asked_for():
    script = (
        "import sys, headway.sdk\n"
        "assert 'msgspec' not in sys.modules\n"
        "from headway.sdk import Client, RefusedError\n"
        "assert 'headway.sdk.client' in sys.modules and 'Client' in dir(headway.sdk)\n"
        "assert callable(headway.sdk.job)\n"
        "import headway.sdk.nothing\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "No module named 'headway.sdk.nothing'" in done.stderr
    with pytest.raises(ImportError):
        from headway.sdk import Nothing  # type: ignore[attr-defined]  # noqa: F401
