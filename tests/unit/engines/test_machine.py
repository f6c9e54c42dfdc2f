"""What a machine cannot enforce is told with its node."""

import pytest

from headway.engines.process.cgroups import Hierarchy
from headway.engines.process.doctor import space_checks
from headway.engines.process.machine import (
    CPU_OVERCOMMIT,
    MEMORY_OVERCOMMIT,
    missing,
    node,
    size,
)
from headway.ports.engine import EngineError

NO_MEMORY = "memory: no writable memory control group"


@pytest.mark.parametrize(("lacks", "is_told"), [((NO_MEMORY,), True), ((), False)])
def test_private_space_that_no_group_counts_is_told_to_be_bounded_for_each_only(lacks, is_told):
    hierarchy = Hierarchy(1, {}, lacks)
    assert any(words.startswith("disk: ") for words in missing(hierarchy)) is is_told
    found = space_checks(hierarchy)
    assert [check.name for check in found] == ["private space"] * is_told
    assert all(not check.ok and "512 MiB" in check.detail and check.fix for check in found)


@pytest.mark.parametrize("name", [CPU_OVERCOMMIT, MEMORY_OVERCOMMIT])
@pytest.mark.parametrize("said", ["abc", "0", "-1", "nan", "inf", "101"])
def test_what_is_set_and_means_nothing_is_refused_with_what_is_allowed(monkeypatch, name, said):
    monkeypatch.setenv(name, said)
    with pytest.raises(EngineError, match=f"{name} is '{said}' .* a number from 0.1 to 100"):
        size()


def test_a_node_says_what_it_offers_more_of_than_its_machine_has(monkeypatch):
    here = node(Hierarchy(1, {}, ()))
    assert here.overcommitted == "8 times the cores and 1.5 times the memory of its machine"
    monkeypatch.setenv(CPU_OVERCOMMIT, "1")
    assert node(Hierarchy(1, {}, ())).overcommitted == "1.5 times the memory of its machine"
    monkeypatch.setenv(MEMORY_OVERCOMMIT, "1")
    assert node(Hierarchy(1, {}, ())).overcommitted == ""
