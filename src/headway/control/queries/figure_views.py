"""Figures as they are asked for: by the names that people use."""

from datetime import datetime

from headway.control import lookup, nodes
from headway.control.errors import Invalid, NotFound
from headway.control.world import World
from headway.model.figures import FiguresView, Measure, Subject
from headway.model.release import Release
from headway.model.value import Value
from headway.ports.store import Reader

HOUR_S = 3600.0


class FigureQuestion(Value, kw_only=True):
    """What is asked for: of a node; of an app, or of its release, queue or job; else of all."""

    node: str | None = None
    environment: str | None = None
    app: str | None = None
    release: int | None = None
    queue: str | None = None
    job: str | None = None
    over_s: float = HOUR_S
    since: datetime | None = None
    measures: tuple[Measure, ...] = ()


async def shown(world: World, question: FigureQuestion) -> FiguresView:
    """Give figures of one thing.

    Raises:
        NotFound: There is no such node, environment, app, queue or job.
        Invalid: It names several things, or half of one; or what is not measured of it.
    """
    _check(question)
    if question.node is not None:
        subject = Subject(node=nodes.known(world, question.node))
    elif question.app is not None:
        subject = await world.store.read(lambda reader: _of_app(world, reader, question))
    else:
        subject = Subject()
    _check_measures(question, subject)
    return world.figures.view(
        subject,
        world.clock.now(),
        question.over_s,
        measures=question.measures,
        since=question.since,
    )


def _of_app(world: World, reader: Reader, question: FigureQuestion) -> Subject:
    assert question.environment is not None
    assert question.app is not None
    owner = lookup.environment(reader, question.environment)
    member = lookup.member(reader, owner, question.app)
    subject = Subject(
        environment=owner.id,
        app=member.app,
        release=question.release,
        queue=question.queue,
        job=question.job,
    )
    if not world.figures.has(subject):  # it may be there nevertheless, with nothing to tell
        _check_name(lookup.live(reader, member), question)
    return subject


def _check_name(release: Release | None, question: FigureQuestion) -> None:
    jobs = release.manifest.jobs if release else ()
    queues = release.manifest.queues if release else ()
    names = {row.name for row in jobs}
    lines = {row.queue for row in jobs} | {row.name for row in queues}
    for kind, name, there in (("job", question.job, names), ("queue", question.queue, lines)):
        if name is not None and name not in there:
            raise NotFound(
                f"{kind}-unknown",
                f"{question.app} has no {kind} {name} in {question.environment}",
                hint=f"there is {', '.join(sorted(there))}" if there else "",
                next=(f"headway {kind}s ls -e {question.environment}",),
            )


def _check(question: FigureQuestion) -> None:
    of_app = (question.release, question.queue, question.job)
    several = sum(part is not None for part in of_app) > 1
    half = (question.environment is None) != (question.app is None)
    lost = question.app is None and any(part is not None for part in of_app)
    both = question.node is not None and (question.environment or question.app) is not None
    if several or half or lost or both:
        raise Invalid(
            "figures-of-what",
            "figures are of one thing",
            hint="give a node; or an environment and an app, and perhaps one of release, queue "
            "and job; or nothing: then they are of everything",
        )


def _check_measures(question: FigureQuestion, subject: Subject) -> None:
    other = [measure for measure in question.measures if measure not in subject.measures]
    if other:
        raise Invalid(
            "measure-unknown",
            f"{', '.join(other)} is not measured of it",
            hint=f"there is {', '.join(subject.measures)}",
        )
