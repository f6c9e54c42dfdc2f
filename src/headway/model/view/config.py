"""The config of an app in an environment, as it may be shown."""

from headway.model.config import ConfigChange
from headway.model.deployment import Deployment
from headway.model.ids import AppName, EnvironmentName
from headway.model.value import Value
from headway.model.view.change import Obstacle, PlannedChange
from headway.model.view.difference import ConfigDifference


class ConfigValue(Value, kw_only=True):
    """A config key as it may be shown."""

    key: str
    value: str | None
    """None where it must not be shown (a secret) or is not set."""
    secret: bool = False
    required: bool = False
    default: bool = False
    """The value is the manifest's default."""


class ConfigView(Value, kw_only=True):
    """The config of an app in an environment."""

    environment: EnvironmentName
    app: AppName
    number: int
    values: tuple[ConfigValue, ...] = ()
    missing: tuple[str, ...] = ()
    deployment: Deployment | None = None
    """After a change: the deployment that carries it out."""
    unchanged: bool = False
    """After a change: all was so already."""
    serves: bool = False
    """Whether the app has a live release and was not stopped."""
    plan: tuple[PlannedChange, ...] = ()
    """Only when a plan was asked for: nothing was changed then."""
    obstacles: tuple[Obstacle, ...] = ()
    """Only with a plan: what would be in its way."""


class ConfigVersion(Value, kw_only=True):
    """The config of an app as one change left it."""

    environment: EnvironmentName
    app: AppName
    change: ConfigChange
    last: int
    """The number of the last change there is."""
    releases: tuple[int, ...] = ()
    """Releases that have it, the newest first."""
    values: tuple[ConfigValue, ...] | None = None
    """None: no release was made with it, so that its values are not kept."""
    differences: tuple[ConfigDifference, ...] | None = None
    """From what was before; None where that is not kept."""
