"""What an operator may set in `settings.yaml`, with the defaults."""

from headway.model.resources import MIB
from headway.model.value import Value


class RouterLimits(Value, kw_only=True):
    """Limits of the router; times in seconds.

    `client_s` and `server_s` bound silence, not length: an upload or an answer may take as long
    as it likes while bytes move.
    """

    connections_max: int = 10_000
    connect_s: int = 2
    headers_s: int = 10
    client_s: int = 300
    server_s: int = 300
    idle_s: int = 60
    tunnel_s: int = 3600
    retire_s: int = 3600
    retired_max: int = 16
    header_bytes: int = 16_384
    headers_max: int = 100


DEPLOYMENTS_LEAST = 200
"""Of an app in an environment: among so many of the last is looked for what served before."""


class Settings(Value, kw_only=True):
    """Limits and choices of one installation. `formats/settings_yaml.py` explains each."""

    environments_max: int = 1000
    apps_max: int = 5000
    members_max: int = 2000
    deployments_waiting_max: int = 20
    lease_max_s: float = 30 * 24 * 3600.0
    leases_max: int = 10_000
    line_max: int = 100
    locks_max: int = 1000
    booking_lead_s: float = 3600.0
    leases_kept: int = 10_000
    tokens_max: int = 1000
    sessions_max: int = 1000
    session_s: float = 30 * 24 * 3600.0
    session_idle_s: float = 7 * 24 * 3600.0
    config_keys_max: int = 500
    config_bytes_max: int = 256 * 1024
    request_bytes_max: int = MIB
    source_bytes_max: int = 256 * MIB
    source_files_max: int = 100_000
    builds_parallel: int = 2
    starts_parallel: int = 8
    tcp_port_first: int = 7100
    tcp_port_last: int = 7999
    environments_kept: int = 1000
    containers_kept: int = 500
    containers_kept_per_app: int = 20
    releases_built_kept: int = 5
    releases_kept: int = 200
    deployments_kept: int = 1000
    events_kept: int = 500_000
    runs_kept: int = 1_000_000
    runs_kept_s: float = 30 * 24 * 3600.0
    runner_idle_s: float = 600.0
    runner_silence_s: float = 60.0
    jobs_import_s: float = 300.0
    drain_s: float = 600.0
    node_lost_after_s: float = 60.0
    monitor_stuck_s: float = 900.0
    monitor_long_factor: float = 4.0
    monitor_cancel_factor: float = 0.0
    monitor_cancels_hour_max: int = 10
    monitor_drains_hour_max: int = 1
    preemptions_minute_max: int = 60
    passed_over_s: float = 60.0
    promise_s: float = 120.0
    figures_step_s: float = 10.0
    figures_series_max: int = 10_000
    parameters_bytes_max: int = 256 * 1024
    invocations_max: int = 10_000
    invocations_bytes_max: int = 16 * MIB
    router: RouterLimits = RouterLimits()

    @property
    def source_unpacked_bytes_max(self) -> int:
        """How large an app's files may be, unpacked."""
        return 4 * self.source_bytes_max
