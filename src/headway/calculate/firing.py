"""When a cron expression fires in a time zone, the days on which clocks are changed included.

The rule is that of Debian's cron(8). Whether a job follows the clock or has fixed times is told
from its first two fields:

- The minute or the hour starts with `*`: the job follows the clock. It runs whenever the clock
  shows one of its times: twice when an hour is repeated, not at all in an hour that is left out.
- Neither does: the job has fixed times, and each of them has one run a day. A time that is left
  out runs at once when the clock has moved on; one that is repeated runs when it is shown first.

Two things that cron(8) leaves open, or leaves to the moment at which the daemon wakes up:

- Several times of one job that are left out together give one run, and a time of the same job that
  falls on the first minute afterwards is the same run. A schedule fires once for an instant.
- The rule holds for changes of any size. Debian's cron takes changes of more than three hours for
  corrections of the machine's clock; the rules of a time zone are no corrections. So a day that is
  left out, as at the date line, gives one run as well.

CronSim serves as the calendar only, on wall times without a zone. What it does itself with jobs
that follow the clock is wrong where clocks are changed at midnight or by less than an hour.
"""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_ANY = datetime(2000, 1, 1)  # noqa: DTZ001  wall times have no zone


class Firing:
    """The times of one expression in one zone."""

    def __init__(self, plain: str, timezone: str) -> None:
        """Take an expression in plain fields that was found good, and a zone that is known."""
        self._calendar = CronSim(plain, _ANY)
        self._zone = ZoneInfo(timezone)
        self._fixed = not any(field.startswith("*") for field in plain.split()[:2])

    def after(self, at: datetime) -> Iterator[datetime]:
        """Give the instants at which it fires, strictly after one, in UTC.

        They end where no date of the following 50 years fits.
        """
        at = at.astimezone(UTC).replace(microsecond=0)
        return self._at_fixed_times(at) if self._fixed else self._by_the_clock(at)

    def _at_fixed_times(self, at: datetime) -> Iterator[datetime]:
        """Give each wall time once.

        From wall times to instants the order stays: later ones are never earlier. So all up to the
        wall time of `at` are over.
        """
        for wall in self._walls(self._wall(at)):
            first = wall.replace(tzinfo=self._zone).astimezone(UTC)
            if self._wall(first) != wall:
                other = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
                first = self._change(other, first) or first
            if first > at:
                yield first
                at = first

    def _by_the_clock(self, at: datetime) -> Iterator[datetime]:
        """Give what the clock shows, one stretch between two changes after the other."""
        begin, after = at, self._wall(at)
        while True:
            change = None
            offset, known = self._offset(begin), begin
            for wall in self._walls(after):
                instant = (wall - offset).replace(tzinfo=UTC)
                change = self._change(known, instant)
                if change is not None:
                    break
                yield instant
                known = instant
            if change is None:
                return
            begin, after = change, self._wall(change) - _SECOND

    def _walls(self, after: datetime) -> Iterator[datetime]:
        calendar = copy.copy(self._calendar)
        calendar.dt = after
        return calendar

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(self._zone).replace(tzinfo=None, fold=0)

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self._zone).utcoffset() or timedelta()

    def _change(self, low: datetime, end: datetime) -> datetime | None:
        """Find the first instant after `low`, up to `end`, from which the clock is another.

        It looks at one instant a day: two changes within a day that undo each other are not seen.
        """
        before = self._offset(low)
        while low < end:
            high = min(low + _DAY, end)
            if self._offset(high) != before:
                return self._bisect(low, high, before)
            low = high
        return None

    def _bisect(self, low: datetime, high: datetime, before: timedelta) -> datetime:
        while high - low > _SECOND:
            middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
            if self._offset(middle) == before:
                low = middle
            else:
                high = middle
        return high
