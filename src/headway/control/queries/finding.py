"""Finds things by what somebody remembers of their names."""

from headway.control.world import World
from headway.model.app import App
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import NOT_ENDED, Environment, Member
from headway.model.lease import Lease
from headway.model.pool import Pool
from headway.model.run import Run
from headway.model.value import Value
from headway.ports.store import Reader

_NAMES_MAX = 5000
"""Names that are looked through."""


class Found(Value, kw_only=True):
    """One thing that fits."""

    kind: str
    """`environment`, `member`, `app`, `deployment`, `container`, `run`, `node`, `pool`, `lease`."""
    name: str
    """Its id; of an app in an environment `ENVIRONMENT/APP`."""
    environment: str = ""
    state: str = ""


def rank(name: str, words: list[str]) -> int | None:
    """Say how well a name fits, 0 best; None where a word is not in it.

    >>> rank("web", ["web"]), rank("webshop", ["web"]), rank("demo/web", ["web"]), rank("x", ["y"])
    (0, 1, 2, None)
    """
    if not all(word in name for word in words):
        return None
    if name == words[0]:
        return 0
    return 1 if name.startswith(words[0]) else 2


async def find(world: World, text: str, limit: int = 20) -> list[Found]:
    """Find what an id names, and else what has all words of a text in its name, the best first."""
    words = text.lower().replace(" in ", " ").split()
    if not words:
        return []

    def question(reader: Reader) -> list[Found]:
        exact = _by_id(reader, text.strip())
        return [exact] if exact is not None else _named(world, reader)

    found = await world.store.read(question)
    if len(found) == 1 and found[0].name == text.strip():
        return found
    ranked = [(how, row) for row in found if (how := rank(row.name.lower(), words)) is not None]
    ranked.sort(key=lambda pair: (pair[0], len(pair[1].name), pair[1].name))
    return [row for _, row in ranked[:limit]]


def _by_id(reader: Reader, text: str) -> Found | None:
    deployment = reader.get(Deployment, text)
    if deployment is not None:
        return Found(kind="deployment", name=text, state=deployment.phase.value)
    run = reader.get(Run, text)
    if run is not None:
        return Found(kind="run", name=text, state=run.state.value)
    container = reader.get(Container, text)
    if container is not None:
        owner = container.environment.partition("~")[0]
        return Found(kind="container", name=text, environment=owner, state=container.state.value)
    lease = reader.get(Lease, text)
    if lease is not None:
        return Found(kind="lease", name=text, state=lease.state.value)
    return None


def _named(world: World, reader: Reader) -> list[Found]:
    owners = reader.find(Environment, state=NOT_ENDED, limit=_NAMES_MAX)
    found = [Found(kind="environment", name=row.name, state=row.state.value) for row in owners]
    found += [
        Found(kind="member", name=f"{row.name}/{member.app}", environment=row.name)
        for row in owners
        for member in reader.find(Member, environment=row.id)
    ]
    found += [Found(kind="app", name=row.name) for row in reader.find(App, limit=_NAMES_MAX)]
    found += [Found(kind="pool", name=row.name) for row in reader.find(Pool)]
    found += [Found(kind="node", name=row.id, state=row.state.value) for row in world.nodes]
    return found
