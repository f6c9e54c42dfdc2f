"""Problems, as the API answers them."""

from headway.model.problem import Problem
from headway.model.value import Value


class Refusal(Value, kw_only=True):
    """A problem as the API answers it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    problems: tuple[Problem, ...] = ()
    next: tuple[str, ...] = ()
    """Commands that help."""
    id: str = ""
    """Names this answer in the server's log."""
