"""Browsers that are signed in."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from headway.model.view.session import LinkMade, SessionView
from headway.sdk.transport import Transport, part

_LOOPBACK = "headway.localhost"


class Sessions:
    """Browsers that are signed in, and links that sign one in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def link(self) -> LinkMade:
        """Make an address that signs a browser in, once, with what this client's token may do."""
        return self._transport.call("POST", "/v1/links", LinkMade, once=True)

    def all(self) -> list[SessionView]:
        """List one's own sessions; an operator sees all."""
        return self._transport.call("GET", "/v1/sessions", list[SessionView])

    def end(self, identity: str) -> SessionView:
        """End a session."""
        return self._transport.call("DELETE", f"/v1/sessions/{part(identity)}", SessionView)


def pages_address(url: str) -> str:
    """Give where a browser finds the pages of the headway at an address.

    On the loopback address they have a name of their own: a browser sends a cookie to every port
    of a host, and other programs listen there, too.

    >>> pages_address("http://127.0.0.1:7070"), pages_address("https://headway.example.com")
    ('http://headway.localhost:7070', 'https://headway.example.com')
    """
    parts = urlsplit(url)
    try:
        is_loopback = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        return url
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{_LOOPBACK}{port}"
