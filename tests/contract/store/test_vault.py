import base64
import hmac
import os
import stat

import msgspec
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from headway.ports.vault import VaultError
from headway.stores.vault import FileVault


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key"


def test_only_its_owner_can_read_the_key_file(path):
    FileVault.open_file(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_what_is_sealed_opens_after_a_restart_and_nowhere_else(path):
    sealed = FileVault.open_file(path).seal("höchst geheim", "demo~1/web/KEY")
    assert "geheim" not in sealed
    again = FileVault.open_file(path)
    assert again.open(sealed, "demo~1/web/KEY") == "höchst geheim"
    with pytest.raises(VaultError, match="another place"):
        again.open(sealed, "demo~2/web/KEY")


def test_an_added_key_seals_and_the_old_ones_still_open(path):
    old = FileVault.open_file(path)
    sealed, mark = old.seal("x", "p"), old.mark("x")
    added = {"id": "another", "secret": base64.b64encode(os.urandom(32)).decode()}
    path.write_bytes(msgspec.json.encode([*msgspec.json.decode(path.read_bytes()), added]))
    new = FileVault.open_file(path)
    assert new.open(sealed, "p") == "x"
    assert new.mark("x") == mark
    assert ".another." in new.seal("x", "p")
    with pytest.raises(VaultError, match="another"):
        old.open(new.seal("x", "p"), "p")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_a_broken_key_file_is_refused_by_name(path, content):
    path.write_bytes(content)
    with pytest.raises(VaultError, match="key"):
        FileVault.open_file(path)


@given(st.text(), st.text())
def test_marks_are_equal_for_equal_texts_only(tmp_path_factory, a, b):
    vault = FileVault.open_file(tmp_path_factory.getbasetemp() / "shared-key")
    assert (vault.mark(a) == vault.mark(b)) is (a == b)
    assert vault.open(vault.seal(a, b), b) == a


def test_marks_are_made_with_a_key_that_is_derived_as_rfc_5869_says(path):
    vault = FileVault.open_file(path)
    (key,) = msgspec.json.decode(path.read_bytes())
    derive = HKDF(SHA256(), length=32, salt=None, info=b"headway marks")
    marking = derive.derive(base64.b64decode(key["secret"]))
    assert vault.mark("x") == hmac.new(marking, b"x", "sha256").hexdigest()
