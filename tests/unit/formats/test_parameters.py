import subprocess
import sys

import msgspec
import pytest

from headway.formats.parameters import parameter_problems, schema_problem

UNREAD = "the parameters are not JSON that can be read"

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}, "day": {"format": "date"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("given", [b'{"n": 1}', b'{"n": 2, "day": "2026-01-31"}'])
def test_right_parameters(given):
    assert parameter_problems(SCHEMA, given) == []


@pytest.mark.parametrize(
    ("given", "count"),
    [(b"{}", 1), (b'{"n": 0, "x": 1}', 2), (b'{"n": 1, "day": "soon"}', 1), (b"[]", 1)],
)
def test_every_mistake_is_told(given, count):
    assert len(parameter_problems(SCHEMA, given)) == count


DEEP = b'{"a":' * 100 + b"1" + b"}" * 100
BROAD = b'{"a":[' + b"[[]]," * 500 + b"[]]}"


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (DEEP, None),
        (BROAD, None),
        (b'{"a":"' + b"[{" * 500 + b'"}', None),
        (b'{"a":1' + b"0" * 400 + b"}", None),
        (b'{"a":' + DEEP + b"}", "parameters are nested more than 100 levels deep"),
        (
            b'{"a":' * 99_999 + b"1" + b"}" * 99_999,
            "parameters are nested more than 100 levels deep",
        ),
        (
            b'{"a":' + b"9" * 5000 + b"}",
            f"{UNREAD}: Integer value out of range - at `$[...]`",
        ),
        (
            b'{"a":1e999}',
            f"{UNREAD}: Number out of range - at `$[...]`",
        ),
    ],
)
def test_what_others_could_not_read_is_refused(schema, given, problem):
    assert parameter_problems(schema, given) == ([] if problem is None else [problem])


WORDS = {
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.25},
        "name": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a"},
        "kind": {"enum": ["day", 7]},
        "one": {"const": 1},
        "at": {"type": "string", "format": "date-time"},
        "list": {"type": "array", "maxItems": 2, "uniqueItems": True, "items": {"type": "string"}},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "deep": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        "either": {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "string"}]},
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"n": "1"}, 'n must be a whole number, not "1"'),
        ({"n": 0}, "n must be at least 1, not 0"),
        ({"n": 10}, "n must be at most 9, not 10"),
        ({"share": 0}, "share must be more than 0, not 0"),
        ({"share": 1}, "share must be less than 1, not 1"),
        ({"share": 0.3}, "share must be a multiple of 0.25, not 0.3"),
        ({"name": "abcd"}, "name must have at most 3 characters, and has 4"),
        ({"name": "b"}, 'name must match ^a, and is "b"'),
        ({"kind": "week"}, 'kind must be one of "day", 7, not "week"'),
        ({"one": 2}, "one must be 1, not 2"),
        ({"at": 1}, "at must be a text, not 1"),
        ({"list": ["a", "b", "c"]}, "list must have at most 2 items, and has 3"),
        ({"list": ["a", "a"]}, "list has the same item twice"),
        ({"list": ["a", 2]}, "list.1 must be a text, not 2"),
        ({"maybe": 3}, "maybe must be a text or null, not 3"),
        ({"deep": {}}, "deep.x is missing"),
        ({"deep": {"x": "a" * 99}}, f'deep.x must be a number, not "{"a" * 59}…'),
        ({"nam": 1}, "there is no nam: did you mean name?"),
        ({"zzz": 1}, "there is no zzz"),
    ],
)
def test_mistakes_are_told_in_plain_words(given, told):
    assert parameter_problems(WORDS, msgspec.json.encode(given)) == [told]


def test_what_is_no_date_and_what_fits_nothing_is_told_with_what_would():
    given = b'{"at": "2026-11-30T09:00:00", "either": 2}'
    at, either = parameter_problems(WORDS, given)
    assert "at must be a date and time with an offset, such as 2026-11-30T09:00:00Z, not" in at
    assert "either must be at least 5, not 2; either must be a text, not 2" in either


def test_without_a_schema_any_object_is_right():
    assert parameter_problems(None, b' {"a": [1]}') == []
    assert parameter_problems(None, b"[1]") == ["parameters must be an object"]


def test_schemas_are_checked():
    assert schema_problem(SCHEMA) is None
    assert "'array'" in (schema_problem({"type": "array"}) or "")
    assert "no JSON Schema" in (schema_problem({"type": "object", "properties": 1}) or "")


def test_a_plain_schema_needs_no_library():
    code = (
        "import sys\n"
        "from headway.formats.parameters import parameter_problems, schema_problem\n"
        "schema = {'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}\n"
        "assert schema_problem(schema) is None\n"
        "assert parameter_problems(schema, b'{\"n\": 1}') == []\n"
        "assert 'jsonschema_rs' not in sys.modules\n"
        "assert parameter_problems(schema, b'{}') == ['n is missing']\n"
        "assert 'jsonschema_rs' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
