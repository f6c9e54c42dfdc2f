"""The plan of destroying an environment."""

from headway.control.environments import destroying
from headway.model.job import Job
from tests.simulation.conftest import SMALL


async def test_it_says_how_many_runs_would_be_cancelled_and_how_many_ended(plane):
    await plane.release(Job(name="mail", function="m:f", resources=SMALL))
    quiet = await destroying.destroy(plane.world, "me", "demo", "", plan=True)
    assert not [row for row in quiet.plan if row.verb == "end_runs"]
    running = await plane.run("mail", parameters={"sleep_s": 30})
    await plane.until(running, "running")
    await plane.hold(paused=True)
    for _ in range(2):
        await plane.run("mail")
    planned = await destroying.destroy(plane.world, "me", "demo", "", plan=True)
    (told,) = [row for row in planned.plan if row.verb == "end_runs"]
    assert (told.app, told.what) == ("shop", "cancel 2 waiting runs, end 1 run under way")
