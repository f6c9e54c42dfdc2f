"""A world of one app that obeys plans one by one, and breaks where a test says so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from headway.calculate.demand import of_container
from headway.calculate.placement import Fleet
from headway.calculate.rollout.member import plan_member
from headway.calculate.route import member_routes
from headway.model.build import Artifact, Build, BuildState
from headway.model.container import Container, ContainerKind, ContainerState, Exit
from headway.model.demand import Demand
from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.environment import Environment, Member
from headway.model.ids import AppName, BuildId, DeploymentId, Digest, EnvironmentId, NodeId
from headway.model.lease import Tenure
from headway.model.manifest import (
    CheckType,
    Deploy,
    Expose,
    HealthCheck,
    Manifest,
    Process,
    Strategy,
)
from headway.model.node import Node
from headway.model.plan import Change, Verb
from headway.model.release import Release
from headway.model.route import RouterView, Traffic
from headway.model.snapshot import MemberSnapshot, Readiness

START = datetime(2026, 1, 1, tzinfo=UTC)
ENVIRONMENT = EnvironmentId("demo~abc123")
APP = AppName("web")
Behaviour = Callable[[Container], str]
"""What a container does once started: `healthy`, `exits`, `silent` or `flaps`."""


def manifest(*, scale: int = 2, deploy: Deploy | None = None, **fields: object) -> Manifest:
    check = HealthCheck(type=CheckType.HTTP, grace_s=30)
    web = Process(
        name="web",
        command="serve",
        scale=scale,
        expose=(Expose(name="http", port=80, health_check=check),),
    )
    values: dict[str, object] = {"processes": (web,), "deploy": deploy or Deploy()} | fields
    return msgspec.convert(
        {"name": APP, **{key: msgspec.to_builtins(value) for key, value in values.items()}},
        Manifest,
    )


class SmallWorld:
    """Time moves only by `run` and `pass_time`."""

    def __init__(self) -> None:
        self.now = START
        self.environment = Environment(
            id=ENVIRONMENT,
            lease=Tenure(holder="ana", until=None),
            created_at=START,
            created_by="ana",
        )
        self.member = Member(environment=ENVIRONMENT, app=APP)
        self.deployments: dict[str, Deployment] = {}
        self.releases: dict[int, Release] = {}
        self.containers: dict[str, Container] = {}
        self.builds: dict[str, Build] = {}
        self.readiness: dict[AppName, Readiness] = {}
        self.traffic: dict[str, Traffic] = {}
        self.nodes = (Node(id=NodeId("n1"), cpu=16, memory_mib=32_000),)
        self.behaviour: Behaviour = lambda _container: "healthy"
        self.changes: list[Change] = []
        self.watchers: list[Callable[[], None]] = []
        self.pending = ""
        self.table: frozenset[str] = frozenset()
        self.vacated: frozenset[NodeId] = frozenset()
        self.elsewhere: dict[str, Demand] = {}
        """What other apps have on the first node."""

    # --- asking ----------------------------------------------------------------------------

    def release(self, what: Manifest) -> int:
        number = len(self.releases) + 1
        artifact = Artifact(digest=Digest(f"sha256:{number}"), slug=Digest(f"sha256:{number}"))
        self.releases[number] = Release(
            environment=ENVIRONMENT,
            app=APP,
            number=number,
            fingerprint=str(number),
            artifact=artifact,
            manifest=what,
            source=Digest("sha256:source"),
            created_at=self.now,
            created_by="ana",
        )
        return number

    def deploy(
        self,
        number: int,
        kind: DeploymentKind = DeploymentKind.DEPLOY,
        strategy: Strategy | None = None,
        **fields: object,
    ) -> str:
        identity = f"dep-{len(self.deployments) + 1}"
        row = Deployment(
            id=DeploymentId(identity),
            environment=ENVIRONMENT,
            app=APP,
            number=len(self.deployments) + 1,
            kind=kind,
            strategy=strategy or self.releases[number].manifest.deploy.strategy,
            release=number,
            created_at=self.now,
            created_by="ana",
            progress_at=self.now,
        )
        self.deployments[identity] = msgspec.structs.replace(row, **fields)
        return identity

    def deploy_source(self) -> str:
        build = Build(
            id=BuildId("bld-1"),
            app=APP,
            source=Digest("sha256:source"),
            created_at=self.now,
            created_by="ana",
        )
        self.builds["bld-1"] = build
        identity = self.deploy(1) if self.releases else ""
        if not identity:
            self.release(manifest())
            identity = self.deploy(1)
            self.releases.clear()
        self.deployments[identity] = msgspec.structs.replace(
            self.deployments[identity], release=None, build=build.id, source=build.source
        )
        return identity

    def set_deployment(self, identity: str, **fields: object) -> None:
        self.deployments[identity] = msgspec.structs.replace(self.deployments[identity], **fields)

    # --- looking ---------------------------------------------------------------------------

    def phase(self, identity: str) -> Phase:
        return self.deployments[identity].phase

    def live(self, release: int | None = None) -> list[Container]:
        return [
            row
            for row in self.containers.values()
            if not row.is_ended and (release is None or row.release == release)
        ]

    def serving(self) -> dict[int, int]:
        """Weight of each release in the route table, all targets added."""
        found: dict[int, int] = {}
        for target in self._targets():
            found[target.release] = found.get(target.release, 0) + target.weight
        return found

    def snapshot(self) -> MemberSnapshot:
        active = tuple(
            sorted(
                (row for row in self.deployments.values() if not row.is_ended),
                key=lambda row: row.number,
            )
        )
        build = self.builds.get(active[0].build or "") if active else None
        return MemberSnapshot(
            environment=self.environment,
            member=self.member,
            deployments=active,
            releases=self.releases,
            build=build,
            containers=tuple(row for row in self.containers.values() if not row.retired),
            dependencies=self.readiness,
            vacated=self.vacated,
            router=RouterView(targets=self.table, traffic=self.traffic),
        )

    def fleet(self) -> Fleet:
        fleet = Fleet()
        for node in self.nodes:
            fleet.put(node)
        for row in self.live():
            fleet.hold(row.id, row.node, of_container(row))
        for name, demand in self.elsewhere.items():
            fleet.hold(name, self.nodes[0].id, demand)
        return fleet

    # --- living ----------------------------------------------------------------------------

    def run(self, steps: int = 500) -> None:
        """Let decisions and the world take turns until nothing happens without time passing."""
        for _ in range(steps):
            if not self.beat():
                return
        raise AssertionError("it never settles")

    def beat(self) -> bool:
        """Take one decision and let the world obey; say whether anything happened."""
        self.now += timedelta(microseconds=1)  # no two decisions are at the same instant
        plan = plan_member(self.snapshot(), self.now, self.fleet())
        self.pending = plan.pending
        for change in plan.changes:
            self._write(change)
        moved = self._obey()
        for watcher in self.watchers:
            watcher()
        if plan.changes or moved:
            return True
        if plan.wake_at is not None and plan.wake_at <= self.now + timedelta(seconds=0.6):
            self.now = max(plan.wake_at, self.now)
            return True
        return False

    def pass_time(self, seconds: float) -> None:
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.run()
            wake_at = plan_member(self.snapshot(), self.now, self.fleet()).wake_at
            self.now = min(end, max(wake_at or end, self.now + timedelta(milliseconds=10)))
        self.run()

    def _write(self, change: Change) -> None:
        self.changes.append(change)
        row = change.row
        if isinstance(row, Environment):
            self.environment = row
        elif isinstance(row, Member):
            self.member = row
        elif isinstance(row, Deployment):
            if change.verb is Verb.CREATE_RELEASE:
                row = msgspec.structs.replace(row, release=self.release(manifest()))
            self.deployments[row.id] = row
        else:
            assert row.id not in self.containers or change.verb is not Verb.START_CONTAINER
            self.containers[row.id] = row

    def _obey(self) -> bool:
        before = (dict(self.containers), self.table)
        for row in list(self.containers.values()):
            self.containers[row.id] = self._lived(row)
        self.table = frozenset(target.container for target in self._targets())
        return before != (self.containers, self.table)

    def _lived(self, row: Container) -> Container:
        ended = Exit(status=0, at=self.now)
        if row.state is ContainerState.STOPPING:
            return msgspec.structs.replace(row, state=ContainerState.EXITED, exit=ended)
        if row.state is ContainerState.PENDING:
            return msgspec.structs.replace(
                row, state=ContainerState.STARTING, started_at=self.now, ports={"http": 20000}
            )
        if row.state is not ContainerState.STARTING:
            return row
        does = self.behaviour(row)
        if row.kind is ContainerKind.RELEASE:
            ended = Exit(status=1 if does == "exits" else 0, at=self.now)
            return msgspec.structs.replace(row, state=ContainerState.EXITED, exit=ended)
        if does == "exits":
            crashed = Exit(status=3, at=self.now)
            return msgspec.structs.replace(row, state=ContainerState.EXITED, exit=crashed)
        if does == "healthy":
            return msgspec.structs.replace(row, state=ContainerState.HEALTHY, healthy_at=self.now)
        return row

    def crash(self, container: Container) -> None:
        self.containers[container.id] = msgspec.structs.replace(
            container, state=ContainerState.EXITED, exit=Exit(status=9, at=self.now)
        )

    def built(self) -> None:
        artifact = Artifact(digest=Digest("sha256:a"), slug=Digest("sha256:a"))
        self.builds["bld-1"] = msgspec.structs.replace(
            self.builds["bld-1"], state=BuildState.SUCCEEDED, artifact=artifact
        )

    def _targets(self):
        routes = member_routes(
            self.environment, self.member, self.releases, list(self.containers.values())
        ).routes
        return [target for route in routes for target in route.targets if target.weight]
