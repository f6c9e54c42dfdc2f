"""Subjects of events: how the log names rows, and what it says of each with what it became."""

from datetime import datetime
from typing import Any

from headway.model.config import Config
from headway.model.container import Container
from headway.model.deployment import Deployment
from headway.model.environment import Environment, Member
from headway.model.event import Event
from headway.model.queue import QueueHold
from headway.model.schedule import ScheduleState

Row = Environment | Member | Config | Deployment | Container | QueueHold | ScheduleState


def event_of(
    row: Row, kind: str, now: datetime, because: str, actor: str = "headway", /, **data: Any
) -> Event:
    """Make the event of what a row has become; of a container, with what it is a copy of."""
    if isinstance(row, Container):
        data = {"label": row.label, "release": row.release, **data}
    return Event(
        at=now,
        actor=actor,
        kind=kind,
        subject=_subject(row),
        environment=row.id if isinstance(row, Environment) else row.environment,
        app=None if isinstance(row, Environment) else row.app,
        because=because,
        data=data,
    )


def _subject(row: Row) -> str:
    match row:
        case Member() | Config():
            return f"{row.environment}/{row.app}"
        case QueueHold() | ScheduleState():
            return f"{row.environment}/{row.app}/{row.name}"
        case Environment() | Deployment() | Container():
            return row.id
