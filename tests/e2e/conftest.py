from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.installation import Installation

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def headway(tmp_path_factory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("headway")
    folder.chmod(0o755)
    installation = Installation(folder)
    installation.up()
    yield installation
    installation.down()


@pytest.fixture(autouse=True)
def left_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test that failed left dead fails none of those that come after it."""
    yield
    if "headway" in request.fixturenames:
        installation: Installation = request.getfixturevalue("headway")
        if not installation.is_up():
            installation.up()


@pytest.fixture
def own(tmp_path) -> Iterator[Installation]:
    """An installation that a test may break."""
    installation = Installation(tmp_path)
    yield installation
    installation.down()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A browser for the tests of one module: while it is there, this thread has a running loop."""
    from tests.e2e.browser import started

    with started() as browser:
        yield browser
