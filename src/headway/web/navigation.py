"""What stands at the side of every page."""

from collections.abc import Container
from typing import NamedTuple


class Entry(NamedTuple):
    """One entry of the navigation."""

    text: str
    url: str


class Section(NamedTuple):
    """Some entries under a word."""

    text: str
    entries: tuple[Entry, ...]


_ALL = (
    Section("", (Entry("Now", "/"),)),
    Section(
        "Services",
        (Entry("Apps", "/apps"), Entry("Environments", "/envs"), Entry("Routes", "/routes")),
    ),
    Section(
        "Work",
        (
            Entry("Jobs", "/jobs"),
            Entry("Runs", "/runs"),
            Entry("Queues", "/queues"),
            Entry("Schedules", "/schedules"),
        ),
    ),
    Section(
        "Machines",
        (Entry("Nodes", "/nodes"), Entry("Pools", "/pools"), Entry("Leases", "/leases")),
    ),
    Section("Record", (Entry("Events", "/events"), Entry("Status", "/status"))),
)


def navigation(paths: Container[str]) -> tuple[Section, ...]:
    """List what there are pages for."""
    sections = (
        Section(one.text, tuple(entry for entry in one.entries if entry.url in paths))
        for one in _ALL
    )
    return tuple(section for section in sections if section.entries)
