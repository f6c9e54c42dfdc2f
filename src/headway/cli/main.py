"""The command `headway`: a module is imported when its command is chosen."""

import importlib
import sys
from difflib import get_close_matches

import click

_DAILY = {
    "up": "up:up",
    "down": "up:down",
    "doctor": "system:doctor",
    "init": "init:init",
    "start": "start:start",
    "stop": "start:stop",
    "extend": "environments:extend",
    "deploy": "deploy:deploy",
    "promote": "deploy:promote",
    "abort": "deploy:abort",
    "rollback": "deploy:rollback",
    "redeploy": "deploy:redeploy",
    "scale": "deploy:scale",
    "config": "config:config",
    "ps": "show:ps",
    "status": "show:status",
    "logs": "logs:logs",
    "run": "run:run",
    "exec": "run:exec_",
    "shell": "run:shell",
    "open": "show:open_",
    "dashboard": "sessions:dashboard",
    "why": "show:why",
    "plan": "show:plan",
    "history": "show:history",
}
_NOUNS = {
    "apps": "apps:apps",
    "envs": "environments:envs",
    "jobs": "jobs:jobs",
    "runs": "runs:runs",
    "queues": "queues:queues",
    "schedules": "schedules:schedules",
    "leases": "leases:leases",
    "tokens": "tokens:tokens",
    "sessions": "sessions:sessions",
    "builds": "builds:builds",
    "events": "system:events",
    "nodes": "nodes:nodes",
    "pools": "pools:pools",
    "rebalance": "rebalance:rebalance",
    "routes": "system:routes",
    "sim": "sim:sim",
    "docs": "system:docs",
    "settings": "system:settings",
    "version": "system:version",
    "completion": "system:completion",
}
_COMMANDS = {**_DAILY, **_NOUNS}


class LazyGroup(click.Group):
    """Knows its commands by name, and loads one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Give the names in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command."""
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(f"headway.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one was probably meant."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " See `headway --help`."
            ctx.fail(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List what is used daily, and the rest by noun."""
        for title, names in (("Every day", _DAILY), ("By noun", _NOUNS)):
            rows = []
            for name in names:
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((name, command.get_short_help_str(80)))
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `headway up`, then `headway init` in an app's directory.",
)
def cli() -> None:
    """Services, jobs and CI on one pool of machines."""


def main() -> None:
    """Run the command line; what goes wrong is said in one place."""
    from headway.cli.errors import handled

    sys.exit(handled(cli))
