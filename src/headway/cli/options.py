"""Options that many commands share, and what they default to."""

import functools
import os
import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

import click
import msgspec
from click.core import ParameterSource

from headway.cli.errors import fail
from headway.formats.units import MIB, parse_duration, parse_size, render_duration
from headway.model.ids import name_from
from headway.model.length import LENGTH_MAX_S
from headway.model.manifest import FILE
from headway.sdk import Client

F = TypeVar("F", bound=Callable[..., Any])


class Unclear(click.UsageError):
    """What is meant is not clear from what there is; how the command is written is."""

    def __init__(self, because: str, *nexts: str) -> None:
        super().__init__(because)
        self.nexts = nexts

    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002 (click's to give)
        """Say it, without how the command is used."""
        fail(self.message, *self.nexts)


class Duration(click.ParamType[float]):
    """A length of time, in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read `90s`, `10m`, `8h`."""
        if isinstance(value, float):
            return value
        seconds = parse_duration(str(value))
        if seconds is None or seconds > LENGTH_MAX_S:
            what = f"no length of time up to {render_duration(LENGTH_MAX_S)}"
            self.fail(f"{value!r} is {what}, such as 90s, 10m or 8h", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """Memory, in MiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read `512MiB`, `16GiB`."""
        if isinstance(value, int):
            return value
        size = parse_size(str(value))
        if size is None:
            self.fail(f"{value!r} is no size, such as 512MiB or 16GiB", param, ctx)
        return -(-size // MIB)


class Dated(datetime):
    """A moment of which the day was said, too."""


class Moment(click.ParamType[datetime]):
    """A moment: a time of the next 24 hours on this machine's clock, or a date and a time."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read `02:00`, `2026-11-30T02:00`."""
        if isinstance(value, datetime):
            return value
        now = datetime.now().astimezone()
        try:
            if "T" not in str(value):
                hour = time.fromisoformat(str(value))
                today = datetime.combine(now.date(), hour).astimezone()
                tomorrow = now.date() + timedelta(days=1)
                return today if today > now else datetime.combine(tomorrow, hour).astimezone()
            return Dated.fromisoformat(str(value)).astimezone()
        except ValueError:
            self.fail(f"{value!r} is no moment, such as 02:00 or 2026-11-30T02:00", param, ctx)


class LeaseOrLength(click.ParamType[float | str]):
    """A length of time, in seconds, or the id of a lease."""

    name = "lease"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Read `8h`, or `lse-7f3a2c91d0`."""
        if isinstance(value, str) and value.startswith("lse-"):
            return value
        return Duration().convert(value, param, ctx)


env_option = click.option(
    "-e", "--env", "environment", help="The environment. Default: HEADWAY_ENV, or the only one."
)
listed_env_option = click.option(
    "-e",
    "--env",
    "environment",
    envvar="HEADWAY_ENV",
    help="Only of this environment. Default: HEADWAY_ENV, or all.",
)
any_env_option = click.option(
    "-e", "--env", "environment", help="Only of this environment. Default: all."
)
app_option = click.option("-a", "--app", help="The app. Default: the one of this directory.")
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
plan_option = click.option("--plan", is_flag=True, help="Only say what would be done.")
reason_option = click.option("--reason", default="", help="Why, for the history.")


_WAIT_HELP = (
    "Wait for the end. Unless --wait is said, what finds no room or crashes again and again is "
    "waited for 5 seconds only, and ends the command with status 3; the deployment goes on."
)


def said_to_wait() -> bool:
    """Say whether --wait was given, not only left as it is."""
    context = click.get_current_context()
    return bool(context.params.get("wait")) and (
        context.get_parameter_source("wait") is ParameterSource.COMMANDLINE
    )


class Showing(NamedTuple):
    """How what was set in motion is shown, and how long it is waited for."""

    plan: bool = False
    """Nothing is set in motion: only what would be."""
    wait: bool = True
    patient: bool = False
    """Also for what comes to nothing as things are: --wait was said."""
    timeout_s: float = 1800.0
    progress: str = "auto"
    as_json: bool = False


def showing_options(function: F) -> F:
    """Add the options of commands that set something in motion, given as one `showing`."""

    @functools.wraps(function)
    def packed(
        *args: Any,
        plan: bool,
        wait: bool,
        timeout: float,
        progress: str,
        as_json: bool,
        **options: Any,
    ) -> Any:
        shown = "quiet" if as_json else progress
        showing = Showing(plan, wait, said_to_wait(), timeout, shown, as_json)
        return function(*args, showing=showing, **options)

    command: Any = packed
    for option in (
        json_option,
        click.option(
            "--progress",
            type=click.Choice(["auto", "tty", "plain", "quiet", "json"]),
            default="auto",
            help="How progress is shown.",
        ),
        click.option(
            "--timeout", type=Duration(), default="30m", help="How long to wait. Default: 30m."
        ),
        click.option("--wait/--no-wait", default=True, help=_WAIT_HELP),
        plan_option,
    ):
        command = option(command)
    return cast("F", command)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def chosen_environment(client: Client, given: str | None) -> str:
    """Give the environment that is meant, or say which there are.

    Raises:
        Unclear: It is not clear.
    """
    name = given or os.environ.get("HEADWAY_ENV")
    if name:
        return name
    names = [view.name for view in client.environments.all()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise Unclear("there is no environment yet", "headway start -e NAME APP")
    raise Unclear(f"say which environment, by -e or HEADWAY_ENV: {', '.join(sorted(names))}")


def chosen_app(given: str | None, directory: Path | None = None) -> str:
    """Give the app that is meant: as given, or the one of a directory.

    Raises:
        Unclear: It is not clear.
    """
    if given:
        return given
    name = app_of(directory or Path.cwd())
    if name is None:
        raise Unclear(
            "say which app, by -a, or go to its directory: there is no headway.yaml here",
            "headway init",
            "headway apps ls",
        )
    return name


def app_of(directory: Path) -> str | None:
    """Give the name of the app in a directory, if there is one."""
    path = directory / FILE
    if not path.is_file():
        return None
    # Only the name is wanted, also of a file with mistakes, which are headway's to tell.
    text = path.read_text(errors="replace")
    given = re.search(r"^name:\s*[\"']?([a-z0-9-]+)", text, re.MULTILINE)
    return given[1] if given else name_from(directory.resolve().name)


def split_reference(text: str) -> tuple[str | None, str]:
    """Take `ENV/APP` apart.

    >>> split_reference("demo/web"), split_reference("web")
    (('demo', 'web'), (None, 'web'))
    """
    environment, slash, rest = text.partition("/")
    return (environment, rest) if slash else (None, text)
