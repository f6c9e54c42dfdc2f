"""The waterfall of a deployment: its phases in time, and what probes answered."""

from datetime import datetime

from headway.model.container import Container
from headway.model.deployment import Deployment, Phase
from headway.web.pictures.parts.svg import Markup
from headway.web.pictures.parts.timeline import Marked, Row, Span, timeline
from headway.web.times import length
from headway.web.tone import Tone
from headway.web.tone import tone as look_of

_ENDS = {
    Phase.SUCCEEDED: Tone.GOOD,
    Phase.FAILED: Tone.BAD,
    Phase.ROLLED_BACK: Tone.BAD,
    Phase.ABORTED: Tone.CARE,
    Phase.REPLACED: Tone.QUIET,
}


CONTAINERS_MAX = 24
"""Of more, those in trouble are drawn, and the others counted."""


def waterfall(
    deployment: Deployment, containers: tuple[Container, ...], now: datetime, width: float = 920
) -> Markup:
    """Draw what a deployment did step by step, and how its containers came up, until its end."""
    until = deployment.ended_at or now
    rows = (*_steps(deployment), *_containers(deployment, containers, until))
    name = f"{deployment.app}, deployment {deployment.number}"
    took = (until - deployment.created_at).total_seconds()
    verb = "after" if deployment.is_ended else "for"
    says = f"{name}: {_word(deployment.phase)} {verb} {length(took)}"
    if deployment.because:
        says += f", because {deployment.because}"
    story = "; ".join(f"{row.name}: {row.word}, {length(row.took_s(until))}" for row in rows)
    return timeline("Deployment in time", f"{says}. {story}", rows, until, width)


def _word(phase: Phase) -> str:
    return phase.value.replace("_", " ")


def _bare(text: str) -> str:
    """Leave out what marks code: a picture has one kind of letters."""
    return text.replace("`", "")


def _steps(deployment: Deployment) -> list[Row]:
    """Each step lasts until the next; the last one is the end, or goes on."""
    begins = [("queued", deployment.created_at, "")]
    begins += [(_bare(step.what), step.at, _bare(step.because)) for step in deployment.steps]
    end, broken = _ENDS.get(deployment.phase), _broken(deployment)
    rows = []
    for number, (what, at, because) in enumerate(begins):
        following = begins[number + 1][1] if number + 1 < len(begins) else None
        if following is None and end is not None:
            tone, word, until = end, _word(deployment.phase), at
        elif following is None:
            tone, word, until = look_of(deployment.phase), _word(deployment.phase), None
        elif number == broken:
            tone, word, until = Tone.BAD, "failed", following
        else:
            tone, word, until = Tone.GOOD, "done", following
        note = because if because != what and tone is not Tone.GOOD else ""
        span = Span(begin=at, end=until, tone=tone, word=what)
        rows.append(Row(name=what, tone=tone, word=word, spans=(span,), note=note))
    return rows


def _broken(deployment: Deployment) -> int | None:
    """Give the place of the row in which it failed: what follows it is because of that."""
    if deployment.failure is None:
        return None
    told = (step.because == deployment.failure.because for step in deployment.steps)
    return next((number for number, is_that in enumerate(told) if is_that), None)


def _containers(
    deployment: Deployment, containers: tuple[Container, ...], until: datetime
) -> list[Row]:
    own = [
        _container(row, until, is_over=deployment.is_ended)
        for row in sorted(containers, key=lambda row: (row.created_at, row.id))
        if row.deployment == deployment.id and row.created_at <= until
    ]
    shown = sorted(own, key=lambda row: row.tone is not Tone.BAD)[:CONTAINERS_MAX]
    rows = [row for row in own if row in shown]
    if len(own) > len(shown):
        more = f"and {len(own) - len(shown)} more"
        rows.append(Row(name=more, tone=Tone.QUIET, word="not drawn", spans=()))
    return rows


def _container(row: Container, until: datetime, *, is_over: bool) -> Row:
    """What came of it later is no part of the deployment."""
    healthy = _by(row.healthy_at, until)
    ended = _by(row.exit.at if row.exit else row.stopping_at, until)
    never = healthy is None and (ended is not None or is_over)
    tone = Tone.BAD if ended or never else Tone.GOOD if healthy else Tone.MOVING
    word = "ended" if ended else "healthy" if healthy else "never healthy" if never else ""
    spans = [
        Span(
            begin=row.created_at,
            end=healthy or ended,
            tone=Tone.BAD if never else Tone.MOVING,
            word="starting",
        )
    ]
    if healthy is not None:
        spans.append(Span(begin=healthy, end=ended, tone=Tone.GOOD, word="healthy"))
    marks = [Marked(at=healthy, tone=Tone.GOOD, says=_answer(row))] if healthy else []
    how = row.exit.sentence if row.exit else row.because
    if ended is not None:
        marks.append(Marked(at=ended, tone=tone, says=how))
    return Row(
        name=row.label,
        tone=tone,
        word=word or row.state.value,
        spans=tuple(spans),
        marks=tuple(marks),
        note=how if ended else "" if tone is Tone.GOOD else _answer(row),
    )


def _by(at: datetime | None, until: datetime) -> datetime | None:
    return at if at is not None and at <= until else None


def _answer(row: Container) -> str:
    probe = row.probe
    if probe is None:
        return "healthy" if row.healthy_at else "no probe has answered yet"
    tries = f", {probe.tries} tries" if probe.tries > 1 else ""
    return f"{probe.asked} → {probe.answer}{tries}"
