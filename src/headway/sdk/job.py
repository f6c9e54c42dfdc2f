"""What authors of jobs write: `@job` over a typed function, and what a run says of itself.

>>> @job(memory="512MiB", timeout="5m")
... def resize(picture: str, width: int = 800) -> str:
...     return f"{picture}@{width}"
>>> resize("cat.png")
'cat.png@800'

Needs the standard library only: it is used inside jobs' containers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Any,
    NamedTuple,
    TypeVar,
    overload,
)

from headway.sdk.options import OptionError, Options, read

if TYPE_CHECKING:
    from types import FunctionType
    from typing import Unpack

    from headway.sdk.parameters import Parameters

F = TypeVar("F", bound=Callable[..., Any])


class Cancelled(BaseException):
    """Raised in a run when it is told to end. Tidy up, and let it pass."""


class JobError(Exception):
    """A job is declared wrongly; the text says how, `file` and `line` say where."""

    def __init__(self, message: str, function: Any = None) -> None:
        super().__init__(message)
        code = getattr(function, "__code__", None)
        self.file: str = code.co_filename if code else ""
        self.line: int = code.co_firstlineno if code else 0


class ParameterError(ValueError):
    """A job was invoked with parameters that it does not take; `problems` has all of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Declared:
    """A job as it was declared; a function's `__headway_job__`."""

    def __init__(self, function: FunctionType, options: Options) -> None:
        self.function = function
        self.options: dict[str, Any] = _read(function, options)
        """What was said, in the words and units of `headway.model.job.Job`."""
        self.name: str = self.options.pop("name")
        self.doc: str = (function.__doc__ or "").strip().partition("\n")[0]

    @cached_property
    def parameters(self) -> Parameters:
        """What it takes.

        Raises:
            JobError: A parameter has no type, or one that JSON cannot give.
        """
        from headway.sdk.parameters import Parameters
        from headway.sdk.shapes import UnsupportedError

        try:
            return Parameters(self.function)
        except UnsupportedError as error:
            raise JobError(f"job {self.name}: {error}", self.function) from error

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its parameters, an object."""
        return self.parameters.schema

    def bind(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Turn JSON values into the function's arguments.

        Raises:
            ParameterError: They do not fit; the text names each that does not.
        """
        arguments, problems = self.parameters.read(parameters)
        if problems:
            raise ParameterError(problems)
        return arguments

    def call(self, parameters: dict[str, Any]) -> Any:
        """Call the function with JSON values; gives its result as a JSON value.

        Raises:
            ParameterError: The parameters do not fit.
            TypeError: The result cannot be written as JSON.
        """
        import inspect

        from headway.sdk.results import to_json

        arguments = self.bind(parameters)
        result = self.function(**arguments)
        if inspect.iscoroutine(result):
            import asyncio

            result = asyncio.run(result)
        return to_json(result)


@overload
def job(function: F, /) -> F: ...
@overload
def job(**options: Unpack[Options]) -> Callable[[F], F]: ...
def job(function: Any = None, /, **options: Any) -> Any:
    """Declare a function as a job. It stays callable as it is.

    Its parameters become the parameters of its runs, checked by their types; what it returns
    becomes the result. `Options` says what else may be said.

    Raises:
        JobError: An option or a parameter cannot be.
    """
    if function is None:
        return lambda decorated: _declare(decorated, options)
    if options:
        raise JobError("options are given as in @job(cpu=2), above the function")
    return _declare(function, {})


def declared(thing: Any) -> Declared | None:
    """Give the declaration of a function, if it is a job."""
    found = getattr(thing, "__headway_job__", None)
    return found if isinstance(found, Declared) else None


def _declare(function: Any, options: dict[str, Any]) -> Any:
    if getattr(function, "__code__", None) is None or not hasattr(function, "__globals__"):
        raise JobError(f"@job stands above a function, not above {function!r}", function)
    made = Declared(function, options)  # type: ignore[arg-type]
    try:
        _ = made.parameters
    except JobError as error:
        # A type that is named before it is there: asked for again when everything is loaded.
        if not isinstance(error.__cause__.__cause__ if error.__cause__ else None, NameError):
            raise
    function.__headway_job__ = made
    return function


def _read(function: FunctionType, options: Options) -> dict[str, Any]:
    what = getattr(function, "__name__", "job")
    try:
        return read(what, options)
    except OptionError as error:
        raise JobError(f"job {what}: {error}", function) from error


# --- inside a run --------------------------------------------------------------------------------


def progress(done: float, text: str = "", of: float | None = None) -> None:
    """Say how far a run is: `progress(40, "exporting")` in percent, or `progress(3, of=12)`."""
    share = f"{done:g}%" if of is None else f"{done:g}/{of:g}"
    print(f"::progress {share} {' '.join(text.split())}".rstrip(), flush=True)  # noqa: T201


def run_id() -> str:
    """Give the id of this run, the same in each attempt; empty outside of runs."""
    return os.environ.get("HEADWAY_RUN", "")


def attempt() -> int:
    """Give the number of this attempt, from 1."""
    return int(os.environ.get("HEADWAY_ATTEMPT", "1"))


def fence() -> int:
    """Give the fence of the locks that this attempt holds, `@job(lock=…)`; 0 without any.

    It is higher than that of whoever held them before: store it with what is written under a lock,
    and have a write with a lower one refused.
    """
    return int(os.environ.get("HEADWAY_FENCE", "0"))


class GangPlace(NamedTuple):
    """The place of a run among those that it started together with."""

    leader: str
    """Id of the run that was asked for."""
    number: int
    """0 is the leader; the others are counted on, job by job in the order of `gang`."""
    size: int
    nodes: tuple[str, ...]
    """The node of each, by its number."""


def gang() -> GangPlace | None:
    """Give the place of this run in its gang; None where it has none."""
    told = os.environ.get("HEADWAY_GANG", "")
    if not told:
        return None
    number, nodes = os.environ["HEADWAY_GANG_NUMBER"], os.environ["HEADWAY_GANG_NODES"].split()
    return GangPlace(told, int(number), len(nodes), tuple(nodes))


# `headway.sdk.job` as an attribute is the function: what is looked up on it is found there too.
vars(job).update(
    Cancelled=Cancelled,
    Declared=Declared,
    JobError=JobError,
    ParameterError=ParameterError,
    attempt=attempt,
    declared=declared,
    fence=fence,
    gang=gang,
    progress=progress,
    run_id=run_id,
)
