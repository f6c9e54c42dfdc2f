"""Turns a container's row into the order that an engine carries out."""

from urllib.parse import urlsplit

from headway.calculate.command import as_main
from headway.calculate.route import addresses
from headway.control.tokens import of_environment
from headway.control.world import World
from headway.model.build import Mount
from headway.model.container import Container, ContainerKind
from headway.model.environment import Member
from headway.model.ids import AppName, EnvironmentId, environment_name
from headway.model.manifest import Protocol
from headway.model.order import Order
from headway.model.release import Release
from headway.model.value import Value
from headway.ports.store import Reader

WAIT_COMMAND = "exec sleep infinity"
_TOKEN = "HEADWAY_TOKEN"  # noqa: S105 (the variable's name)


class Need(Value, kw_only=True):
    """Everything of the store that an order is made of."""

    container: Container
    release: Release
    member: Member
    neighbours: dict[AppName, tuple[Member, Release]]
    """Dependencies that are deployed."""


def read_need(reader: Reader, container: Container) -> Need | None:
    """Read what a container's order needs, or None when its app is gone."""
    release = reader.get(Release, container.environment, container.app, container.release)
    member = reader.get(Member, container.environment, container.app)
    if release is None or member is None:
        return None
    neighbours: dict[AppName, tuple[Member, Release]] = {}
    for app in release.manifest.dependencies:
        other = reader.get(Member, container.environment, app)
        live = (
            reader.get(Release, container.environment, app, other.live)
            if other and other.live
            else None
        )
        if other is not None and live is not None:
            neighbours[app] = (other, live)
    return Need(container=container, release=release, member=member, neighbours=neighbours)


async def make_order(world: World, need: Need) -> Order:
    """Make the order for a container. Secrets are opened here and only here."""
    container, release = need.container, need.release
    manifest = release.manifest
    process = manifest.process(container.process)
    environment = environment_name(container.environment)
    service = container.kind is ContainerKind.SERVICE
    command = process.command if service and process else container.command
    exposed = process.expose if service and process else ()
    jobs = manifest.jobs if container.kind is ContainerKind.RUNNER else ()
    owner = f"{container.environment}/{container.app}"
    volumes = [
        Mount(source=await world.engine.volume(owner, row.name), path=row.path, writable=True)
        for row in manifest.volumes
    ]
    return Order(
        id=container.id,
        kind=container.kind,
        environment=container.environment,
        app=container.app,
        name=f"{environment}/{container.app}/{container.label}",
        argv=("/bin/sh", "-c", as_main(command)) if command else (),
        jobs=jobs,
        variables=_variables(world, need),
        secrets=(
            *sorted(key for key, row in release.config.items() if row.secret),
            _TOKEN,
        ),
        mounts=(*world.builder.mounts(release.artifact), *volumes),
        hosts=_hosts(need),
        reach=_reach(world, need) if jobs else (),
        import_s=world.settings.jobs_import_s,
        expose=tuple(row.name for row in exposed),
        host_ports={row.name: row.host_port for row in exposed if row.host_port is not None},
        resources=container.resources,
        stop_grace_s=process.stop_grace_s if process else 10.0,
        timeout_s=_timeout_s(need),
    )


def _timeout_s(need: Need) -> float | None:
    if need.container.kind is ContainerKind.RELEASE:
        return need.release.manifest.release_timeout_s
    return need.container.timeout_s


def _variables(world: World, need: Need) -> dict[str, str]:
    container, release = need.container, need.release
    settings = {
        key: world.vault.open(row.sealed, config_place(container.environment, container.app, key))
        for key, row in release.config.items()
    }
    defaults = {key: value for key, value in release.manifest.env.items() if value is not None}
    return {
        **release.artifact.variables,
        **defaults,
        **settings,
        **service_variables(need, world.router.http_port),
        "HEADWAY_APP": container.app,
        "HEADWAY_CONTAINER": container.id,
        "HEADWAY_ENVIRONMENT": environment_name(container.environment),
        "HEADWAY_PROCESS": container.process,
        "HEADWAY_RELEASE": release.label,
        "HEADWAY_URL": world.url,
        _TOKEN: of_environment(world.vault, container.environment),
    }


def config_place(environment: EnvironmentId, app: AppName, key: str) -> str:
    """Name the place for which a config value is sealed."""
    return f"{environment}/{app}/{key}"


def service_variables(need: Need, http_port: int) -> dict[str, str]:
    """Tell a container where its dependencies are: at their stable addresses.

    Each exposed port gives `SERVICE_<APP>_<EXPOSE>_PROTO`, `_HOST` and `_PORT`.
    """
    variables: dict[str, str] = {}
    for app, (member, live) in need.neighbours.items():
        for _, expose, host in addresses(member, live):
            word = f"SERVICE_{app}_{expose.name}".upper().replace("-", "_")
            http = expose.protocol is Protocol.HTTP
            variables[f"{word}_PROTO"] = expose.protocol.value
            variables[f"{word}_HOST"] = host if http else "127.0.0.1"
            variables[f"{word}_PORT"] = str(
                http_port if http else member.tcp_ports.get(expose.name, 0)
            )
    return variables


def _reach(world: World, need: Need) -> tuple[int, ...]:
    """List where the variables of a container lead: the router's ports, and headway's own."""
    ports = {world.router.http_port, urlsplit(world.url).port or 0}
    for member, _ in need.neighbours.values():
        ports.update(member.tcp_ports.values())
    return tuple(sorted(ports - {0}))


def _hosts(need: Need) -> tuple[str, ...]:
    """Names that an app may ask for: its own and those of its dependencies."""
    rows = [(need.member, need.release), *need.neighbours.values()]
    return tuple(sorted({host for row in rows for *_, host in addresses(*row)}))
