"""Says which level of isolation this machine was seen to give, and what stands against more."""

import inspect

from headway.engines.process.proof import attacks
from headway.engines.process.proof.trial import Found, tried
from headway.model.view.check import Check
from headway.ports.engine import Engine, EngineError

_LIMITS = {"forks": "processes"}
"""Attacks on a limit that `missing` tells of, where the machine cannot enforce it."""
_BY_ATTACK = {attack.__name__: attack for attack in attacks.ATTACKS}
_FIX = "run nothing here that you do not trust, and report it: see SECURITY.md"


async def proven(engine: Engine, missing: tuple[str, ...]) -> list[Check]:
    """Try what sandboxes hold here, and give the level. Takes a second or two."""
    try:
        found = await tried(engine)
    except (EngineError, TimeoutError) as error:
        said = str(error) or "it took too long: the machine is very busy"
        fix = "ask again; if it says the same, no job or service runs here either"
        return [Check(name="isolation", ok=False, detail=f"not proven: {said}", fix=fix)]
    return judged(found, missing)


def judged(found: Found, missing: tuple[str, ...]) -> list[Check]:
    """Say what got out of where, and which level is left."""
    escapes = [
        Check(name=f"isolation: {place}", ok=False, detail=_told(attack, what), fix=_FIX)
        for place, results in found.places.items()
        for attack, what in results.items()
        if what and not _is_known(attack, missing)
    ]
    limited = not any(words.startswith("memory") for words in missing)
    if limited and found.eaten != "memory":
        said = "a run could use more memory than it is allowed"
        escapes.append(Check(name="isolation: memory", ok=False, detail=said, fix=_FIX))
    return [*escapes, _level(found, missing, len(escapes))]


def _level(found: Found, missing: tuple[str, ...], escapes: int) -> Check:
    count = len(attacks.ATTACKS)
    if escapes:
        detail = f"none: {escapes} of {count} attacks got out"
        return Check(name="isolation", ok=False, detail=detail, fix=_FIX)
    held = f"{count} attacks each were held in a {', a '.join(found.places)}"
    if missing:
        detail = f"standard: {held}. Jobs with isolation: strict wait: {'; '.join(missing)}"
        return Check(name="isolation", ok=True, detail=detail)
    return Check(name="isolation", ok=True, detail=f"strict: {held}")


def _is_known(attack: str, missing: tuple[str, ...]) -> bool:
    limit = _LIMITS.get(attack)
    return limit is not None and any(words.startswith(limit) for words in missing)


def _told(attack: str, what: str) -> str:
    doc = inspect.getdoc(_BY_ATTACK[attack]) or attack
    return f"{doc.rstrip('.')}: {what}"[:300]
