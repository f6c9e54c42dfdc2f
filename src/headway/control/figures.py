"""What was measured lately, in memory: the figures over time, and what is used now.

A restart of the control plane begins anew: figures are to look at, and nothing is decided by them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from headway.calculate.series import FOLD, FOLDS, STEPS, Series, summed, weighed
from headway.model.figures import FigureLine, FiguresView, Measure, Subject, Use
from headway.model.ids import AppName, ContainerId, EnvironmentId, NodeId

_STEP_S = 10.0
"""Where nothing is measured."""
_DIGITS = {Measure.CPU: 4, Measure.MEMORY: 1}


class Figures:
    """All series, by what they are of."""

    def __init__(self, step_s: float, series_max: int) -> None:
        """Begin with none.

        Args:
            step_s: How often is measured; 0 is never.
            series_max: How many series are kept.
        """
        self.step_s = step_s or _STEP_S
        self._most = series_max
        self._series: dict[Subject, dict[Measure, Series]] = {}
        self._releases: dict[tuple[EnvironmentId, AppName], set[int]] = {}
        self._began: int | None = None
        self._last: int | None = None
        self.kept = 0
        """So many series there are."""
        self.left_out: set[tuple[Subject, Measure]] = set()
        """For which there was no room at the last look."""
        self.nodes: dict[NodeId, Use] = {}
        self.containers: dict[ContainerId, Use] = {}

    @property
    def whole_s(self) -> float:
        """How far back they go at most."""
        return self.step_s * FOLD * FOLDS

    def step_of(self, at: datetime) -> int:
        """Number the steps of time."""
        return int(at.timestamp() // self.step_s)

    # --- what is noted -------------------------------------------------------------------------

    def look(self, step: int) -> None:
        """Begin to note what is true of a step."""
        if self._began is None:
            self._began = step
        self._last = step
        self.left_out = set()

    def note(self, step: int, subject: Subject, measure: Measure, value: float | None) -> None:
        """Note a value. A count of nothing begins no series: that is what is thought anyhow."""
        if value is None:
            return
        known = self._series.get(subject)
        series = known.get(measure) if known else None
        if series is None:
            if measure.is_count and not value:
                return
            if self.kept >= self._most:
                self.left_out.add((subject, measure))
                return
            series = self._begin(subject, measure)
        series.note(step, value)

    def _begin(self, subject: Subject, measure: Measure) -> Series:
        self.kept += 1
        if subject.release is not None:
            assert subject.environment is not None
            assert subject.app is not None
            member = subject.environment, subject.app
            self._releases.setdefault(member, set()).add(subject.release)
        return self._series.setdefault(subject, {}).setdefault(measure, Series())

    def has(self, subject: Subject) -> bool:
        """Say whether anything of it was ever noted and is still kept."""
        return subject in self._series

    def counted(self) -> list[tuple[Subject, Measure]]:
        """List what is counted and has a series: it goes on where there is nothing, too."""
        return [
            (subject, measure)
            for subject, rows in self._series.items()
            for measure in rows
            if measure.is_count
        ]

    def forget(self, step: int) -> None:
        """Forget series of which all that is kept is too old to be shown."""
        least = step - FOLD * FOLDS
        for subject, rows in list(self._series.items()):
            for measure, series in list(rows.items()):
                if series.last is None or series.last < least:
                    del rows[measure]
                    self.kept -= 1
            if not rows:
                self._drop(subject)

    def _drop(self, subject: Subject) -> None:
        del self._series[subject]
        if subject.release is None or subject.environment is None or subject.app is None:
            return
        member = subject.environment, subject.app
        self._releases[member].discard(subject.release)
        if not self._releases[member]:
            del self._releases[member]

    # --- what is seen --------------------------------------------------------------------------

    def view(
        self,
        subject: Subject,
        now: datetime,
        over_s: float,
        *,
        measures: Sequence[Measure] = (),
        since: datetime | None = None,
    ) -> FiguresView:
        """Give figures of the time up to now; of more than `STEPS` steps, their means.

        Args:
            subject: Of what. An app without a release is all of its releases together.
            now: Until when.
            over_s: How far back, in seconds.
            measures: Which; none are all that there are of such a thing.
            since: Only from this instant on.
        """
        span = self._span(now, over_s, since)
        begin = datetime.fromtimestamp(span.begin * span.step_s, UTC)
        return FiguresView(
            begin=begin,
            since=self._begun_behind(begin),
            step_s=span.step_s,
            lines=tuple(
                FigureLine(
                    measure=measure,
                    unit=measure.unit,
                    values=_rounded(self._values(subject, measure, span), measure),
                )
                for measure in tuple(measures) or subject.measures
            ),
        )

    def _begun_behind(self, begin: datetime) -> datetime | None:
        """Say since when there are figures, where that is later than what is shown begins."""
        if self._began is None:
            return None
        began = datetime.fromtimestamp(self._began * self.step_s, UTC)
        return began if began > begin else None

    def _span(self, now: datetime, over_s: float, since: datetime | None) -> "_Span":
        is_folded = over_s > self.step_s * STEPS
        step_s = self.step_s * FOLD if is_folded else self.step_s
        end = int(now.timestamp() // step_s) + 1
        if not is_folded and self._last == end - 2:
            end -= 1  # that of this moment is about to be looked at
        begin = end - max(1, round(min(over_s, self.whole_s) / step_s))
        if since is not None:
            begin = min(end, max(begin, int(since.timestamp() // step_s)))
        return _Span(begin, end, step_s, is_folded)

    def _values(self, subject: Subject, measure: Measure, span: "_Span") -> list[float | None]:
        parts = self._parts(subject)
        rows = [self._row(one, measure, span) for one in parts]
        if measure is Measure.RESPONSE:
            weights = [self._row(one, Measure.REQUESTS, span) for one in parts]
            return weighed(rows, weights)
        return summed(rows)

    def _parts(self, subject: Subject) -> list[Subject]:
        """Give the series of an app: one for each release, and of what nobody could take."""
        if subject.environment is None or subject.app is None:
            return [subject]
        if (subject.release, subject.queue, subject.job) != (None, None, None):
            return [subject]
        numbers = self._releases.get((subject.environment, subject.app))
        releases = [
            msgspec.structs.replace(subject, release=number) for number in sorted(numbers or ())
        ]
        return [*releases, *([subject] if self.has(subject) else ())] or [subject]

    def _row(self, subject: Subject, measure: Measure, span: "_Span") -> list[float | None]:
        series = self._series.get(subject, {}).get(measure)
        if series is None:
            values: list[float | None] = [None] * (span.end - span.begin)
        elif span.is_folded:
            values = series.means(span.begin, span.end)
        else:
            values = series.steps(span.begin, span.end)
        return self._nothing_where_unknown(values, span) if measure.is_count else values

    def _nothing_where_unknown(
        self, values: list[float | None], span: "_Span"
    ) -> list[float | None]:
        """Put 0 where was looked and nothing was found."""
        if self._began is None or self._last is None:
            return values
        fold = FOLD if span.is_folded else 1
        began, last = self._began // fold, self._last // fold
        return [
            0.0 if value is None and began <= step <= last else value
            for step, value in enumerate(values, span.begin)
        ]


class _Span(NamedTuple):
    """The steps that are asked for: `end` is left out."""

    begin: int
    end: int
    step_s: float
    is_folded: bool


def _rounded(values: list[float | None], measure: Measure) -> tuple[float | None, ...]:
    digits = _DIGITS.get(measure, 2)
    return tuple(None if value is None else round(value, digits) for value in values)
