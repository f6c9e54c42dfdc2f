"""Jobs in an app's source become part of its release; mistakes in them fail its build."""

from tests.e2e.installation import Installation

GOOD = "from headway.sdk import job\n\n@job(timeout='5m')\ndef tidy_up(days: int = 7): ...\n"
BAD = GOOD.replace("5m", "soon")


def test_jobs_are_found_when_an_app_is_built_and_mistakes_in_them_stop_it(headway: Installation):
    app = headway.app("worker", **{"chores.py": BAD})
    refused = headway.run("start", "-e", "found", cwd=app)
    assert refused.status == 1
    assert "chores.py:3: job tidy_up: timeout='soon': it must be a length of time" in refused.all
    (app / "chores.py").write_text(GOOD)
    headway.ok("start", "-e", "found", cwd=app)
    assert headway.get("worker", "found")[0] == 200
    deployment = headway.json("history", "-e", "found", "-a", "worker")[0]
    build = headway.json("builds", "show", deployment["build"])
    (job,) = build["artifact"]["jobs"]
    assert (job["name"], job["function"], job["timeout_s"]) == ("tidy-up", "chores:tidy_up", 300)
    headway.ok("envs", "destroy", "found", "--yes")
