import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headway.machine.candidates import candidates
from headway.sdk import discover as module
from headway.sdk import once

JOB = "from headway.sdk import job\n@job\ndef {0}(x: int = 1): return x\n"


@pytest.fixture
def app(tmp_path):
    def write(**files: str) -> Path:
        for path, text in files.items():
            place = tmp_path / "app" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return tmp_path / "app"

    return write


def search(folder: Path, *words: str) -> dict:
    command = [sys.executable, module.__file__, str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("from headway.sdk import job", True),
        ("from headway.sdk import Client, job as task", True),
        ("from headway.sdk import (\n    Client,\n    job,\n)", True),
        ("if True:\n    from headway.sdk.job import job", True),
        ("import headway.sdk", True),
        ("from headway import sdk", True),
        ("from headway.sdk import Client", False),
        ("from headway.sdk import (\n    Client,\n)\njob = 1", False),
        ("from headway.sdk import Client\nfrom mine import job", False),
        ("# from headway.sdk import job", False),
        ("from headway.sdkx import job", False),
    ],
)
def test_candidates_are_told_from_their_imports(app, text, is_one):
    assert candidates(app(**{"a.py": text})) == (["a.py"] if is_one else [])


def test_what_is_not_the_apps_own_is_left_out(app):
    left_out = [
        "tests/a.py",
        "test_a.py",
        "a_test.py",
        "conftest.py",
        ".hidden/a.py",
        "node_modules/a/a.py",
        "venv/a.py",
        "own-environment/lib/a.py",
        "deep/__pycache__/a.py",
        "a.txt",
    ]
    folder = app(
        **dict.fromkeys([*left_out, "deep/b.py"], JOB), **{"own-environment/pyvenv.cfg": ""}
    )
    (folder / "link.py").symlink_to("deep/b.py")
    (folder / "away").symlink_to("/")
    assert candidates(folder) == ["deep/b.py"]


def test_a_file_made_to_be_slow_is_not(app):
    slow = "from headway.sdk import (a,\n" * 40_000 + "from headway.sdk import " + "a " * 500_000
    folder = app(**{"slow.py": slow})
    began = time.process_time()
    assert candidates(folder) == []
    assert time.process_time() - began < 0.5


def test_jobs_are_found_once_where_they_are_written(app):
    folder = app(
        **{
            "job.py": "from shop.tasks import first\n" + JOB.format("second"),
            "shop/__init__.py": "from headway.sdk import job\nprint('loud')\n",
            "shop/tasks.py": JOB.format("first"),
            "src/late/jobs.py": JOB.format("third"),
        }
    )
    found = search(folder)
    assert found["problems"] == []
    assert [(row["name"], row["function"]) for row in found["jobs"]] == [
        ("first", "shop.tasks:first"),
        ("second", "job:second"),
        ("third", "late.jobs:third"),
    ]


def test_every_problem_has_its_place(app):
    folder = app(
        **{
            "a.py": JOB.format("same"),
            "b.py": JOB.format("same"),
            "broken.py": "from headway.sdk import job\n\nx = = 1\n",
            "config.py": "from headway.sdk import job\nimport os\nos.environ['NOT_THERE_']\n",
            "ends.py": "from headway.sdk import job\nimport sys\nsys.exit(3)\n",
            "late.py": "from headway.sdk import job\n@job\ndef late(x: 'Nowhere'): ...\n",
            "needs.py": "from headway.sdk import job\nimport missing_module_x\n",
            "not-a-name.py": JOB.format("x"),
            "option.py": "from headway.sdk import job\n\n@job(cpus=1)\ndef f(): ...\n",
            "uses.py": "from headway.sdk import job\nimport option\n",
        }
    )
    found = search(folder)
    rows = {(row["file"], row["line"]): row["message"] for row in found["problems"]}
    assert len(rows) == len(found["problems"]) == 8
    assert rows["b.py", 2] == "there is a job 'same' already, in a.py:2"
    assert rows["broken.py", 3].startswith("SyntaxError: invalid syntax")
    assert "read it inside the job" in rows["config.py", 3]
    assert rows["ends.py", 3] == "SystemExit: 3"
    assert rows["late.py", 2].endswith("a type is not known: name 'Nowhere' is not defined")
    assert rows["needs.py", 2] == "ModuleNotFoundError: No module named 'missing_module_x'"
    assert "cannot be imported" in rows["not-a-name.py", 0]
    assert rows["option.py", 3].startswith("job f: there is no option 'cpus'")


@pytest.mark.parametrize(
    ("name", "parameters", "refused"),
    [
        ("first", "{}", []),
        ("first", "[]", ["parameters are a JSON object, not []"]),
        ("first", "{", ["the parameters are not JSON"]),
        ("first", '{"x": "1"}', ['x must be a whole number, not "1"']),
        ("second", "{}", ["there is no job 'second'; there are: first"]),
    ],
)
def test_parameters_are_checked_beforehand(app, name, parameters, refused):
    folder = app(**{"a.py": JOB.format("first")})
    found = search(folder, "--job", name, "--parameters", parameters)["refused"]
    assert len(found) == len(refused)
    for said, wanted in zip(found, refused, strict=True):
        assert said.startswith(wanted)


RUNS = """\
import os, signal
from headway.sdk import job
@job
def good(x: int): return {"x": {x}}
@job
def bad(): raise ValueError("no")
@job
def slow(): os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.mark.parametrize(
    ("name", "status", "answer"),
    [
        ("good", 0, {"result": {"x": [3]}}),
        ("bad", 1, {"type": "ValueError", "message": "no"}),
        ("slow", 1, {"type": "Cancelled", "message": "it was told to end"}),
        ("missing", 1, {"type": "LookupError", "message": "runs:missing is no job"}),
    ],
)
def test_one_run(app, tmp_path, name, status, answer):
    folder = app(**{"runs.py": RUNS})
    parameters = '{"x": 3}' if name == "good" else "{}"
    words = [sys.executable, "-m", once.__name__, f"runs:{name}", parameters, tmp_path / "answer"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    found = json.loads((tmp_path / "answer").read_text())
    assert done.returncode == status, done.stderr
    if status == 0:
        assert found == answer
        return
    failure = found["failure"]
    assert {key: failure[key] for key in answer} == answer
    if name == "bad":
        assert "runs.py" in failure["traceback"]
        assert "sdk" not in failure["traceback"]
