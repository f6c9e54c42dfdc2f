"""What queues are told apart by."""

from headway.model.ids import AppName, EnvironmentId

Line = tuple[EnvironmentId, AppName, str]
"""A queue of an app in an environment."""
