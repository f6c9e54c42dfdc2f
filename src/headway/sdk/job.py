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
    TypedDict,
    TypeVar,
    overload,
)

from headway.formats.lock_names import LOCKS_MAX, lock_problem
from headway.formats.units import MIB, parse_duration, parse_size
from headway.model.ids import is_name, name_from

if TYPE_CHECKING:
    from types import FunctionType
    from typing import Unpack

    from headway.sdk.parameters import Parameters

_GANG_MAX = 64
"""As `headway.model.gang` says, which is not there in a job's container."""
F = TypeVar("F", bound=Callable[..., Any])
Reader = Callable[[Any], Any]


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


class Options(TypedDict, total=False):
    """What may be said of a job. Lengths of time: `"90s"`, `"10m"`, or a number of seconds."""

    name: str
    """Default: the function's, such as `nightly-report` of `nightly_report`."""
    cpu: float
    """Cores. Default: 1."""
    memory: str | int
    """Such as `"512MiB"`; a plain number is MiB. Default: 1 GiB."""
    disk: str | int
    """Private temporary space."""
    gpus: int
    pool: str
    """The pool whose nodes run it. Default: the app's."""
    preemptible: bool
    """Whether its runs may be ended, and tried again later, for what has a higher priority of
    placement and fits nowhere; for `at_least_once`. Default: the app's."""
    expected: str | float
    """How long a run is thought to take. Default: its timeout."""
    timeout: str | float
    """How long an attempt may take. Default: 10 minutes."""
    cpu_time: str | float
    """Processor time that an attempt may use, all processes together. Default: no limit."""
    output: str | int
    """What an attempt may write to its output. Default: 256 MiB; less is kept."""
    grace: str | float
    """From `Cancelled` to the end by force."""
    delivery: str
    """`"at_most_once"` (default), or `"at_least_once"`: again until it succeeds."""
    retries: int
    """Attempts after the first, for `at_least_once`. Default: 3."""
    retry_delay: str | float
    """Before the first retry; each later one waits twice as long. Default: 1 second."""
    retry_delay_max: str | float
    """No retry waits longer, give or take a quarter. Default: 5 minutes."""
    queue: str
    priority: int
    """-100 … 100; higher ones start first within their queue."""
    concurrency: int
    """Runs of it at one time."""
    key_concurrency: int
    """Runs of it at one time with the same `unique` key."""
    lock: str | list[str]
    """Locks that a run holds while it runs, all or none: `"migration"`, or `"account-{account}"`
    with one of its parameters, `{app}` or `{environment}` in it."""
    gang: dict[str, int]
    """Jobs of the app, and how many runs of each start together with a run of this or not at all,
    and end with it: `{"load-worker": 20}`."""
    when_one_fails: str
    """Of a gang: `"end"` (default), all of it ends, or `"go_on"`."""
    start: str
    """`"warm"` (default): from a process that holds its modules; `"cold"`: anew."""
    reuse: int
    """Runs that one process may do in turn. Default: 1."""
    network: str
    """`"none"` (default), `"dependencies"` or `"internet"`."""
    isolation: str
    """`"standard"` (default) or `"strict"`."""


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


# --- options -------------------------------------------------------------------------------------


def _number(least: float, most: float, *, whole: bool = False) -> Reader:
    def read(value: Any) -> Any:
        kinds = (int,) if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"must be {kind} from {least:g} to {most:g}")
        return value if whole else float(value)

    return read


def _duration(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        read: float | None = float(value)
    else:
        read = parse_duration(value) if isinstance(value, str) else None
    if read is None or not 0 < read <= 366 * 86400:
        raise ValueError("must be a length of time such as '30s', '10m' or '1h30m'")
    return read


def _mebibytes(value: Any) -> int:
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    size = parse_size(text)
    if size is None or size < MIB:
        raise ValueError("must be a size of 1MiB or more, such as '512MiB' or '1GiB'")
    return size // MIB


def _word(*words: str) -> Reader:
    def read(value: Any) -> str:
        text = str(getattr(value, "value", value))
        if text not in words:
            raise ValueError("must be " + " or ".join(repr(word) for word in words))
        return text

    return read


def _flag(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise ValueError("must be True or False")


def _name(value: Any) -> str:
    if not isinstance(value, str) or not is_name(value):
        raise ValueError(
            "must be lower-case letters, digits and single hyphens, a letter first, at most 40"
        )
    return value


def _gang(value: Any) -> dict[str, int]:
    fine = (
        isinstance(value, dict)
        and 0 < len(value) <= 8
        and all(
            isinstance(name, str) and is_name(name) and type(count) is int and count > 0
            for name, count in value.items()
        )
    )
    if not fine or 1 + sum(value.values()) > _GANG_MAX:
        raise ValueError(
            "must name up to 8 jobs and how many runs of each start with it, such as "
            f"{{'load-worker': 20}}, {_GANG_MAX} in all"
        )
    return dict(value)


def _locks(value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not 0 < len(names) <= LOCKS_MAX:
        raise ValueError(f"must be the name of a lock, or a list of up to {LOCKS_MAX}")
    for name in names:
        if not isinstance(name, str) or lock_problem(name):
            raise ValueError(
                "must be lower-case letters, digits, single hyphens and {parameter}, a letter "
                "first, at most 40"
            )
    return list(names)


_READERS: dict[str, tuple[tuple[str, ...], Reader]] = {
    "name": (("name",), _name),
    "cpu": (("resources", "cpu"), _number(0.001, 1024)),
    "memory": (("resources", "memory_mib"), _mebibytes),
    "disk": (("resources", "disk_mib"), _mebibytes),
    "gpus": (("resources", "gpus"), _number(0, 64, whole=True)),
    "pool": (("placement", "pool"), _name),
    "preemptible": (("placement", "preemptible"), _flag),
    "expected": (("expected_s",), _duration),
    "timeout": (("timeout_s",), _duration),
    "cpu_time": (("cpu_time_s",), _duration),
    "output": (("output_mib",), _mebibytes),
    "grace": (("grace_s",), _duration),
    "delivery": (("delivery",), _word("at_most_once", "at_least_once")),
    "retries": (("retries", "most"), _number(0, 1000, whole=True)),
    "retry_delay": (("retries", "delay_s"), _duration),
    "retry_delay_max": (("retries", "delay_max_s"), _duration),
    "queue": (("queue",), _name),
    "priority": (("priority",), _number(-100, 100, whole=True)),
    "concurrency": (("concurrency",), _number(1, 1_000_000, whole=True)),
    "key_concurrency": (("key_concurrency",), _number(1, 1_000_000, whole=True)),
    "gang": (("gang",), _gang),
    "when_one_fails": (("when_one_fails",), _word("end", "go_on")),
    "lock": (("locks",), _locks),
    "start": (("start",), _word("warm", "cold")),
    "reuse": (("reuse",), _number(1, 1_000_000, whole=True)),
    "network": (("network",), _word("none", "dependencies", "internet")),
    "isolation": (("isolation",), _word("standard", "strict")),
}
"""Option → where it is in a job of the model, and how it is read."""
_RESOURCES = {"cpu": 1.0, "memory_mib": 1024}
"""What a job has of which nothing was said."""


def _read(function: Any, options: Any) -> dict[str, Any]:
    """Check options, and say them in the words of the model.

    Raises:
        JobError: There is no such option, or it cannot have this value.
    """
    what = getattr(function, "__name__", "job")
    found: dict[str, Any] = {}
    for key, value in options.items():
        if key not in _READERS:
            raise JobError(f"job {what}: there is no option {key!r}{_near(key)}", function)
        place, reader = _READERS[key]
        try:
            _put(found, place, reader(value))
        except ValueError as error:
            raise JobError(f"job {what}: {key}={value!r}: it {error}", function) from error
    if "resources" in found:
        found["resources"] = {**_RESOURCES, **found["resources"]}
    if "disk" in options:
        found["resources"]["disk_reserved_mib"] = found["resources"]["disk_mib"]
    _check_together(what, options, found, function)
    if "name" not in found:
        name = name_from(what) if what.isidentifier() else None
        if name is None:
            raise JobError(f"job {what}: it needs a name: @job(name='…')", function)
        found["name"] = name
    return found


def _put(found: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    *outer, last = place
    for part in outer:
        found = found.setdefault(part, {})
    found[last] = value


def _check_together(what: str, options: Any, found: dict[str, Any], function: Any) -> None:
    again = found.get("delivery") == "at_least_once"
    retried = [key for key in ("retries", "retry_delay", "retry_delay_max") if options.get(key)]
    if retried and not again:
        raise JobError(
            f"job {what}: {retried[0]} needs delivery='at_least_once': the default is that an "
            "attempt that may have begun is never repeated",
            function,
        )
    if options.get("preemptible") and not again:
        raise JobError(
            f"job {what}: preemptible needs delivery='at_least_once': the default is that an "
            "attempt that may have begun is never repeated",
            function,
        )
    if found.get("reuse", 1) > 1 and found.get("isolation") == "strict":
        raise JobError(f"job {what}: isolation='strict' and reuse do not go together", function)
    if found.get("start") == "warm" and found.get("isolation") == "strict":
        raise JobError(f"job {what}: isolation='strict' is always started cold", function)


def _near(key: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, _READERS, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_READERS)}"


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
