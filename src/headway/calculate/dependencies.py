"""Which apps an app needs, in which order, and whether that makes sense."""

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from headway.model.ids import AppName
from headway.model.manifest import Manifest
from headway.model.value import Value


class Resolution(Value, kw_only=True):
    """The apps to start, dependencies first, or what is wrong."""

    order: tuple[AppName, ...] = ()
    missing: tuple[tuple[AppName, AppName | None], ...] = ()
    """(app that is not known, app that needs it, or None when it was asked for)."""
    cycle: tuple[AppName, ...] = ()
    """Apps that need one another in a circle, the first repeated at the end."""


def resolve(manifests: Mapping[AppName, Manifest], wanted: Collection[AppName]) -> Resolution:
    """Find everything that the wanted apps need, directly or not.

    Apps that do not depend on one another are in alphabetical order, so that equal questions
    have equal answers.

    >>> a, b = AppName("a"), AppName("b")
    >>> resolve({a: Manifest(name=a, processes=(), dependencies=(b,)),
    ...          b: Manifest(name=b, processes=())}, [a]).order
    ('b', 'a')
    """
    graph: dict[AppName, tuple[AppName, ...]] = {}
    missing: list[tuple[AppName, AppName | None]] = []
    waiting: list[tuple[AppName, AppName | None]] = [(app, None) for app in sorted(set(wanted))]
    while waiting:
        app, needed_by = waiting.pop()
        if app in graph:
            continue
        manifest = manifests.get(app)
        if manifest is None:
            missing.append((app, needed_by))
            graph[app] = ()
            continue
        graph[app] = tuple(sorted(manifest.dependencies))
        waiting.extend((dependency, app) for dependency in graph[app])
    if missing:
        return Resolution(missing=tuple(sorted(missing, key=lambda pair: pair[0])))
    return _ordered(graph)


def _ordered(graph: Mapping[AppName, tuple[AppName, ...]]) -> Resolution:
    sorter = TopologicalSorter({app: graph[app] for app in sorted(graph)})
    try:
        sorter.prepare()
    except CycleError as error:
        # graphlib lists a cycle from dependency to dependent; people say "a needs b".
        return Resolution(cycle=tuple(reversed(error.args[1])))
    order: list[AppName] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order.extend(ready)
        sorter.done(*ready)
    return Resolution(order=tuple(order))
