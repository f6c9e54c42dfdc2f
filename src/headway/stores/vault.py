"""Fills the Vault port with AES-256-GCM and keys in a file that only its owner reads."""

import base64
import hashlib
import hmac
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from headway.machine.files import write_whole
from headway.ports.vault import VaultError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1"


class _Key(msgspec.Struct, frozen=True):
    id: str
    secret: str
    """32 random bytes, base64."""


class FileVault:
    """Seals with the newest key of a file and opens with any of them.

    A sealed text is `v1.KEY-ID.BASE64(nonce + ciphertext)`. The place it was sealed for is
    authenticated with it, so a text that was moved does not open. Marks are made with the oldest
    key, so that they stay equal when a key is added.
    """

    def __init__(self, keys: list[_Key]) -> None:
        self._keys = {key.id: base64.b64decode(key.secret) for key in keys}
        self._newest = keys[-1].id
        self._marking = _derived(base64.b64decode(keys[0].secret), b"headway marks")

    @cached_property
    def _ciphers(self) -> "dict[str, AESGCM]":
        """Made when the first value is sealed or opened: the library takes seven megabytes."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return {name: AESGCM(key) for name, key in self._keys.items()}

    @classmethod
    def open_file(cls, path: Path) -> Self:
        """Read the keys of a file, made with one new key when it is missing.

        Raises:
            VaultError: The file is no key file.
        """
        if not path.exists():
            write_whole(path, msgspec.json.encode([_new_key()]))
        try:
            keys = msgspec.json.decode(path.read_bytes(), type=list[_Key])
        except (msgspec.DecodeError, OSError) as error:
            raise VaultError(f"{path} is no key file: {error}; restore it from a backup") from error
        if not keys:
            raise VaultError(f"{path} holds no key; restore it from a backup")
        return cls(keys)

    def seal(self, text: str, place: str) -> str:
        """Encrypt a text for one place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, text.encode(), place.encode())
        return f"{_VERSION}.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """Decrypt what was sealed for this place."""
        version, _, rest = sealed.partition(".")
        key, _, body = rest.partition(".")
        if version != _VERSION or not body:
            raise VaultError(f"what is kept for {place} was not sealed by headway")
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise VaultError(f"{place} was sealed with the key {key}, which the key file lacks")
        from cryptography.exceptions import InvalidTag

        raw = base64.urlsafe_b64decode(body)
        try:
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except InvalidTag as error:
            raise VaultError(
                f"{place} does not open: it was changed, or sealed for another place"
            ) from error

    def mark(self, text: str) -> str:
        """Give a keyed hash: equal for equal texts, and telling nothing else."""
        return hmac.new(self._marking, text.encode(), hashlib.sha256).hexdigest()


def _new_key() -> _Key:
    secret = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
    return _Key(id=secrets.token_hex(4), secret=secret)


def _derived(key: bytes, purpose: bytes) -> bytes:
    """Derive a key of 32 bytes: HKDF with SHA-256 and no salt, as RFC 5869 has it."""
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")
