"""What may be said of a job, checked and put into the words of the model.

Needs the standard library only: it is used inside jobs' containers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from headway.formats.lock_names import LOCKS_MAX, lock_problem
from headway.formats.units import MIB, parse_duration, parse_size, render_duration
from headway.model.ids import is_name, name_from
from headway.model.length import LENGTH_MAX_S

_GANG_MAX = 64
"""As `headway.model.gang` says, which is not there in a job's container."""
Reader = Callable[[Any], Any]


class OptionError(ValueError):
    """An option cannot be; the text says how."""


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
    if read is None or not 0 < read <= LENGTH_MAX_S:
        most = render_duration(LENGTH_MAX_S)
        raise ValueError(f"must be a length of time up to {most}, such as '30s', '10m' or '1h30m'")
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


def read(what: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check options of the function that is called `what`, and say them in the model's words.

    Raises:
        OptionError: There is no such option, or it cannot have this value.
    """
    found: dict[str, Any] = {}
    for key, value in options.items():
        if key not in _READERS:
            raise OptionError(f"there is no option {key!r}{_near(key)}")
        place, reader = _READERS[key]
        try:
            _put(found, place, reader(value))
        except ValueError as error:
            raise OptionError(f"{key}={value!r}: it {error}") from error
    if "resources" in found:
        found["resources"] = {**_RESOURCES, **found["resources"]}
    if "disk" in options:
        found["resources"]["disk_reserved_mib"] = found["resources"]["disk_mib"]
    _check_together(options, found)
    if "name" not in found:
        name = name_from(what) if what.isidentifier() else None
        if name is None:
            raise OptionError("it needs a name: @job(name='…')")
        found["name"] = name
    return found


def _put(found: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    *outer, last = place
    for part in outer:
        found = found.setdefault(part, {})
    found[last] = value


def _check_together(options: Mapping[str, Any], found: dict[str, Any]) -> None:
    again = found.get("delivery") == "at_least_once"
    retried = [key for key in ("retries", "retry_delay", "retry_delay_max") if options.get(key)]
    for key in (*retried[:1], *(["preemptible"] if options.get("preemptible") else [])):
        if not again:
            raise OptionError(
                f"{key} needs delivery='at_least_once': the default is that an attempt that may "
                "have begun is never repeated"
            )
    if found.get("reuse", 1) > 1 and found.get("isolation") == "strict":
        raise OptionError("isolation='strict' and reuse do not go together")
    if found.get("start") == "warm" and found.get("isolation") == "strict":
        raise OptionError("isolation='strict' is always started cold")


def _near(key: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, _READERS, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_READERS)}"
