"""Moments and parameters, as they are typed."""

import sys
from datetime import datetime
from typing import Any

import click
import msgspec


class Instant(click.ParamType[datetime]):
    """A moment with its offset."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read `2026-01-31T09:00:00+01:00`, `2026-01-31T08:00Z`, or `09:00Z` today or tomorrow."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time, such as 2026-01-31T09:00:00+01:00", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} has no offset: add Z for UTC, or +01:00", param, ctx)
        return at


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
