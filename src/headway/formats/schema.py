"""The grammar in which `headway.yaml` is described: kinds of values that read, check and explain.

A kind reads a tree into plain values and reports every problem with its place. The same objects
give the reference page and `headway docs`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from math import isfinite
from typing import Any, Protocol

from headway.formats.units import parse_count
from headway.formats.yaml import Mapping as TreeMapping
from headway.formats.yaml import Place, Scalar, Sequence, Tree
from headway.model.problem import Problem


class _Missing:
    """What a value is that could not be read."""

    def __bool__(self) -> bool:
        return False


MISSING: Any = _Missing()


@dataclass
class Reading:
    """Collects problems while a tree is read."""

    problems: list[Problem] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    """Where each key that was read stands, by dotted path."""

    def wrong(self, place: Place, message: str, hint: str = "") -> Any:
        """Report a problem; gives `MISSING`."""
        self.problems.append(
            Problem(line=place.line, column=place.column, message=message, hint=hint)
        )
        return MISSING


class Kind(Protocol):
    """What a value may be."""

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Give the value, or `MISSING` after reporting what is wrong with it."""
        ...

    def describe(self) -> str:
        """Say in a few words what may stand here."""
        ...


def what_is(tree: Tree) -> str:
    """Say what a tree is, for people."""
    if isinstance(tree, Sequence):
        return "a list"
    if isinstance(tree, TreeMapping):
        return "a mapping"
    return {"null": "nothing", "int": "a number", "float": "a number", "bool": "a yes or no"}.get(
        tree.kind, "a text"
    )


@dataclass(frozen=True)
class Text:
    """A text; `problem` may refuse it with a sentence."""

    problem: Callable[[str], str | None] = lambda _text: None
    words: str = "text"
    any_scalar: bool = False
    """Numbers and the like are taken as they are written."""

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read a text."""
        if not isinstance(tree, Scalar) or tree.kind == "null":
            return reading.wrong(tree.place, f"{path} must be {self.words}, not {what_is(tree)}")
        if tree.kind != "str" and not self.any_scalar:
            return reading.wrong(
                tree.place,
                f"{path} must be {self.words}, not {what_is(tree)}",
                f'to mean the text, quote it: "{tree.text}"',
            )
        problem = self.problem(tree.text)
        if problem is not None:
            return reading.wrong(tree.place, f"{path}: {problem}")
        return tree.text

    def describe(self) -> str:
        """Say what it is."""
        return self.words


@dataclass(frozen=True)
class Quantity:
    """A number with a unit, read by a function that gives None for what it cannot read."""

    parse: Callable[[str], float | None]
    words: str
    least: float = 0.0
    most: float = float("inf")
    integer: bool = False
    show: Callable[[float], str] = "{:g}".format

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read a quantity and check its bounds."""
        value = self.parse(tree.text) if isinstance(tree, Scalar) else None
        if value is None or (self.integer and value != int(value)):
            shown = tree.text if isinstance(tree, Scalar) else what_is(tree)
            return reading.wrong(tree.place, f"{path} must be {self.words}, not {shown or 'empty'}")
        if not self.least <= value <= self.most:
            bounds = (
                f"from {self.show(self.least)} to {self.show(self.most)}"
                if self.most != float("inf")
                else f"at least {self.show(self.least)}"
            )
            return reading.wrong(tree.place, f"{path} is {self.show(value)}, and must be {bounds}")
        return int(value) if self.integer else value

    def describe(self) -> str:
        """Say what it is."""
        return self.words


def whole(least: int, most: int) -> Quantity:
    """Make the kind of a whole number within bounds."""
    return Quantity(parse_count, "a whole number", least=least, most=most, integer=True)


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read a YAML 1.2 boolean."""
        if isinstance(tree, Scalar) and tree.kind == "bool":
            return tree.text.lower() == "true"
        return reading.wrong(tree.place, f"{path} must be true or false")

    def describe(self) -> str:
        """Say what it is."""
        return "true or false"


@dataclass(frozen=True)
class Choice:
    """One of a few words; hyphens and underscores are the same."""

    options: tuple[str, ...]

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read one of the words."""
        text = tree.text if isinstance(tree, Scalar) else what_is(tree)
        word = text.strip().lower().replace("-", "_").replace(" ", "_")
        if word in self.options:
            return word
        near = get_close_matches(word, self.options, n=1)
        hint = f"did you mean {near[0]!r}?" if near else ""
        return reading.wrong(
            tree.place, f"{path} must be {self.describe()}, not {text or 'empty'}", hint
        )

    def describe(self) -> str:
        """List the words."""
        return " or ".join(", ".join(self.options).rsplit(", ", 1))


@dataclass(frozen=True)
class ListOf:
    """A list of one kind; a single value stands for a list of one where `single` says so."""

    item: Kind
    most: int = 200
    single: bool = False

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read every item that can be read."""
        if self.single and isinstance(tree, Scalar) and tree.kind != "null":
            value = self.item.read(tree, path, reading)
            return [] if value is MISSING else [value]
        if not isinstance(tree, Sequence):
            return reading.wrong(tree.place, f"{path} must be a list, not {what_is(tree)}")
        if len(tree.items) > self.most:
            return reading.wrong(tree.place, f"{path} has more than {self.most} items")
        values = [
            self.item.read(item, f"{path}[{number}]", reading)
            for number, item in enumerate(tree.items)
        ]
        return [value for value in values if value is not MISSING]

    def describe(self) -> str:
        """Say what it lists."""
        return f"list of {self.item.describe()}"


@dataclass(frozen=True)
class Free:
    """A mapping of whatever JSON can say."""

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read it as it stands."""
        if not isinstance(tree, TreeMapping):
            return reading.wrong(tree.place, f"{path} must be a mapping, not {what_is(tree)}")
        return plain(tree)

    def describe(self) -> str:
        """Say what it is."""
        return "mapping of any values"


def plain(tree: Tree) -> Any:
    """Give a tree as JSON would have it."""
    if isinstance(tree, TreeMapping):
        return {entry.key: plain(entry.value) for entry in tree.entries}
    if isinstance(tree, Sequence):
        return [plain(item) for item in tree.items]
    if tree.kind == "null":
        return None
    if tree.kind == "bool":
        return tree.text.lower() == "true"
    return _number(tree) if tree.kind in ("int", "float") else tree.text


def _number(scalar: Scalar) -> int | float | str:
    """Give a number; the text where JSON has no such number, as for infinity."""
    try:
        if scalar.kind == "int":
            digits = scalar.text.lstrip("+-")
            return int(scalar.text, 10 if digits.isdecimal() else 0)  # 007 is 7 in YAML 1.2
        number = float(scalar.text)
    except ValueError:
        return scalar.text
    return number if isfinite(number) else scalar.text


@dataclass(frozen=True)
class MapOf:
    """A mapping from names that a person chooses to one kind."""

    value: Kind
    key_problem: Callable[[str], str | None] = lambda _key: None
    most: int = 1000

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read every entry that can be read."""
        if not isinstance(tree, TreeMapping):
            return reading.wrong(tree.place, f"{path} must be a mapping, not {what_is(tree)}")
        if len(tree.entries) > self.most:
            return reading.wrong(tree.place, f"{path} has more than {self.most} entries")
        found: dict[str, Any] = {}
        for entry in tree.entries:
            problem = self.key_problem(entry.key)
            if problem is not None:
                reading.wrong(entry.place, f"{path}: {entry.key!r}: {problem}")
                continue
            reading.places[f"{path}.{entry.key}"] = entry.place
            value = self.value.read(entry.value, f"{path}.{entry.key}", reading)
            if value is not MISSING:
                found[entry.key] = value
        return found

    def describe(self) -> str:
        """Say what it maps to."""
        return f"mapping from name to {self.value.describe()}"


@dataclass(frozen=True)
class Either:
    """One of two forms, told apart by whether it is a mapping."""

    plain: Kind
    mapping: Kind

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read whichever form stands here."""
        kind = self.mapping if isinstance(tree, TreeMapping) else self.plain
        return kind.read(tree, path, reading)

    def describe(self) -> str:
        """Say both."""
        return f"{self.plain.describe()}, or {self.mapping.describe()}"


@dataclass(frozen=True)
class Key:
    """One key of a record, with its documentation."""

    name: str
    kind: Kind
    doc: str
    default: str = ""
    """As the documentation shows it; empty where there is none."""
    required: bool = False


@dataclass(frozen=True)
class Record:
    """A mapping with keys that are known. `health-check` and `health check` are `health_check`."""

    keys: tuple[Key, ...]
    later: tuple[str, ...] = ()
    """Keys that a later version will know."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """What other tools call a key, to what it is called here."""

    def by_default(self, defaults: Mapping[str, str]) -> "Record":
        """Give the same with other defaults, as the documentation shows them."""
        keys = (replace(key, default=defaults.get(key.name, key.default)) for key in self.keys)
        return replace(self, keys=tuple(keys))

    def read(self, tree: Tree, path: str, reading: Reading) -> Any:
        """Read the keys that are there; unknown, doubled and missing ones are problems."""
        if not isinstance(tree, TreeMapping):
            where = path or "the file"
            return reading.wrong(tree.place, f"{where} must be a mapping, not {what_is(tree)}")
        known: Mapping[str, Key] = {key.name: key for key in self.keys}
        found: dict[str, Any] = {}
        seen: dict[str, Place] = {}
        for entry in tree.entries:
            name = entry.key.strip().replace("-", "_").replace(" ", "_")
            dotted = f"{path}.{name}" if path else name
            if name not in known:
                self._unknown(entry.key, name, entry.place, path, reading)
                continue
            if name in seen:
                first = seen[name].line
                reading.wrong(entry.place, f"{dotted} is here twice", f"first in line {first}")
                continue
            seen[name] = reading.places[dotted] = entry.place
            value = known[name].kind.read(entry.value, dotted, reading)
            if value is not MISSING:
                found[name] = value
        for key in self.keys:
            if key.required and key.name not in seen:
                dotted = f"{path}.{key.name}" if path else key.name
                reading.wrong(tree.place, f"{dotted} is missing", key.doc.split(". ")[0])
        return found

    def _unknown(self, key: str, name: str, place: Place, path: str, reading: Reading) -> None:
        inside = f" in {path}" if path else ""
        if name in self.later:
            reading.wrong(place, f"{key!r} is not supported by this version of headway yet")
            return
        if name in self.elsewhere:
            reading.wrong(place, f"unknown key {key!r}{inside}", f"here: {self.elsewhere[name]}")
            return
        names = [known.name for known in self.keys]
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(names)}"
        reading.wrong(place, f"unknown key {key!r}{inside}", hint)

    def describe(self) -> str:
        """Name the keys."""
        return "mapping with " + ", ".join(key.name for key in self.keys)
