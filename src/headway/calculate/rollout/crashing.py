"""Whether a release crashes again and again, and so does not come up any more."""

from collections.abc import Sequence

from headway.calculate.rollout.container import is_coming_up
from headway.calculate.rollout.restart import restarts_after
from headway.model.container import Container

CRASH_LOOP = 3
"""So many failures in a row are no accident any more."""


def goes_on_crashing(copies: Sequence[Container]) -> bool:
    """Say whether each copy of a release that is to come up has crashed again and again.

    One that leaves, or is well, is no reason to give up, and one that never had its chances may
    come up yet.
    """
    coming = [one for one in copies if is_coming_up(one)]
    return bool(coming) and all(failures(one) >= CRASH_LOOP for one in coming)


def failures(one: Container) -> int:
    """Count the failures in a row of a copy that is to come up."""
    return restarts_after(one) if one.is_ended else one.restarts
