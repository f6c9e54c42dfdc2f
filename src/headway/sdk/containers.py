"""Containers, one-offs, and commands run inside."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from headway.model.container import Container
from headway.model.terminal import TerminalSize
from headway.sdk.transport import Transport, part


class Containers:
    """Running copies."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, identity: str) -> Container:
        """Give a container."""
        return self._transport.call("GET", f"/v1/containers/{part(identity)}", Container)

    def stop(self, identity: str) -> Container:
        """Stop a container; a service's is followed by another."""
        return self._transport.call("POST", f"/v1/containers/{part(identity)}/stop", Container)

    def run(
        self,
        environment: str,
        app: str,
        command: str,
        *,
        process: str | None = None,
        timeout_s: float | None = 3600.0,
        wait_for_exec: bool = False,
    ) -> Container:
        """Run a command once, in a container of the live release."""
        body = {
            "command": command,
            "process": process,
            "timeout_s": timeout_s,
            "wait_for_exec": wait_for_exec,
        }
        path = f"/v1/environments/{part(environment)}/apps/{part(app)}/one-offs"
        return self._transport.call("POST", path, Container, body=body)

    def exec_address(
        self, identity: str, argv: Sequence[str], *, terminal: TerminalSize | None = None
    ) -> tuple[str, dict[str, str]]:
        """Give the WebSocket address and headers of a command in a container."""
        words = [("argv", word) for word in argv]
        if terminal is not None:
            words += [("terminal", "true"), ("columns", str(terminal.possible.columns))]
            words += [("rows", str(terminal.possible.rows))]
        base = self._transport.url.replace("http", "ws", 1)
        address = f"{base}/v1/containers/{quote(identity)}/exec?{urlencode(words)}"
        return address, {"authorization": f"Bearer {self._transport.token}"}
