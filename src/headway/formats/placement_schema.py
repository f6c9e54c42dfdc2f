"""`placement` of `headway.yaml`, key by key."""

from headway.formats.kinds import NAME, name_problem
from headway.formats.schema import (
    Either,
    Flag,
    Key,
    ListOf,
    MapOf,
    Quantity,
    Record,
    Text,
)
from headway.formats.units import parse_number, parse_signed

_TAGS_MAX = 32
_VALUE = Text(any_scalar=True)


def tag_problem(text: str) -> str | None:
    """Say why a text cannot name a tag."""
    fine = 0 < len(text) <= 128 and all(c.isalnum() or c in "-_./:" for c in text)
    return None if fine else f"{text!r} cannot name a tag: letters, digits and - _ . / :"


def apart_problem(text: str) -> str | None:
    """Say why a text names neither an app nor one of its process types."""
    names = text.split("/")
    if len(names) > 2:
        return f"{text!r} is neither APP nor APP/PROCESS"
    return next((problem for name in names if (problem := name_problem(name))), None)


_RULE = Record(
    (
        Key("in", ListOf(_VALUE, most=_TAGS_MAX, single=True), "One of these values."),
        Key("not_in", ListOf(_VALUE, most=_TAGS_MAX, single=True), "None of these values."),
        Key("exists", Flag(), "Whether the node has the tag at all."),
        Key("at_least", _VALUE, "A version: 6.10 is above 6.9."),
        Key("at_most", _VALUE, "A version."),
    )
)
PLACEMENT = Record(
    (
        Key(
            "where",
            MapOf(
                Either(ListOf(_VALUE, most=_TAGS_MAX, single=True), _RULE), tag_problem, _TAGS_MAX
            ),
            "Tags that a node must have: a value, several of which one is enough, or a rule. "
            "`node` is each node's id, `pool` its pool.",
        ),
        Key("tags", MapOf(_VALUE), "Tags that a node must have with these values."),
        Key(
            "spread",
            ListOf(Text(tag_problem, "a tag"), most=3, single=True),
            "Tags over whose values copies are spread, the first weighs most; or none.",
            "node",
        ),
        Key("alone", Flag(), "At most one copy of a release on a node.", "false"),
        Key(
            "apart",
            ListOf(Text(apart_problem, "APP or APP/PROCESS"), most=50, single=True),
            "What must not be on the same node, in the same environment. It holds both ways.",
        ),
        Key("pool", NAME, "The pool whose nodes run it.", "all that are not dedicated"),
        Key(
            "priority",
            Quantity(parse_signed, "a whole number", least=-100, most=100, integer=True),
            "Runs with more start before runs of other queues.",
            "0",
        ),
        Key(
            "preemptible",
            Flag(),
            "Whether at_least_once runs may be ended and tried again later, and copies of a "
            "process type above its `floor` leave for a while, when something of higher priority "
            "fits nowhere. A process type says so itself: what the app says is of its runs.",
            "false",
        ),
        Key(
            "price",
            Quantity(parse_number, "a price an hour", least=0, most=100_000),
            "What a node may cost an hour at most.",
        ),
        Key("daemon", Flag(), "Every process type is a daemon.", "false"),
    )
)
