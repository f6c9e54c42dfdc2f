"""Every kind of event is told in words that somebody understands who has not read the code."""

import re
from pathlib import Path

import pytest

import headway
from headway.model.build import BuildState
from headway.model.container import ContainerState
from headway.model.node import NodeState
from headway.model.pool_node import PoolNodeState
from headway.model.rebalance import StepState
from headway.model.run import RunState
from headway.web.kinds import _KINDS, _NOUNS, told

_KIND = re.compile(rf"\"((?:{'|'.join(_NOUNS)})\.[a-z_]+)\"")
_FILES = {"html", "js", "py", "yaml", "json"}
_CLEAR = """
approved building cancelled changed created declared draining emptied ended ending extended failed
finished forgotten grew healthy held lost opened paused queued ready released removed renewed
replayed resumed revoked running shrank skipped started starting stopped stopping succeeded
unhealthy waiting
"""
"""Verbs that say what happened, whatever the noun."""
_MADE = {
    "build": BuildState,
    "container": ContainerState,
    "deployment": ("promote", "abort"),
    "node": (*NodeState, *PoolNodeState),
    "rebalance": (*StepState, "approved", "cancelled", "finished"),
    "run": RunState,
    "queue": ("paused", "drained", "resumed"),
    "schedule": ("paused", "resumed"),
}
"""Those that the code puts together."""


def kinds() -> set[str]:
    root = Path(headway.__file__).parent / "control"
    written = {
        kind
        for file in root.rglob("*.py")
        for kind in _KIND.findall(file.read_text())
        if kind.partition(".")[2] not in _FILES
    }
    return written | {f"{noun}.{verb}" for noun, verbs in _MADE.items() for verb in verbs}


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_a_kind_is_told_in_words_or_tells_itself(kind):
    assert kind in _KINDS or kind.partition(".")[2] in _CLEAR.split()
    assert not re.search(r"[._]", told(kind))


def test_nothing_is_told_of_what_never_happens():
    assert _KINDS.keys() <= kinds() | {"deployment.forgotten", "release.forgotten"}
