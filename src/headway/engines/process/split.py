"""This machine as one node or several: their names, directories and shares.

DATA/nodes.json remembers the name, the number and what is lent, so that ids stay as they are over
restarts, also when the machine gets another host name.
"""

import socket
from pathlib import Path
from string import ascii_lowercase

import msgspec

from headway.machine.files import write_whole
from headway.model.ids import NodeId
from headway.model.node import Node

NODES_MAX = 16
LENT_MAX = 16
"""Nodes that pools have beside those; theirs are the directories after the others'."""
_FILE = "nodes.json"


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """How many nodes this machine is, and the name of the first."""

    name: str
    count: int = 1
    lend: int = 0
    """So many percent of the machine are kept for nodes that pools ask for."""

    def identity(self, index: int) -> NodeId:
        """Give the id of a node; the first has the machine's own name."""
        return NodeId(self.name if index == 0 else f"{self.name}-{index + 1}")

    def share(self, machine: Node, index: int) -> Node:
        """Give a node its equal part of what is not lent."""
        kept = (100 - self.lend) / 100 / self.count
        tags = {**machine.tags, "node": self.identity(index)}
        if self.count > 1:
            tags["zone"] = ascii_lowercase[index]
        return msgspec.structs.replace(
            machine,
            id=self.identity(index),
            cpu=round(machine.cpu * kept, 3),
            memory_mib=int(machine.memory_mib * kept),
            tags=tags,
        )


def read_split(data: Path) -> Split:
    """Give how this machine was split last time; one node, where it never was."""
    try:
        return msgspec.json.decode((data / _FILE).read_bytes(), type=Split)
    except (FileNotFoundError, msgspec.DecodeError):
        return Split(name=socket.gethostname())


def write_split(data: Path, split: Split) -> None:
    """Remember how this machine is split."""
    if (data / _FILE).exists() and read_split(data) == split:
        return
    write_whole(data / _FILE, msgspec.json.encode(split))


def folder_of(data: Path, index: int) -> Path:
    """Give the directory of a node's agent."""
    return data / "agent" if index == 0 else data / "agents" / str(index + 1)


def folders(data: Path) -> list[Path]:
    """List the directories of every agent that there ever was, in the order of the nodes."""
    found = [folder_of(data, index) for index in range(NODES_MAX + LENT_MAX)]
    return [folder for folder in found if folder.is_dir()]
