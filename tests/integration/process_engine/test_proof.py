"""The attacks that `headway doctor` tries: held in every sandbox, as root and as anybody else."""

import json
import subprocess
import sys

import pytest

from headway.engines.process.engine import ProcessEngine
from headway.engines.process.proof import attacks
from headway.engines.process.proof.level import judged
from headway.engines.process.proof.trial import Found, tried
from tests import plain_user
from tests.contract.engine.orders import first

# An agent outlives the engine that started it, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
NAMES = {attack.__name__ for attack in attacks.ATTACKS}
PLACES = {"container", "run", "run started anew"}


def by_anybody(*arguments: str) -> dict[str, object]:
    """Prove as a user who is not root."""
    words = [sys.executable, "-m", "tests.integration.process_engine.proving", *arguments]
    done = subprocess.run(
        [*plain_user.prefix(), *words], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_every_attack_is_held_everywhere(engine: ProcessEngine) -> None:
    found = await tried(engine)
    assert {place: set(results) for place, results in found.places.items()} == dict.fromkeys(
        PLACES, NAMES
    )
    node, *_ = await engine.nodes()
    got_out = {
        (place, name): what
        for place, results in found.places.items()
        for name, what in results.items()
        if what and not (name == "forks" and node.limits)
    }
    assert got_out == {}
    assert found.eaten == "memory"


async def test_doctor_names_the_level_and_leaves_nothing(engine: ProcessEngine) -> None:
    checks = await engine.checks()
    level = next(check for check in checks if check.name == "isolation")
    node, *_ = await engine.nodes()
    assert level.ok, level.detail
    assert level.detail.startswith("standard: " if node.limits else "strict: ")
    assert await first(engine) == ()


@plain_user.possible
def test_every_attack_is_held_for_a_plain_user() -> None:
    said = by_anybody()
    assert said["places"] == {place: dict.fromkeys(NAMES, "") for place in PLACES}
    assert said["eaten"] == "memory"
    level = next(check for check in said["checks"] if check[0] == "isolation")
    assert level[1], level[2]
    assert level[2].startswith("standard: ")
    assert any("users: " in words for words in said["missing"])


@plain_user.possible
def test_without_a_sandbox_attacks_get_out() -> None:
    found = {name for name, what in by_anybody("bare").items() if what}
    assert found >= {"processes", "files", "rights", "calls", "set_id", "disk", "forks", "network"}


def test_what_gets_out_is_no_level() -> None:
    held = dict.fromkeys(NAMES, "")
    found = Found(places={"container": {**held, "mounts": "", "tables": "keys"}}, eaten="memory")
    escape, level = judged(found, ())
    assert (escape.ok, level.ok) == (False, False)
    assert escape.detail == "What the kernel keeps about the machine can be read: keys"
    assert level.detail.startswith("none: 1 of ")
    found = Found(places={"run": {**held, "forks": "25 processes"}})
    missing = ("memory: no writable memory control group", "processes: no writable control group")
    (level,) = judged(found, missing)
    assert level.ok
    assert level.detail.startswith("standard: ")
    eaten, level = judged(Found(places={"run": held}), ())
    assert (eaten.name, level.ok) == ("isolation: memory", False)
