"""What a release means, in one word."""

import hashlib
from collections.abc import Mapping

import msgspec

from headway.model.build import Artifact
from headway.model.config import Setting
from headway.model.manifest import Manifest


def fingerprint(artifact: Artifact, manifest: Manifest, config: Mapping[str, Setting]) -> str:
    """Hash everything that decides how a release behaves: artifact, manifest and config.

    Config values enter by their keyed marks, so that a fingerprint tells nothing of a secret.

    Returns:
        64 hexadecimal digits, equal for equal meaning.
    """
    meaning = (
        artifact.digest,
        msgspec.to_builtins(manifest),
        sorted((key, setting.mark) for key, setting in config.items()),
    )
    return hashlib.sha256(msgspec.json.encode(meaning, order="deterministic")).hexdigest()
