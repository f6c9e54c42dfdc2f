"""Moments and parameters, as they are typed."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from headway.formats.units import parse_duration
from headway.model.length import LENGTH_MAX_S


class Instant(click.ParamType[datetime]):
    """A moment with its offset."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read `2026-01-31T09:00:00+01:00` or `2026-01-31T08:00Z`."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time, such as 2026-01-31T09:00:00+01:00", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} has no offset: add Z for UTC, or +01:00", param, ctx)
        return at


class InstantOrLength(Instant):
    """A moment with its offset, or how far ahead it is."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read what `Instant` does, or `90s`, `10m`, `8h`: so long from now."""
        seconds = parse_duration(str(value))
        if seconds is None or seconds > LENGTH_MAX_S:
            return super().convert(value, param, ctx)
        return datetime.now(UTC) + timedelta(seconds=seconds)


class Parameters(click.ParamType[dict[str, Any]]):
    """Parameters as a JSON object; `@FILE` reads one, `-` standard input."""

    name = "json"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Read an object."""
        if isinstance(value, dict):
            return value
        text = str(value)
        try:
            if text == "-":
                text = sys.stdin.read()
            elif text.startswith("@"):
                with click.open_file(text[1:]) as file:
                    text = file.read()
            found = msgspec.json.decode(text)
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)
        except msgspec.DecodeError as error:
            self.fail(f"the parameters are no JSON: {error}", param, ctx)
        if not isinstance(found, dict):
            self.fail("the parameters must be a JSON object, such as '{\"id\": 7}'", param, ctx)
        return found
