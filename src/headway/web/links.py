"""Where things are shown: the address of each noun's page."""

from functools import lru_cache
from urllib.parse import quote, urlencode

from headway.model.event import Event
from headway.model.ids import environment_name

_NAMES = 4096
"""So many names are remembered as addresses have them: pages lead to the same ones again."""
_OF_SUBJECT = {"deployment": "/deployments", "run": "/runs", "node": "/nodes", "pool": "/pools"}


def path(*parts: str) -> str:
    """Join the parts of an address, each of them made safe.

    >>> path("envs", "demo", "apps", "a/b")
    '/envs/demo/apps/a%2Fb'
    """
    return "/" + "/".join(_safe(part) for part in parts)


@lru_cache(_NAMES)
def _safe(part: str) -> str:
    return quote(part, safe="~@:")


def query(address: str, **fields: str | int | None) -> str:
    """Add what is asked for to an address; None leaves a field out.

    >>> query("/events", app="web", after=None)
    '/events?app=web'
    """
    said = {name: value for name, value in fields.items() if value is not None}
    return f"{address}?{urlencode(said)}" if said else address


def environment(name: str) -> str:
    """Of an environment, by name or by id."""
    return path("envs", name.partition("~")[0])


def life(identity: str) -> str:
    """Of one life of an environment, whether it has ended or not."""
    return path("envs", identity)


def member(owner: str, app: str) -> str:
    """Of an app in an environment."""
    return path("envs", owner.partition("~")[0], "apps", app)


def config(owner: str, app_name: str) -> str:
    """Of the config of an app in an environment."""
    return f"{member(owner, app_name)}/config"


def config_version(owner: str, app_name: str, number: int) -> str:
    """Of that as one change left it."""
    return f"{config(owner, app_name)}/{number}"


def app(name: str) -> str:
    """Of an app."""
    return path("apps", name)


def deployment(identity: str) -> str:
    """Of a deployment."""
    return path("deployments", identity)


def run(identity: str) -> str:
    """Of a run."""
    return path("runs", identity)


def run_log(identity: str, **fields: str | int | None) -> str:
    """Of what a run wrote."""
    return query(path("runs", identity, "log"), **fields)


def job(owner: str, app_name: str, name: str) -> str:
    """Of a job of an app in an environment."""
    return path("jobs", owner.partition("~")[0], app_name, name)


def queue(owner: str, app_name: str, name: str) -> str:
    """Of a queue of an app in an environment."""
    return path("queues", owner.partition("~")[0], app_name, name)


def node(identity: str) -> str:
    """Of a node."""
    return path("nodes", identity)


def pool(name: str) -> str:
    """Of a pool."""
    return path("pools", name)


def lease(identity: str) -> str:
    """Of a lease."""
    return path("leases", identity)


def logs(owner: str, **fields: str | int | None) -> str:
    """Of log lines of an environment; by its id, of one that has ended."""
    return query(path("envs", owner, "logs"), **fields)


def line(owner: str, container: str, cursor: int) -> str:
    """Of one log line; of all lines of a container, only the end of it differs.

    >>> line("demo", "shop-web-1", 7)
    '/envs/demo/logs?container=shop-web-1&line=7'
    """
    return f"{_of_container(owner, container)}&line={cursor}"


@lru_cache(_NAMES)
def _of_container(owner: str, container: str) -> str:
    return logs(owner, container=container)


def why(thing: str, owner: str | None = None) -> str:
    """Of the reasons of something."""
    return query("/why", thing=thing, environment=owner)


def site(host: str, port: int) -> str:
    """Of an app itself, as the router answers it."""
    return f"http://{host}:{port}"


def subject(event: Event) -> str:
    """Of what an event is about, as near as there is a page."""
    noun = event.kind.partition(".")[0]
    if noun in _OF_SUBJECT and event.subject != event.app:
        return path(_OF_SUBJECT[noun][1:], event.subject)
    if event.environment is None:
        return path("apps", event.app) if event.app else why(event.subject)
    owner = environment_name(event.environment)
    return member(owner, event.app) if event.app else life(event.environment)
