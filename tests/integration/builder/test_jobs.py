"""Jobs written in Python are found while their app is built, in its build's container."""

import hashlib
import json

import msgspec
import pytest

from headway.builders.jobs import PLACE
from headway.model.build import Artifact, Mount
from headway.model.failure import Failure
from headway.model.job import Delivery, Job, Retries
from headway.model.order import Network
from headway.model.resources import Resources
from tests.contract.engine.orders import order, result

pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

JOBS = """\
from headway.sdk import job
import helper

@job(memory="256MiB", delivery="at_least_once", retries=5)
def resize_picture(path: str, width: int = helper.WIDTH) -> str:
    "Make a picture smaller."
    return f"{path}@{width}"
"""


async def test_jobs_are_found_and_their_containers_can_run_them(build, builder, engine):
    made = await build(**{"shop/jobs.py": JOBS, "helper.py": "WIDTH = 800"})
    assert isinstance(made, Artifact), made
    assert made.jobs == (
        Job(
            name="resize-picture",
            function="shop.jobs:resize_picture",
            doc="Make a picture smaller.",
            resources=Resources(cpu=1.0, memory_mib=256),
            delivery=Delivery.AT_LEAST_ONCE,
            retries=Retries(most=5),
            parameters={
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "width": {"type": "integer", "default": 800},
                },
                "required": ["path"],
                "additionalProperties": False,
            },
        ),
    )
    script = (
        "from shop.jobs import resize_picture as f; print(f.__headway_job__.call({'path': 'a'}))"
    )
    wanted = order(
        argv=("python", "-c", script),
        variables={"PATH": made.variables["PATH"], "PYTHONPATH": f"/app:{PLACE}"},
        mounts=builder[0].mounts(made),
        network=Network.NONE,
    )
    _, log = await result(engine, wanted)
    assert log == ["a@800"]
    writable = [row for row in builder[0].mounts(made) if row.writable]
    assert writable == []
    assert Mount(source=str(builder[0]._layers / made.layers[-1][1]), path=PLACE) in (
        builder[0].mounts(made)
    )


GANG = """\
from headway.sdk import job

@job(gang={"reader": 2, "wirter": 1, "packer": 1, "itself": 1})
def itself(path: str, width: int) -> None: ...

@job(gang={"packer": 1})
def reader(path: str, width: int, depth: int) -> None: ...

@job
def writer(path: str, width: int) -> None: ...
"""


async def test_a_gang_that_can_never_start_is_refused_where_it_stands(build):
    manifest = "name: shop\nrun: {command: sleep 1}\njobs: {packer: {command: 'true', lock: a}}\n"
    made = await build(manifest, **{"shop/jobs.py": GANG})
    assert isinstance(made, Failure)
    said = made.because.removeprefix("the jobs of shop cannot be used: ").split("; ")
    assert {line.partition("job ")[0] for line in said} == {
        "shop/jobs.py:3: ",
        "shop/jobs.py:6: ",
    }
    for words in (
        "gang.itself: a run is not started by itself once more",
        "gang.wirter: its gang needs the job wirter, and there is none (did you mean writer?)",
        "gang.packer: packer, of its gang, cannot have a gang or a lock of its own",
        "gang.reader: reader, of its gang, cannot have a gang",
        "gets the same parameters: reader needs depth, which itself does not take",
    ):
        assert words in made.because, words


async def test_the_same_source_gives_the_same_artifact_without_a_search(build, builder):
    first = await build(**{"jobs.py": JOBS, "helper.py": "WIDTH = 1"})
    again = await build(**{"jobs.py": JOBS, "helper.py": "WIDTH = 1"})
    other = await build(**{"jobs.py": JOBS, "helper.py": "WIDTH = 2"})
    assert first == again
    assert first.digest != other.digest


async def test_an_app_without_jobs_has_nothing_of_it(build):
    made = await build(**{"server.py": "import helper\n# from headway.sdk import job\n"})
    assert isinstance(made, Artifact)
    assert made.jobs == ()
    assert [path for path, _ in made.layers] == ["/layers/python"]
    assert "PYTHONPATH" not in made.variables
    meaning = (made.slug, made.layers, sorted(made.variables.items()))
    digest = hashlib.sha256(msgspec.json.encode(meaning)).hexdigest()
    assert made.digest == f"sha256-{digest}"  # as it was before there were jobs


async def test_packages_below_src_and_what_a_build_makes_are_seen(build):
    made = await build(
        manifest="name: shop\nrun: {command: sleep 1}\nbuild:\n"
        "  command: mkdir out && cp -r src out/ && echo 'WIDTH = 7' > out/src/helper.py\n"
        "  output: out\n",
        **{"src/shop/jobs.py": JOBS},
    )
    assert isinstance(made, Artifact), made
    assert [job.function for job in made.jobs] == ["shop.jobs:resize_picture"]
    assert made.jobs[0].parameters["properties"]["width"]["default"] == 7
    assert made.variables["PYTHONPATH"] == f"/app/src:{PLACE}"


async def test_mistakes_fail_the_build_with_their_place_and_dependencies_are_kept(build, builder):
    broken = "from headway.sdk import job\n\n@job(cpus=2)\ndef pay(amount: int): ...\n"
    made = await build(**{"jobs.py": broken, "more.py": JOBS})
    assert isinstance(made, Failure)
    assert made.code == "jobs-invalid"
    assert "jobs.py:3: job pay: there is no option 'cpus'; did you mean 'cpu'?" in made.because
    assert "more.py:2: ModuleNotFoundError: No module named 'helper'" in made.because
    assert len(list(builder[0]._layers.glob("sha256-*"))) == 2


@pytest.mark.parametrize("ending", ["import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"])
async def test_a_module_that_ends_the_search_is_told_of(build, ending):
    made = await build(**{"jobs.py": f"from headway.sdk import job\n{ending}\n"})
    assert isinstance(made, Failure)
    assert made.code == "jobs-not-found"


@pytest.mark.parametrize(
    "content",
    [
        "os.symlink('/etc/passwd', f)",
        "os.mkfifo(f)",
        "os.mkdir(f)",
        "open(f, 'w').write('{\"jobs\": 1}')",
        "open(f, 'w').truncate(1 << 23)",
        'open(f, \'w\').write(\'{"jobs": [{"name": "x", "parameters": \' + \'{"a":\' * 500000)',
    ],
)
async def test_what_was_found_is_trusted_in_nothing(build, content):
    script = f"import os\nf = '/jobs/found.json'\n{content}\nos._exit(0)\n"
    made = await build(**{"jobs.py": f"from headway.sdk import job\n{script}"})
    assert isinstance(made, Failure)
    assert made.code == "jobs-not-found"


async def test_forged_bounds_are_refused(build):
    forged = '{"jobs": [{"name": "../x", "function": "a:b", "timeout_s": -1}]}'
    script = f"import os\nopen('/jobs/found.json', 'w').write('{forged}')\nos._exit(0)\n"
    made = await build(**{"jobs.py": f"from headway.sdk import job\n{script}"})
    assert isinstance(made, Failure)
    assert "out of bounds: its name, its timeout" in made.because


@pytest.mark.parametrize(
    "schema", [{"properties": 5}, {"required": 7}, {"properties": {"a": {"type": [{}]}}}]
)
async def test_forged_parameters_are_refused(build, schema):
    one = {"function": "a:b", "parameters": schema}
    jobs = [{"name": "lead", "gang": {"other": 1}, **one}, {"name": "other", **one}]
    forged = json.dumps({"jobs": jobs})
    script = f"import os\nopen('/jobs/found.json', 'w').write({forged!r})\n"
    made = await build(**{"jobs.py": f"from headway.sdk import job\n{script}os._exit(0)\n"})
    assert isinstance(made, Failure)
    assert "it is no JSON Schema" in made.because


async def test_many_forged_mistakes_are_told_in_short(build):
    job = "{'name': f'j{n}', 'function': 'a:b', 'gang': {f'none{n}': 1}}"
    script = (
        "import json, os\n"
        f"jobs = [{job} for n in range(1000)]\n"
        "open('/jobs/found.json', 'w').write(json.dumps({'jobs': jobs}))\n"
        "os._exit(0)\n"
    )
    made = await build(**{"jobs.py": f"from headway.sdk import job\n{script}"})
    assert isinstance(made, Failure)
    assert "its gang needs the job none0, and there is none" in made.because
    assert made.because.endswith("; and more")
    assert len(made.because) < 10_000
    more = await build(
        **{"jobs.py": f"from headway.sdk import job\n{script.replace('(1000)', '(1001)')}"}
    )
    assert isinstance(more, Failure)
    assert "there are 1001 jobs, and an app has 1000 at most" in more.because
