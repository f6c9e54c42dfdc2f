"""What happened, in plain words: the kinds of events, as pages tell them."""

_NOUNS = {
    "app": "app",
    "build": "build",
    "config": "config",
    "container": "container",
    "deployment": "deployment",
    "environment": "environment",
    "lease": "lease",
    "member": "app",
    "monitor": "monitor",
    "node": "node",
    "pool": "pool",
    "queue": "queue",
    "rebalance": "rebalancing",
    "release": "release",
    "run": "run",
    "schedule": "schedule",
    "session": "session",
    "token": "token",
}
_KINDS = {
    "app.preempting": "app takes room from others",
    "app.source": "source of an app received",
    "build.requested": "build asked for",
    "container.exec": "command run in a container",
    "container.exec_refused": "command in a container not run",
    "container.exited": "container ended",
    "container.kept": "container need not give way",
    "container.pending": "container to be started",
    "container.preempted": "container is to give way",
    "container.requested": "container asked for",
    "deployment.abort": "abort of a deployment asked for",
    "deployment.advanced": "deployment went on",
    "deployment.forgotten": "old deployments forgotten",
    "deployment.promote": "promotion of a deployment asked for",
    "deployment.requested": "deployment asked for",
    "lease.asked": "lease asked for",
    "lease.cleared": "what a lease held is empty",
    "lease.warning": "lease about to end",
    "member.traffic": "shares of an app changed",
    "monitor.cancelled": "monitor cancelled a run",
    "monitor.drained": "monitor emptied a node",
    "node.cordoned": "node takes nothing new",
    "node.draining": "node is being emptied",
    "node.drained": "node is empty",
    "node.gone": "node is there no more",
    "node.leaving": "node is being emptied to be given back",
    "node.lent": "node lent",
    "node.noticed": "provider takes a node back",
    "node.released": "node given back",
    "node.uncordoned": "node back in use",
    "node.wanted": "node asked for",
    "queue.drained": "queue takes no new runs",
    "rebalance.done": "rebalancing has emptied a node",
    "rebalance.emptying": "rebalancing empties a node",
    "release.forgotten": "old releases forgotten",
    "run.cancelling": "run is being cancelled",
    "run.dead": "run has used up its retries",
    "run.expired": "run not begun by its deadline",
    "run.flagged": "run looked wrong to the monitor",
    "run.gang": "run started with others",
    "run.gang_broken": "run ends with others",
    "run.preempted": "run is to give way",
    "run.preempting": "run takes room from others",
    "run.requested": "run asked for",
    "run.timed_out": "run took too long",
}
"""Those that their noun and verb alone do not tell."""


def told(kind: str) -> str:
    """Write what happened in plain words.

    >>> told("run.preempting"), told("build.succeeded"), told("member.stopped")
    ('run takes room from others', 'build succeeded', 'app stopped')
    """
    noun, _, verb = kind.partition(".")
    return _KINDS.get(kind) or f"{_NOUNS.get(noun, noun)} {verb.replace('_', ' ')}".strip()
