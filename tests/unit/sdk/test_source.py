"""What is sent of a directory: all that belongs to it, nothing else, the same bytes each time."""

import gc
import io
import os
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest

from headway.model.settings import Settings
from headway.sdk import SdkError
from headway.sdk.source import Packed, commits_between, pack

# An archive that is not read to its end is closed when it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected():
    """Collect within the test that made it, so that no other is blamed."""
    yield
    gc.collect()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "headway.yaml").write_text("name: web\n")
    (folder / "app.py").write_text("print(1)\n")
    return folder


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=somebody", "-c", "user.email=s@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(folder: Path) -> Path:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "First: say one")
    return folder


def members(packed: Packed) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(packed.parts()))) as tar:
        return {member.name: member for member in tar}


def test_without_git_everything_but_caches_and_dependencies_is_sent(folder):
    for name in (".git", "node_modules", ".venv", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("x")
    (folder / "lib").mkdir()
    (folder / "lib" / "more.py").write_text("")
    assert list(members(pack(folder))) == ["app.py", "headway.yaml", "lib/more.py"]


def test_what_git_ignores_is_left_out_and_what_is_new_is_sent(repository):
    (repository / ".gitignore").write_text(".env\n")
    (repository / ".env").write_text("SECRET=1")
    (repository / "new.py").write_text("")
    sent = members(pack(repository))
    assert "new.py" in sent
    assert ".env" not in sent


def test_equal_files_give_equal_archives_whenever_they_were_written(repository):
    first = b"".join(pack(repository).parts())
    os.utime(repository / "app.py", (1, 1))
    assert b"".join(pack(repository).parts()) == first


def test_modes_links_and_odd_names_are_kept_and_owners_are_not(folder):
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "new\nline").write_text("")
    os.mkfifo(folder / "pipe")
    sent = members(pack(folder))
    assert sent["run.sh"].mode == 0o755
    assert sent["dangling"].issym()
    assert sent["dangling"].linkname == "nowhere"
    assert "new\nline" in sent
    assert "pipe" not in sent
    assert {(member.uid, member.gid, member.mtime) for member in sent.values()} == {(0, 0, 0)}


def test_the_commit_and_whether_it_was_changed_go_with_the_source(repository):
    clean = pack(repository)
    assert clean.commit == git(repository, "rev-parse", "HEAD")
    assert (clean.subject, clean.author, clean.branch) == ("First: say one", "somebody", "main")
    assert not clean.dirty
    (repository / "app.py").write_text("print(2)\n")
    assert pack(repository).dirty


def test_a_commit_is_packed_as_it_was_and_not_as_the_files_are(repository):
    first = git(repository, "rev-parse", "HEAD")
    (repository / "app.py").write_text("print(2)\n")
    packed = pack(repository, "HEAD")
    with tarfile.open(fileobj=io.BytesIO(b"".join(packed.parts()))) as tar:
        file = tar.extractfile("app.py")
        assert file is not None
        assert file.read() == b"print(1)\n"
    assert packed.commit == first


def test_a_directory_inside_a_repository_is_packed_as_the_root(repository):
    inner = repository / "services" / "api"
    inner.mkdir(parents=True)
    (inner / "headway.yaml").write_text("name: api\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Second")
    assert list(members(pack(inner))) == ["headway.yaml"]


def test_a_commit_of_a_directory_inside_a_repository_is_packed(repository):
    inner = repository / "services" / "api"
    inner.mkdir(parents=True)
    (inner / "headway.yaml").write_text("name: api\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Second")
    assert list(members(pack(inner, "HEAD"))) == ["headway.yaml"]


def test_commits_between_two_are_newest_first(repository):
    first = git(repository, "rev-parse", "HEAD")
    for subject in ("Second", "Third"):
        (repository / "app.py").write_text(subject)
        git(repository, "commit", "-qam", subject)
    found = commits_between(repository, first, "HEAD")
    assert [commit.subject for commit in found] == ["Third", "Second"]
    assert commits_between(repository, "0" * 40, "HEAD") == []


def test_what_cannot_be_packed_is_said(folder, tmp_path):
    with pytest.raises(SdkError, match="is no directory"):
        pack(tmp_path / "nowhere")
    with pytest.raises(SdkError, match="no git repository"):
        pack(folder, "HEAD")


def test_a_commit_that_is_not_there_is_named(repository):
    with pytest.raises(SdkError, match="no commit v9"):
        pack(repository, "v9")


def test_too_large_a_directory_is_refused_with_its_largest_files(folder):
    (folder / "film.mp4").write_bytes(os.urandom(2 * 1024 * 1024))
    with pytest.raises(SdkError, match=r"larger than 1 MiB.*film\.mp4 \(2 MiB\)"):
        pack(folder, limits=Settings(source_bytes_max=1024 * 1024))


def test_a_commit_that_looks_like_an_option_writes_no_file(repository, tmp_path):
    target = tmp_path / "written"
    with pytest.raises(SdkError, match="no commit"):
        pack(repository, f"--output={target}")
    assert not target.exists()


def test_a_live_release_with_a_hostile_commit_writes_no_file(repository, tmp_path):
    commits_between(repository, f"--output={tmp_path}/written", "HEAD")
    assert not list(tmp_path.glob("written*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
def test_where_git_refuses_to_look_ignored_files_are_not_sent(repository):
    (repository / ".gitignore").write_text(".env\n")
    (repository / ".env").write_text("SECRET=1")
    for path in (repository, repository / ".git"):
        os.chown(path, 65534, 65534)
    with suppress(SdkError):
        assert ".env" not in members(pack(repository))


def test_a_repository_inside_is_sent_or_refused_and_not_lost(repository):
    inner = repository / "vendored"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "library.py").write_text("")
    with suppress(SdkError):
        assert "vendored/library.py" in members(pack(repository))
