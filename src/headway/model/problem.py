"""Something wrong with what a person wrote, and what is known of the right thing."""

from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from headway.model.value import Value

T = TypeVar("T")


class Problem(Value, kw_only=True):
    """One mistake, where it stands, and how to mend it."""

    message: str
    line: int = 0
    """From 1; 0 where the problem has no place, such as a missing file."""
    column: int = 0
    """From 1."""
    hint: str = ""
    file: str = ""


class Parsed(msgspec.Struct, Generic[T], frozen=True):
    """What a text says, and everything wrong with it.

    A value may be there beside problems that do not prevent reading on; only a result without
    problems may be used.
    """

    value: T | None
    problems: tuple[Problem, ...] = ()


def in_file(problems: Iterable[Problem], file: str) -> tuple[Problem, ...]:
    """Give problems in the order of their places, each with the file's name."""
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    return tuple(msgspec.structs.replace(problem, file=file) for problem in ordered)


def render_problem(problem: Problem) -> str:
    """Render as compilers do.

    >>> render_problem(Problem(file="headway.yaml", line=3, column=5, message="unknown key 'prot'",
    ...                        hint="did you mean 'port'?"))
    "headway.yaml:3:5: unknown key 'prot' (did you mean 'port'?)"
    """
    place = problem.file
    if problem.line:
        place += (
            f":{problem.line}:{problem.column}" if place else f"{problem.line}:{problem.column}"
        )
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{place}: {problem.message}{hint}" if place else f"{problem.message}{hint}"
