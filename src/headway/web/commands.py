"""What does the same in a terminal as a form does, as the form says it now."""

import shlex
from collections.abc import Mapping
from datetime import datetime

from headway.control.errors import Invalid
from headway.web.moment import moment


def command(verb: str, *words: str, options: Mapping[str, str | bool] | None = None) -> str:
    """Write a command: its options that were said, and its words.

    >>> command("stop", "web", options={"-e": "demo", "--reason": "a try", "--plan": False})
    "headway stop -e demo --reason 'a try' web"
    >>> command("extend", "2d", options={"-e": "demo", "--shorten": True})
    'headway extend -e demo --shorten 2d'
    """
    parts = ["headway", *verb.split()]
    for name, value in (options or {}).items():
        if value:
            parts += [name] if value is True else [name, shlex.quote(value)]
    return " ".join([*parts, *(shlex.quote(word) for word in words)])


def begins(text: str, now: datetime) -> str:
    """Give a time ahead as commands read it; what is none stays as it was typed."""
    try:
        at = moment(text, now, ahead=True)
    except Invalid:
        return text.strip()
    return at.isoformat(timespec="seconds") if at else ""


def why(said: Mapping[str, str]) -> dict[str, str | bool]:
    """Give the option for the reason that a form asks for."""
    return {"--reason": said.get("reason", "")}
