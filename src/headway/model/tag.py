"""Rules over a node's tags."""

from enum import StrEnum

from headway.model.value import Value


class TagOperator(StrEnum):
    """How a tag's value is compared."""

    IN = "in"
    NOT_IN = "not_in"
    """Also true where the node has no such tag."""
    EXISTS = "exists"
    MISSING = "missing"
    AT_LEAST = "at_least"
    """As versions: `9` is below `10`, and `1.2` below `1.2.1`."""
    AT_MOST = "at_most"


class TagRule(Value, kw_only=True):
    """One condition that a node must meet."""

    tag: str
    operator: TagOperator
    values: tuple[str, ...] = ()
    """For `in` and `not_in` any number, for `at_least` and `at_most` one, else none."""

    @property
    def sentence(self) -> str:
        """The rule, as people write it.

        >>> TagRule(tag="zone", operator=TagOperator.IN, values=("a", "b")).sentence
        'zone in a, b'
        >>> TagRule(tag="kernel", operator=TagOperator.AT_LEAST, values=("6.1",)).sentence
        'kernel at least 6.1'
        """
        word = self.operator.value.replace("_", " ")
        return f"{self.tag} {word} {', '.join(self.values)}".strip()
