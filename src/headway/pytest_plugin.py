"""What pytest loads where headway is installed: the fixture `headway_jobs`."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headway.testing import Jobs


@pytest.fixture
def headway_jobs(request: pytest.FixtureRequest) -> "Jobs":
    """Give the app's jobs under virtual time: `headway_jobs.invoke("resize", {"width": 800})`.

    Jobs are looked for below pytest's root directory.
    """
    from headway.testing import Jobs

    return Jobs(directory=request.config.rootpath)
