"""Identities: how things are named, parsed and rendered.

An environment's name may be used again after it ended, so what belongs to one life of an
environment is keyed by an `EnvironmentId`: the name and a suffix, `demo~7f3a2c`.
"""

from __future__ import annotations

import re
from typing import NewType

AppName = NewType("AppName", str)
EnvironmentName = NewType("EnvironmentName", str)
EnvironmentId = NewType("EnvironmentId", str)
ContainerId = NewType("ContainerId", str)
DeploymentId = NewType("DeploymentId", str)
BuildId = NewType("BuildId", str)
RunId = NewType("RunId", str)
NodeId = NewType("NodeId", str)
PoolName = NewType("PoolName", str)
RebalancingId = NewType("RebalancingId", str)
LeaseId = NewType("LeaseId", str)
Digest = NewType("Digest", str)
MemberKey = tuple[EnvironmentId, AppName]
"""Of an app in an environment."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
NAME_LENGTH_MAX = 40


def is_name(text: str) -> bool:
    """Say whether a text can name an app, environment, process, volume or expose.

    Names become parts of host names and of paths: lower-case letters, digits and single
    hyphens, starting with a letter, at most 40 characters.

    >>> is_name("api-router"), is_name("Api"), is_name("a--b"), is_name("x" * 41)
    (True, False, False, False)
    """
    return len(text) <= NAME_LENGTH_MAX and NAME.fullmatch(text) is not None


def name_from(text: str) -> str | None:
    """Make a name of a directory's, such as `my-shop` of `My_Shop`.

    >>> name_from("My_Shop.v2"), name_from("123")
    ('my-shop-v2', None)
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LENGTH_MAX].strip("-")
    return name if is_name(name) else None


def environment_id(name: EnvironmentName, suffix: str) -> EnvironmentId:
    """Join a name and the suffix of one life of that environment.

    >>> environment_id(EnvironmentName("demo"), "7f3a2c")
    'demo~7f3a2c'
    """
    return EnvironmentId(f"{name}~{suffix}")


def environment_name(identity: EnvironmentId) -> EnvironmentName:
    """Give the name inside an `EnvironmentId`.

    >>> environment_name(EnvironmentId("demo~7f3a2c"))
    'demo'
    """
    return EnvironmentName(identity.partition("~")[0])
