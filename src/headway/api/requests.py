"""What may be sent, checked by pydantic so that every mistake is reported at once."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from headway.model.deployment import DeploymentKind
from headway.model.lease import ClaimKind
from headway.model.manifest import Strategy
from headway.model.role import Role

Name = Annotated[str, Field(min_length=1, max_length=40)]
Reason = Annotated[str, Field(max_length=2000)]
Digest = Annotated[str, Field(min_length=1, max_length=100)]
Key = Annotated[str, Field(min_length=1, max_length=128)]
Seconds = Annotated[float, Field(gt=0, le=10**8, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StartBody(_Body):
    """Bring apps up with everything they need."""

    apps: list[Name] = Field(min_length=1, max_length=2000)
    sources: list[Digest] = Field(default=[], max_length=100)
    of: dict[Name, Digest] = Field(default={}, max_length=100)
    lease_s: Seconds | None = None
    under: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    reason: Reason = ""
    plan: bool = False


class StopBody(_Body):
    """Stop apps; none named: all of them."""

    apps: list[Name] = Field(default=[], max_length=2000)
    reason: Reason = ""
    plan: bool = False


class LeaseBody(_Body):
    """Renew a lease, from now; null: without end. One that ends earlier must be meant."""

    length_s: Seconds | None = None
    shorten: bool = False


class ClaimBody(_Body):
    """Claim something until a time."""

    id: str | None = Field(default=None, max_length=50)
    kind: ClaimKind = ClaimKind.LOCK
    name: Annotated[str, Field(min_length=1, max_length=100)]
    length_s: Seconds = 3600.0
    places: int | None = Field(default=None, ge=1, le=10_000)
    cpu: float = Field(default=0.0, ge=0, le=10**6, allow_inf_nan=False)
    memory_mib: int = Field(default=0, ge=0, le=10**9)
    from_at: AwareDatetime | None = None
    wait: bool = False
    reason: Reason = ""


class RenewBody(_Body):
    """Keep a lease, from now on; null: for as long as before. Or wait for it a little."""

    length_s: Seconds | None = None
    wait_s: float = Field(default=0.0, ge=0, le=60, allow_inf_nan=False)


class ReleaseBody(_Body):
    """Give a lease up."""

    reason: Reason = ""


class TokenBody(_Body):
    """Make a token. `length_s` null: good until it is revoked."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role
    teams: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default=[], max_length=50
    )
    length_s: Seconds | None = None


class CopyBody(_Body):
    """Start the same in a new environment."""

    to: Name
    of: dict[Name, Digest] = Field(default={}, max_length=100)
    lease_s: Seconds | None = None
    plan: bool = False


class ValueBody(_Body):
    """A config value."""

    value: str = Field(max_length=256 * 1024)
    secret: bool = False


class ConfigBody(_Body):
    """Set and unset config keys."""

    set: dict[Key, ValueBody] = Field(default={}, max_length=500)
    unset: list[Key] = Field(default=[], max_length=500)
    deploy: bool = True
    reason: Reason = ""
    plan: bool = False


class CommitBody(_Body):
    """One commit between the release that serves and this one."""

    id: str = Field(max_length=64)
    subject: str = Field(max_length=500)
    author: str = Field(default="", max_length=200)


class DeployBody(_Body):
    """Move an app to another release."""

    kind: DeploymentKind = DeploymentKind.DEPLOY
    source: Digest | None = None
    release: int | None = Field(default=None, ge=1, le=10**9)
    scale: dict[Name, Annotated[int, Field(ge=0, le=1000)]] = Field(default={}, max_length=100)
    strategy: Strategy | None = None
    canary_percent: int | None = Field(default=None, ge=1, le=99)
    replace: bool = False
    reason: Reason = ""
    commits: list[CommitBody] = Field(default=[], max_length=200)
    plan: bool = False


class AgainBody(_Body):
    """Make a run again, with other parameters or, null, with the same."""

    parameters: dict[str, Any] | None = None


class DeadBody(_Body):
    """Which runs of the dead-letter list: those named, or all that match, oldest first."""

    runs: list[Annotated[str, Field(max_length=100)]] = Field(default=[], max_length=10_000)
    environment: Name | None = None
    app: Name | None = None
    job: str | None = Field(default=None, max_length=100)
    queue: str | None = Field(default=None, max_length=100)
    after: str | None = Field(default=None, max_length=100)
    limit: int = Field(default=1000, ge=1, le=10_000)


class HoldBody(_Body):
    """What is said of a queue."""

    paused: bool = False
    draining: bool = False
    reason: Reason = ""


class ReasonBody(_Body):
    """Why something is asked for."""

    reason: Reason = ""


class RebalanceBody(_Body):
    """Which nodes are to be emptied, as it was proposed."""

    nodes: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        min_length=1, max_length=1000
    )
    churn: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1


class PoolBody(_Body):
    """A pool as its YAML document says it."""

    document: str = Field(max_length=64 * 1024)
    plan: bool = False
    reason: Reason = ""


class PoolScaleBody(_Body):
    """Other bounds; null leaves one as it is."""

    nodes_min: int | None = Field(default=None, ge=0, le=10_000)
    nodes_max: int | None = Field(default=None, ge=0, le=10_000)
    reason: Reason = ""


class DrainBody(_Body):
    """Empty a node; null: within the time that the settings give."""

    within_s: Annotated[float, Field(ge=0, le=10**8, allow_inf_nan=False)] | None = None
    reason: Reason = ""


class RunBody(_Body):
    """Run a command once."""

    command: str = Field(default="", max_length=64 * 1024)
    process: Name | None = None
    timeout_s: Seconds | None = 3600.0
    wait_for_exec: bool = False
