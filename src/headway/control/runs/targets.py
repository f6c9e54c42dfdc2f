"""Which job a name means, kept in memory while no app changes."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from heapq import nsmallest
from typing import NamedTuple

from headway.control import lookup
from headway.control.errors import Conflict, NotFound
from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.job import Job
from headway.model.release import Release
from headway.ports.store import Reader

_KEPT = 10_000
_PINS = 4
"""Of those that a job is looked for in. One that lacks it refuses all, so one would be enough."""


class Target(NamedTuple):
    """A job that can be invoked."""

    owner: Environment
    release: Release
    job: Job


def find_job(
    reader: Reader,
    environment: str,
    name: str,
    app: str | None = None,
    pinned: Sequence[int] = (),
) -> Target:
    """Find a job by its name, or by `app/name`, among the live releases of an environment.

    With `pinned`, the numbers of releases that are to run it: where no live one has it, in those.

    Raises:
        NotFound: There is none.
        Conflict: Several apps have one of this name.
    """
    owner = lookup.environment(reader, environment)
    wanted, _, rest = name.partition("/")
    app, name = (wanted, rest) if rest else (app, name)
    members = (
        [lookup.member(reader, owner, app)] if app else reader.find(Member, environment=owner.id)
    )
    releases = [release for row in members if (release := lookup.live(reader, row))]
    found = _with_job(releases, name)
    if not found and pinned:
        older = (
            reader.get(Release, owner.id, row.app, number) for row in members for number in pinned
        )
        # Of one app any will do: who asks is given the job as its own release has it.
        of_apps = {release.app: (release, job) for release, job in _with_job(older, name)}
        found = list(of_apps.values())
    if len(found) > 1:
        names = " or ".join(f"{release.app}/{name}" for release, _ in found)
        raise Conflict("job-ambiguous", f"several apps have a job {name}: say {names}")
    if not found:
        raise _unknown(owner, name, app, releases)
    return Target(owner, *found[0])


def _with_job(releases: Iterable[Release | None], name: str) -> list[tuple[Release, Job]]:
    return [
        (release, job) for release in releases if release and (job := release.manifest.job(name))
    ]


def refuse_unknown(reader: Reader, owner: Environment | None, job: str | None) -> None:
    """Refuse a job's name, without its app, that nothing in an environment has.

    One with its app may be of a job that was taken out of it, and of an environment that has ended
    nothing is known any more.

    Raises:
        NotFound: It is such a name.
    """
    if job is None or "/" in job or owner is None or owner.state is not EnvironmentState.ACTIVE:
        return
    with suppress(Conflict):  # several have one
        find_job(reader, owner.name, job)


def _unknown(
    owner: Environment, name: str, app: str | None, releases: Sequence[Release]
) -> NotFound:
    known = [job.name for release in releases for job in release.manifest.jobs]
    near = get_close_matches(name, known, n=1)
    where = f"{app} in {owner.name}" if app else owner.name
    has = f"{where} has {', '.join(sorted(known)[:20])}" if known else f"{where} has no jobs"
    return NotFound(
        "job-unknown",
        f"there is no job {name}: {has}",
        hint=f"did you mean {near[0]}?" if near else "a job is there once its app was deployed",
        next=(f"headway jobs ls -e {owner.name}",),
    )


class Targets:
    """Looks a name up once, and again when anything was deployed, stopped or ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[tuple[str, str, str | None], Target] = {}
        self._changes = 0
        world.bell.member.calls(lambda _key: self._forget())

    async def find(
        self, environment: str, name: str, app: str | None = None, pinned: Iterable[int | None] = ()
    ) -> Target:
        """Find a job by its name, or by `app/name`, among the live releases of an environment.

        With `pinned`, the releases that are to run it, as each is: a job that no live one has is
        looked for in the oldest of them, if all that is asked for is pinned.

        Raises:
            NotFound: There is none.
            Conflict: Several apps have one of this name.
        """
        asked = environment, name, app
        known = self._known.get(asked)
        if known is not None:
            return known
        changes, store = self._changes, self._world.store
        try:
            known = await store.read(lambda reader: find_job(reader, *asked))
        except NotFound:
            older = _oldest(pinned)
            if not older:
                raise
            return await store.read(lambda reader: find_job(reader, *asked, older))
        if changes == self._changes and len(self._known) < _KEPT:
            self._known[asked] = known
        return known

    def _forget(self) -> None:
        self._changes += 1
        self._known.clear()


def _oldest(pinned: Iterable[int | None]) -> list[int]:
    """Give the first of the releases that are to run something; none, if the live one is to."""
    numbers = set(pinned)
    return [] if None in numbers else nsmallest(_PINS, filter(None, numbers))
