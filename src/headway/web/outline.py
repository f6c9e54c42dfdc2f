"""What a long plan comes to: for each app what starts, what stops, and where requests go."""

from collections.abc import Iterable, Sequence

from headway.model.ids import AppName
from headway.model.plan import Verb
from headway.model.value import Value
from headway.model.view.change import PlannedChange
from headway.model.words import and_more

_NAMED = 3
"""So many of what starts or stops are named."""
_STEPS = frozenset((Verb.ADVANCE_DEPLOYMENT, Verb.DRAIN_CONTAINER, Verb.CREATE_RELEASE))
"""How it comes about, which is for who reads every step."""


class Outlined(Value, kw_only=True):
    """What would become of one app."""

    app: AppName | None
    what: str


def outline(plan: Iterable[PlannedChange]) -> tuple[Outlined, ...]:
    """Say in one line for each app what would change, in the order of the plan.

    >>> plan = [
    ...     PlannedChange(app=AppName("web"), verb=verb, what=what, because="")
    ...     for verb, what in (
    ...         ("advance_deployment", "starting v2"),
    ...         ("share_traffic", "share requests: equally"),
    ...         ("start_container", "start web.1 (v2)"),
    ...         ("share_traffic", "lead all requests to v2"),
    ...         ("stop_container", "stop web.1 (v1)"),
    ...     )
    ... ]
    >>> outline(plan)[0].what
    'start web.1 (v2) · lead all requests to v2 · stop web.1 (v1)'
    """
    apps: dict[AppName | None, list[PlannedChange]] = {}
    for change in plan:
        apps.setdefault(change.app, []).append(change)
    lines = ((app, _line(changes)) for app, changes in apps.items())
    return tuple(Outlined(app=app, what=line) for app, line in lines if line)


def _line(changes: Sequence[PlannedChange]) -> str:
    """Of how requests are shared on the way only the end counts."""
    by_verb: dict[str, list[str]] = {}
    for change in changes:
        by_verb.setdefault(change.verb, []).append(change.what)
    starts = by_verb.pop(Verb.START_CONTAINER, [])
    shares = by_verb.pop(Verb.SHARE_TRAFFIC, [])
    stops = by_verb.pop(Verb.STOP_CONTAINER, [])
    others = [what for verb, found in by_verb.items() if verb not in _STEPS for what in found]
    return " · ".join(
        (*dict.fromkeys(others), *_named("start", starts), *shares[-1:], *_named("stop", stops))
    )


def _named(verb: str, found: Sequence[str]) -> tuple[str, ...]:
    names = [what.removeprefix(f"{verb} ") for what in found]
    return (f"{verb} {and_more(names[:_NAMED], len(names))}",) if names else ()
