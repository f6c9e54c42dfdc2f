"""Talks to one HAProxy process over its runtime API."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from headway.machine.sockets import named

_PROMPT = b"\n> "
_ANSWER_S = 15.0
DELETED = "Server deleted."


class NoAnswer(Exception):
    """The process is gone, or did not answer in time."""


class CommandRefused(Exception):
    """A command was answered with what is no success; the text has both."""


async def ask(socket: Path, commands: Sequence[str]) -> list[str]:
    """Send commands over one connection, all at once, and give their answers in order.

    Raises:
        NoAnswer: Nobody listens, or the answers did not come within 15 s.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await _converse(socket, commands)
    except TimeoutError as error:
        raise NoAnswer(f"{socket}: no answer within {_ANSWER_S:g} s") from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise NoAnswer(f"{socket}: {error}") from error


async def _converse(socket: Path, commands: Sequence[str]) -> list[str]:
    with named(socket) as name:
        reader, writer = await asyncio.open_unix_connection(name, limit=64 * 1024 * 1024)
    try:
        # With a prompt, each answer has an end that can be recognised, and one connection
        # takes any number of commands.
        writer.write("\n".join(["prompt", *commands, "quit", ""]).encode())
        await reader.readuntil(_PROMPT)
        return [
            (await reader.readuntil(_PROMPT)).removesuffix(_PROMPT).decode(errors="replace").strip()
            for _ in commands
        ]
    finally:
        writer.transport.abort()


async def order(socket: Path, commands: Sequence[str]) -> list[str]:
    """Send commands that change something, and give their answers.

    Raises:
        NoAnswer: As for `ask`.
        CommandRefused: One of them was not carried out; those behind it may have been.
    """
    if not commands:
        return []
    answers = await ask(socket, commands)
    for command, answer in zip(commands, answers, strict=True):
        if not _is_success(command, answer):
            raise CommandRefused(f"{command!r}: {answer}")
    return answers


def _is_success(command: str, answer: str) -> bool:
    if command.startswith("del server"):
        # A request may have come in between; it is deleted when that has ended.
        return answer == DELETED or "still has connections" in answer
    if command.startswith("add server"):
        return answer == "New server registered."
    if command.startswith("set server") and " addr " in command:
        return "addr changed" in answer or "no need to change" in answer or "port changed" in answer
    return answer == ""
