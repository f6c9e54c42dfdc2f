"""What an operator may set, with its defaults."""

from headway.model.value import Value


class Settings(Value, kw_only=True):
    """Limits and choices of one installation."""

    tcp_port_first: int = 7100
    """The router's ports for exposes that are not HTTP."""
    tcp_port_last: int = 7999
    environments_max: int = 1000
    apps_max: int = 5000
    members_max: int = 2000
    """Apps in one environment."""
    deployments_waiting_max: int = 20
    """Of one app in one environment."""
    config_keys_max: int = 500
    config_bytes_max: int = 256 * 1024
    """Of one app in one environment, all values together."""
    builds_parallel: int = 2
    starts_parallel: int = 8
    containers_kept: int = 500
    """Ended containers whose rows and logs are kept, newest first."""
    containers_kept_per_app: int = 20
    events_kept: int = 500_000
    releases_built_kept: int = 5
    """Releases per app and environment whose artifacts are kept, beside those in use."""
    lease_max_s: float = 30 * 24 * 3600.0
    """For any environment but production."""
