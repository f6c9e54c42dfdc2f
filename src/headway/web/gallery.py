"""Pictures as pages place them: out of what pages have, for a desk and for a phone."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from headway.model.log import Stream
from headway.model.run import Run
from headway.model.story import DeploymentStory
from headway.model.view.queue import QueueView
from headway.model.view.schedule import ScheduleView
from headway.web import links
from headway.web.pages.environment import MemberRow
from headway.web.pages.logs import Row
from headway.web.pictures import attempts as attempts_picture
from headway.web.pictures import crowd as crowd_picture
from headway.web.pictures import density as density_picture
from headway.web.pictures import graph as graph_picture
from headway.web.pictures import heatmap as heatmap_picture
from headway.web.pictures import lane as lane_picture
from headway.web.pictures import packing as packing_picture
from headway.web.pictures import spark as spark_picture
from headway.web.pictures import strip as strip_picture
from headway.web.pictures import traffic as traffic_picture
from headway.web.pictures import waterfall as waterfall_picture
from headway.web.pictures.parts.mark import sign
from headway.web.tone import Tone, tone, words
from headway.web.traffic import ReleaseShare

_DESK, _PHONE, _LANE = 800.0, 300.0, 340.0
_DAY = timedelta(days=1)
_BUCKETS = 60
_LINES_LEAST = 20
"""Fewer lines are looked at themselves."""


def both(draw: Callable[[float], Markup]) -> Markup:
    """Draw in two widths; the style sheet shows the one for which there is room.

    What is not shown is not read out either.
    """
    return Markup(
        '<div class="sizes"><div class="desk">{}</div><div class="phone">{}</div></div>'
    ).format(draw(_DESK), draw(_PHONE))


def graph(environment: str, members: Sequence[MemberRow]) -> Markup:
    """Draw what in an environment needs what."""
    boxes = [
        graph_picture.Box(
            name=row.app,
            word=words(row.state),
            tone=tone(row.state),
            detail=f"v{row.live}" if row.live else "",
            to=links.member(environment, row.app),
        )
        for row in members
    ]
    needs = [(row.app, needed) for row in members for needed in row.needs]
    return graph_picture.graph(boxes, needs)


def waterfall(story: DeploymentStory, now: datetime) -> Markup:
    """Draw a deployment in time."""
    row, containers = story.deployment, story.containers
    return both(lambda width: waterfall_picture.waterfall(row, containers, now, width))


def traffic(shares: Sequence[ReleaseShare]) -> Markup:
    """Draw who gets which share of the requests; the newest release is the one that comes."""
    newest = max((row.release for row in shares), default=0)
    drawn = [
        traffic_picture.Share(
            name=f"v{row.release}",
            percent=row.percent,
            tone=Tone.MOVING if len(shares) > 1 and row.release == newest else Tone.GOOD,
        )
        for row in shares
    ]
    return traffic_picture.traffic(drawn)


def heatmap(runs: Sequence[Run], now: datetime) -> Markup:
    """Draw the last runs of a job."""
    return both(lambda width: heatmap_picture.heatmap(runs, now, width))


def attempts(run: Run, now: datetime) -> Markup:
    """Draw a run in time."""
    return both(lambda width: attempts_picture.attempts(run, now, width))


def density(rows: Sequence[Row]) -> Markup:
    """Draw when lines were written; each part leads to its first line. Nothing for a few."""
    if len(rows) < _LINES_LEAST:
        return Markup()
    first, last = rows[0].entry.line.at, max(row.entry.line.at for row in rows)
    step = (last - first) / _BUCKETS
    if step <= timedelta():
        return Markup()
    own: list[list[Row]] = [[] for _ in range(_BUCKETS)]
    for row in rows:
        own[max(0, min(_BUCKETS - 1, (row.entry.line.at - first) // step))].append(row)
    buckets = [
        density_picture.Bucket(
            begin=first + step * number,
            lines=len(some),
            stderr=sum(row.entry.line.stream is Stream.STDERR for row in some),
            to=some[0].url if some else "",
        )
        for number, some in enumerate(own)
    ]
    return both(lambda width: density_picture.density(buckets, last, width))


def lane(view: QueueView) -> Markup:
    """Say how a queue does, and draw it."""
    look = lane_picture.look(view)
    return Markup('<p class="lane"><span class="{}">{}</span>{}</p>{}').format(
        look.value, sign(look), lane_picture.says(view), lane_picture.lane(view, _LANE)
    )


def strip(schedules: Sequence[ScheduleView], now: datetime) -> Markup:
    """Draw when what comes next, over a day."""
    rows = [
        strip_picture.Times(
            name=f"{row.state.name} · {row.environment}",
            at=row.next,
            paused=row.state.paused,
            to=links.job(row.environment, row.state.app, row.state.schedule.job),
        )
        for row in schedules
    ]
    return both(lambda width: strip_picture.strip(rows, now, _DAY, width))


def spark(row: spark_picture.Spark) -> Markup:
    """Draw a measure over the last time."""
    return spark_picture.spark(row)


def packing(nodes: Sequence[packing_picture.Packed]) -> Markup:
    """Draw what of nodes is reserved, used and free."""
    return both(lambda width: packing_picture.packing(nodes, width))


def crowd(what: crowd_picture.Crowd) -> Markup:
    """Draw how full many nodes are."""
    return both(lambda width: crowd_picture.crowd(what, width))
