"""Texts of values, for a terminal or a pipe: no cursor, no timer, safe to print."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click

from headway.formats.units import render_duration
from headway.model.app import Commit
from headway.model.deployment import Deployment, Phase
from headway.model.failure import Failure
from headway.model.figures import Use
from headway.model.view.change import Obstacle, PlannedChange, Started
from headway.model.view.difference import ConfigDifference
from headway.model.view.environment import MemberView
from headway.model.view.log import LogEntry
from headway.model.view.standing import MemberState

_MIB = 2**20
_COLOURS = {
    MemberState.HEALTHY: "green",
    MemberState.FAILED: "red",
    MemberState.DEGRADED: "yellow",
    MemberState.STUCK: "yellow",
    MemberState.PAUSED: "yellow",
    MemberState.REVERTING: "yellow",
}
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_INSTANCE_COLOURS = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan")


def safe(text: str) -> str:
    r"""Take away what a terminal would obey, and keep what a person reads.

    Of a line that was overwritten by carriage returns, what was seen last is kept.

    >>> safe("10%\r50%\rdone \x1b[31mred\x1b[0m")
    'done red'
    """
    last = text.rstrip("\r").rsplit("\r", 1)[-1]
    return _UNPRINTABLE.sub("", _CONTROL.sub("", last)).replace("\t", "    ").replace("\n", " ")


def shortened(text: str, most: int) -> str:
    """Take away what a terminal would obey, and what is behind so many signs, and show that.

    >>> shortened("1048576 are allowed", 8), shortened("allowed", 8)
    ('1048576…', 'allowed')
    """
    whole = safe(text)
    return whole if len(whole) <= most else f"{whole[: most - 1].rstrip()}…"


def safe_lines(text: str) -> str:
    """Do the same with a text of several lines."""
    return "\n".join(safe(line) for line in text.split("\n"))


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Align columns, two spaces apart; nothing is drawn that grep would stumble over."""
    lines = [list(head), *map(list, rows)] if head else [list(row) for row in rows]
    if not lines:
        return ""
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    )


def cores(use: Use | None, unknown: str = "-") -> str:
    """Say how many cores are used."""
    return unknown if use is None or use.cpu is None else f"{use.cpu:.2f}"


def mib(use: Use | None, unknown: str = "-") -> str:
    """Say how much memory is used, in MiB."""
    return unknown if use is None else f"{use.memory_mib:.0f}"


def age(at: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago something was, in its two largest units.

    >>> age(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC))
    '1h2m'
    """
    if at is None:
        return "-"
    seconds = max(0, int(((now or datetime.now(UTC)) - at).total_seconds()))
    text = render_duration(seconds)
    parts = re.findall(r"\d+[a-z]+", text)
    return "".join(parts[:2])


def took(began: datetime | None, ended: datetime | None) -> str:
    """Say how long something took, or takes so far; a dash of what has not begun.

    >>> took(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, 5, tzinfo=UTC))
    '65.0s'
    """
    if began is None:
        return "-"
    seconds = max(0.0, ((ended or datetime.now(UTC)) - began).total_seconds())
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"


def size(count: int) -> str:
    """Write a number of bytes as somebody reads it.

    >>> size(12), size(2048), size(123456789)
    ('12 B', '2 KiB', '117.7 MiB')
    """
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KiB" if count < _MIB else f"{count / _MIB:.1f} MiB"


def moment(at: datetime) -> str:
    """Write an instant in local time."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def paused(by: str, at: datetime | None) -> str:
    """Say who paused something, and when, where that is known."""
    return f"paused by {by}" + (f" {age(at)} ago" if at else "")


def until(at: datetime | None) -> str:
    """Say when a lease ends."""
    if at is None:
        return "without end"
    left = int((at - datetime.now(UTC)).total_seconds())
    if left <= 0:
        return "ended"
    parts = re.findall(r"\d+[a-z]+", render_duration(left))
    return f"for {''.join(parts[:2])}, until {at.astimezone():%Y-%m-%d %H:%M}"


def state_word(state: MemberState) -> str:
    """Write a state with its colour, which the word does not need."""
    return click.style(state.value, fg=_COLOURS.get(state, "cyan"))


def member_line(view: MemberView) -> str:
    """Write an app's state on one line."""
    mark = {"healthy": "✓", "failed": "✗"}.get(view.state.value, "·")
    return _line(mark, view, view.state.value, view.because)


def moving_line(view: MemberView) -> str:
    """Write how an app's deployment goes on one line: what serves may do well when that failed."""
    ended = not_kept(view)
    if ended is None:
        return member_line(view)
    return _line("✗", view, phase_word(ended.phase), ended.because)


def not_kept(view: MemberView) -> Deployment | None:
    """Give the deployment of an app where it has ended without success."""
    row = view.deployment
    return row if row and row.is_ended and row.phase is not Phase.SUCCEEDED else None


def phase_word(phase: Phase) -> str:
    """Write what a deployment does, or how it ended.

    >>> phase_word(Phase.ROLLED_BACK)
    'rolled back'
    """
    return phase.value.replace("_", " ")


def _line(mark: str, view: MemberView, word: str, because: str) -> str:
    return " ".join([mark, view.app, word, _releases(view), safe(because)]).rstrip()


def _releases(view: MemberView) -> str:
    """Write which release serves, and which one it is to be."""
    if view.live is None:
        return "-"
    moving = view.deployment if view.deployment and not view.deployment.is_ended else None
    known = [view.live, moving.release if moving else None]
    return "→".join(f"v{number}" for number in dict.fromkeys(known) if number)


def failure(found: Failure, title: str) -> str:
    """Write a failure with everything that is known of it, on one screen."""
    lines = [f"{click.style('✗', fg='red')} {title}", f"    because {safe(found.because)}"]
    if found.probe is not None:
        tries = f" ({found.probe.tries} times)" if found.probe.tries > 1 else ""
        lines += [
            f"    probe   {safe(found.probe.asked)}{tries}",
            f"    answer  {safe(found.probe.answer)}",
        ]
    if found.exit:
        lines.append(f"    exit    {found.exit}")
    if found.log:
        lines.append("    last lines")
        lines += [f"      {safe(line)}" for line in found.log]
    lines += [f"    likely  {safe(hint)}" for hint in found.hints]
    if found.next:
        lines.append(f"  next: {' · '.join(found.next)}")
    return "\n".join(lines)


def outcome(deployment: Deployment) -> str:
    """Write how a deployment ended, on one line."""
    took = ""
    if deployment.ended_at is not None:
        seconds = (deployment.ended_at - deployment.created_at).total_seconds()
        took = f" · took {seconds:.1f} s"
    release = f"v{deployment.release}" if deployment.release else deployment.kind.value
    marks = {Phase.SUCCEEDED: click.style("✓", fg="green")}
    mark = marks.get(deployment.phase, click.style("✗", fg="red"))
    return (
        f"{mark} {deployment.app} {release} {phase_word(deployment.phase)}{took} · {deployment.id}"
    )


_COMMITS_SHOWN = 10


def commits(found: Sequence[Commit], dirty: bool) -> list[str]:
    """Write the commits that a deployment brings, newest first."""
    lines = [f"  {commit.id[:7]} {safe(commit.subject)}" for commit in found[:_COMMITS_SHOWN]]
    if len(found) > _COMMITS_SHOWN:
        lines.append(f"  and {len(found) - _COMMITS_SHOWN} more")
    return [*(["  changes that are in no commit"] if dirty else []), *lines]


def plan(started: Started) -> str:
    """Write what would be done."""
    lines = obstacles(started.obstacles) + changes(started.plan)
    reserves = started.reserves
    if reserves.cpu or reserves.memory_mib:
        lines.append(f"reserves {reserves.cpu:+g} cores, {reserves.memory_mib:+d} MiB")
    lines += [f"{app}: stays as it is" for app in started.unchanged]
    lines += not_deployed(started)
    return "\n".join(lines) or "nothing would change"


def obstacles(found: Iterable[Obstacle]) -> list[str]:
    """Write what would be in the way."""
    cross = click.style("✗", fg="red")
    return [f"{cross} {row.app} {row.what}: {safe(row.because)}" for row in found]


def not_deployed(started: Started) -> list[str]:
    """Write which sources a start does not deploy, and what does."""
    return [
        f"! {row.app}: {safe(row.because)}. next: {safe(row.next)}" for row in started.not_deployed
    ]


def changes(planned: Iterable[PlannedChange]) -> list[str]:
    """Write changes, one a line, each with its reason."""
    return [
        f"{change.app or '-'}: {change.what}"
        + (f"  ({change.because})" if change.because != change.what else "")
        for change in planned
    ]


def difference(row: ConfigDifference, between: str) -> str:
    """Write how a config key differs, showing no secret."""

    def side(value: str | None, is_set: bool) -> str:
        return "(not set)" if not is_set else "(secret)" if value is None else safe(value)

    return f"{row.key}: {side(row.before, row.was_set)} {between} {side(row.after, row.is_set)}"


def log_line(entry: LogEntry, *, prefix: bool) -> str:
    """Write a log line, with who wrote it."""
    text = safe(entry.line.text)
    if entry.line.stream.value == "headway":
        text = f"[headway] {text}"
    if not prefix:
        return text
    name = f"{entry.app}/{entry.label}"
    if entry.release:
        name += f"@v{entry.release}"
    colour = _INSTANCE_COLOURS[sum(entry.container.encode()) % len(_INSTANCE_COLOURS)]
    clock = entry.line.at.astimezone().strftime("%H:%M:%S")
    return f"{clock} {click.style(name, fg=colour)} {text}"
