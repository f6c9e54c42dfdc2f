"""Makes a placement of values that are right one by one, and checks them together."""

from typing import Any

from headway.model.ids import PoolName
from headway.model.placement import Placement
from headway.model.tag import TagOperator, TagRule

_ONE_VALUE = {"at_least": TagOperator.AT_LEAST, "at_most": TagOperator.AT_MOST}
_SEVERAL = {"in": TagOperator.IN, "not_in": TagOperator.NOT_IN}


def placement_of(raw: dict[str, Any], default: Placement) -> Placement:
    """Fill what is not given with the default; `where` and `tags` are added to it."""
    rules = [rule for tag, value in raw.get("where", {}).items() for rule in rules_of(tag, value)]
    return Placement(
        where=(*default.where, *rules),
        tags={**default.tags, **raw.get("tags", {})},
        over=_over(raw["spread"]) if "spread" in raw else default.over,
        alone=raw.get("alone", default.alone),
        apart=tuple(dict.fromkeys((*default.apart, *raw.get("apart", ())))),
        pool=PoolName(raw["pool"]) if "pool" in raw else default.pool,
        priority=raw.get("priority", default.priority),
        preemptible=raw.get("preemptible", default.preemptible),
        price_hour_max=raw.get("price", default.price_hour_max),
    )


def _over(raw: Any) -> tuple[str, ...]:
    tags = [raw] if isinstance(raw, str) else raw
    return tuple(dict.fromkeys(tag for tag in tags if tag != "none"))


def rules_of(tag: str, raw: Any) -> list[TagRule]:
    """Make the rules over one tag: of a value, of several, or of a mapping."""
    if isinstance(raw, str):
        raw = {"in": [raw]}
    elif isinstance(raw, list | tuple):
        raw = {"in": raw}
    rules = [
        TagRule(tag=tag, operator=operator, values=tuple(raw[key]))
        for key, operator in _SEVERAL.items()
        if key in raw
    ]
    rules += [
        TagRule(tag=tag, operator=operator, values=(raw[key],))
        for key, operator in _ONE_VALUE.items()
        if key in raw
    ]
    if "exists" in raw:
        operator = TagOperator.EXISTS if raw["exists"] else TagOperator.MISSING
        rules.append(TagRule(tag=tag, operator=operator))
    return rules


def contradiction(placement: Placement) -> str:
    """Say why no node can ever meet the rules; empty if one could."""
    allowed: dict[str, set[str]] = {tag: {value} for tag, value in placement.tags.items()}
    denied: dict[str, set[str]] = {}
    missing: set[str] = set()
    for rule in placement.where:
        if rule.operator is TagOperator.IN:
            known = allowed.get(rule.tag)
            allowed[rule.tag] = set(rule.values) if known is None else known & set(rule.values)
        elif rule.operator is TagOperator.NOT_IN:
            denied.setdefault(rule.tag, set()).update(rule.values)
        elif rule.operator is TagOperator.MISSING:
            missing.add(rule.tag)
    wanted = set(allowed) | {
        rule.tag
        for rule in placement.where
        if rule.operator in (TagOperator.EXISTS, TagOperator.AT_LEAST, TagOperator.AT_MOST)
    }
    for tag in sorted(wanted & missing):
        return f"{tag} is wanted and must be missing"
    for tag, values in sorted(allowed.items()):
        if not values - denied.get(tag, set()):
            return f"no value of {tag} meets all that is asked of it"
    return ""


def apart_from_itself(placement: Placement, app: str, process: str) -> str:
    """Name the crowd by which copies would have to be apart from one another; empty if none."""
    own = {app, f"{app}/{process}"}
    return next((name for name in placement.apart if name in own), "")
