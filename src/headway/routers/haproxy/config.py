"""HAProxy's configuration, a pure function of the route table.

One frontend for HTTP leads by host name through a map to one backend a route; each TCP route has
a frontend on its own port. Listening sockets are inherited, never bound by HAProxy: a reload or
a crash loses no connection that waits in the kernel's queue.
"""

from collections.abc import Iterable, Mapping

from headway.model.ids import environment_name
from headway.model.manifest import Protocol
from headway.model.route import Route, RouteTable, Target
from headway.model.settings import RouterLimits
from headway.model.value import Value

HTTP_FRONTEND = "http"
_HOST = "req.hdr(host),field(1,:),lower,rtrim(.)"
UNKNOWN_HOST = "unknown-host"
_PLAIN = 'content-type "text/plain; charset=utf-8" hdr X-Content-Type-Options nosniff'


class Wiring(Value, kw_only=True):
    """What a configuration stands on besides the table."""

    http_fd: int
    tcp_fds: Mapping[int, int]
    """Port of a TCP route to the descriptor of its listening socket."""
    admin_fd: int
    """The listening socket of the runtime API."""
    hosts: str
    """Path of the map of host names."""
    limits: RouterLimits = RouterLimits()
    connections_max: int = 10_000
    run_as: tuple[int, int] | None = None
    """User and group to change to; None stays."""


def backend_name(route: Route) -> str:
    """Give the name of a route's backend: its key, in the letters that HAProxy allows."""
    return route.key.replace("~", ":")


def route_key(backend: str) -> str:
    """Give the key of the route that has a backend."""
    return backend.replace(":", "~")


def tcp_frontend(port: int) -> str:
    """Give the name of the frontend of a TCP route."""
    return f"tcp-{port}"


def backends(table: RouteTable) -> dict[str, str]:
    """Give every backend's name and what it speaks."""
    return {backend_name(route): route.protocol.value for route in table.routes}


def tcp_ports(table: RouteTable) -> dict[int, str]:
    """Give the backend behind each port of the TCP routes."""
    return {
        route.port: backend_name(route)
        for route in table.routes
        if route.protocol is Protocol.TCP and route.port is not None
    }


def hosts(table: RouteTable) -> dict[str, str]:
    """Give the backend behind each host name."""
    return {
        host: backend_name(route)
        for route in table.routes
        if route.protocol is Protocol.HTTP
        for host in route.hosts
    }


def render_hosts(table: RouteTable) -> str:
    """Write the map file from host name to backend."""
    return "".join(f"{host} {backend}\n" for host, backend in sorted(hosts(table).items()))


def address(target: Target) -> str:
    """Give a target's address as HAProxy writes it."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}"


def render(table: RouteTable, wiring: Wiring) -> str:
    """Write the whole configuration file."""
    parts = [_global(wiring), _defaults(wiring.limits), _http_frontend(wiring), _unknown_host()]
    parts += [
        _tcp_frontend(port, wiring.tcp_fds[port], backend, wiring.limits)
        for port, backend in sorted(tcp_ports(table).items())
    ]
    parts += [_backend(route, wiring.limits) for route in table.routes]
    return "\n".join(parts)


def _section(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *(f"    {line}" for line in lines), ""])


def _global(wiring: Wiring) -> str:
    limits = wiring.limits
    lines = [
        f"stats socket fd@{wiring.admin_fd} level admin",
        "stats timeout 1m",
        f"maxconn {wiring.connections_max}",
        f"hard-stop-after {limits.retire_s}s",
        f"tune.bufsize {limits.header_bytes}",
        f"tune.http.maxhdr {limits.headers_max}",
    ]
    if wiring.run_as:
        lines += [f"uid {wiring.run_as[0]}", f"gid {wiring.run_as[1]}"]
    return _section("global", lines)


def _defaults(limits: RouterLimits) -> str:
    failed = "The app took the request and did not answer it properly."
    lines = [
        "mode http",
        f"timeout connect {limits.connect_s}s",
        f"timeout http-request {limits.headers_s}s",
        f"timeout http-keep-alive {limits.idle_s}s",
        f"timeout client {limits.client_s}s",
        f"timeout server {limits.server_s}s",
        f"timeout tunnel {limits.tunnel_s}s",
        "timeout client-fin 30s",
        "timeout server-fin 30s",
        f"timeout queue {limits.connect_s}s",
        # A connection that was never made carried nothing, so any request may go elsewhere.
        "retries 3",
        "option redispatch 1",
        "option http-keep-alive",
        # Without it a replaced process cuts idle connections under a client that is about to ask.
        "option idle-close-on-response",
        _error(502, f"{failed} It closed the connection or sent what is not HTTP."),
        _error(503, "No instance of the app accepted a connection."),
        _error(504, f"The app sent nothing for {limits.server_s} s."),
    ]
    return _section("defaults", lines)


def _error(status: int, text: str) -> str:
    text = f"{status}: {text}\\nnext: headway logs, headway why\\n"
    return f'http-error status {status} {_PLAIN} string "{text}"'


def _http_frontend(wiring: Wiring) -> str:
    return _section(
        f"frontend {HTTP_FRONTEND}",
        [
            f"bind fd@{wiring.http_fd}",
            "http-request del-header Forwarded",
            "http-request del-header X-Real-IP",
            "http-request set-header X-Forwarded-For %[src]",
            "http-request set-header X-Forwarded-Proto http",
            "http-request set-header X-Forwarded-Host %[req.hdr(host)]",
            "http-request set-header X-Forwarded-Port %[dst_port]",
            # One look-up and no variable: this line costs every request.
            f"use_backend %[{_HOST},map({wiring.hosts},{UNKNOWN_HOST})]",
        ],
    )


def _unknown_host() -> str:
    text = (
        f"404: No app that has started has the host name '%[{_HOST}]' here.\\n"
        "Addresses look like http://APP.ENVIRONMENT.localhost.\\n"
        "next: headway status\\n"
    )
    return _section(
        f"backend {UNKNOWN_HOST}",
        [f'http-request return status 404 {_PLAIN} lf-string "{text}"'],
    )


def _tcp_frontend(port: int, descriptor: int, backend: str, limits: RouterLimits) -> str:
    return _section(
        f"frontend {tcp_frontend(port)}",
        [
            "mode tcp",
            f"bind fd@{descriptor}",
            f"timeout client {limits.tunnel_s}s",
            "option clitcpka",
            f"default_backend {backend}",
        ],
    )


def _backend(route: Route, limits: RouterLimits) -> str:
    lines = [f"mode {route.protocol.value}", "balance roundrobin"]
    if route.protocol is Protocol.HTTP:
        lines += _http_rules(route)
    else:
        lines += [f"timeout server {limits.tunnel_s}s", "option srvtcpka"]
    lines += [
        f"server {target.container} {address(target)} weight {target.weight}"
        for target in route.targets
    ]
    return _section(f"backend {backend_name(route)}", lines)


def _http_rules(route: Route) -> list[str]:
    environment = environment_name(route.environment)
    text = (
        f"503: {route.app} in {environment} has no healthy instance that takes the request.\\n"
        f"next: headway ps -e {environment} -a {route.app},"
        f" headway why -e {environment} {route.app}\\n"
    )
    # As an error and not as a rule: a rule would be looked at by every request.
    nobody = f'http-error status 503 {_PLAIN} hdr Retry-After 2 string "{text}"'
    return [
        "http-reuse safe",
        # An answer that never came may mean a request that was carried out: only methods that
        # change nothing are sent again.
        "retry-on conn-failure empty-response",
        "http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
        nobody,
    ]
