"""By which strategy an app moves: where its releases may run beside each other, and where not."""

from headway.control.errors import Invalid
from headway.model.manifest import BESIDE, Manifest, Strategy


def to_go_back(target: Manifest, live: Manifest | None) -> Strategy:
    """Choose how to go back: quickly, so all at once where the app can run twice."""
    if target.deploy.strategy is Strategy.RECREATE:
        return Strategy.RECREATE
    if target.host_ports or (live is not None and live.host_ports):
        return Strategy.ROLLING
    return Strategy.BLUE_GREEN


def refuse_beside(strategy: Strategy, target: Manifest) -> None:
    """Refuse to run two releases beside each other where a machine has room for one.

    Their copies have a port of the machine; the new ones would wait for the old in vain.

    Raises:
        Invalid: That was asked for.
    """
    if strategy in BESIDE and target.host_ports:
        raise Invalid(
            "strategy-invalid",
            f"{strategy.value} runs two releases beside each other, and one machine has port "
            f"{target.host_ports[0]} once",
            hint="use rolling: a copy leaves before its successor has the port",
        )
