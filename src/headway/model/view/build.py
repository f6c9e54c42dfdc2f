"""A build, and what it is of."""

from headway.model.app import Commit
from headway.model.build import Build
from headway.model.value import Value


class BuildView(Value, kw_only=True):
    """A build, and what is known of its source; nothing, once that is forgotten."""

    build: Build
    commit: Commit | None = None
    branch: str | None = None
    dirty: bool = False
    """The working directory differed from the commit."""
