"""What differs between two environments, or two versions of a config."""

from headway.model.ids import AppName
from headway.model.value import Value


class ConfigDifference(Value, kw_only=True):
    """A key that differs; secrets show only that they do."""

    key: str
    before: str | None
    """None where it must not be shown, or is not set."""
    after: str | None
    secret: bool = False
    was_set: bool = True
    is_set: bool = True


class Difference(Value, kw_only=True):
    """An app that differs between two environments."""

    app: AppName
    left: str
    """Such as `v3 (4f1c2e)`, or `absent`."""
    right: str
    config: tuple[ConfigDifference, ...] = ()
