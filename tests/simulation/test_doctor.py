"""The doctor answers also where a look at the machine fails, as on a full disk."""

import errno

from headway.control.queries import doctor
from headway.model.view.check import Check


async def test_a_look_that_fails_is_told_of_and_hides_no_other(plane, tmp_path):
    async def full() -> list[Check]:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def well() -> list[Check]:
        return [Check(name="router", ok=True, detail="well")]

    found = await doctor.checks(plane.world, tmp_path, [full, well])
    told = {row.name: row for row in found}
    assert not told["machine"].ok
    assert "No space left on device" in told["machine"].detail
    assert told["router"].ok
    assert told["disk"].detail
