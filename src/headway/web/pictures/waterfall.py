"""The waterfall of a deployment: its phases in time, and what probes answered."""

from datetime import datetime

from headway.model.container import Container
from headway.model.deployment import Deployment, Phase
from headway.web.pictures.parts.svg import Markup
from headway.web.pictures.parts.time import length
from headway.web.pictures.parts.timeline import Happening, Row, Span, timeline
from headway.web.pictures.parts.tone import Tone

_ENDS = {
    Phase.SUCCEEDED: Tone.GOOD,
    Phase.FAILED: Tone.BAD,
    Phase.ROLLED_BACK: Tone.BAD,
    Phase.ABORTED: Tone.CARE,
    Phase.REPLACED: Tone.QUIET,
}


def waterfall(
    deployment: Deployment, containers: tuple[Container, ...], now: datetime, width: float = 920
) -> Markup:
    """Draw what a deployment did step by step, and how each of its containers came up."""
    rows = (*_steps(deployment), *(_container(row) for row in _own(deployment, containers)))
    name = f"{deployment.app}, deployment {deployment.number}"
    took = ((deployment.ended_at or now) - deployment.created_at).total_seconds()
    verb = "after" if deployment.is_ended else "for"
    says = f"{name}: {_word(deployment.phase)} {verb} {length(took)}"
    if deployment.because:
        says += f", because {deployment.because}"
    story = "; ".join(f"{row.name}: {row.word}, {length(row.took_s(now))}" for row in rows)
    return timeline("Deployment in time", f"{says}. {story}", rows, now, width)


def _word(phase: Phase) -> str:
    return phase.value.replace("_", " ")


def _steps(deployment: Deployment) -> list[Row]:
    """Each step lasts until the next; the last one is the end, or goes on."""
    begins = [("queued", deployment.created_at, "")]
    begins += [(step.what, step.at, step.because) for step in deployment.steps]
    end = _ENDS.get(deployment.phase)
    rows = []
    for number, (what, at, because) in enumerate(begins):
        following = begins[number + 1][1] if number + 1 < len(begins) else None
        if following is None and end is not None:
            tone, word, until = end, _word(deployment.phase), at
        elif following is None:
            tone, word, until = Tone.MOVING, _word(deployment.phase), None
        else:
            tone, word, until = Tone.GOOD, "done", following
        note = because if because != what and tone is not Tone.GOOD else ""
        span = Span(begin=at, end=until, tone=tone, word=what)
        rows.append(Row(name=what, tone=tone, word=word, spans=(span,), note=note))
    return rows


def _own(deployment: Deployment, containers: tuple[Container, ...]) -> list[Container]:
    own = [row for row in containers if row.deployment == deployment.id]
    return sorted(own, key=lambda row: (row.created_at, row.id))


def _container(row: Container) -> Row:
    healthy = row.healthy_at
    ended = row.exit.at if row.exit else row.stopping_at
    good = healthy is not None and not row.is_ended
    probe_failed = row.probe is not None and not row.probe.healthy
    tone = Tone.GOOD if good else Tone.BAD if row.is_ended or probe_failed else Tone.MOVING
    spans = [
        Span(
            begin=row.created_at,
            end=healthy or ended,
            tone=Tone.MOVING if healthy or not row.is_ended else Tone.BAD,
            word="starting",
        )
    ]
    if healthy is not None:
        spans.append(Span(begin=healthy, end=ended, tone=Tone.GOOD, word="healthy"))
    marks = [Happening(at=healthy, tone=Tone.GOOD, says=_answer(row))] if healthy else []
    if ended is not None:
        says = row.exit.sentence if row.exit else row.because
        marks.append(Happening(at=ended, tone=tone, says=says))
    note = row.exit.sentence if row.exit else _answer(row) if not good else ""
    return Row(
        name=row.label,
        tone=tone,
        word=row.state.value,
        spans=tuple(spans),
        marks=tuple(marks),
        note=note,
    )


def _answer(row: Container) -> str:
    probe = row.probe
    if probe is None:
        return "healthy" if row.healthy_at else "no probe has answered yet"
    tries = f", {probe.tries} tries" if probe.tries > 1 else ""
    return f"{probe.asked} → {probe.answer}{tries}"
