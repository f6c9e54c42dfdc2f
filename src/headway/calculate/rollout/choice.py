"""By which strategy an app moves: where its releases may run beside each other, and where not."""

from headway.model.manifest import BESIDE, Manifest, Strategy

USE_ROLLING = "use rolling: a copy leaves before its successor has the port"


def to_go_back(target: Manifest, live: Manifest | None) -> Strategy:
    """Choose how to go back: quickly, so all at once where the app can run twice."""
    if target.deploy.strategy is Strategy.RECREATE:
        return Strategy.RECREATE
    if target.host_ports or (live is not None and live.host_ports):
        return Strategy.ROLLING
    return Strategy.BLUE_GREEN


def beside_problem(strategy: Strategy, target: Manifest) -> str:
    """Say why a strategy cannot run two releases beside each other; empty where it can.

    Their copies have a port of the machine; the new ones would wait for the old in vain.
    """
    if strategy not in BESIDE or not target.host_ports:
        return ""
    return (
        f"{strategy.value} runs two releases beside each other, and one machine has port "
        f"{target.host_ports[0]} once"
    )
