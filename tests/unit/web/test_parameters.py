"""Parameters as fields, and back as JSON."""

import json

import pytest

from headway.control.errors import Invalid
from headway.formats.parameters import parameter_problems
from headway.web.parameters import fields_of, parameters_of

SCHEMA = {
    "type": "object",
    "properties": {
        "shop": {"type": "string", "description": "Whose report"},
        "days": {"type": "integer", "default": 1},
        "dry": {"type": "boolean"},
        "kind": {"enum": ["short", "long"]},
        "since": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "point": {"$ref": "#/$defs/Point"},
    },
    "$defs": {"Point": {"type": "object"}},
    "required": ["shop", "kind"],
}


def typed(**texts: str) -> dict:
    said = {f"p.{name}": text for name, text in texts.items()}
    return json.loads(parameters_of(SCHEMA, {}, said))


def test_each_parameter_is_a_field_with_what_is_given_or_else_its_default():
    fields = {
        field.name: field for field in fields_of(SCHEMA, {"shop": "north", "tags": ["a"]}, {})
    }
    assert fields["p.shop"].label == "shop (needed)"
    assert fields["p.shop"].hint == "Whose report"
    assert (fields["p.shop"].value, fields["p.days"].value) == ("north", "1")
    assert fields["p.tags"].value == '["a"]'
    assert fields["p.kind"].choices == ("short", "long")
    assert fields["p.dry"].choices == ("", "true", "false")
    assert fields["p.point"].hint == "object · as JSON"


def test_what_is_given_beyond_the_schema_is_kept():
    assert fields_of(SCHEMA, {"gone": 7}, {})[-1].value == "7"
    assert json.loads(parameters_of(SCHEMA, {}, {"p.gone": "7"})) == {"gone": 7}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("shop", "7", "7"),
        ("shop", "null", "null"),
        ("days", "7", 7),
        ("dry", "false", False),
        ("kind", "long", "long"),
        ("since", "2026-01-01", "2026-01-01"),
        ("since", "null", None),
        ("since", "2026", "2026"),
        ("either", "7", 7),
        ("either", "x", "x"),
        ("tags", '["a", "b"]', ["a", "b"]),
        ("point", '{"x": 1}', {"x": 1}),
    ],
)
def test_what_is_typed_is_read_by_the_schema(name, text, value):
    assert typed(**{name: text}) == {name: value}


def test_what_is_left_empty_is_left_out():
    assert typed(shop="", days="", dry="") == {}


def test_what_is_no_json_is_refused_for_what_it_is():
    found = parameters_of(SCHEMA, {}, {"p.shop": "n", "p.kind": "short", "p.days": "many"})
    (problem,) = parameter_problems(SCHEMA, found)
    assert problem == 'days must be a whole number, not "many"'


def test_a_job_without_a_schema_takes_an_object():
    (field,) = fields_of(None, {"a": 1}, {})
    assert (field.name, field.value) == ("parameters", '{"a": 1}')
    assert parameters_of(None, {}, {"parameters": '{"a": 1}'}) == b'{"a": 1}'
    assert parameters_of(None, {}, {}) == b"{}"


@pytest.mark.parametrize(
    "schema", [{}, {"properties": []}, {"properties": {"a": True}, "$defs": 3}]
)
def test_an_odd_schema_breaks_nothing(schema):
    assert json.loads(parameters_of(schema, {}, {"p.a": "x"})) == {"a": "x"}
    fields_of(schema, {}, {})


def test_a_field_and_back_is_the_same():
    given = {"shop": "7", "days": 3, "dry": True, "kind": "long", "since": None, "tags": ["x"]}
    said = {field.name: field.value for field in fields_of(SCHEMA, given, {})}
    assert json.loads(parameters_of(SCHEMA, {}, said)) == given


@pytest.mark.parametrize("text", ["one\ntwo\n", "one\r\ntwo", "\n a", "", "1e3", "  "])
def test_a_text_comes_back_to_the_letter_when_nobody_changed_it(text):
    given = {"shop": text, "kind": "long", "days": 1}
    said = {field.name: field.value.replace("\r\n", "\n") for field in fields_of(SCHEMA, given, {})}
    assert json.loads(parameters_of(SCHEMA, given, said)) == given


def test_a_text_that_is_no_single_word_has_room_for_lines():
    schema = {
        "properties": {
            "letter": {"type": "string"},
            "day": {"type": "string", "format": "date"},
            "code": {"type": "string", "maxLength": 8},
            "tags": {"type": "array"},
            "old": {"type": "string", "maxLength": 8},
        }
    }
    kinds = {row.name: row.kind.value for row in fields_of(schema, {"old": "a\nb"}, {})}
    assert kinds == {
        "p.letter": "text",
        "p.day": "line",
        "p.code": "line",
        "p.tags": "text",
        "p.old": "text",
    }


def test_a_list_that_is_no_json_is_refused_with_its_place_and_keeps_what_was_typed():
    said = {"p.tags": '["a",\n "b"', "p.point": "x: 1", "p.shop": "north"}
    with pytest.raises(Invalid) as refused:
        parameters_of(SCHEMA, {}, said)
    assert [problem.message for problem in refused.value.problems] == [
        "tags, line 2, column 5: Expecting ',' delimiter",
        "point, line 1, column 1: Expecting value",
    ]
    assert {row.name: row.value for row in fields_of(SCHEMA, {}, said)}["p.tags"] == said["p.tags"]
    with pytest.raises(Invalid, match="no JSON"):
        parameters_of(None, {}, {"parameters": "{1: 2}"})
