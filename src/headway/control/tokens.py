"""Tokens: who may speak to the API. Only hashes are stored; of environments not even these."""

import hashlib
import hmac
import secrets
from datetime import datetime

from headway.control.world import World
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import EnvironmentId
from headway.model.token import Token
from headway.ports.store import Reader, Store, Writer
from headway.ports.vault import Vault

PREFIX = "hw_"
_OF_ENVIRONMENT = "hwe_"


def hashed(secret: str) -> str:
    """Give what is stored of a token's secret.

    A token has 256 random bits, so a fast hash is enough.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


async def create(store: Store, name: str, now: datetime) -> str:
    """Make a token, and give its secret, which is shown this once."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Token(id=f"tok-{secrets.token_hex(5)}", name=name, hash=hashed(secret), created_at=now)

    def deed(tx: Writer) -> None:
        tx.put(row)

    await store.write(deed)
    return secret


async def owner(world: World, secret: str) -> Token | None:
    """Give the record of a token that is valid now."""
    wanted = hashed(secret)
    now = world.clock.now()

    def question(reader: Reader) -> Token | None:
        rows = reader.find(Token, hash=wanted)
        return rows[0] if rows else None

    row = await world.store.read(question)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return row


def of_environment(vault: Vault, environment: EnvironmentId) -> str:
    """Give the token by which the containers of an environment make runs of its jobs.

    It is made of the environment's id by a keyed hash, so it ends with that life of the name.
    """
    return f"{_OF_ENVIRONMENT}{environment}_{vault.mark(f'token of {environment}')}"


async def environment(world: World, secret: str) -> Environment | None:
    """Give the active environment whose containers hold a token."""
    if not secret.startswith(_OF_ENVIRONMENT):
        return None
    named = EnvironmentId(secret.removeprefix(_OF_ENVIRONMENT).rpartition("_")[0])
    if not hmac.compare_digest(of_environment(world.vault, named).encode(), secret.encode()):
        return None
    row = await world.store.read(lambda reader: reader.get(Environment, named))
    return row if row is not None and row.state is EnvironmentState.ACTIVE else None
