"""One question to a container: are you healthy?"""

import asyncio
import re
from contextlib import suppress

from headway.model.container import Container
from headway.model.failure import ProbeAnswer
from headway.model.manifest import CheckType, HealthCheck
from headway.ports.engine import Engine, EngineError

_ANSWER_BYTES = 2048
_SHOWN = 200
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d{1,9})\b", re.IGNORECASE)
_REDIRECT_LIMIT = 400


async def ask(engine: Engine, container: Container, check: HealthCheck) -> ProbeAnswer:
    """Ask once, and say what was asked and what came back. Never raises for a bad answer."""
    if check.type is CheckType.COMMAND:
        return await _ask_by_command(engine, container, check)
    port = next(iter(container.ports.values()), 0)
    place = f"{container.host}:{port}"
    http = check.type is CheckType.HTTP
    asked = f"GET http://{place}{check.path}" if http else f"connect {place}"
    try:
        async with asyncio.timeout(check.timeout_s):
            reader, writer = await asyncio.open_connection(
                container.host, port, limit=_ANSWER_BYTES
            )
            try:
                if not http:
                    return ProbeAnswer(asked=asked, healthy=True, answer="connected")
                return await _ask_by_http(reader, writer, check.path, place, asked)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        return ProbeAnswer(asked=asked, healthy=False, answer=f"no answer in {check.timeout_s:g} s")
    except ConnectionRefusedError:
        listening = await _listening(engine, container)
        return ProbeAnswer(
            asked=asked, healthy=False, answer="connection refused", listening=listening
        )
    except OSError as error:
        return ProbeAnswer(asked=asked, healthy=False, answer=str(error))


async def _ask_by_http(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    place: str,
    asked: str,
) -> ProbeAnswer:
    """Speak the few lines of HTTP that a probe needs: a client library costs ten times as much."""
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: headway-probe\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    await writer.drain()
    # Read to the end, within the time and size of a probe: a server that is cut off while it
    # answers writes errors into the app's log.
    received = b""
    while len(received) < _ANSWER_BYTES and not _is_whole(received):
        part = await reader.read(_ANSWER_BYTES)
        if not part:
            break
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        shown = received[:_SHOWN].decode(errors="replace")
        return ProbeAnswer(asked=asked, healthy=False, answer=f"not HTTP: {shown!r}")
    status = int(words[1])
    healthy = 200 <= status < _REDIRECT_LIMIT
    text = "" if healthy else " ".join(body.decode(errors="replace").split())[:_SHOWN]
    return ProbeAnswer(asked=asked, healthy=healthy, answer=f"{status} {text}".strip())


def _is_whole(received: bytes) -> bool:
    """Say whether an answer has come that says how long it is: not every server hangs up."""
    head, found, body = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(found) and length is not None and len(body) >= int(length[1])


async def _ask_by_command(engine: Engine, container: Container, check: HealthCheck) -> ProbeAnswer:
    asked = f"`{check.command}`"
    said = b""
    try:
        session = await engine.exec(container.id, ("/bin/sh", "-c", check.command))
        status = 1
        try:
            async with asyncio.timeout(check.timeout_s):
                await session.send(b"")
                async for _, data in session.output():
                    said = (said + data)[-_ANSWER_BYTES:]
        finally:
            status = await session.close()
    except TimeoutError:
        return ProbeAnswer(asked=asked, healthy=False, answer=f"no end in {check.timeout_s:g} s")
    except EngineError as error:
        return ProbeAnswer(asked=asked, healthy=False, answer=str(error))
    text = "" if status == 0 else " ".join(said.decode(errors="replace").split())[-_SHOWN:]
    return ProbeAnswer(
        asked=asked, healthy=status == 0, answer=f"exit status {status} {text}".strip()
    )


async def _listening(engine: Engine, container: Container) -> tuple[str, ...]:
    try:
        return await engine.listening(container.id)
    except EngineError:
        return ()
