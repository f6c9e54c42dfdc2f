"""What is to be done with a source, told from its files."""

import pytest

from headway.builders.plan import plan
from headway.builders.recipe import Recipe, Toolchain
from headway.model.manifest import BuildSpec, Manifest
from headway.model.problem import Problem

TOOLS = Toolchain(python="/usr/bin/python3", python_version="3.11", node_version="20", machine="x")
PACKAGE = '{"dependencies": {"left-pad": "1"}, "scripts": {"build": "make"}}'


def planned(files: dict[str, str], *, name="shop", source="sha256-1", command="", **options):
    manifest = Manifest(name=name, processes=(), build=BuildSpec(command=command))
    return plan(manifest, files, source, TOOLS, **options)


def layer_of(files: dict[str, str], **options) -> str:
    found = planned(files, **options)
    assert isinstance(found, Recipe)
    (layer,) = found.layers
    return layer.digest


def test_a_source_without_a_language_is_deployed_as_it_is():
    found = planned({"index.html": ""})
    assert (found.layers, found.script) == ((), "")


def test_python_is_there_where_it_is_needed_though_no_file_tells():
    assert not planned({}).layers
    assert planned({}, needs_python=True).found == (
        "Python dependencies from nothing: no requirements.txt",
    )


def test_a_lock_file_goes_before_what_it_locks():
    files = {"requirements.txt": "flask", "pyproject.toml": "", "uv.lock": ""}
    assert planned(files).found == ("Python dependencies from uv.lock",)


def test_equal_requirements_of_an_app_are_one_layer_whatever_else_changed():
    files = {"requirements.txt": "flask==3\n"}
    assert layer_of(files) == layer_of(files, source="sha256-2")
    assert layer_of(files) != layer_of(files, name="other")


def test_requirements_that_take_in_other_files_are_made_anew_with_each_source():
    files = {"requirements.txt": "-r base.txt\n"}
    assert layer_of(files) != layer_of(files, source="sha256-2")


def test_node_builds_by_its_own_script_unless_the_manifest_says_how():
    files = {"package.json": PACKAGE, "package-lock.json": "{}"}
    assert planned(files).script == "npm run build"
    assert planned(files, command="make all").script == "make all"


def test_what_node_only_develops_with_is_left_out_where_nothing_is_built():
    files = {"package.json": '{"dependencies": {"left-pad": "1"}}', "package-lock.json": "{}"}
    assert "--omit=dev" in planned(files).layers[0].script
    assert "--omit=dev" not in planned(files, command="make").layers[0].script


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"package.json": "{"}, "this is not JSON"),
        ({"package.json": "[]"}, "it must be a mapping"),
        ({"package.json": PACKAGE, "yarn.lock": ""}, "yarn.lock is not supported yet; run"),
    ],
)
def test_what_cannot_be_built_the_same_twice_is_refused(files, said):
    found = planned(files)
    assert isinstance(found, Problem)
    assert said in f"{found.message} {found.hint}"
