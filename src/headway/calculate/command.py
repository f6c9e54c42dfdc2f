"""Commands as a container runs them."""

import re

_ASSIGNMENTS = re.compile(r"\s*(?:[A-Za-z_][A-Za-z0-9_]*=(?:'[^']*'|\"[^\"]*\"|\S)*\s+)*")
_COMPOUND = re.compile(r"[;&|()`\n]")
_WORDS = frozenset(
    {"!", "{", "case", "cd", "eval", "exec", "export", "for", "if", "set", "until", "while", "."}
)
"""What begins a command that a program cannot take the shell's place of."""


def as_main(command: str) -> str:
    """Have a simple command take its shell's place, so that SIGTERM reaches the program itself.

    A shell that waits for a program dies of a signal meant for the program. Compound commands are
    left as they are: there, `exec` is for who wrote them.

    >>> as_main("gunicorn app:app"), as_main("A=1 python app.py"), as_main("a && b")
    ('exec gunicorn app:app', 'A=1 exec python app.py', 'a && b')
    """
    outside_quotes = re.sub(r"'[^']*'|\"[^\"]*\"", "", command)
    start = _ASSIGNMENTS.match(command)
    begin = start.end() if start else 0
    first = command[begin:].split(None, 1)[:1]
    if not first or first[0] in _WORDS or _COMPOUND.search(outside_quotes):
        return command
    return f"{command[:begin]}exec {command[begin:].lstrip()}".lstrip()
