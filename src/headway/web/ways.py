"""Where in the pages is what a command does, as refusals name the next one."""

import re
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from headway.web import links

_NAMED = frozenset({"-e", "--env", "-a", "--app"})
_CONTAINER = re.compile(r"-[0-9a-f]{10}$")
"""How ids of containers end, such as APP-PROCESS-SLOT-WORD; apps may have hyphens, too."""
ELSEWHERE = frozenset(
    {
        "--help",
        "apps add",
        "builds ls",
        "config unset",
        "docs",
        "init",
        "pools apply",
        "promote",
        "rebalance",
        "run",
        "sessions ls",
        "settings",
        "tokens ls",
        "tokens revoke",
    }
)
"""What only a terminal does, or a page that such words do not lead to."""


class Way(NamedTuple):
    """A page that does or shows something."""

    url: str
    text: str
    """What is read on the link."""


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
        return _name(self.named.get("e", ""))

    @property
    def app(self) -> str:
        return _name(self.named.get("a", ""))

    @property
    def first(self) -> str:
        return _name(self.rest[0]) if self.rest else ""

    @property
    def member(self) -> str:
        return links.member(self.environment, self.app) if self.environment and self.app else ""


_Make = Callable[[_Said], str]


def way(command: str) -> Way | None:
    """Give the page that does or shows what a command does, where there is one.

    >>> way("headway config set -e demo -a web KEY=…")
    Way(url='/envs/demo/apps/web/config/set?key=KEY', text='Set config of web')
    >>> way("headway envs ls").text, way("headway doctor").url, way("headway frobnicate")
    ('Environments', '/status', None)
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if words[:1] != ["headway"]:
        return None
    for length in (3, 2):
        found = WAYS.get(" ".join(words[1:length]))
        if found is not None:
            make, text = found
            said = _Said(words[length:])
            url = make(said)
            name = said.first
            told = text.format(name=name, app=said.app or name, environment=said.environment)
            return Way(url, told.strip().removesuffix(" in")) if url else None
    return None


def _name(word: str) -> str:
    """Give a word that stands for itself: `NAME` and `APP` are for people to replace."""
    return "" if word.upper() == word and not any(map(str.isdigit, word)) else word


def _config_set(said: _Said) -> str:
    if not (said.environment and said.app):
        return ""
    key = said.rest[0].partition("=")[0] if said.rest else ""
    return links.query(f"{links.config(said.environment, said.app)}/set", key=key or None)


def _start(said: _Said) -> str:
    apps = " ".join(filter(None, map(_name, said.rest)))
    return links.query("/start", environment=said.environment or None, apps=apps or None)


def _stop(said: _Said) -> str:
    if not said.environment:
        return ""
    return links.query(f"{links.environment(said.environment)}/stop", app=said.first or None)


def _logs(said: _Said) -> str:
    if not said.environment:
        return ""
    named = "container" if _CONTAINER.search(said.first) else "app"
    return links.logs(said.environment, **({named: said.first} if said.first else {}))


def _in_environment(address: str) -> _Make:
    return lambda said: links.query(address, environment=said.environment or None)


def _queue(said: _Said) -> str:
    app, _, name = said.first.partition("/")
    return f"{links.queue(said.environment, app, name)}/resume" if name else ""


def _job(act: str = "") -> _Make:
    def make(said: _Said) -> str:
        app, _, name = said.first.partition("/")
        return f"{links.job(said.environment, app, name)}{act}" if said.environment and name else ""

    return make


def _of(make: Callable[[str], str], act: str = "") -> _Make:
    return lambda said: f"{make(said.first)}{act}" if said.first else ""


def _of_environment(act: str = "") -> _Make:
    return lambda said: f"{links.environment(said.environment)}{act}" if said.environment else ""


def _of_member(act: str = "") -> _Make:
    return lambda said: f"{said.member}{act}" if said.member else ""


def _at(address: str) -> _Make:
    return lambda _: address


def _why(said: _Said) -> str:
    return links.why(said.first, said.environment or None) if said.first else ""


WAYS: dict[str, tuple[_Make, str]] = {
    "abort": (_of(links.deployment, "/abort"), "Abort the deployment {name}"),
    "apps show": (_of(links.app), "The app {name}"),
    "apps ls": (_at("/apps"), "Apps"),
    "config diff": (_of_member("/config"), "Config of {app}"),
    "config history": (_of_member("/config"), "Config of {app}"),
    "config set": (_config_set, "Set config of {app}"),
    "deploy": (_of_member("/deploy"), "Deploy {app}"),
    "doctor": (_at("/status"), "Status"),
    "envs destroy": (_of(links.environment, "/destroy"), "Destroy {name}"),
    "envs ls": (_at("/envs"), "Environments"),
    "envs past": (_of(links.environment), "The environment {name}"),
    "envs show": (_of(links.environment), "The environment {name}"),
    "extend": (_of_environment("/extend"), "Extend the lease of {environment}"),
    "history": (_of_member(), "Deployments of {app}"),
    "jobs invoke": (_job("/invoke"), "Run {name}"),
    "jobs ls": (_in_environment("/jobs"), "Jobs"),
    "jobs show": (_job(), "The job {name}"),
    "leases acquire": (_at("/leases/acquire"), "Take a lease"),
    "leases ls": (_at("/leases"), "Leases"),
    "leases release": (_of(links.lease, "/release"), "Release the lease {name}"),
    "leases renew": (_of(links.lease, "/extend"), "Extend the lease {name}"),
    "leases show": (_of(links.lease), "The lease {name}"),
    "logs": (_logs, "Logs {name}"),
    "nodes drain": (_of(links.node, "/drain"), "Drain {name}"),
    "nodes ls": (_at("/nodes"), "Nodes"),
    "nodes show": (_of(links.node), "The node {name}"),
    "nodes uncordon": (_of(links.node, "/uncordon"), "Take {name} back into use"),
    "pools ls": (_at("/pools"), "Pools"),
    "pools scale": (_of(links.pool, "/scale"), "Scale the pool {name}"),
    "pools show": (_of(links.pool), "The pool {name}"),
    "ps": (lambda said: _of_environment()(said) or "/envs", "What runs in {environment}"),
    "queues ls": (_in_environment("/queues"), "Queues"),
    "queues resume": (_queue, "Resume the queue {name}"),
    "rollback": (_of_member("/rollback"), "Roll {app} back"),
    "routes": (_at("/routes"), "Routes"),
    "runs cancel": (_of(links.run, "/cancel"), "Cancel the run {name}"),
    "runs dead": (_at("/dead"), "Dead letters"),
    "runs logs": (_of(links.run_log), "What the run {name} wrote"),
    "runs ls": (_in_environment("/runs"), "Runs"),
    "runs show": (_of(links.run), "The run {name}"),
    "schedules ls": (_in_environment("/schedules"), "Schedules"),
    "start": (_start, "Start {name}"),
    "stop": (_stop, "Stop {name}"),
    "why": (_why, "Why {name} is as it is"),
}
"""By the words of a command: where that is, and what is read on the link."""
