"""What bounds a request, a connection and HAProxy itself."""

from headway.model.value import Value


class Limits(Value, kw_only=True):
    """Limits of the router; times in seconds.

    `client_s` and `server_s` bound silence, not length: an upload or an answer may take as long
    as it likes while bytes move.
    """

    connections_max: int = 10_000
    """Open at once; further ones wait in the kernel's queue."""
    connect_s: int = 2
    headers_s: int = 10
    """For a client to send all headers of a request, however slowly it drips them."""
    client_s: int = 300
    server_s: int = 300
    """Also how long an app may think before its first byte."""
    idle_s: int = 60
    """Between two requests on one client connection."""
    tunnel_s: int = 3600
    """Silence in a WebSocket or a TCP connection."""
    retire_s: int = 3600
    """How long requests of a replaced HAProxy may go on before they are cut."""
    retired_max: int = 16
    """Replaced HAProxy processes that may finish side by side; beyond, the oldest is ended."""
    header_bytes: int = 16_384
    """All headers of a request together."""
    headers_max: int = 100
