"""Refusals: what headway will not or cannot do, and what to do instead."""

from headway.model.problem import Problem


class HeadwayError(Exception):
    """Something was refused or failed. `code` is stable; the texts are for people."""

    def __init__(
        self,
        code: str,
        because: str,
        *,
        hint: str = "",
        problems: tuple[Problem, ...] = (),
        next: tuple[str, ...] = (),  # noqa: A002 (the word the API uses)
    ) -> None:
        super().__init__(because)
        self.code = code
        self.because = because
        self.hint = hint
        self.problems = problems
        self.next = next


class NotFound(HeadwayError):
    """There is no such thing."""


class Conflict(HeadwayError):
    """A rule refuses it as things are now."""


class NotAllowed(HeadwayError):
    """Who asks may not do this."""


class Invalid(HeadwayError):
    """What was sent makes no sense; `problems` lists every mistake."""


class Unavailable(HeadwayError):
    """It cannot be done now, and may be later."""
