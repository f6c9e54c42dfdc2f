"""Commands that are run once."""

import pytest

from headway.control import one_offs
from headway.control.errors import Conflict
from headway.control.requests import RunRequest
from headway.model.job import Job


async def test_a_command_for_an_app_of_jobs_only_is_refused_with_what_there_is(plane):
    await plane.release(Job(name="mail", command="./mail"))
    with pytest.raises(Conflict, match="shop has jobs only") as refused:
        await one_offs.start(plane.world, "me", "demo", "shop", RunRequest(command="ps"))
    assert refused.value.next == ("headway jobs ls -e demo",)
