"""YAML 1.2 as a tree that knows its places. Wrong text gives problems, never errors."""

from dataclasses import dataclass, field
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from headway.model.problem import Parsed, Problem

BYTES_MAX = 1024 * 1024
NODES_MAX = 20_000
DEPTH_MAX = 50
DIGITS_MAX = 100


@dataclass(frozen=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Scalar:
    """A single value; `kind` is what YAML takes it for: `str`, `int`, `float`, `bool`, `null`."""

    place: Place
    text: str
    kind: str


@dataclass(frozen=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple["Tree", ...]


@dataclass(frozen=True)
class Entry:
    """One key of a mapping."""

    key: str
    place: Place
    value: "Tree"


@dataclass(frozen=True)
class Mapping:
    """A mapping, its keys in order and each only once."""

    place: Place
    entries: tuple[Entry, ...]


Tree = Scalar | Sequence | Mapping


def render_yaml(value: object) -> str:
    """Write plain values, in their order.

    >>> print(render_yaml({"name": "a", "tags": {"fast": "true"}}), end="")
    name: a
    tags:
      fast: 'true'
    """
    text = StringIO()
    YAML().dump(value, text)
    return text.getvalue()


@dataclass
class _Reading:
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0
    full: bool = False


def parse_yaml(text: str) -> Parsed[Tree]:
    """Read one YAML document.

    Aliases are followed, but what they blow up to is bounded, as are size and depth.
    """
    if len(text.encode()) > BYTES_MAX:
        return Parsed(None, (Problem(message=f"the file is larger than {BYTES_MAX // 1024} KiB"),))
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        return Parsed(None, (_syntax_problem(error),))
    except RecursionError:
        return Parsed(None, (Problem(line=1, column=1, message="too many levels"),))
    except (YAMLError, ValueError) as error:
        return Parsed(None, (Problem(line=1, column=1, message=f"this is not YAML: {error}"),))
    if root is None:
        return Parsed(None, (Problem(line=1, column=1, message="the file is empty"),))
    reading = _Reading()
    tree = _convert(root, reading, 0)
    return Parsed(tree, tuple(reading.problems))


def _syntax_problem(error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    message = " ".join(part for part in (error.context, error.problem) if part)
    hint = ""
    if "tab" in message or "'\\t'" in message:
        hint = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in message:
        hint = "a text that holds `: ` must be quoted"
    return Problem(
        line=mark.line + 1 if mark else 1,
        column=mark.column + 1 if mark else 1,
        message=f"this is not YAML: {message}",
        hint=hint,
    )


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _convert(node: Node, reading: _Reading, depth: int) -> Tree:
    reading.nodes += 1
    place = _place(node)
    if reading.nodes > NODES_MAX or depth > DEPTH_MAX:
        if not reading.full:
            reading.full = True
            what = f"more than {DEPTH_MAX} levels" if depth > DEPTH_MAX else "too many values"
            reading.problems.append(
                Problem(line=place.line, column=place.column, message=f"{what}, aliases included")
            )
        return Scalar(place, "", "null")
    if isinstance(node, MappingNode):
        return _mapping(node, reading, depth)
    if isinstance(node, SequenceNode):
        return Sequence(place, tuple(_convert(item, reading, depth + 1) for item in node.value))
    kind = str(node.tag).rpartition(":")[2]
    text = str(node.value)
    if kind in ("int", "float") and len(text) > DIGITS_MAX:
        message = f"a number has at most {DIGITS_MAX} characters"
        reading.problems.append(Problem(line=place.line, column=place.column, message=message))
        return Scalar(place, "0", kind)
    return Scalar(place, text, kind)


def _mapping(node: MappingNode, reading: _Reading, depth: int) -> Mapping:
    entries: list[Entry] = []
    seen: dict[str, Place] = {}
    for key_node, value_node in node.value:
        place = _place(key_node)
        if not isinstance(key_node, ScalarNode):
            reading.problems.append(
                Problem(line=place.line, column=place.column, message="a key must be a plain word")
            )
            continue
        key = str(key_node.value)
        value = _convert(value_node, reading, depth + 1)
        if key in seen:
            reading.problems.append(
                Problem(
                    line=place.line,
                    column=place.column,
                    message=f"{key!r} is here twice",
                    hint=f"first in line {seen[key].line}",
                )
            )
            continue
        seen[key] = place
        entries.append(Entry(key, place, value))
    return Mapping(_place(node), tuple(entries))
