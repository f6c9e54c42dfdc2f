"""Where in the pages is what a command does, as refusals name the next one."""

import shlex
from collections.abc import Callable, Sequence

from headway.web import links

_NAMED = frozenset({"-e", "--env", "-a", "--app"})


class _Said:
    """A command's words: the environment and the app that it names, and what is left."""

    def __init__(self, words: Sequence[str]) -> None:
        self.named: dict[str, str] = {}
        self.rest: list[str] = []
        left = iter(words)
        for word in left:
            if word in _NAMED:
                self.named[word.lstrip("-")[0]] = next(left, "")
            elif not word.startswith("-"):
                self.rest.append(word)

    @property
    def environment(self) -> str:
        return self.named.get("e", "")

    @property
    def app(self) -> str:
        return self.named.get("a", "")


def way(command: str) -> str:
    """Give the address of the page that does or shows what a command does; empty where none is.

    >>> way("headway config set -e demo -a web KEY=…")
    '/envs/demo/apps/web/config/set?key=KEY'
    >>> way("headway envs ls"), way("headway doctor"), way("headway frobnicate")
    ('/envs', '/status', '')
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    if words[:1] != ["headway"]:
        return ""
    for length in (3, 2):
        found = _WAYS.get(" ".join(words[1:length]))
        if found is not None:
            return found(_Said(words[length:]))
    return ""


def _first(said: _Said) -> str:
    return said.rest[0] if said.rest else ""


def _is_name(word: str) -> bool:
    """Say whether a word stands for itself: `NAME` and `APP` are for people to replace."""
    return bool(word) and word.upper() != word


def _config_set(said: _Said) -> str:
    if not (said.environment and said.app):
        return ""
    key = _first(said).partition("=")[0] or None
    return links.query(f"{links.config(said.environment, said.app)}/set", key=key)


def _start(said: _Said) -> str:
    apps = " ".join(word for word in said.rest if _is_name(word))
    owner = said.environment if _is_name(said.environment) else ""
    return links.query("/start", environment=owner or None, apps=apps or None)


def _history(said: _Said) -> str:
    return links.member(said.environment, said.app) if said.environment and said.app else ""


def _why(said: _Said) -> str:
    return links.why(_first(said), said.environment or None) if said.rest else ""


def _of(make: Callable[[str], str]) -> Callable[[_Said], str]:
    return lambda said: make(_first(said)) if _is_name(_first(said)) else ""


def _at(address: str) -> Callable[[_Said], str]:
    return lambda _: address


_WAYS: dict[str, Callable[[_Said], str]] = {
    "apps info": _of(links.app),
    "apps ls": _at("/apps"),
    "config history": lambda said: links.config(said.environment, said.app) if said.app else "",
    "config set": _config_set,
    "doctor": _at("/status"),
    "envs destroy": _of(lambda name: f"{links.environment(name)}/destroy"),
    "envs ls": _at("/envs"),
    "envs past": _of(links.environment),
    "envs show": _of(links.environment),
    "history": _history,
    "leases ls": _at("/leases"),
    "leases release": _of(lambda identity: f"{links.lease(identity)}/release"),
    "leases show": _of(links.lease),
    "nodes ls": _at("/nodes"),
    "pools ls": _at("/pools"),
    "queues ls": _at("/queues"),
    "routes": _at("/routes"),
    "runs dead": _at("/dead"),
    "runs ls": _at("/runs"),
    "runs show": _of(links.run),
    "start": _start,
    "why": _why,
}
