"""Procfiles: a process type and its command on each line."""

import re

from headway.formats.kinds import name_problem
from headway.model.problem import Parsed, Problem

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.*)")


def parse_procfile(text: str) -> Parsed[dict[str, str]]:
    """Read process types and their commands, in order.

    >>> parse_procfile("web: python app.py").value
    {'web': 'python app.py'}
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []

    def wrong(line: int, message: str, hint: str = "") -> None:
        problems.append(Problem(line=line, column=1, message=message, hint=hint))

    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            wrong(number, f"{line!r} is no process type", "write `web: python app.py`")
            continue
        name, command = match[1], match[2].strip()
        problem = name_problem(name)
        if problem is not None:
            wrong(number, problem)
        elif not command:
            wrong(number, f"{name} has no command")
        elif name in found:
            wrong(number, f"{name} is here twice")
        else:
            found[name] = command
    return Parsed(found, tuple(problems))
