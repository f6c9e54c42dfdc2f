"""What this machine can give containers, and how to mend what it cannot."""

import shutil
import sys

from headway.engines.process import cgroups, host, seccomp
from headway.model.node import Node, NodeState
from headway.model.resources import Resources
from headway.model.view.check import Check
from headway.ports.engine import EngineError

_FIX = "run as root, or in a systemd service with Delegate=yes"


def machine_checks(uid: int | None) -> list[Check]:
    """Look at the sandbox, the control groups and the tools that builds use."""
    sandbox = [_sandbox(uid), _filter(), _users(uid), *_groups()]
    return [*sandbox, _python(), *_tools()]


def _sandbox(uid: int | None) -> Check:
    try:
        found = host.bubblewrap(uid)
    except EngineError as error:
        return Check(name="sandbox", ok=False, detail=str(error), fix="see what it says")
    nested = "" if found.disable_userns else "; containers may make user namespaces"
    return Check(
        name="sandbox", ok=True, detail=f"bubblewrap {found.version} at {found.path}{nested}"
    )


def _filter() -> Check:
    known = seccomp.program() is not None
    detail = "system calls are filtered" if known else "no system-call filter for this processor"
    return Check(name="system calls", ok=known, detail=detail, fix="use x86_64 or aarch64")


def _users(uid: int | None) -> Check:
    if uid is not None:
        return Check(name="users", ok=True, detail="each app has a user id of its own")
    return Check(
        name="users",
        ok=True,
        detail="containers run as this user: run headway as root to keep apps and runs apart "
        "by user id, too",
    )


def _groups() -> list[Check]:
    found = cgroups.find()
    if not found.missing:
        where = ", ".join(sorted(map(str, found.parents.values())))
        detail = f"version {found.version}: memory, processes and cpu are limited, below {where}"
        return [Check(name="control groups", ok=True, detail=detail)]
    checks = [
        Check(name="control groups", ok=False, detail=limit, fix=_FIX) for limit in found.missing
    ]
    return [*checks, *space_checks(found)]


def space_checks(found: cgroups.Hierarchy) -> list[Check]:
    """Say what private space comes to where no group counts it."""
    if found.limits_memory:
        return []
    beside = Resources().disk_mib
    detail = (
        f"private space of containers is in memory and counted by no group: each has its bound, "
        f"{beside} MiB where it says nothing, and all together none but this machine's memory"
    )
    return [Check(name="private space", ok=False, detail=detail, fix=_FIX)]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(name="python", ok=True, detail=f"{version} at {sys.base_prefix}")


def _tools() -> list[Check]:
    git = shutil.which("git")
    node = shutil.which("node")
    return [
        Check(
            name="git",
            ok=git is not None,
            detail=git or "not found",
            fix="install git: commits are then known, and ignored files left out",
        ),
        Check(name="node", ok=True, detail=node or "not found: Node apps cannot be built here"),
    ]


def node_check(node: Node) -> Check:
    """Say whether the agent of a node answers."""
    is_heard = node.state is not NodeState.LOST
    detail = "its agent answers" if is_heard else "its agent does not answer; it is asked again"
    fix = "" if is_heard else f"headway why {node.id}"
    return Check(name=f"node {node.id}", ok=is_heard, detail=detail, fix=fix)
