"""The last answer of each container's health check, for those who watch."""

from headway.model.failure import ProbeAnswer
from headway.model.ids import ContainerId


class Probes:
    """Holds what is too lively for the store: every probe's answer and how often it came."""

    def __init__(self) -> None:
        self._answers: dict[ContainerId, ProbeAnswer] = {}

    def note(self, container: ContainerId, answer: ProbeAnswer) -> None:
        """Keep the newest answer."""
        self._answers[container] = answer

    def forget(self, container: ContainerId) -> None:
        """Let go of a container that is no longer probed."""
        self._answers.pop(container, None)

    def last(self, container: ContainerId) -> ProbeAnswer | None:
        """Give the newest answer, if there was one since the control plane started."""
        return self._answers.get(container)
