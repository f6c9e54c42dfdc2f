"""What a machine cannot enforce is told with its node."""

import pytest

from headway.engines.process.cgroups import Hierarchy
from headway.engines.process.doctor import space_checks
from headway.engines.process.machine import missing

NO_MEMORY = "memory: no writable memory control group"


@pytest.mark.parametrize(("lacks", "is_told"), [((NO_MEMORY,), True), ((), False)])
def test_private_space_that_no_group_counts_is_told_to_be_bounded_for_each_only(lacks, is_told):
    hierarchy = Hierarchy(1, {}, lacks)
    assert any(words.startswith("disk: ") for words in missing(hierarchy)) is is_told
    found = space_checks(hierarchy)
    assert [check.name for check in found] == ["private space"] * is_told
    assert all(not check.ok and "512 MiB" in check.detail and check.fix for check in found)
