import subprocess
import sys

import pytest

from headway.formats.parameters import parameter_problems, schema_problem

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
        "assert parameter_problems(schema, b'{}') == ['\"n\" is a required property']\n"
        "assert 'jsonschema_rs' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
