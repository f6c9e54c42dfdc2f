"""Laws of plain schemas: whatever fits one is right by the library that decides in the end."""

import json

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.formats.plain_schema import fits, is_plain

NAMES = st.sampled_from(["a", "b", "c"])
KINDS = st.sampled_from(
    ["array", "boolean", "integer", "null", "number", "object", "string", ["string", "null"], "any"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 2.0, 1e300]) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def _schemas(inner):
    """Of plain words and others, right and wrong."""
    return st.fixed_dictionaries(
        {"type": KINDS},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=3) | st.just(1),
            "required": st.lists(NAMES | st.just(1), max_size=3),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "description": st.just("what it is") | st.just(1),
            "minimum": st.integers(-1, 1),
        },
    )


INNER = st.recursive(st.booleans() | KINDS.map(lambda kind: {"type": kind}), _schemas, max_leaves=6)
SCHEMAS = INNER.filter(lambda schema: isinstance(schema, dict))


def _validator(schema):
    try:
        return jsonschema_rs.validator_for(schema)
    except ValueError:
        return None


@settings(max_examples=400)
@given(schema=SCHEMAS)
def test_a_plain_schema_is_a_right_one(schema):
    if is_plain(schema):
        assert _validator(schema) is not None


@settings(max_examples=600)
@given(schema=SCHEMAS, value=VALUES)
def test_what_fits_is_right(schema, value):
    validator = _validator(schema)
    if validator is not None and fits(schema, value):
        assert validator.is_valid(json.loads(json.dumps(value)))


@given(value=VALUES)
def test_most_of_what_is_plain_and_right_fits(value):
    schema = {"type": "object", "properties": {"x": _described(value)}, "required": ["x"]}
    assert is_plain(schema)
    assert fits(schema, {"x": value})


def _described(value):
    """Give a schema that a value fits."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    if isinstance(value, dict):
        properties = {name: _described(one) for name, one in value.items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    return {"type": "array"} if isinstance(value, list) else {"type": kinds[type(value)]}
